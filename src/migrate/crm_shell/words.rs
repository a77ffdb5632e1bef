//! Text to statements: continuation lines, quotes, comments.

use crate::config::source::{Source, Span};

/// A statement: its words, and its lines in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) words: Vec<String>,
    /// What stands behind the first word, as it is.
    pub(super) raw: String,
    pub(super) span: Span,
}

/// The statements of a text, without `crm configure` before them.
pub(super) fn statements(source: &Source) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut open: Option<(String, Span)> = None;
    for (span, line) in source.lines() {
        let line = line.trim_end_matches('\r');
        let begun = open.is_some();
        if !begun && (line.trim().is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        let (mut text, start) = open.take().unwrap_or((String::new(), span));
        let more = line.trim_end();
        let whole = start.to(span);
        match more.strip_suffix('\\') {
            Some(part) => {
                text.push_str(part);
                text.push(' ');
                open = Some((text, whole));
            }
            None => {
                text.push_str(more);
                push(&mut all, &text, whole);
            }
        }
    }
    if let Some((text, span)) = open {
        push(&mut all, &text, span);
    }
    all
}

fn push(all: &mut Vec<Statement>, text: &str, span: Span) {
    let mut words = split(text);
    let skipped = words
        .iter()
        .take_while(|w| matches!(w.as_str(), "sudo" | "crm" | "configure"));
    let skipped = skipped.count();
    words.drain(..skipped);
    let mut raw = text.trim_start();
    for _ in 0..=skipped {
        raw = raw
            .split_once(char::is_whitespace)
            .map_or("", |(_, rest)| rest.trim_start());
    }
    let raw = raw.to_owned();
    all.push(Statement { words, raw, span });
}

/// Words as a shell splits them: quotes join, a backslash takes the next character as it is.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(chars.next()),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_go_over_lines_and_have_quotes() {
        let text = "# x\nprimitive p Dummy \\\n\tparams a=\"b c\" d='e'\\''f' \\\n\top monitor\n\n\
                    crm configure property x=y\n";
        let all = statements(&Source::new("f", text));
        assert_eq!(all.len(), 2);
        let words: Vec<_> = all[0].words.iter().map(String::as_str).collect();
        assert_eq!(
            words,
            [
                "primitive",
                "p",
                "Dummy",
                "params",
                "a=b c",
                "d=e'f",
                "op",
                "monitor"
            ]
        );
        assert_eq!(all[1].words, ["property", "x=y"]);
        assert_eq!(&text[all[0].span.range()][..9], "primitive");
    }
}
