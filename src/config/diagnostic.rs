//! Findings: what is wrong where, and what to write instead.

use std::path::{Path, PathBuf};

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
    /// The text whose line is shown, if one is.
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

    /// Shows no line.
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
    found: Vec<Diagnostic>,
}

impl<'s> Findings<'s> {
    /// None yet.
    pub fn new(source: &'s Source) -> Self {
        Self {
            source,
            found: Vec::new(),
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
        let new = Diagnostic::new(severity, self.source, span, message);
        let at = self.found.len();
        self.found.push(new);
        &mut self.found[at]
    }

    /// Adds what is taken though heartbeat 3.0.6 refuses it.
    pub fn add_refused(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let message = format!("{} (heartbeat refuses this)", message.into());
        let new = self.add(Severity::Warning, span, message);
        new.refused_by_heartbeat = true;
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
