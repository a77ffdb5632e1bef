//! What an upgrade did, for people.

use std::fmt;

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The same in new words.
    Same,
    /// Something went that had no effect any more, or has another place.
    Gone,
    /// The cluster behaves in another way.
    Differs,
}

/// Something that an upgrade did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub weight: Weight,
    /// What it is about: an element with its id.
    pub about: String,
    /// What was done.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = match self.weight {
            Weight::Same => "DEBUG",
            Weight::Gone => "INFO",
            Weight::Differs => "WARNING",
        };
        write!(f, "{label}: {}: {}", self.about, self.text)
    }
}

/// What is done, as it is done.
#[derive(Debug, Default)]
pub(super) struct Notes {
    list: Vec<Note>,
}

impl Notes {
    pub(super) fn add(&mut self, weight: Weight, about: String, text: impl Into<String>) {
        let text = text.into();
        self.list.push(Note {
            weight,
            about,
            text,
        });
    }

    pub(super) fn into_list(self) -> Vec<Note> {
        self.list
    }
}
