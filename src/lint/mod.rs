//! What is wrong with a CIB, as findings at the lines of its file.
//!
//! ```text
//! text --reader--> tree --form--> what its schema doesn't allow, what an upgrade rewrites
//!                       --advice--> what a cluster does with it that its owner hardly wants
//! ```

mod advice;
mod form;

use crate::cib::{self, Document, NodeRef, ReadError};
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::source::{Source, Span};

/// Checks the text of a CIB: alone, as the host it may be for plays no part.
///
/// Rules count as they do at `now`, in seconds since 1970. All findings are by their place. What
/// isn't well-formed has one: where reading ended.
pub fn check(source: &Source, now: i64) -> Vec<Diagnostic> {
    let doc = match cib::read(source.text()) {
        Ok(doc) => doc,
        Err(error) => return vec![unreadable(source, &error)],
    };
    let page = Page::new(source, &doc);
    let (mut found, newest) = form::check(&page);
    if let Some(newest) = newest {
        found.extend(advice::check(&page, &newest, now));
    }
    found.sort_by_key(|d| (d.line, d.column));
    found
}

fn unreadable(source: &Source, error: &ReadError) -> Diagnostic {
    let start = source.lines().nth(error.line.saturating_sub(1));
    let span = start.map_or(Span::default(), |(line, text)| {
        let before = text.chars().take(error.column.saturating_sub(1));
        let at = line.start + before.map(char::len_utf8).sum::<usize>();
        Span::new(at.min(line.end), line.end)
    });
    let message = format!("this is not well-formed XML: {}", error.reason);
    let help = "a cluster refuses the whole file; correct this, then check again";
    Diagnostic::new(Severity::Error, source, span, message).help(help)
}

/// A document and the text it was read from.
struct Page<'a> {
    source: &'a Source,
    doc: &'a Document,
    lines: Vec<Span>,
}

impl<'a> Page<'a> {
    fn new(source: &'a Source, doc: &'a Document) -> Self {
        let lines = source.lines().map(|(span, _)| span).collect();
        Self { source, doc, lines }
    }

    /// A finding about an element.
    fn finding(&self, severity: Severity, node: NodeRef, message: String) -> Diagnostic {
        self.at_line(severity, self.doc.line(node), message)
    }

    /// A finding at a line, counted from 1; at the root where there is none.
    fn at_line(&self, severity: Severity, line: Option<usize>, message: String) -> Diagnostic {
        let line = line.or_else(|| self.doc.line(self.doc.root()));
        let place = line.unwrap_or(1).saturating_sub(1);
        let span = self.lines.get(place).copied().unwrap_or_default();
        let text = self.source.slice(span);
        let start = span.start + (text.len() - text.trim_start().len());
        let span = Span::new(start, span.end);
        Diagnostic::new(severity, self.source, span, message)
    }
}

#[cfg(test)]
mod tests;
