//! What differs between the files of two nodes: told in the second, with the line of the first.

use super::diagnostic::{Diagnostic, Findings, Other, Severity};
use super::source::{Source, Span};

/// What was found so far.
pub struct Differences<'s> {
    first: &'s Source,
    found: Findings<'s>,
}

impl<'s> Differences<'s> {
    /// None yet; `found` is of the second file.
    pub fn new(first: &'s Source, found: Findings<'s>) -> Self {
        Self { first, found }
    }

    /// Tells one: where it is in the second file, and where in the first.
    pub fn tell(
        &mut self,
        severity: Severity,
        (span, other): (Span, Span),
        message: String,
    ) -> &mut Diagnostic {
        let new = self.found.add(severity, span, message);
        new.other = Some(Other::new(self.first, other));
        new
    }

    /// The first file's name.
    pub fn name(&self) -> String {
        self.first.path().display().to_string()
    }

    /// All, in the order of the second file.
    pub fn finish(self) -> Vec<Diagnostic> {
        self.found.finish()
    }
}

/// The end of a file: the place of what it lacks.
pub fn end(source: &Source) -> Span {
    let end = source.text().trim_end().len();
    Span::new(end, end)
}
