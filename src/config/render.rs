//! Findings as text for people and as JSON for programs.
//!
//! The only place that knows annotate-snippets.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::diagnostic::{Diagnostic, Severity};
use super::source::{Source, Span};

/// The finding with its line, an arrow under the place, and the help.
///
/// With `styled`, colours are in it as ANSI sequences; the stream decides whether they stay.
pub fn text(finding: &Diagnostic, styled: bool) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let path = shown(&finding.file.to_string_lossy());
    let message = shown(&finding.message);
    let title = level.primary_title(message);
    let main = match &finding.source {
        Some(source) => {
            let arrow = AnnotationKind::Primary.span(visible(source, finding.span));
            title.element(Snippet::source(source.text()).path(path).annotation(arrow))
        }
        None => title.element(
            Origin::path(path)
                .line(finding.line)
                .char_column(finding.column),
        ),
    };
    let main = match &finding.other {
        Some(other) => {
            let place = visible(&other.source, other.span);
            let arrow = AnnotationKind::Context.span(place).label("the other side");
            let path = shown(&other.source.path().to_string_lossy());
            let lines = Snippet::source(other.source.text()).path(path);
            main.element(lines.annotation(arrow))
        }
        None => main,
    };
    let help = finding.help.as_deref().map(shown);
    let main = match help {
        Some(help) => main.element(Level::HELP.message(help)),
        None => main,
    };
    let report: [Group<'_>; 1] = [main];
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&report)
}

/// Text from files goes to a terminal: no control characters.
fn shown(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// What an arrow stands under: a character at least.
fn visible(source: &Source, span: Span) -> std::ops::Range<usize> {
    let mut range = span.range();
    if range.is_empty() {
        range.end = next_boundary(source.text(), range.start);
    }
    range
}

fn next_boundary(text: &str, at: usize) -> usize {
    let mut end = at + 1;
    while end < text.len() && !text.is_char_boundary(end) {
        end += 1;
    }
    end.min(text.len())
}

/// One finding as a program reads it.
#[derive(Serialize)]
struct Record<'d> {
    file: String,
    line: usize,
    column: usize,
    severity: &'static str,
    message: &'d str,
    help: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<OtherRecord>,
}

/// The other side of a finding about two files.
#[derive(Serialize)]
struct OtherRecord {
    file: String,
    line: usize,
    column: usize,
}

/// A JSON list of the findings, one object each, on lines of their own.
pub fn json(findings: &[Diagnostic]) -> serde_json::Result<String> {
    let records: Vec<_> = findings
        .iter()
        .map(|d| Record {
            file: d.file.to_string_lossy().into_owned(),
            line: d.line,
            column: d.column,
            severity: d.severity.as_str(),
            message: &d.message,
            help: d.help.as_deref(),
            other: d.other.as_ref().map(|other| OtherRecord {
                file: other.source.path().to_string_lossy().into_owned(),
                line: other.line,
                column: other.column,
            }),
        })
        .collect();
    serde_json::to_string_pretty(&records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostic::Other;

    #[test]
    fn the_line_is_shown_with_its_place() {
        let source = Source::new("ha.cf", "node a\nkeepalvie 2\n");
        let finding = Diagnostic::new(Severity::Error, &source, Span::new(7, 16), "unknown")
            .help("did you mean keepalive?");
        let text = text(&finding, false);
        assert!(text.contains("--> ha.cf:2:1"), "{text}");
        assert!(text.contains("keepalvie 2"), "{text}");
        assert!(text.contains("^^^^^^^^^"), "{text}");
        assert!(text.contains("help: did you mean keepalive?"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn both_sides_are_shown() {
        let (ours, theirs) = (
            Source::new("b", "x\nport 2\n"),
            Source::new("a", "port 1\n"),
        );
        let mut finding = Diagnostic::new(Severity::Warning, &ours, Span::new(2, 8), "unequal");
        finding.other = Some(Other::new(&theirs, Span::new(0, 6)));
        let shown = text(&finding, false);
        for part in ["b:2:1", "port 2", "a:1:1", "port 1", "the other side"] {
            assert!(shown.contains(part), "{shown}");
        }
        let list: serde_json::Value = serde_json::from_str(&json(&[finding]).unwrap()).unwrap();
        assert_eq!(list[0]["other"]["file"], "a");
        assert_eq!(list[0]["other"]["line"], 1);
    }

    #[test]
    fn the_end_of_a_file_is_a_place() {
        for content in ["", "a", "node ä", "node a\n"] {
            let source = Source::new("f", content);
            let end = content.len();
            let finding = Diagnostic::new(Severity::Error, &source, Span::new(end, end), "x");
            assert!(text(&finding, false).contains("error: x"));
        }
    }

    #[test]
    fn json_has_six_members() {
        let source = Source::new("f", "a");
        let finding = Diagnostic::new(Severity::Note, &source, Span::new(0, 1), "m");
        let list: serde_json::Value = serde_json::from_str(&json(&[finding]).unwrap()).unwrap();
        let object = list[0].as_object().unwrap();
        let mut keys: Vec<_> = object.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            ["column", "file", "help", "line", "message", "severity"]
        );
        assert_eq!(object["severity"], "note");
        assert!(object["help"].is_null());
    }
}
