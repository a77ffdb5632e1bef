//! Fills the report that `everbeat status` shows.

use std::collections::BTreeMap;

use super::node::Node;
use crate::daemons::report::{GroupReport, GuardReport, LinkReport, NodeReport, Report};
use crate::proto::heartbeat::{LinkView, Mode, NodeKind, NodeStatus, NodeView, StartView};
use crate::runtime::clock;
use crate::time::{Instant, Now};
use crate::v1::{GroupState, GroupView, View};

/// What doesn't change while the daemon runs.
#[derive(Debug, Clone, Copy)]
pub struct Constant {
    /// Process id.
    pub pid: u32,
    /// Seconds since 1970 of the start.
    pub since_unix: u64,
}

/// The picture of this moment.
pub fn report(node: &Node, constant: Constant) -> Report {
    let now = clock::now();
    let view = node.manager.as_ref().map(crate::v1::Manager::view);
    let local = &node.cluster.config().local;
    Report {
        host: local.to_string(),
        version: env!("CARGO_PKG_VERSION").into(),
        pid: constant.pid,
        since_unix: constant.since_unix,
        local_status: node.cluster.status().to_string(),
        cluster: node.config.cluster.clone(),
        layer: "heartbeat".into(),
        on_hold: node.on_hold,
        guard: node
            .guard
            .as_ref()
            .filter(|_| !node.on_hold)
            .map(|guard| GuardReport {
                clear: guard.is_clear(),
                returned: guard.returned().map(ToString::to_string).collect(),
            }),
        waiting_for: waiting(node, now, view.as_ref()),
        resources_held: view
            .as_ref()
            .map_or(String::new(), |v| v.holding.to_string()),
        nodes: node
            .cluster
            .nodes()
            .map(|n| node_report(node, &n, (now, view.as_ref())))
            .collect(),
        groups: view
            .iter()
            .flat_map(|v| &v.groups)
            .map(group_report)
            .collect(),
        membership: node.membership.report(),
        counters: counters(node),
    }
}

fn waiting(node: &Node, now: Now, view: Option<&View>) -> Vec<String> {
    let start = match node.cluster.start() {
        StartView::Hearing { unheard, until } => {
            let names: Vec<_> = unheard.iter().map(ToString::to_string).collect();
            let left = until.since(now.mono).as_secs_f64();
            Some(format!(
                "to hear of {} (given up in {left:.0} s)",
                names.join(", ")
            ))
        }
        StartView::Asking(peer) => Some(format!("for the list of nodes from {peer}")),
        StartView::Up | StartView::Left => None,
    };
    let hold = node
        .on_hold
        .then(|| "to hand its resources over to the CRM (everbeat migrate status)".to_owned());
    start
        .into_iter()
        .chain(hold)
        .chain(view.and_then(|v| v.waiting.clone()))
        .collect()
}

fn node_report(node: &Node, view: &NodeView, (now, resources): (Now, Option<&View>)) -> NodeReport {
    let own = view.name == node.cluster.config().local;
    let ms = |at: Instant| now.mono.since(at).as_millis() as u64;
    NodeReport {
        name: view.name.to_string(),
        kind: match view.kind {
            NodeKind::Normal => "normal".into(),
            NodeKind::Ping => "ping".into(),
        },
        status: view.status.to_string(),
        status_since_unix: Some(unix_of(view.status_since, now)),
        software: match view.mode {
            Mode::Everbeat(version) => format!("everbeat {version}"),
            Mode::Heartbeat => "heartbeat".into(),
            Mode::Unknown if own => "everbeat 1".into(),
            Mode::Unknown => String::new(),
        },
        generation: (view.generation.0 > 0).then_some(view.generation.0),
        last_heard_ms: view.last_status.filter(|_| !own).map(ms),
        dead_after_ms: (!own).then_some(view.dead_after.as_millis() as u64),
        holds: resources.and_then(|r| holds(r, view, own)),
        links: view
            .links
            .iter()
            .map(|link| link_report(node, view, link, now))
            .collect(),
    }
}

/// The time on the calendar of a moment of this run, as the clock stands now.
fn unix_of(at: Instant, now: Now) -> u64 {
    now.unix_s.saturating_sub(now.mono.since(at).as_secs())
}

/// What a node says that it holds, from its own view.
fn holds(resources: &View, of: &NodeView, own: bool) -> Option<String> {
    if own {
        return Some(resources.holding.to_string());
    }
    let peer = resources.peers.iter().find(|peer| peer.node == of.name)?;
    peer.holds.map(str::to_owned)
}

fn link_report(node: &Node, of: &NodeView, link: &LinkView, now: Now) -> LinkReport {
    let media = node.config.media.iter();
    let medium = media
        .clone()
        .find(|m| m.link() == link.name)
        .map_or("", |m| m.directive());
    let heard = link.last_heard.map(|at| now.mono.since(at));
    let late = heard.and_then(|since| since.checked_sub(node.config.keepalive));
    let counts = of.status != NodeStatus::Dead;
    LinkReport {
        name: link.name.to_string(),
        medium: medium.into(),
        up: link.up,
        last_heard_ms: heard.map(|since| since.as_millis() as u64),
        late_ms: late
            .filter(|_| counts)
            .map_or(0, |late| late.as_millis() as u64),
    }
}

fn group_report(group: &GroupView) -> GroupReport {
    GroupReport {
        key: group.key.clone(),
        preferred: group.preferred.to_string(),
        resources: group.resources.clone(),
        holder: group.holder.as_ref().map(ToString::to_string),
        holders: group.holders.iter().map(ToString::to_string).collect(),
        state: match group.state {
            GroupState::Starting => "starting".into(),
            GroupState::Running => "running".into(),
            GroupState::Stopping => "stopping".into(),
            GroupState::Stopped if group.failures > 0 => "failed".into(),
            GroupState::Stopped => "stopped".into(),
        },
        since_unix: (group.since_unix_s > 0).then_some(group.since_unix_s),
        why: group.cause.clone(),
    }
}

fn counters(node: &Node) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (link, refusal, count) in node.refusals.counts() {
        *all.entry(format!(
            "refused_{}",
            refusal.name().replace([' ', '-'], "_")
        ))
        .or_default() += count;
        all.insert(
            format!(
                "refused_on_{link}_{}",
                refusal.name().replace([' ', '-'], "_")
            ),
            count,
        );
    }
    for (oddity, count) in node.cluster.oddities() {
        all.insert(oddity.as_str().replace('-', "_"), count);
    }
    let repairs = node.cluster.repairs();
    for (name, count) in [
        ("requested", repairs.requested),
        ("recovered", repairs.recovered),
        ("given_up", repairs.given_up),
        ("resent", repairs.resent),
        ("refused", repairs.refused),
    ] {
        all.insert(format!("rexmit_{name}"), count);
    }
    let (sent, kept) = node.cluster.sent();
    let longest = u64::try_from(node.longest_wait.as_millis()).unwrap_or(u64::MAX);
    all.insert("longest_wait_ms".into(), longest);
    all.insert("messages_sent".into(), sent);
    all.insert("messages_kept".into(), kept as u64);
    for medium in node.media.views() {
        let name = format!("{}_{}", medium.medium.directive(), medium.link);
        all.insert(format!("{name}_sent"), medium.counters.sent);
        all.insert(format!("{name}_received"), medium.counters.received);
        all.insert(format!("{name}_send_errors"), medium.counters.send_errors);
    }
    all
}
