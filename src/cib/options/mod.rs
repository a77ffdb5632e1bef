//! Options of the cluster as data: what each may be, what it is when nobody sets it, what for.
//!
//! The tables are asked by what checks a configuration, and printed as the meta-data that
//! configuration tools (crmsh, pcs) read from Pacemaker's daemons. everbeat-options(7) explains
//! the same options at more length. Source of names, types and defaults: Pacemaker 2.1.5, the
//! meta-data that its daemons print.

mod base;
mod controller;
mod fencer;
mod scheduler;

pub use base::BASE;
pub use controller::CONTROLLER;
pub use fencer::FENCER;
pub use scheduler::SCHEDULER;

use super::{Document, boolean};

/// What a CIB says of a cluster option, the first that is set.
pub fn value<'a>(cib: &'a Document, name: &str) -> Option<&'a str> {
    let config = cib.root_element().find(&["configuration", "crm_config"])?;
    let sets = config.children_named("cluster_property_set");
    let mut pairs = sets.flat_map(|set| set.children_named("nvpair"));
    pairs
        .find(|pair| pair.attr("name") == Some(name))?
        .attr("value")
}

/// What the value of an option is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any spelling.
    Boolean,
    /// A whole number; INFINITY is one.
    Integer,
    /// A number with a unit, or a duration of ISO 8601.
    Time,
    /// A number with `%`.
    Percentage,
    /// Any text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// Who should touch an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever runs a cluster.
    Everyone,
    /// Who knows why.
    Advanced,
    /// Nobody any more.
    Deprecated,
    /// The cluster writes it itself.
    Cluster,
}

/// An option.
#[derive(Debug, Clone, Copy)]
pub struct ClusterOption {
    /// Its name.
    pub name: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// Its value if it isn't set; none if there is none.
    pub default: Option<&'static str>,
    /// Who should touch it.
    pub audience: Audience,
    /// What it is for, in one line.
    pub short: &'static str,
    /// More about it; empty if the line says all.
    pub long: &'static str,
}

impl ClusterOption {
    const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        short: &'static str,
        long: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default: Some(default),
            audience: Audience::Everyone,
            short,
            long,
        }
    }

    const fn of(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// Whether a value is one that the option can have.
    pub fn takes(&self, value: &str, is_time: impl Fn(&str) -> bool) -> bool {
        match self.kind {
            Kind::Boolean => boolean::parse(value).is_some(),
            Kind::Integer => {
                let digits = value.trim_start().trim_start_matches(['-', '+']);
                digits.starts_with("INFINITY") || digits.starts_with(|c: char| c.is_ascii_digit())
            }
            Kind::Time => is_time(value),
            Kind::Percentage => {
                let number = value.trim().trim_end_matches('%');
                !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
            }
            Kind::Text => true,
            Kind::OneOf(words) => words.contains(&value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_values_of_their_kind() {
        for option in [SCHEDULER, CONTROLLER, BASE, FENCER].into_iter().flatten() {
            let is_time = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            assert!(
                option
                    .default
                    .is_none_or(|value| option.takes(value, is_time)),
                "{}",
                option.name
            );
        }
    }

    #[test]
    fn what_is_no_value_is_found() {
        let option = |name| SCHEDULER.iter().find(|option| option.name == name);
        let takes = |name, value| option(name).is_some_and(|o| o.takes(value, |t| t != "x"));
        assert!(takes("symmetric-cluster", "On"));
        assert!(!takes("symmetric-cluster", "maybe"));
        assert!(takes("node-health-red", "-INFINITY"));
        assert!(!takes("batch-limit", "many"));
        assert!(!takes("cluster-delay", "x"));
        assert!(!takes("no-quorum-policy", "Stop"));
    }
}
