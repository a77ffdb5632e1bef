//! Findings: what is wrong where, and what to write instead.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::source::{Source, Span};

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
    /// heartbeat 3.0.6 refuses it; we take it unless told to be strict.
    pub refused_by_heartbeat: bool,
    /// The lines shown around the place; none for keys.
    pub source: Option<Source>,
}

impl Diagnostic {
    /// A finding at `span` of `source`.
    pub fn new(
        severity: Severity,
        source: &Source,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        let (line, column) = source.position(span.start);
        Self {
            severity,
            file: source.path().to_owned(),
            line,
            column,
            span,
            message: message.into(),
            help: None,
            refused_by_heartbeat: false,
            source: Some(source.clone()),
        }
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks what the real daemon refuses though its meaning is plain.
    pub fn refused_by_heartbeat(mut self) -> Self {
        self.refused_by_heartbeat = true;
        self
    }

    /// Hides the line: it may hold a key.
    pub fn without_source(mut self) -> Self {
        self.source = None;
        self
    }

    /// What the real daemon refuses becomes an error.
    pub fn strict(mut self) -> Self {
        if self.refused_by_heartbeat {
            self.severity = Severity::Error;
        }
        self
    }
}

impl std::fmt::Display for Diagnostic {
    /// One line: `FILE:LINE:COLUMN: severity: message (help)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (file, severity) = (self.file.display(), self.severity.as_str());
        let (line, column) = (self.line, self.column);
        write!(f, "{file}:{line}:{column}: {severity}: {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Collects the findings of one file while it is read.
#[derive(Debug)]
pub struct Findings<'s> {
    source: &'s Source,
    hide_lines: bool,
    found: Vec<Diagnostic>,
}

impl<'s> Findings<'s> {
    /// None yet.
    pub fn new(source: &'s Source) -> Self {
        Self {
            source,
            hide_lines: false,
            found: Vec::new(),
        }
    }

    /// As [`Self::new`], for a file whose lines must not be shown.
    pub fn of_secret(source: &'s Source) -> Self {
        Self {
            hide_lines: true,
            ..Self::new(source)
        }
    }

    /// The file they are about.
    pub fn source(&self) -> &'s Source {
        self.source
    }

    /// Adds one; its help and marks can be set on what is returned.
    pub fn add(
        &mut self,
        severity: Severity,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let mut new = Diagnostic::new(severity, self.source, span, message);
        if self.hide_lines {
            new = new.without_source();
        }
        let at = self.found.len();
        self.found.push(new);
        &mut self.found[at]
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

/// A finding about a whole file, or one that couldn't be read: no line is shown.
pub fn about_file(severity: Severity, file: &Arc<std::path::Path>, message: String) -> Diagnostic {
    let source = Source::new(file.to_path_buf(), "");
    Diagnostic::new(severity, &source, Span::default(), message).without_source()
}
