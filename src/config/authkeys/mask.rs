//! The text with its keys covered, so that a finding can show the line.

use super::lines::is_blank;
use crate::config::source::Source;

/// The same text, each byte of a key or a comment a star; places stay.
pub(super) fn masked(source: &Source) -> Source {
    let mut text = String::with_capacity(source.text().len());
    for line in source.text().split_inclusive('\n') {
        let open = open_bytes(line);
        text.push_str(&line[..open]);
        text.extend(line[open..].chars().flat_map(cover));
    }
    Source::new(source.path(), &text)
}

fn cover(c: char) -> impl Iterator<Item = char> {
    let (shown, count) = if c.is_ascii_whitespace() {
        (c, 1)
    } else {
        ('*', c.len_utf8())
    };
    std::iter::repeat_n(shown, count)
}

/// How much of a line may be seen: `auth N`, or index and method.
fn open_bytes(line: &str) -> usize {
    let indent = line.len() - line.trim_start_matches(is_blank).len();
    let body = &line[indent..];
    if body
        .get(..4)
        .is_some_and(|w| w.eq_ignore_ascii_case("auth"))
    {
        let rest = body[4..].trim_start_matches(is_blank);
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        return indent + (body.len() - rest.len()) + number;
    }
    let after_index = body.trim_start_matches(|c: char| c.is_ascii_digit());
    if after_index.len() == body.len() {
        return indent;
    }
    let rest = after_index.trim_start_matches(is_blank);
    let lower = rest.to_ascii_lowercase();
    let method = ["crc", "md5", "sha1"]
        .into_iter()
        .find(|m| lower.starts_with(m));
    indent + (body.len() - rest.len()) + method.map_or(0, str::len)
}
