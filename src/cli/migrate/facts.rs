//! What a node says of itself to the one that carries a migration out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
        let held = report.groups.iter().all(|g| {
            let unknown = g.state == "unknown" || g.state.is_empty();
            g.holders.len() == 1 && (g.state == "running" || unknown)
        });
        report.local_status == "active"
            && report.waiting_for.is_empty()
            && report.resources_held != "transition"
            && (self.software == Software::Heartbeat || held)
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
