//! Checks documents one after the other, as the cluster and its tools do before they take one.

use super::{Claim, Edition, Fault, Validator};
use crate::cib::Document;

/// Keeps what it learned of an edition for the next document that claims it.
#[derive(Debug, Default)]
pub struct Checker {
    validator: Option<(Edition, Validator)>,
}

/// Why a document isn't taken.
#[derive(Debug)]
pub enum Refusal {
    /// Its `validate-with` is nothing that is known.
    Unknown(String),
    /// It isn't valid.
    Faults(Vec<Fault>),
}

impl Checker {
    /// Checks a document. Editions of before 1.0 and 1.1 are none, as for the original; one that
    /// claims nothing, or not to be checked, is taken.
    ///
    /// Errors: why it isn't taken.
    pub fn check(&mut self, doc: &Document) -> Result<(), Refusal> {
        let edition = match Claim::of(doc) {
            Claim::Unchecked | Claim::Missing => return Ok(()),
            Claim::Edition(edition) if edition.is_known_to_pacemaker() => edition,
            Claim::Edition(old) => return Err(Refusal::Unknown(old.name().to_owned())),
            Claim::Unknown(name) => return Err(Refusal::Unknown(name.to_owned())),
        };
        let faults = self.of_edition(edition).check(doc);
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Refusal::Faults(faults)),
        }
    }

    fn of_edition(&mut self, edition: Edition) -> &mut Validator {
        let fresh = || (edition, Validator::new(edition));
        let known = self.validator.get_or_insert_with(fresh);
        if known.0 != edition {
            *known = fresh();
        }
        &mut known.1
    }
}
