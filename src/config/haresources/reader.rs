//! Reading a haresources: lines with their continuations, groups, keys.

use super::lines::{self, Joined, Word};
use super::model::{Group, Haresources, Resource};
use super::{addresses, keys};
use crate::config::diagnostic::{Diagnostic, Findings, Severity, has_errors};
use crate::config::encoding;
use crate::config::source::{Source, Span};
use crate::ids::NodeName;
use crate::limits;

/// Reads a haresources. The model is absent when there is an error.
///
/// Source: heartbeat 3.0.6, ResourceManager, `ipres`; `parse_ha_resources`; spec
/// heartbeat-v1.md section 1
pub fn parse(source: &Source) -> (Option<Haresources>, Vec<Diagnostic>) {
    let (model, found) = read_all(source);
    let wrong = has_errors(&found);
    (if wrong { None } else { Some(model) }, found)
}

/// As [`parse`], but gives the model even when there are errors, so far as it was understood.
pub fn read_all(source: &Source) -> (Haresources, Vec<Diagnostic>) {
    let mut reader = Reader {
        model: Haresources::default(),
        found: Findings::new(source),
    };
    encoding::check(&mut reader.found);
    line_ends(&mut reader.found);
    for line in lines::joined(source, &mut reader.found) {
        reader.line(&line);
    }
    keys::check(&mut reader.model, &mut reader.found);
    for group in &reader.model.groups {
        for resource in &group.resources {
            addresses::check(resource, &mut reader.found);
        }
    }
    (reader.model, reader.found.finish())
}

struct Reader<'s> {
    model: Haresources,
    found: Findings<'s>,
}

impl Reader<'_> {
    fn line(&mut self, line: &Joined) {
        let words = line.words();
        let Some((node, resources)) = words.split_first() else {
            return;
        };
        if node.text.starts_with("//") || node.text.starts_with(';') {
            let message = "a comment starts with #; read as one";
            self.found.add_refused(node.span, message).help = Some("write # before it".into());
            return;
        }
        if let Some(what) = misplaced(&node.text) {
            let message = format!("the line starts with {what}, where a node's name belongs");
            self.found.add(Severity::Error, node.span, message).help = Some(format!(
                "write the preferred node first: NODE {}",
                node.text
            ));
            return;
        }
        let name = match NodeName::lowered(&node.text) {
            Ok(name) => name,
            Err(error) => {
                self.found
                    .add(Severity::Error, node.span, error.to_string());
                return;
            }
        };
        if resources.is_empty() {
            let message = format!("node {name} without a resource: the line does nothing");
            self.found.add(Severity::Warning, node.span, message).help =
                Some("add resources to it, or take it out".into());
            return;
        }
        if self.is_full(line.span) {
            return;
        }
        for word in resources {
            self.word(word);
        }
        self.model.groups.push(Group {
            node: name,
            node_as_written: node.text.clone(),
            resources: resources
                .iter()
                .map(|w| Resource::parse(&w.text, w.span))
                .collect(),
            span: line.span,
            node_span: node.span,
        });
    }

    fn is_full(&mut self, span: Span) -> bool {
        let max = limits::HARESOURCES_GROUPS_MAX;
        let full = self.model.groups.len() >= max;
        if full {
            self.found
                .add(Severity::Error, span, format!("more than {max} groups"));
        }
        full
    }

    /// Oddities of a resource's word by itself.
    fn word(&mut self, word: &Word) {
        let text = &word.text;
        let script = text.split("::").next().unwrap_or("");
        if script.contains('/') && !Resource::parse(text, word.span).is_bare_address() {
            let message = format!("{script:?} is a path; a resource is the name of a script");
            self.found.add(Severity::Warning, word.span, message).help = Some(
                "put the script into /etc/ha.d/resource.d or /etc/init.d and write its name".into(),
            );
        } else if let Some((name, rest)) = script.split_once(':')
            && !name.is_empty()
            && !rest.is_empty()
        {
            let message = format!("{script:?}: arguments are separated by two colons");
            self.found.add(Severity::Warning, word.span, message).help =
                Some(format!("write {name}::{rest}"));
        }
        if text.contains("::::") || text.ends_with("::") {
            let message = "an empty argument is left out: the ones after it move up";
            self.found.add(Severity::Warning, word.span, message).help =
                Some("give each argument a value".into());
        }
        if text.contains([
            '"', '\'', '$', '*', '?', '`', '&', ';', '|', '<', '>', '(', ')',
        ]) {
            let message = "haresources knows no quotes and no patterns, and heartbeat's scripts \
                           hand words to the shell as they are";
            self.found.add(Severity::Warning, word.span, message).help =
                Some("keep to letters, digits and -_.:/,=@%+".into());
        }
    }
}

/// What stands where the node belongs, if it can't be one.
fn misplaced(word: &str) -> Option<&'static str> {
    if Resource::parse(word, Span::default()).is_bare_address() {
        Some("an address")
    } else if word.contains("::") {
        Some("a resource")
    } else {
        None
    }
}

/// The scripts of heartbeat take a carriage return for a part of the last word.
fn line_ends(found: &mut Findings<'_>) {
    let source = found.source();
    let first = source.lines().find(|(_, line)| line.ends_with('\r'));
    if let Some((span, _)) = first {
        let at = Span::new(span.end - 1, span.end);
        let message = "lines end in CR LF, as on Windows: heartbeat's scripts take the CR for a \
                       part of the last resource";
        found.add(Severity::Warning, at, message).help =
            Some("convert it: sed -i 's/\\r$//' FILE".into());
    }
}
