//! What a node says of itself to the one that carries a migration out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::haresources;
use crate::config::source::Source;
use crate::daemons::report::Report;

/// What plays heartbeat's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Software {
    /// Nothing.
    #[default]
    None,
    /// heartbeat itself.
    Heartbeat,
    /// everbeat.
    Everbeat,
}

/// How much of a group runs on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Share {
    /// All its resources.
    All,
    /// Some of them: it is on its way, or broken.
    Some,
    /// None of them.
    None,
}

/// What is on a node.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Facts {
    /// Its name in the cluster.
    pub(super) name: String,
    /// What plays heartbeat's part.
    pub(super) software: Software,
    /// Program of heartbeat itself.
    pub(super) program: Option<PathBuf>,
    /// What heartbeat or everbeat in its part says.
    pub(super) report: Option<Report>,
    /// How much of each group of haresources runs here, as its agents say: heartbeat's own word
    /// for it is no measure, of three nodes two may claim a group.
    pub(super) runs: BTreeMap<String, Share>,
    /// The ring's daemon runs.
    pub(super) ring: bool,
    /// Its ha.cf has a CRM.
    pub(super) crm: bool,
    /// What the plan is made of: ha.cf, haresources. Empty: not there.
    pub(super) ha_cf: String,
    /// As `ha_cf`.
    pub(super) haresources: String,
    /// ha.cf is put away: the ring is what the node is for.
    pub(super) switched: bool,
}

impl Facts {
    /// Whether the daemon works and nothing is on its way.
    pub(super) fn is_settled(&self) -> bool {
        let Some(report) = &self.report else {
            return false;
        };
        report.local_status == "active"
            && report.waiting_for.is_empty()
            && report.resources_held != "transition"
            && self.runs.values().all(|share| *share != Share::Some)
    }

    /// Whether everbeat here knows of one holder of each group, which has all of it.
    fn agrees(&self) -> bool {
        let mut groups = self.report.iter().flat_map(|r| &r.groups);
        groups.all(|g| {
            let unknown = g.state == "unknown" || g.state.is_empty();
            g.holders.len() == 1 && (g.state == "running" || unknown)
        })
    }

    /// Whether a group whose line names this node doesn't run here.
    pub(super) fn is_away(&self) -> bool {
        let source = Source::new("haresources", &self.haresources);
        let (model, _) = haresources::read_all(&source);
        let mut ours = model
            .groups
            .iter()
            .filter(|g| *g.node.as_str() == *self.name);
        ours.any(|g| self.runs.get(g.key()) != Some(&Share::All))
    }

    /// Whether a group runs here, or a part of it.
    pub(super) fn holds_any(&self) -> bool {
        self.runs.values().any(|share| *share != Share::None)
    }

    /// Whether the daemon hears this node.
    pub(super) fn hears(&self, name: &str) -> bool {
        let mut nodes = self.report.iter().flat_map(|r| &r.nodes);
        nodes.any(|n| n.name == name && matches!(&*n.status, "up" | "active"))
    }

    /// Whether the daemon has all these nodes for active.
    pub(super) fn sees(&self, nodes: &[String]) -> bool {
        let active = |name: &String| {
            let report = self.report.iter().flat_map(|r| &r.nodes);
            report
                .into_iter()
                .any(|n| n.name == *name && n.status == "active")
        };
        nodes.iter().all(active)
    }
}

/// Why the groups aren't each whole on one node; none if they are.
///
/// What runs counts. Where all nodes are everbeat, they must say the same, too.
pub(super) fn unheld(all: &[Facts]) -> Option<String> {
    let keys = all.first().map(|f| f.runs.keys()).into_iter().flatten();
    for key in keys {
        let holders = all.iter().filter(|f| f.runs.get(key) == Some(&Share::All));
        let holders: Vec<_> = holders.map(|f| f.name.as_str()).collect();
        match holders[..] {
            [_] => {}
            [] => return Some(format!("nobody has all of the group {key}")),
            _ => return Some(format!("{} have the group {key}", holders.join(" and "))),
        }
    }
    let ours = |f: &Facts| f.software == Software::Everbeat;
    let unsure = all.iter().find(|f| !f.agrees());
    let unsure = unsure.filter(|_| all.iter().all(ours));
    unsure.map(|f| format!("{} isn't sure who has which group", f.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, share: Share) -> Facts {
        Facts {
            name: name.into(),
            software: Software::Heartbeat,
            runs: BTreeMap::from([("ip".to_owned(), share)]),
            ..Facts::default()
        }
    }

    #[test]
    fn each_group_is_whole_on_one_node() {
        use Share::{All, None, Some};
        let why = |shares: [Share; 3]| {
            let all: Vec<_> = ["a", "b", "c"]
                .iter()
                .zip(shares)
                .map(|(n, s)| node(n, s))
                .collect();
            unheld(&all)
        };
        assert_eq!(why([None, All, None]), Option::None);
        assert_eq!(
            why([All, All, None]).as_deref(),
            Option::Some("a and b have the group ip")
        );
        assert_eq!(
            why([Some, None, None]).as_deref(),
            Option::Some("nobody has all of the group ip")
        );
    }
}
