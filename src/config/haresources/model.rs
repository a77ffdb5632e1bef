//! What a haresources says, typed.

use std::fmt;

use crate::config::source::Span;
use crate::ids::NodeName;

/// The resource groups in the order of the file.
///
/// Source: heartbeat 3.0.6, spec heartbeat-v1.md section 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Haresources {
    /// One for each line that has a node.
    pub groups: Vec<Group>,
}

impl Haresources {
    /// The group of that key.
    pub fn group(&self, key: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.key() == key)
    }

    /// The groups whose preferred node is `node`.
    pub fn groups_of<'a>(&'a self, node: &'a NodeName) -> impl Iterator<Item = &'a Group> {
        self.groups.iter().filter(move |g| g.node == *node)
    }
}

/// One line: resources that run together, started left to right, stopped right to left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The preferred node, lowered.
    pub node: NodeName,
    /// The preferred node, as written.
    pub node_as_written: String,
    /// The resources in the order of starting; at least one.
    pub resources: Vec<Resource>,
    /// The line, with its continuation lines.
    pub span: Span,
    /// The node's word.
    pub node_span: Span,
}

impl Group {
    /// The name under which nodes speak of the group: its first resource as written.
    pub fn key(&self) -> &str {
        self.resources.first().map_or("", |r| &r.as_written)
    }
}

/// `SCRIPT::ARGUMENT::…`, or an address that stands for `IPaddr::ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Name of the script.
    pub script: String,
    /// Its arguments before the action.
    pub args: Vec<String>,
    /// The word of the file.
    pub as_written: String,
    /// Its place.
    pub span: Span,
}

impl Resource {
    /// Reads a word of the file.
    ///
    /// Source: heartbeat 3.0.6, ResourceManager, `resource2script`, `resource2arg`
    pub fn parse(word: &str, span: Span) -> Self {
        let (script, args) = match word.split_once("::") {
            Some((_, args)) if is_bare_address(word) => ("IPaddr", args),
            None if is_bare_address(word) => ("IPaddr", word),
            Some((script, args)) => (script, args),
            None => (word, ""),
        };
        // The shell drops empty words.
        let args = args.split("::").filter(|a| !a.is_empty());
        Self {
            script: script.to_owned(),
            args: args.map(str::to_owned).collect(),
            as_written: word.to_owned(),
            span,
        }
    }

    /// True for an address of the four-number form that stands alone.
    pub fn is_bare_address(&self) -> bool {
        is_bare_address(&self.as_written)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.as_written)
    }
}

/// Whether the shell pattern `[0-9]*.[0-9]*.[0-9]*.[0-9]*` matches.
///
/// Source: heartbeat 3.0.6, ResourceManager, `resource2script`
fn is_bare_address(word: &str) -> bool {
    let digit = |s: &str| s.starts_with(|c: char| c.is_ascii_digit());
    if !digit(word) {
        return false;
    }
    let dots_before_digits = word
        .match_indices('.')
        .filter(|(i, _)| digit(&word[i + 1..]))
        .count();
    dots_before_digits >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_scripts_and_arguments() {
        let r = Resource::parse("Filesystem::/dev/sdb1::/data::ext4", Span::default());
        assert_eq!(r.script, "Filesystem");
        assert_eq!(r.args, ["/dev/sdb1", "/data", "ext4"]);
        let r = Resource::parse("10.0.0.5/24/eth0/10.0.0.255", Span::default());
        assert_eq!(r.script, "IPaddr");
        assert_eq!(r.args, ["10.0.0.5/24/eth0/10.0.0.255"]);
        assert_eq!(r.as_written, "10.0.0.5/24/eth0/10.0.0.255");
        let r = Resource::parse("IPaddr2::10.0.0.5", Span::default());
        assert_eq!((r.script.as_str(), r.args.len()), ("IPaddr2", 1));
    }

    #[test]
    fn the_address_pattern_is_the_shells() {
        for yes in [
            "1.2.3.4",
            "10.0.0.5/24",
            "1x.2y.3z.4",
            "1.2.3.4.5",
            "1..2.3.4",
        ] {
            assert!(is_bare_address(yes), "{yes}");
        }
        for no in [
            "1.2.3",
            "a1.2.3.4",
            "1.2.3.",
            "IPaddr::1.2.3.4",
            "",
            "1.a.2.3",
        ] {
            assert!(!is_bare_address(no), "{no}");
        }
    }
}
