//! Lines of an authkeys file.

use crate::config::source::{Source, Span};
use crate::config::value;

/// A line that says something.
pub(super) struct Line<'t> {
    /// All of it, without blanks at its ends.
    pub span: Span,
    /// `AUTH` or `Auth`, which heartbeat refuses.
    pub auth_in_capitals: bool,
    /// What it says.
    pub content: Content<'t>,
}

/// What a line says.
pub(super) enum Content<'t> {
    /// `auth N`.
    Auth {
        /// The number, if there is one.
        number: Option<i64>,
        /// Further words that are no comment.
        more: Option<Span>,
    },
    /// `N METHOD [KEY]`.
    Key(KeyLine<'t>),
    /// Neither.
    Other,
}

/// `N METHOD [KEY]`.
pub(super) struct KeyLine<'t> {
    /// N.
    pub index: i64,
    /// The word after it.
    pub method: Option<(&'t str, Span)>,
    /// The next word.
    pub secret: Option<(&'t str, Span)>,
    /// Further words that are no comment.
    pub more: Option<Span>,
}

/// The lines that say something, in order.
pub(super) fn lines(source: &Source) -> impl Iterator<Item = Line<'_>> {
    source.lines().filter_map(|(span, text)| {
        let start = text.len() - text.trim_start_matches(is_blank).len();
        let text = text.trim_matches(is_blank);
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let start = span.start + start;
        let content = content(text, start);
        let lower_case = text.starts_with("auth");
        Some(Line {
            span: Span::new(start, start + text.len()),
            auth_in_capitals: matches!(content, Content::Auth { .. }) && !lower_case,
            content,
        })
    })
}

pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

fn content(text: &str, start: usize) -> Content<'_> {
    if let Some(rest) = after_auth(text) {
        return auth(text, rest, start);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Content::Other;
    }
    let end = text.len()
        - digits
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .len();
    let (index, _) = value::leading_number(&text[..end]);
    let mut words = words(&text[end..], start + end);
    let Some(method) = words.next() else {
        return Content::Other;
    };
    let secret = words.next();
    let more = words.next().filter(|(word, _)| !word.starts_with('#'));
    Content::Key(KeyLine {
        index,
        method: Some(method),
        secret,
        more: more.map(|(_, span)| Span::new(span.start, start + text.len())),
    })
}

/// What follows the word auth, in any case. heartbeat wants no blank after it.
fn after_auth(text: &str) -> Option<&str> {
    let word = text.get(..4).filter(|w| w.eq_ignore_ascii_case("auth"))?;
    let rest = &text[word.len()..];
    let goes_on = rest.starts_with(|c: char| c.is_alphabetic());
    (!goes_on).then_some(rest)
}

fn auth<'t>(text: &str, rest: &'t str, start: usize) -> Content<'t> {
    let at = start + text.len() - rest.len();
    let mut words = words(rest, at);
    let number = words.next().map(|(word, _)| value::leading_number(word));
    let number = number.and_then(|(n, whole)| (whole || n != 0).then_some(n));
    let more = words.next().filter(|(word, _)| !word.starts_with('#'));
    Content::Auth {
        number,
        more: more.map(|(_, span)| Span::new(span.start, start + text.len())),
    }
}

fn words(text: &str, start: usize) -> impl Iterator<Item = (&str, Span)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let skipped = rest.len() - rest.trim_start_matches(is_blank).len();
        let word = rest.trim_start_matches(is_blank).split(is_blank).next()?;
        if word.is_empty() {
            return None;
        }
        let from = at + skipped;
        at = from + word.len();
        Some((word, Span::new(start + from, start + at)))
    })
}
