//! The corosync.conf of two nodes: it should be one file, but for the node's own address.

use std::collections::BTreeMap;

use super::model::{CorosyncConf, Node};
use super::tree::Section;
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::differences::Differences;
use crate::config::source::{Source, Span};

/// The key that is a node's own, outside the interfaces.
const OWN: &str = "totem.nodeid";

/// What counts, as it counts: defaults of a file that doesn't say it are filled in.
type Facet = (
    &'static [&'static str],
    fn(&CorosyncConf) -> String,
    &'static str,
);

const UNHEARD: &str = "nodes hear each other only if it is the same on all";
const TIMES: &str = "one node would give the token up while another waits for it";

const FACETS: &[Facet] = &[
    (
        &["totem.transport"],
        |c| c.totem.transport.as_str().into(),
        UNHEARD,
    ),
    (
        &[
            "totem.crypto_cipher",
            "totem.crypto_hash",
            "totem.secauth",
            "totem.crypto_type",
        ],
        |c| format!("{:?}", c.totem.crypto),
        UNHEARD,
    ),
    (
        &["totem.cluster_name"],
        |c| c.totem.cluster_name.clone().unwrap_or_default(),
        "with udp the multicast address is made from it: nodes would not hear each other",
    ),
    (
        &["totem.rrp_mode"],
        |c| format!("{:?}", c.totem.rrp_mode).to_lowercase(),
        UNHEARD,
    ),
    (
        &["totem.token"],
        |c| c.totem.timing.token.to_string(),
        TIMES,
    ),
    (
        &["totem.consensus"],
        |c| c.totem.timing.consensus.to_string(),
        TIMES,
    ),
    (&["totem.join"], |c| c.totem.timing.join.to_string(), TIMES),
    (
        &["quorum.expected_votes"],
        |c| format!("{:?}", c.quorum.expected_votes),
        "the nodes would not agree whether they have quorum",
    ),
    (
        &["quorum.provider"],
        |c| c.quorum.provider.to_string(),
        "the nodes would not agree whether they have quorum",
    ),
    (
        &["quorum.two_node"],
        |c| c.quorum.two_node.to_string(),
        "the nodes would not agree whether they have quorum",
    ),
];

/// What differs in the second file, with the line of the first.
pub fn differences(
    (a, first): &(CorosyncConf, Source),
    (b, second): &(CorosyncConf, Source),
) -> Vec<Diagnostic> {
    let (theirs, ours) = (Flat::of(first), Flat::of(second));
    let mut pair = Pair {
        theirs,
        ours,
        found: Differences::new(first, Findings::of(second, "corosync")),
    };
    let told = pair.facets(a, b);
    pair.interfaces(a, b);
    pair.nodes(a, b);
    pair.rest(&told);
    pair.found.finish()
}

/// Keys outside the nodelist and the interfaces, by their path; the last of a name counts.
struct Flat {
    keys: BTreeMap<String, (String, Span)>,
    /// Sections, for the place of what is missing.
    sections: BTreeMap<String, Span>,
    end: Span,
}

impl Flat {
    fn of(source: &Source) -> Self {
        let tree = super::sections(source);
        let end = source.text().trim_end().len();
        let mut flat = Self {
            keys: BTreeMap::new(),
            sections: BTreeMap::new(),
            end: Span::new(end, end),
        };
        flat.section(&tree, "");
        flat
    }

    fn section(&mut self, section: &Section, path: &str) {
        let below = |name: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        for key in &section.keys {
            let entry = (key.value.clone(), key.span());
            self.keys.insert(below(&key.name), entry);
        }
        for inner in &section.sections {
            let path = below(&inner.name);
            self.sections.entry(path.clone()).or_insert(inner.span);
            if !matches!(path.as_str(), "nodelist.node" | "totem.interface") {
                self.section(inner, &path);
            }
        }
    }

    /// Where one of these is said, or would be.
    fn place(&self, paths: &[&str]) -> Span {
        let said = paths
            .iter()
            .find_map(|p| self.keys.get(*p))
            .map(|(_, s)| *s);
        let section = paths.first().and_then(|p| p.rsplit_once('.'));
        let section = section.and_then(|(s, _)| self.sections.get(s)).copied();
        said.or(section).unwrap_or(self.end)
    }
}

struct Pair<'s> {
    theirs: Flat,
    ours: Flat,
    found: Differences<'s>,
}

impl Pair<'_> {
    /// The paths that were judged here.
    fn facets(&mut self, a: &CorosyncConf, b: &CorosyncConf) -> Vec<&'static str> {
        for (paths, value, help) in FACETS {
            // What neither says follows from something else, which is told.
            let said = |flat: &Flat| paths.iter().any(|p| flat.keys.contains_key(*p));
            if value(a) == value(b) || !(said(&self.ours) || said(&self.theirs)) {
                continue;
            }
            let places = (self.ours.place(paths), self.theirs.place(paths));
            let key = paths[0].rsplit('.').next().unwrap_or_default();
            let message = match paths.len() {
                1 => format!(
                    "{key} is {} here, {} in {}",
                    value(b),
                    value(a),
                    self.found.name()
                ),
                _ => format!("messages are protected otherwise in {}", self.found.name()),
            };
            self.found.tell(Severity::Error, places, message).help = Some((*help).into());
        }
        FACETS
            .iter()
            .flat_map(|(paths, ..)| paths.iter().copied())
            .collect()
    }

    fn interfaces(&mut self, a: &CorosyncConf, b: &CorosyncConf) {
        for ours in &b.interfaces {
            let Some(theirs) = a.interfaces.iter().find(|i| i.number == ours.number) else {
                let message = format!("ring {} is not in {}", ours.number, self.found.name());
                let places = (ours.span, self.theirs.end);
                self.found.tell(Severity::Error, places, message).help = Some(UNHEARD.into());
                continue;
            };
            let group = |i: &super::model::Interface| i.mcastaddr.map(|g| g.to_string());
            let port = |i: &super::model::Interface| Some(i.mcastport.to_string());
            for (what, here, there) in [
                ("mcastaddr", group(ours), group(theirs)),
                ("mcastport", port(ours), port(theirs)),
            ] {
                if here != there {
                    let (here, there) = (here.unwrap_or_default(), there.unwrap_or_default());
                    let message = format!(
                        "ring {}: {what} is {here} here, {there} in {}",
                        ours.number,
                        self.found.name()
                    );
                    let places = (ours.span, theirs.span);
                    self.found.tell(Severity::Error, places, message).help = Some(UNHEARD.into());
                }
            }
        }
        for theirs in &a.interfaces {
            if !b.interfaces.iter().any(|i| i.number == theirs.number) {
                let message = format!(
                    "ring {} of {} is missing here",
                    theirs.number,
                    self.found.name()
                );
                let places = (self.ours.end, theirs.span);
                self.found.tell(Severity::Error, places, message).help = Some(UNHEARD.into());
            }
        }
    }

    fn nodes(&mut self, a: &CorosyncConf, b: &CorosyncConf) {
        let same = |x: &Node, y: &Node| match (&x.name, &y.name) {
            (Some(x), Some(y)) => x == y,
            _ => addresses(x) == addresses(y),
        };
        let help = "the list of nodes must be the same on all";
        for ours in &b.nodes {
            let label = ours.label();
            let Some(theirs) = a.nodes.iter().find(|n| same(n, ours)) else {
                let message = format!("node {label} is not in {}", self.found.name());
                let places = (ours.span, self.theirs.place(&["nodelist."]));
                self.found.tell(Severity::Error, places, message).help = Some(help.into());
                continue;
            };
            let places = (ours.span, theirs.span);
            for (what, here, there) in [
                ("id", ours.nodeid.to_string(), theirs.nodeid.to_string()),
                ("address", addresses(ours), addresses(theirs)),
                ("votes", ours.votes.to_string(), theirs.votes.to_string()),
            ] {
                if here != there {
                    let message = format!(
                        "node {label}: {what} {here} here, {there} in {}",
                        self.found.name()
                    );
                    self.found.tell(Severity::Error, places, message).help = Some(help.into());
                }
            }
        }
        for theirs in &a.nodes {
            if !b.nodes.iter().any(|n| same(n, theirs)) {
                let message = format!(
                    "node {} of {} is missing here",
                    theirs.label(),
                    self.found.name()
                );
                let places = (self.ours.place(&["nodelist."]), theirs.span);
                self.found.tell(Severity::Error, places, message).help = Some(help.into());
            }
        }
    }

    /// All other keys, as they are written.
    fn rest(&mut self, told: &[&str]) {
        let mut paths: Vec<_> = self.ours.keys.keys().cloned().collect();
        let only_theirs = self
            .theirs
            .keys
            .keys()
            .filter(|p| !self.ours.keys.contains_key(*p));
        paths.extend(only_theirs.cloned());
        for path in paths {
            if path == OWN || path.starts_with("logging") || told.contains(&path.as_str()) {
                continue;
            }
            let value = |flat: &Flat| flat.keys.get(&path).map(|(v, _)| v.clone());
            let (ours, theirs) = (value(&self.ours), value(&self.theirs));
            if ours == theirs {
                continue;
            }
            let places = (self.ours.place(&[&path]), self.theirs.place(&[&path]));
            let other = self.found.name();
            // A key in the file itself is a secret.
            let secret = path == "totem.key";
            let (severity, message) = match (ours, theirs) {
                _ if secret => (Severity::Error, format!("{path} isn't that of {other}")),
                (Some(ours), Some(theirs)) => (
                    Severity::Warning,
                    format!("{path} is {ours} here, {theirs} in {other}"),
                ),
                (Some(_), None) => (Severity::Note, format!("{path} is not in {other}")),
                (None, _) => (Severity::Note, format!("{path} of {other} is missing here")),
            };
            self.found.tell(severity, places, message).help =
                Some("keep one corosync.conf and copy it to all nodes".into());
        }
    }
}

fn addresses(node: &Node) -> String {
    let all = node.addresses.iter().flatten().map(|a| a.text.as_str());
    all.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::corosync_conf::read_all;
    use crate::config::diagnostic::Other;

    const CONF: &str = "totem {\n version: 2\n cluster_name: c\n transport: udpu\n \
        interface {\n  ringnumber: 0\n  bindnetaddr: 10.0.0.1\n }\n}\nnodelist {\n node {\n  \
        ring0_addr: 10.0.0.1\n  name: a\n  nodeid: 1\n }\n node {\n  ring0_addr: 10.0.0.2\n  \
        name: b\n  nodeid: 2\n }\n}\nquorum {\n provider: corosync_votequorum\n}\n";

    fn told(second: &str) -> Vec<String> {
        let read = |name, text| {
            let source = Source::new(name, text);
            (read_all(&source).0, source)
        };
        let found = differences(&read("a", CONF), &read("b", second));
        let told = found.iter().map(|d| {
            let other = d.other.as_ref().map(Other::to_string).unwrap_or_default();
            format!("{}:{} {} {other}", d.line, d.severity.as_str(), d.message)
        });
        told.collect()
    }

    #[test]
    fn a_nodes_own_lines_and_defaults_are_no_difference() {
        let own = CONF.replace("bindnetaddr: 10.0.0.1", "bindnetaddr: 10.0.0.2");
        assert_eq!(told(&own), [""; 0]);
        let said = CONF.replace("version: 2", "version: 2\n token: 3000");
        assert_eq!(told(&said), [""; 0], "the default of 3.x");
        let logs = format!("{CONF}logging {{\n debug: on\n}}\n");
        assert_eq!(told(&logs), [""; 0]);
    }

    #[test]
    fn each_difference_has_both_lines() {
        let other = CONF
            .replace(
                "transport: udpu",
                "transport: udpu\n token: 5000\n crypto_hash: sha256",
            )
            .replace("nodeid: 2", "nodeid: 3")
            .replace("version: 2", "version: 2\n mykey: x");
        let told = told(&other);
        for part in [
            "node b: id 3 here, 2 in a a:16:2",
            "6:error token is 5000 here, 3000 in a a:1:1",
            "7:error messages are protected otherwise in a a:1:1",
            "3:note totem.mykey is not in a a:1:1",
        ] {
            assert!(told.iter().any(|t| t.contains(part)), "{part}: {told:#?}");
        }
    }
}
