//! What is wrong with a CIB, as findings at the lines of its file.
//!
//! ```text
//! text --reader--> tree --form--> what its schema doesn't allow, what an upgrade rewrites
//!                       --advice--> what a cluster does with it that its owner hardly wants
//! ```

mod advice;
mod form;

use std::collections::BTreeMap;

use crate::cib::{self, Document, NodeRef, ReadError};
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::source::{Source, Span};
use crate::limits;
use crate::rules::iso8601::Clock;

/// Checks the text of a CIB: alone, as the host it may be for plays no part.
///
/// Rules count as they do at `now`. All findings are by their place. What
/// isn't well-formed has one: where reading ended.
///
/// Bounds: [`limits::CONFIG_FINDINGS_MAX`], the worst; one more says how many were left out.
pub fn check(source: &Source, now: Clock) -> Vec<Diagnostic> {
    let doc = match cib::read(source.text()) {
        Ok(doc) => doc,
        Err(error) => return vec![unreadable(source, &error)],
    };
    let page = Page::new(&doc);
    let (mut found, newest) = form::check(&page);
    if let Some(newest) = newest {
        found.extend(advice::check(&page, &newest, now));
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let left_out = found.len().saturating_sub(limits::CONFIG_FINDINGS_MAX);
    found.truncate(limits::CONFIG_FINDINGS_MAX);
    let mut told = placed(source, &doc, found);
    told.sort_by_key(|d| (d.line, d.column));
    if left_out > 0 {
        let message = format!("{left_out} more findings, none worse than those above");
        let last = Span::new(source.text().len(), source.text().len());
        let help = "correct what is above, then check again";
        told.push(Diagnostic::new(Severity::Note, source, last, message).help(help));
    }
    told
}

/// Findings at the lines of their elements; those are looked for together.
fn placed(source: &Source, doc: &Document, found: Vec<Finding>) -> Vec<Diagnostic> {
    let spans: Vec<Span> = source.lines().map(|(span, _)| span).collect();
    let nodes: Vec<_> = found.iter().map(|finding| finding.node).collect();
    let lines = doc.lines(&nodes);
    let at = |(finding, line): (Finding, Option<usize>)| {
        let span = spans.get(line.unwrap_or(1).saturating_sub(1)).copied();
        let span = span.unwrap_or_default();
        let text = source.slice(span);
        let start = span.start + (text.len() - text.trim_start().len());
        let span = Span::new(start, span.end);
        let mut told = Diagnostic::new(finding.severity, source, span, finding.message);
        told.help = finding.help;
        told.refused_by_original = finding.refused_by_original;
        told
    };
    found.into_iter().zip(lines).map(at).collect()
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

/// A finding about an element, before its line is known.
struct Finding {
    severity: Severity,
    node: NodeRef,
    message: String,
    help: Option<String>,
    refused_by_original: bool,
}

impl Finding {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn refused_by_original(mut self) -> Self {
        self.refused_by_original = true;
        self
    }
}

/// A document and where its ids are.
struct Page<'a> {
    doc: &'a Document,
    ids: BTreeMap<&'a str, NodeRef>,
}

impl<'a> Page<'a> {
    fn new(doc: &'a Document) -> Self {
        let mut ids = BTreeMap::new();
        for node in doc.descendants(doc.root()) {
            if let Some(id) = doc.id(node) {
                // Of two with the same id the first one counts.
                ids.entry(id).or_insert(node);
            }
        }
        Self { doc, ids }
    }

    fn finding(&self, severity: Severity, node: NodeRef, message: String) -> Finding {
        Finding {
            severity,
            node,
            message,
            help: None,
            refused_by_original: false,
        }
    }
}

#[cfg(test)]
mod tests;
