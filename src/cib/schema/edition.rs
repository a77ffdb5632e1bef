//! Editions of the document: what `validate-with` may say.

use std::fmt;

/// Names by age. The number is [`Edition::place`].
const NAMES: [&str; 28] = [
    "pacemaker-0.6",
    "pacemaker-0.7",
    "pacemaker-1.0",
    "pacemaker-1.1",
    "pacemaker-1.2",
    "pacemaker-1.3",
    "pacemaker-2.0",
    "pacemaker-2.1",
    "pacemaker-2.2",
    "pacemaker-2.3",
    "pacemaker-2.4",
    "pacemaker-2.5",
    "pacemaker-2.6",
    "pacemaker-2.7",
    "pacemaker-2.8",
    "pacemaker-2.9",
    "pacemaker-2.10",
    "pacemaker-3.0",
    "pacemaker-3.1",
    "pacemaker-3.2",
    "pacemaker-3.3",
    "pacemaker-3.4",
    "pacemaker-3.5",
    "pacemaker-3.6",
    "pacemaker-3.7",
    "pacemaker-3.8",
    "pacemaker-3.9",
    "pacemaker-next",
];

/// Editions that only documents of old have: Pacemaker 2.1.5 installs no grammar for them.
const OLD: [&str; 3] = ["pacemaker-0.6", "pacemaker-0.7", "pacemaker-1.1"];

/// An edition of the document, of those in which something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edition(u8);

impl Edition {
    /// The edition that new documents have.
    pub const NEWEST: Self = Self(26);
    /// That of heartbeat 2.
    pub const V0_6: Self = Self(0);
    /// The first one that Pacemaker 2.1.5 knows.
    pub const V1_0: Self = Self(2);
    /// What became 1.2; it has the same rules here.
    pub const V1_1: Self = Self(3);
    /// The last one with `acl_user`.
    pub const V1_3: Self = Self(5);
    /// The last one with names of before 3.0.
    pub const V2_10: Self = Self(16);

    /// The edition of this name; heartbeat 2 wrote `transitional-0.6` for documents that
    /// keep to its rules nearly.
    pub fn named(name: &str) -> Option<Self> {
        let name = match name {
            "transitional-0.6" => "pacemaker-0.6",
            name => name,
        };
        let place = NAMES.iter().position(|&known| known == name)?;
        u8::try_from(place).ok().map(Self)
    }

    /// The edition whose name ends in this: `2.10` or `next`.
    pub fn numbered(number: &str) -> Option<Self> {
        Self::named(&format!("pacemaker-{number}"))
    }

    /// What `validate-with` says.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// The one after this, up to the newest.
    pub fn next(self) -> Option<Self> {
        (self < Self::NEWEST).then_some(Self(self.0 + 1))
    }

    /// All, by age.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(NAMES.len()).map(Self)
    }

    /// Whether Pacemaker 2.1.5 knows it.
    pub fn is_known_to_pacemaker(self) -> bool {
        !OLD.contains(&self.name())
    }

    /// Number in the order of age.
    pub fn place(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marked_editions_are_those() {
        assert_eq!(Edition::NEWEST.name(), "pacemaker-3.9");
        assert_eq!(Edition::V1_0.name(), "pacemaker-1.0");
        assert_eq!(Edition::V1_1.name(), "pacemaker-1.1");
        assert_eq!(Edition::V1_3.name(), "pacemaker-1.3");
        assert_eq!(Edition::V2_10.name(), "pacemaker-2.10");
        assert_eq!(Edition::NEWEST.next(), None);
        assert_eq!(Edition::all().count(), NAMES.len());
        assert_eq!(Edition::named("pacemaker-4.0"), None);
    }
}
