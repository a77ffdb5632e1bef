//! Lines of an ha.cf: a directive and its words, comments taken off.

use crate::config::encoding::is_blank;
use crate::config::source::{Source, Span};

/// A word and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'t> {
    /// The word.
    pub text: &'t str,
    /// Its place in the source.
    pub span: Span,
}

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'t> {
    /// Its first word.
    pub directive: Word<'t>,
    /// What follows, without blanks at its ends.
    pub rest: Word<'t>,
    /// All of it, from the directive to the last word.
    pub span: Span,
}

impl<'t> Line<'t> {
    /// The words of the rest, split at blanks.
    pub fn words(&self) -> Vec<Word<'t>> {
        split(self.rest, is_blank)
    }

    /// The arguments of a directive that takes a list: commas split too.
    ///
    /// Source: heartbeat 3.0.6, `DELIMS`
    pub fn arguments(&self) -> Vec<Word<'t>> {
        split(self.rest, |c| is_blank(c) || c == ',')
    }
}

/// The lines that say something, in order.
pub fn lines(source: &Source) -> impl Iterator<Item = Line<'_>> {
    source.lines().filter_map(|(span, text)| {
        let text = text.split('#').next().unwrap_or("");
        let all = trimmed(Word {
            text,
            span: Span::new(span.start, span.start + text.len()),
        });
        let end = all.text.find(is_blank).unwrap_or(all.text.len());
        if end == 0 {
            return None;
        }
        Some(Line {
            directive: part(all, 0, end),
            rest: trimmed(part(all, end, all.text.len())),
            span: all.span,
        })
    })
}

/// The part of a word between two byte offsets.
pub fn part(word: Word<'_>, start: usize, end: usize) -> Word<'_> {
    Word {
        text: word.text.get(start..end).unwrap_or(""),
        span: Span::new(word.span.start + start, word.span.start + end),
    }
}

fn trimmed(word: Word<'_>) -> Word<'_> {
    let start = word.text.len() - word.text.trim_start_matches(is_blank).len();
    let end = word.text.trim_end_matches(is_blank).len();
    part(word, start.min(end), end)
}

fn split(all: Word<'_>, separates: impl Fn(char) -> bool) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    let ends = all.text.char_indices().chain([(all.text.len(), ' ')]);
    for (at, c) in ends {
        match (start, separates(c)) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                words.push(part(all, from, at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blanks_go() {
        let source = Source::new("ha.cf", "# x\n\n  node a,b c # d\r\nbcast\teth0\r\n\t\n");
        let found: Vec<_> = lines(&source).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].directive.text, "node");
        assert_eq!(found[0].rest.text, "a,b c");
        assert_eq!(source.slice(found[0].span), "node a,b c");
        let arguments: Vec<_> = found[0].arguments().iter().map(|w| w.text).collect();
        assert_eq!(arguments, ["a", "b", "c"]);
        let words: Vec<_> = found[0].words().iter().map(|w| w.text).collect();
        assert_eq!(words, ["a,b", "c"]);
        assert_eq!(found[1].rest.text, "eth0");
    }

    #[test]
    fn places_point_at_words() {
        let source = Source::new("ha.cf", "node  a  bb");
        let line = lines(&source).next().unwrap();
        let last = line.words()[1];
        assert_eq!(source.slice(last.span), "bb");
        assert_eq!(last.span, Span::new(9, 11));
    }

    #[test]
    fn no_break_spaces_separate() {
        let source = Source::new("ha.cf", "\u{feff}node\u{a0}a");
        let line = lines(&source).next().unwrap();
        assert_eq!((line.directive.text, line.rest.text), ("node", "a"));
    }
}
