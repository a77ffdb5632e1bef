//! Whether the documents of a tool keep to the edition that they claim.

use std::path::Path;

use crate::cib::schema::{Checker, Edition, Fault, Reason, Refusal};
use crate::cib::{Document, writer};

/// Most faults that are told at once.
const TOLD_MAX: usize = 10;

/// Checks documents. It keeps what it learned for the next document of the same edition.
#[derive(Debug, Default)]
pub struct Judge {
    checker: Checker,
}

/// Why a document was refused.
#[derive(Debug)]
pub enum Refused {
    /// Its `validate-with` is nothing that is known.
    Unknown(String),
    /// It isn't valid. Each line and what is wrong there.
    Faults(Vec<(Option<usize>, String)>),
}

impl Judge {
    /// Checks a document.
    pub fn check(&mut self, doc: &Document) -> Result<(), Refused> {
        self.checker.check(doc).map_err(|refusal| match refusal {
            Refusal::Unknown(name) => Refused::Unknown(name),
            Refusal::Faults(faults) => Refused::Faults(told(doc, &faults)),
        })
    }

    /// What is wrong with a document that a tool has printed, by the lines of the print.
    pub fn of_print(doc: &Document) -> Vec<String> {
        let text = writer::pretty(doc, doc.root());
        let printed = crate::cib::read(&text);
        let refused = printed.map(|doc| Self::default().check(&doc));
        match refused {
            Ok(Err(refused)) => refused.lines("line "),
            _ => Vec::new(),
        }
    }
}

fn told(doc: &Document, faults: &[Fault]) -> Vec<(Option<usize>, String)> {
    let mut nodes: Vec<_> = faults.iter().map(|fault| fault.node).collect();
    nodes.truncate(TOLD_MAX);
    let lines = doc.lines(&nodes);
    let told = |(fault, line): (&Fault, Option<usize>)| {
        let text = match &fault.reason {
            // In the words of the original, which scripts look for.
            Reason::Unresolved { name, id } => format!(
                "element {}: validity error : IDREF attribute {name} references an \
                 unknown ID {id:?}",
                doc.name(fault.node)
            ),
            _ => fault.text(doc),
        };
        (line, text)
    };
    let mut told: Vec<_> = faults.iter().zip(lines).map(told).collect();
    if let Some(more) = faults
        .len()
        .checked_sub(told.len())
        .filter(|&more| more > 0)
    {
        told.push((None, format!("{more} more")));
    }
    told
}

impl Refused {
    /// In lines, each with `place` before its number.
    pub fn lines(&self, place: &str) -> Vec<String> {
        match self {
            Self::Unknown(name) => {
                vec![format!(
                    "{place}1: validate-with={name:?} is no edition of the schema; the newest \
                     is {}",
                    Edition::NEWEST
                )]
            }
            Self::Faults(faults) => faults
                .iter()
                .map(|(line, text)| match line {
                    Some(line) => format!("{place}{line}: {text}"),
                    None => text.clone(),
                })
                .collect(),
        }
    }

    /// With the file before each line.
    pub fn told(&self, path: &Path) -> String {
        self.lines(&format!("{}:", path.display())).join("\n")
    }
}
