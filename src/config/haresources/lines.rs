//! Lines of a haresources, comments off, continuation lines joined.

use crate::config::diagnostic::{Findings, Severity};
use crate::config::source::{Source, Span};

/// A line with the lines that continue it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Joined {
    text: String,
    /// Where each byte of `text` stands in the source.
    offsets: Vec<usize>,
    /// From the first line's start to the last one's end, comments left out.
    pub span: Span,
}

/// A word, perhaps of two lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The word.
    pub text: String,
    /// From its first to its last byte in the source.
    pub span: Span,
}

impl Joined {
    fn push(&mut self, text: &str, start: usize) {
        if self.offsets.is_empty() {
            self.span = Span::new(start, start);
        }
        self.text.push_str(text);
        self.offsets.extend(start..start + text.len());
        self.span.end = start + text.len();
    }

    /// The words, split at blanks.
    pub fn words(&self) -> Vec<Word> {
        let mut words = Vec::new();
        let mut start = None;
        for (at, c) in self.text.char_indices().chain([(self.text.len(), ' ')]) {
            match (start, is_blank(c)) {
                (None, false) => start = Some(at),
                (Some(from), true) => {
                    words.extend(self.word(from, at));
                    start = None;
                }
                _ => {}
            }
        }
        words
    }

    fn word(&self, from: usize, to: usize) -> Option<Word> {
        let (first, last) = (self.offsets.get(from)?, self.offsets.get(to - 1)?);
        Some(Word {
            text: self.text.get(from..to)?.to_owned(),
            span: Span::new(*first, last + 1),
        })
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// Joins lines: one that ends in a backslash goes on in the next, no blank between.
///
/// Differs: in a continuation line heartbeat's scripts keep the comment as words; we take it off.
/// Source: heartbeat 3.0.6, ResourceManager, `ipres`
pub(super) fn joined(source: &Source, found: &mut Findings<'_>) -> Vec<Joined> {
    let mut all = Vec::new();
    let mut open: Option<Joined> = None;
    for (span, line) in source.lines() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let said = line.split('#').next().unwrap_or("");
        let comment = said.len() < line.len();
        if let Some(before) = &open {
            check_joint(before, said, span, comment, found);
        }
        let mut current = open.take().unwrap_or_default();
        match continued(said, comment, span, found) {
            Some(said) => {
                current.push(said, span.start);
                open = Some(current);
            }
            None => {
                current.push(said, span.start);
                all.push(current);
            }
        }
    }
    if let Some(last) = open {
        let at = Span::new(last.span.end, last.span.end + 1);
        let message = "the last line ends in a backslash, and nothing follows";
        found.add(Severity::Warning, at, message).help = Some("take the backslash out".into());
        all.push(last);
    }
    all
}

/// The line without its backslash, if it goes on in the next.
fn continued<'t>(
    said: &'t str,
    comment: bool,
    span: Span,
    found: &mut Findings<'_>,
) -> Option<&'t str> {
    let bare = said.trim_end_matches(is_blank);
    let before = bare.strip_suffix('\\')?;
    if comment || bare.len() < said.len() {
        let at = span.start + before.len();
        let what = if comment { "a comment" } else { "a blank" };
        let message = format!("{what} after the backslash; read as a continued line");
        found.add_refused(Span::new(at, at + 1), message).help =
            Some("make the backslash the last character of the line".into());
    }
    Some(before)
}

/// What people don't expect of two lines being joined.
fn check_joint(before: &Joined, said: &str, span: Span, comment: bool, found: &mut Findings<'_>) {
    let touches = |c: Option<char>| c.is_some_and(|c| !is_blank(c));
    if touches(before.text.chars().next_back()) && touches(said.chars().next()) {
        let at = Span::new(span.start, span.start + said.len().min(1));
        let message = "no blank is added where lines are joined: two words become one";
        found.add(Severity::Warning, at, message).help =
            Some("put a blank before the backslash, or at the start of this line".into());
    }
    if comment {
        let at = span.start + said.len();
        let message = "heartbeat's scripts take a comment in a continuation line for resources";
        found
            .add(Severity::Warning, Span::new(at, at + 1), message)
            .help = Some("move the comment to a line of its own, above the group".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> (Vec<Vec<String>>, Vec<String>) {
        let source = Source::new("haresources", text);
        let mut found = Findings::new(&source);
        let lines = joined(&source, &mut found);
        let texts = |l: &Joined| l.words().into_iter().map(|w| w.text).collect::<Vec<_>>();
        let lines = lines.iter().map(texts).filter(|w| !w.is_empty()).collect();
        (
            lines,
            found.finish().into_iter().map(|d| d.message).collect(),
        )
    }

    #[test]
    fn lines_are_joined_without_a_blank() {
        let (lines, found) = words("a x \\\n\ty\\\n z\n\n# c\\\nb q # r\n");
        assert_eq!(lines, [vec!["a", "x", "y", "z"], vec!["b", "q"]]);
        assert_eq!(found, [""; 0]);
        let (lines, found) = words("a x\\\ny\n");
        assert_eq!(lines, [vec!["a", "xy"]]);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_word_of_two_lines_has_its_place() {
        let source = Source::new("haresources", "a xx\\\nyy z");
        let mut found = Findings::new(&source);
        let lines = joined(&source, &mut found);
        let words = lines[0].words();
        assert_eq!(words[1].span, Span::new(2, 8));
        assert_eq!(words[2].span, Span::new(9, 10));
        assert_eq!(lines[0].span, Span::new(0, 10));
    }

    #[test]
    fn a_backslash_with_something_behind_it_continues_too() {
        let (lines, found) = words("a x \\  \n y \\ # c\n z\n");
        assert_eq!(lines, [vec!["a", "x", "y", "z"]]);
        assert_eq!(found.len(), 3, "{found:?}");
        let (lines, found) = words("a x \\");
        assert_eq!(lines, [vec!["a", "x"]]);
        assert_eq!(found.len(), 1);
    }
}
