//! The CRM on heartbeat's media: which lines of ha.cf start it, and what it is made of.

use crate::config::ha_cf::{CrmMode, HaCf};
use crate::daemons::crm::{self, Below, Crm};
use crate::messaging::heartbeat::{Config, Heartbeat};
use crate::messaging::{MessagingLayer, Output};
use crate::proto::ccm;
use crate::proto::heartbeat::{Autojoin, ClusterConfig, Event};
use crate::runtime::clock;
use crate::runtime::log::Logger;
use crate::time::Now;
use crate::wire::heartbeat::Message;

/// Name of a cluster that ha.cf gives none. Source: heartbeat 3.0.6, `cluster`.
const NO_NAME: &str = "linux-ha";

/// What the CIB calls the layer, `cluster-infrastructure`. Schemas since 3.0 forbid `heartbeat`
/// alone. Source: pacemaker 2.1.5, options-3.0.rng.
const INFRASTRUCTURE: &str = "heartbeat (ccm)";

/// True if ha.cf wants the CRM. (`manual` starts nothing by itself, and is refused.)
pub(super) fn is_wanted(config: &HaCf) -> bool {
    matches!(
        config.crm,
        CrmMode::On | CrmMode::Respawn | CrmMode::Valgrind
    )
}

/// Starts the CRM if it is wanted.
///
/// Errors: its folders or its socket can't be made.
pub(super) fn start(
    config: &HaCf,
    cluster: &ClusterConfig,
    log: Logger,
) -> std::io::Result<Option<Crm>> {
    if !is_wanted(config) {
        return Ok(None);
    }
    let layer = Config {
        local: cluster.local.clone(),
        uuid: cluster.uuid,
    };
    let local = (layer.node_id(), cluster.local.to_string());
    let mut told = crm::config(local, INFRASTRUCTURE).map_err(std::io::Error::other)?;
    // Where nodes join by themselves nobody knows how many there will be.
    told.nodes = (cluster.autojoin == Autojoin::None).then_some(cluster.nodes.len());
    told.cluster_name = (config.cluster != NO_NAME).then(|| config.cluster.clone());
    let below = Below {
        layer: MessagingLayer::Heartbeat(Box::new(Heartbeat::new(layer))),
        // Of two nodes each may go on alone, and so may what doesn't know how many there are.
        exclusive_quorum: told.nodes.is_some_and(|nodes| nodes > 2),
    };
    Crm::start(told, below, log, clock::now()).map(Some)
}

/// Hands it what the node protocol told.
pub(super) fn hear(crm: &mut Crm, now: Now, event: &Event) {
    with_layer(crm, now, |layer| layer.handle_event(now, event));
}

/// Hands it what the membership told.
pub(super) fn hear_membership(crm: &mut Crm, now: Now, event: &ccm::Event) {
    with_layer(crm, now, |layer| layer.handle_membership(now, event));
}

/// It left the cluster, or has to: nothing is said any more.
pub(super) fn leave(crm: &mut Crm, now: Now) {
    crm.hear(now, MessagingLayer::leave);
}

fn with_layer(crm: &mut Crm, now: Now, tell: impl FnOnce(&mut Heartbeat)) {
    crm.hear(now, |layer| {
        if let MessagingLayer::Heartbeat(heartbeat) = layer {
            tell(heartbeat);
        }
    });
}

/// The next message that the CRM has for other nodes.
pub(super) fn poll_message(crm: &mut Crm) -> Option<Message> {
    loop {
        match crm.poll_output()? {
            Output::Send(message) => return Some(*message),
            // There is no ring here.
            Output::Multicast(_) => {}
        }
    }
}
