//! Asking sections of one name for their keys.

use super::tree::{Key, Section};

/// Sections that count as one: a repeated section adds to the first.
pub(super) struct Merged<'t> {
    parts: Vec<&'t Section>,
}

impl<'t> Merged<'t> {
    /// All sections of that name in another.
    pub fn of(parent: &'t Section, name: &'static str) -> Self {
        Self {
            parts: parent.all(name).collect(),
        }
    }

    /// One section.
    pub fn one(section: &'t Section) -> Self {
        Self {
            parts: vec![section],
        }
    }

    /// The first of them.
    pub fn first(&self) -> Option<&'t Section> {
        self.parts.first().copied()
    }

    /// Sections of that name in any of them.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &'t Section> {
        self.parts.iter().flat_map(move |part| part.all(name))
    }

    /// The last key of that name.
    pub fn key(&self, name: &str) -> Option<&'t Key> {
        self.parts.iter().rev().find_map(|part| part.key(name))
    }

    /// The value of a key, if it has one.
    pub fn text(&self, name: &str) -> Option<&'t str> {
        let value = self.key(name).map(|k| k.value.as_str());
        value.filter(|v| !v.is_empty())
    }

    /// The value of a key as a number.
    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.text(name).and_then(|v| v.parse().ok())
    }

    /// A number that has a default.
    pub fn number_or<N: std::str::FromStr>(&self, name: &str, default: N) -> N {
        self.number(name).unwrap_or(default)
    }

    /// True when the value is this word.
    pub fn is(&self, name: &str, word: &str) -> bool {
        self.text(name) == Some(word)
    }

    /// True when the number isn't 0.
    pub fn flag(&self, name: &str) -> bool {
        self.number::<u64>(name).is_some_and(|n| n != 0)
    }
}
