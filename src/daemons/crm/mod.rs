//! The CRM's role: a controller above a messaging layer, with agents, fencing, disk and tools.
//!
//! ```text
//!  the layer's driver --hear--> Crm { MessagingLayer, Controller } --poll_output--> the driver
//!                                 Crm --outputs--> agents, scheduler, disk
//!  tools --Clients--> Crm          answers, when they are done
//! ```

mod agents;
mod alerts;
mod clients;
mod fence_requests;
mod fencing;
pub mod history;
mod inputs;
mod load;
mod node;
mod permission;
pub mod protocol;
mod scheduling;
mod store;
mod watchdog;
mod watchers;

pub use node::{Below, Crm, End, Work};
pub use watchdog::Settings as Watchdog;

use std::time::Duration;

use crate::controller;
use crate::ids::{NodeId, NodeUuid};

/// Exit code of a node that another one fenced: who starts it again should not.
/// Source: spec crm-runtime.md section 1, `fatal`.
pub const EXIT_FENCED: u8 = 100;

/// If the CIB says nothing. Source: spec cib.md section 9, `dc-deadtime`.
const DC_DEADTIME: Duration = Duration::from_secs(20);

/// What the controller of this node has to know, the same on all layers: neither the number of
/// nodes nor the cluster's name is in it yet.
///
/// Errors: the system gives no random numbers.
pub fn config(
    (local, name): (NodeId, String),
    infrastructure: &'static str,
) -> anyhow::Result<controller::Config> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    Ok(controller::Config {
        local,
        name,
        transitioner: NodeUuid(id).to_string(),
        term: 0,
        nodes: None,
        dc_deadtime: DC_DEADTIME,
        jobs_max: jobs_max(),
        jobs_fixed: jobs_fixed(),
        infrastructure,
        cluster_name: None,
        version: format!("2.1.5-everbeat-{}", env!("CARGO_PKG_VERSION")),
        have_watchdog: Watchdog::read().is_some(),
    })
}

/// Twice the number of processors. Source: spec crm-runtime.md section 6.
fn jobs_max() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    u32::try_from(cores).unwrap_or(1).saturating_mul(2)
}

/// Source: spec crm-runtime.md section 1, `PCMK_node_action_limit`.
fn jobs_fixed() -> Option<u32> {
    let limit = std::env::var("PCMK_node_action_limit").ok()?;
    limit.parse().ok().filter(|limit| *limit > 0)
}
