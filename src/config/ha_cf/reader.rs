//! Reading an ha.cf: line by line, everything found in one go.

use super::directives::{self, Apply};
use super::lines::{self, Line, Word};
use super::model::HaCf;
use super::{finish, parameters};
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::host::Host;
use crate::config::source::{Source, Span};
use crate::config::{encoding, suggest};

/// Reads an ha.cf. The model is absent when there is an error.
///
/// Of the host only its list of UDP services is asked for; see [`super::on_host`] for the rest.
pub fn parse(source: &Source, host: &dyn Host) -> (Option<HaCf>, Vec<Diagnostic>) {
    let (model, found) = read_all(source, host);
    let wrong = crate::config::diagnostic::has_errors(&found);
    (if wrong { None } else { Some(model) }, found)
}

/// As [`parse`], but gives the model even when there are errors, so far as it was understood.
pub fn read_all(source: &Source, host: &dyn Host) -> (HaCf, Vec<Diagnostic>) {
    let mut reader = Reader::new(source, host);
    encoding::check(&mut reader.found);
    for line in lines::lines(source) {
        reader.line(&line);
    }
    finish::finish(&mut reader);
    reader.model.parameters = parameters::parameters(&reader);
    (reader.model, reader.found.finish())
}

/// What is known while reading.
pub(super) struct Reader<'s, 'h> {
    /// The model so far.
    pub model: HaCf,
    /// The findings so far.
    pub found: Findings<'s>,
    /// The host asked for its UDP services.
    pub host: &'h dyn Host,
    /// Directive and last value, in order of first use.
    pub given: Vec<(&'static str, String)>,
    /// The directive of the line being read.
    pub directive: &'static str,
}

impl<'s, 'h> Reader<'s, 'h> {
    fn new(source: &'s Source, host: &'h dyn Host) -> Self {
        Self {
            model: HaCf::defaults(host.default_port()),
            found: Findings::new(source),
            host,
            given: Vec::new(),
            directive: "",
        }
    }

    fn line(&mut self, line: &Line<'_>) {
        let Some(directive) = self.directive_of(line.directive) else {
            return;
        };
        self.directive = directive.name;
        match directive.apply {
            Apply::Line(apply) => apply(self, line),
            Apply::Each(apply) => self.each(line, directive.takes_many, apply),
        }
        self.place(directive.name, line.span);
    }

    /// Finds the directive; says so when it is unknown or only nearly right.
    fn directive_of(&mut self, word: Word<'_>) -> Option<&'static directives::Directive> {
        if let Some(directive) = directives::find(word.text) {
            return Some(directive);
        }
        if let Some(directive) = directives::find(&word.text.to_ascii_lowercase()) {
            let name = directive.name;
            self.refused(word.span, format!("directives are in lower case: {name}"))
                .help = Some(format!("write {name}"));
            return Some(directive);
        }
        let help = unknown_help(word.text);
        self.error(word.span, format!("unknown directive {:?}", word.text))
            .help = Some(help);
        None
    }

    /// Applies each argument in turn.
    fn each(&mut self, line: &Line<'_>, takes_many: bool, apply: fn(&mut Self, Word<'_>)) {
        let name = self.directive;
        let arguments = line.arguments();
        let Some(last) = arguments.last().copied() else {
            let message = format!("{name} without a value does nothing");
            self.warning(line.span, message).help =
                Some(format!("give {name} a value, or take the line out"));
            return;
        };
        if arguments.len() > 1 && !takes_many && !self.is_number_and_unit(&arguments) {
            let message = format!(
                "{name} takes one value; of several the last one counts: {}",
                last.text
            );
            self.warning(arguments[0].span.to(last.span), message).help =
                Some(format!("write {name} {}", last.text));
        }
        for argument in arguments {
            let argument = self.unquoted(argument);
            self.remember(argument.text);
            apply(self, argument);
        }
    }

    /// `500 ms`: refused by heartbeat, whose words end at blanks.
    fn is_number_and_unit(&self, arguments: &[Word<'_>]) -> bool {
        directives::is_time(self.directive)
            && matches!(arguments, [_, unit] if crate::config::value::is_time_unit(unit.text))
    }

    /// heartbeat has no quotes; a word in quotes is taken without them.
    fn unquoted<'t>(&mut self, word: Word<'t>) -> Word<'t> {
        for quote in ['"', '\''] {
            let inner = word.text.strip_prefix(quote);
            if inner.and_then(|w| w.strip_suffix(quote)).is_some() {
                let bare = lines::part(word, 1, word.text.len() - 1);
                let message = "ha.cf knows no quotes; read without them";
                let new = if directives::is_free(self.directive) {
                    self.warning(word.span, message)
                } else {
                    self.refused(word.span, message)
                };
                new.help = Some(format!("write {}", bare.text));
                return bare;
            }
        }
        word
    }

    /// Records a value for [`HaCf::parameters`].
    pub fn remember(&mut self, value: &str) {
        let name = self.directive;
        match self.given.iter_mut().find(|(n, _)| *n == name) {
            Some(entry) => entry.1 = value.to_owned(),
            None => self.given.push((name, value.to_owned())),
        }
    }

    fn place(&mut self, name: &str, span: Span) {
        let places = &mut self.model.places.directives;
        match places.iter_mut().find(|(n, _)| n == name) {
            Some(entry) => entry.1 = span,
            None => places.push((name.to_owned(), span)),
        }
    }

    /// The daemon does not start with this.
    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.add(Severity::Error, span, message)
    }

    /// It works, but hardly as meant.
    pub fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.add(Severity::Warning, span, message)
    }

    /// Taken, though heartbeat 3.0.6 refuses it.
    pub fn refused(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.add_refused(span, message)
    }
}

fn unknown_help(word: &str) -> String {
    if let Some((name, _)) = word.split_once(['=', ':', ','])
        && directives::find(name).is_some()
    {
        return format!("a blank separates a directive from its value: {name} VALUE");
    }
    if let Some(near) = suggest::nearest(word, directives::names()) {
        return format!("did you mean {near}?");
    }
    if word.is_ascii() {
        "ha.cf(5) has the list of directives; a comment starts with #".into()
    } else {
        "a comment that goes on in a second line needs # there too".into()
    }
}
