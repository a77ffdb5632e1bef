//! The picture of the resources for `cl_status rscstatus`, `everbeat status` and the clients.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::work::Side;
use crate::ids::NodeName;

/// What `cl_status rscstatus` says.
///
/// Source: heartbeat 3.0.6, `cl_status rscstatus`; `spec/heartbeat-v1.md` section 2.1
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// Neither own groups nor those of others.
    None,
    /// These.
    Side(Side),
    /// Something is under way.
    Transition,
}

impl Holding {
    /// The word of `cl_status rscstatus`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Side(side) => side.as_str(),
            Self::Transition => "transition",
        }
    }
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a group is doing on the node that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Nowhere.
    Stopped,
    /// Its resources are being started.
    Starting,
    /// All its resources run.
    Running,
    /// Its resources are being stopped.
    Stopping,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// Its first resource.
    pub key: String,
    /// The preferred node.
    pub preferred: NodeName,
    /// Its resources as written.
    pub resources: Vec<String>,
    /// Who has it; of a peer: as the peer said last.
    pub holder: Option<NodeName>,
    /// What it is doing there.
    pub state: GroupState,
    /// Since when it has been so, in seconds since 1970; 0: not known.
    pub since_unix_s: u64,
    /// Why it is there, or why it is nowhere.
    pub cause: String,
    /// Starts that failed here since the last success.
    pub failures: u32,
    /// The resource action that runs now, `IPaddr2::10.0.0.5/24 start`.
    pub action: Option<String>,
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// What this node holds.
    pub holding: Holding,
    /// Each group in the order of haresources.
    pub groups: Vec<GroupView>,
    /// What the daemon waits for just now, a sentence; none: nothing is under way.
    pub waiting: Option<String>,
}
