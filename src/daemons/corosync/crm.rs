//! The CRM on a ring: its group there, and what it hears of the ring.

use std::collections::BTreeMap;
use std::net::IpAddr;

use anyhow::Context;

use super::ring::{Event, Ring};
use super::start::Loaded;
use crate::config::corosync_conf::{CorosyncConf, Generation};
use crate::daemons::crm::{self, Below, Crm};
use crate::ids::NodeId;
use crate::messaging::totem::{Config, GROUP, Quorum};
use crate::messaging::{MessagingLayer, Output, Totem};
use crate::proto::cpg::ClientId;
use crate::runtime::clock;
use crate::runtime::log::Logger;
use crate::time::Now;
use crate::wire::cluster::CpgName;

/// The CRM's place among the clients of groups; those of tools are counted from 1.
const CLIENT: ClientId = ClientId(0);

/// True if corosync.conf of 1.x has corosync start the CRM itself: `service` with the name
/// pacemaker and `ver: 0`. With `ver: 1` its own script starts it.
pub(super) fn is_a_service(conf: &CorosyncConf) -> bool {
    let mut services = conf.services.iter();
    conf.told.generation == Generation::One
        && services.any(|service| service.name == "pacemaker" && service.ver == 0)
}

/// Starts the CRM and joins its group.
pub(super) fn start(loaded: &Loaded, ring: &mut Ring, log: Logger) -> anyhow::Result<Crm> {
    let conf = &loaded.conf;
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host = host.to_string_lossy().into_owned();
    let mut names = names(conf);
    let name = names.entry(loaded.node).or_insert(host).clone();
    let mut config = crm::config((loaded.node, name), "corosync")?;
    config.nodes = (!conf.nodes.is_empty()).then_some(conf.nodes.len());
    config.cluster_name.clone_from(&conf.totem.cluster_name);
    let layer = MessagingLayer::Totem(Box::new(Totem::new(Config {
        local: loaded.node,
        names,
        tell_names: conf.nodes.is_empty(),
        quorum: quorum(conf),
        ring: ring.srp().ring(),
    })));
    let below = Below {
        layer,
        exclusive_quorum: is_exclusive(conf),
    };
    let crm = Crm::start(config, below, log, clock::now()).context("can't start the CRM")?;
    let group = CpgName::new(GROUP)?;
    ring.with_groups(clock::now(), |groups| {
        groups.join(CLIENT, std::process::id(), &group)
    })
    .context("can't join the group of the CRM")?;
    Ok(crm)
}

/// The nodelist was read again: nodes that came to it have names, and a cluster that forms waits
/// for as many as there are now.
pub(super) fn reread(crm: &mut Crm, now: Now, conf: &CorosyncConf) {
    crm.expect_nodes((!conf.nodes.is_empty()).then_some(conf.nodes.len()));
    crm.know_quorum(is_exclusive(conf));
    crm.hear(now, |layer| {
        if let MessagingLayer::Totem(totem) = layer {
            totem.handle_names(names(conf));
        }
    });
}

/// Where quorum comes from. Without a provider corosync 1.x left it to Pacemaker's plugin.
fn quorum(conf: &CorosyncConf) -> Quorum {
    match (conf.quorum.provider, conf.told.generation) {
        (true, _) => Quorum::Votes,
        (false, Generation::One) => Quorum::Counted,
        (false, Generation::Two | Generation::Three) => Quorum::Always,
    }
}

/// Whether no two parts of the cluster can have quorum at once.
fn is_exclusive(conf: &CorosyncConf) -> bool {
    quorum(conf) == Quorum::Votes && !conf.quorum.two_node
}

fn names(conf: &CorosyncConf) -> BTreeMap<NodeId, String> {
    let named = conf.nodes.iter().filter_map(|node| {
        let text = node.name.clone().or_else(|| {
            let address = node.ring0()?.text.clone();
            address.parse::<IpAddr>().is_err().then_some(address)
        });
        Some((NodeId(node.nodeid), text?))
    });
    named.collect()
}

/// Hands the CRM what happened on the ring.
pub(super) fn hear(crm: &mut Crm, now: Now, event: &Event) {
    crm.hear(now, |layer| {
        let MessagingLayer::Totem(totem) = layer else {
            return;
        };
        match event {
            Event::Ring { ring, .. } => totem.handle_ring(*ring),
            Event::Verdict(verdict) => totem.handle_votes(verdict.quorate),
            Event::Group(CLIENT, event) => totem.handle_group(event),
            _ => {}
        }
    });
}

/// Hands the CRM what waited until all members had it.
pub(super) fn follow(crm: &mut Crm, now: Now, ring: &Ring) {
    let waits = matches!(crm.messaging(), MessagingLayer::Totem(totem) if totem.is_waiting());
    if waits {
        crm.hear(now, |layer| {
            if let MessagingLayer::Totem(totem) = layer {
                totem.handle_reached(ring.srp().reached());
            }
        });
    }
}

/// Sends what the CRM has to say, as long as the ring takes more. The rest waits in the CRM, whose
/// tools aren't read meanwhile: so what waits is bounded by what agents and members cause.
///
/// Errors: the groups don't take it, though the CRM is in one: the daemon can't go on.
pub(super) fn send(crm: &mut Crm, now: Now, ring: &mut Ring) -> anyhow::Result<()> {
    while ring.takes_more()
        && let Some(output) = crm.poll_output()
    {
        let Output::Multicast(piece) = output else {
            continue;
        };
        ring.with_groups(now, |groups| groups.multicast(CLIENT, piece))
            .context("a message of the CRM can't be sent")?;
    }
    Ok(())
}
