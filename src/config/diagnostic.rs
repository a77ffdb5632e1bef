//! Findings: what is wrong where, and what to write instead.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::source::{Source, Span};
use crate::limits;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// It works, but hardly as its writer thinks.
    Warning,
    /// The daemon does not start with it.
    Error,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Place in the source's text.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to write instead, or what it means for the cluster.
    pub help: Option<String>,
    /// The program we stand in for refuses it; we take it unless told to be strict.
    pub refused_by_original: bool,
    /// The text whose line is shown, if one is.
    pub source: Option<Source>,
    /// The line of another file that it doesn't agree with.
    pub other: Option<Other>,
}

/// The other side of a finding about two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its text.
    pub source: Source,
    /// The place in it.
    pub span: Span,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Other {
    /// A place in another file.
    pub fn new(source: &Source, span: Span) -> Self {
        let span = source.whole(span);
        let (line, column) = source.position(span.start);
        Self {
            source: source.clone(),
            span,
            line,
            column,
        }
    }
}

impl std::fmt::Display for Other {
    /// `FILE:LINE:COLUMN`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = self.source.path().display();
        write!(f, "{file}:{}:{}", self.line, self.column)
    }
}

impl Diagnostic {
    /// A finding at `span` of `source`.
    pub fn new(
        severity: Severity,
        source: &Source,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        let span = source.whole(span);
        let (line, column) = source.position(span.start);
        Self {
            severity,
            file: source.path().to_owned(),
            line,
            column,
            span,
            message: message.into(),
            help: None,
            refused_by_original: false,
            source: Some(source.clone()),
            other: None,
        }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks what the real daemon refuses though its meaning is plain.
    pub fn refused_by_original(mut self) -> Self {
        self.refused_by_original = true;
        self
    }

    /// Shows no line.
    pub fn without_source(mut self) -> Self {
        self.source = None;
        self
    }

    /// What the real daemon refuses becomes an error.
    pub fn strict(mut self) -> Self {
        if self.refused_by_original {
            self.severity = Severity::Error;
        }
        self
    }
}

impl std::fmt::Display for Diagnostic {
    /// One line: `FILE:LINE:COLUMN: severity: message (help)`, and the other side's place.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (file, severity) = (self.file.display(), self.severity.as_str());
        let (line, column) = (self.line, self.column);
        write!(f, "{file}:{line}:{column}: {severity}: {}", self.message)?;
        if let Some(other) = &self.other {
            write!(f, "; the other side: {other}")?;
        }
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Collects the findings of one file while it is read.
///
/// Bounds: [`limits::CONFIG_FINDINGS_MAX`]; one more says how many were left out.
#[derive(Debug)]
pub struct Findings<'s> {
    source: &'s Source,
    original: &'static str,
    found: Vec<Diagnostic>,
    left_out: usize,
}

impl<'s> Findings<'s> {
    /// None yet, about a file of heartbeat.
    pub fn new(source: &'s Source) -> Self {
        Self::of(source, "heartbeat")
    }

    /// None yet, about a file that `original` reads too.
    pub fn of(source: &'s Source, original: &'static str) -> Self {
        Self {
            source,
            original,
            found: Vec::new(),
            left_out: 0,
        }
    }

    /// The file they are about.
    pub fn source(&self) -> &'s Source {
        self.source
    }

    /// The program whose file it is.
    pub fn original(&self) -> &'static str {
        self.original
    }

    /// Adds one; its help and marks can be set on what is returned.
    pub fn add(
        &mut self,
        severity: Severity,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let at = self.found.len().min(limits::CONFIG_FINDINGS_MAX);
        if at == self.found.len() {
            let new = Diagnostic::new(severity, self.source, span, message);
            self.found.push(new);
        } else {
            self.leave_out(severity, span);
        }
        &mut self.found[at]
    }

    /// The last one stands for all that had no room, as bad as the worst of them.
    fn leave_out(&mut self, severity: Severity, span: Span) {
        self.left_out += 1;
        if let Some(last) = self.found.last_mut() {
            let worst = severity.max(last.severity);
            let message = format!("{} more findings", self.left_out + 1);
            *last = Diagnostic::new(worst, self.source, last.span.to(span), message)
                .help("correct what is above, then check again");
        }
    }

    /// Adds what is taken though the original refuses it.
    pub fn add_refused(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let message = format!("{} ({} refuses this)", message.into(), self.original);
        let new = self.add(Severity::Warning, span, message);
        new.refused_by_original = true;
        new
    }

    /// True when there is an error among them.
    pub fn has_errors(&self) -> bool {
        has_errors(&self.found)
    }

    /// All, by their place.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|d| (d.span.start, d.span.end));
        self.found
    }
}

/// True when there is an error among `found`.
pub fn has_errors(found: &[Diagnostic]) -> bool {
    found.iter().any(|d| d.severity == Severity::Error)
}

/// A finding about a file that shows no line: it couldn't be read, or it is about all of it.
pub fn about_file(severity: Severity, file: &Path, message: impl Into<String>) -> Diagnostic {
    let source = Source::new(file, "");
    Diagnostic::new(severity, &source, Span::default(), message).without_source()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_by_place_and_are_bounded() {
        let source = Source::new("f", &"x\n".repeat(500));
        let mut findings = Findings::new(&source);
        for at in (0..500).rev() {
            let severity = if at == 3 {
                Severity::Error
            } else {
                Severity::Note
            };
            findings
                .add(severity, Span::new(at * 2, at * 2 + 1), "m")
                .help = Some("h".into());
        }
        assert!(findings.has_errors());
        let found = findings.finish();
        assert_eq!(found.len(), limits::CONFIG_FINDINGS_MAX + 1);
        assert!(found.is_sorted_by_key(|d| d.span.start));
        let rest = found.iter().find(|d| d.message == "300 more findings");
        assert_eq!(rest.map(|d| d.severity), Some(Severity::Error));
    }

    #[test]
    fn strict_turns_only_what_heartbeat_refuses() {
        let source = Source::new("f", "x");
        let plain = Diagnostic::new(Severity::Warning, &source, Span::new(0, 1), "m");
        assert_eq!(plain.clone().strict().severity, Severity::Warning);
        let mut findings = Findings::new(&source);
        findings.add_refused(Span::new(0, 1), "m").help = Some("h".into());
        let refused = findings.finish().remove(0).strict();
        assert_eq!(
            refused.to_string(),
            "f:1:1: error: m (heartbeat refuses this) (h)"
        );
    }
}
