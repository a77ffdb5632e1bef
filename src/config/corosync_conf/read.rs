//! Reading a corosync.conf: everything found in one go.

use super::generation::{self, Generation, Told};
use super::model::CorosyncConf;
use super::section::Merged;
use super::tree::{self, Section};
use super::{cmap, explain, interfaces, keys, logging, nodes, quorum, totem};
use crate::config::diagnostic::{Diagnostic, Findings, Severity, has_errors};
use crate::config::encoding;
use crate::config::source::{Source, Span};

/// Where state is kept. Source: corosync 3.1.7, `LOCALSTATEDIR`
const STATE_DIR: &str = "/var/lib/corosync";

/// Reads a corosync.conf. The model is absent when there is an error.
pub fn parse(source: &Source) -> (Option<CorosyncConf>, Vec<Diagnostic>) {
    let (model, found) = read_all(source);
    let wrong = has_errors(&found);
    (if wrong { None } else { Some(model) }, found)
}

/// As [`parse`], but gives the model even when there are errors, so far as it was understood.
pub fn read_all(source: &Source) -> (CorosyncConf, Vec<Diagnostic>) {
    let mut found = Findings::of(source, "corosync");
    encoding::check(&mut found);
    let mut tree = tree::parse(&mut found);
    let told = generation::tell(&tree);
    keys::check(&mut tree, told.generation, &mut found);
    let mut reader = Reader {
        tree: &tree,
        told: &told,
        found: &mut found,
    };
    let model = reader.model();
    explain::explain(&mut reader, &model);
    (model, found.finish())
}

/// What is known while the model is made.
pub(super) struct Reader<'r, 's> {
    /// The file.
    pub tree: &'r Section,
    /// Whose rules hold.
    pub told: &'r Told,
    /// The findings so far.
    pub found: &'r mut Findings<'s>,
}

impl<'r> Reader<'r, '_> {
    fn model(&mut self) -> CorosyncConf {
        let nodes = nodes::read(self);
        let totem = totem::read(self, nodes.len());
        let interfaces = interfaces::read(self, &totem, &nodes);
        nodes::check(self, &nodes, &totem);
        interfaces::check(self, &totem, &nodes, &interfaces);
        let state_dir = self.merged("system").text("state_dir").unwrap_or(STATE_DIR);
        CorosyncConf {
            told: self.told.clone(),
            quorum: quorum::read(self, &nodes),
            logging: logging::read(self),
            access: super::include::access(self.tree),
            services: super::include::services(self.tree),
            state_dir: state_dir.into(),
            keys: cmap::keys(self.tree),
            totem,
            interfaces,
            nodes,
        }
    }

    /// The generation whose rules hold.
    pub fn generation(&self) -> Generation {
        self.told.generation
    }

    /// The sections of that name at the top.
    pub fn merged(&self, name: &'static str) -> Merged<'r> {
        Merged::of(self.tree, name)
    }

    /// The section `totem`; 1.x takes `network` before it.
    pub fn totem(&self) -> Merged<'r> {
        let old = self.generation() == Generation::One && self.tree.has("network");
        self.merged(if old { "network" } else { "totem" })
    }

    /// Place of a key of `totem`, else of the section, else the end of the file.
    pub fn totem_span(&self, name: &str) -> Span {
        let totem = self.totem();
        let key = totem.key(name).map(tree::Key::span);
        let section = totem.first().map(|s| s.span);
        key.or(section).unwrap_or_else(|| self.end())
    }

    /// The end of the file: the place of what is missing.
    pub fn end(&self) -> Span {
        let end = self.found.source().text().trim_end().len();
        Span::new(end, end)
    }

    /// Adds an error.
    pub fn error(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.found.add(Severity::Error, span, message).help = Some(help.into());
    }

    /// Adds a warning.
    pub fn warning(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.found.add(Severity::Warning, span, message).help = Some(help.into());
    }

    /// Adds a note.
    pub fn note(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.found.add(Severity::Note, span, message).help = Some(help.into());
    }

    /// Adds what is taken though corosync refuses it.
    pub fn refused(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.found.add_refused(span, message).help = Some(help.into());
    }
}
