//! What runs behind a connection waits for it, and ends before it.
//! Source: Pacemaker 2.1.5, `lib/pacemaker/pcmk_sched_remote.c`.

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;

/// How a connection to a remote node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Unknown,
    Alive,
    Resting,
    Failed,
    Stopped,
}

/// Tasks that end something.
fn goes_down(task: &str) -> bool {
    matches!(task, "stop" | "migrate_to" | "migrate_from")
}

/// Tasks that the ordering of remote actions knows.
fn is_known(task: &str) -> bool {
    let known = [
        "monitor", "stop", "stopped", "start", "running", "notify", "notified", "promote",
        "promoted", "demote", "demoted",
    ];
    known.contains(&task)
}

impl Cluster<'_> {
    fn connection_state(&self, node: NodeId, connection: ResourceId) -> Connection {
        let r = &self.resources[connection];
        let host = self.current_node(connection);
        let unclean = host.is_some_and(|h| self.nodes[h].unclean);
        if r.next_role == Role::Stopped || r.assigned.is_none() {
            let waits = r.next_role == Role::Stopped
                && r.reconnect_ms > 0
                && self.nodes[node].was_fenced
                && !self.shutdown_requested(node);
            return match (unclean, r.failed) {
                (true, _) => Connection::Failed,
                (false, false) => Connection::Stopped,
                (false, true) if waits => Connection::Unknown,
                (false, true) => Connection::Failed,
            };
        }
        let migrating =
            r.running_on.len() > 1 && r.partial.source.is_some() && r.partial.target.is_some();
        match host {
            None => Connection::Unknown,
            Some(host) if unclean || !self.nodes[host].online => Connection::Resting,
            Some(_) if migrating => Connection::Resting,
            Some(_) => Connection::Alive,
        }
    }

    /// Whether the connection to a remote node is lost.
    pub(in crate::scheduler) fn is_failed_remote(&self, node: NodeId) -> bool {
        self.is_remote(node)
            && self.nodes[node]
                .connection
                .is_some_and(|c| self.connection_state(node, c) == Connection::Failed)
    }

    /// Orders all actions on remote and guest nodes with those of the connections.
    pub(in crate::scheduler) fn order_remote_actions(&mut self) {
        if !self.has_remotes {
            return;
        }
        for action in self.newest_first() {
            let Some(resource) = self.actions[action].resource else {
                continue;
            };
            let clears = &*self.actions[action].task == "clear_failcount";
            if self.resources[resource].is_connection && clears {
                let start = self.side(resource, "start");
                self.new_ordering(Side::action(action), start, Order::OPT);
                continue;
            }
            let Some(node) = self.actions[action].node else {
                continue;
            };
            if !self.is_remote_kind(node) || self.actions[action].pseudo {
                continue;
            }
            if let Some(connection) = self.nodes[node].connection {
                self.order_remote_action(action, (resource, node), connection);
            }
        }
    }

    fn order_remote_action(
        &mut self,
        action: ActionId,
        (resource, node): (ResourceId, NodeId),
        connection: ResourceId,
    ) {
        if &*self.actions[action].task == "start" {
            for i in (0..self.resources[resource].actions.len()).rev() {
                let other = self.resources[resource].actions[i];
                let a = &self.actions[other];
                if &*a.task == "stop" && a.node != Some(node) {
                    let start = self.side(connection, "start");
                    self.new_ordering(start, Side::action(other), Order::OPT);
                }
            }
        }
        match self.resources[connection].container {
            Some(container) => self.order_guest_action(action, node, connection, container),
            None => self.order_behind_remote(action, node, connection),
        }
    }

    fn start_before(&mut self, connection: ResourceId, action: ActionId, extra: Order) {
        let start = self.side(connection, "start");
        let order = Order::PRES | Order::RL | extra;
        self.new_ordering(start, Side::action(action), order);
    }

    fn stop_after(&mut self, action: ActionId, connection: ResourceId, extra: Order) {
        let stop = self.side(connection, "stop");
        self.new_ordering(Side::action(action), stop, Order::PRES | extra);
    }

    fn order_behind_remote(&mut self, action: ActionId, node: NodeId, connection: ResourceId) {
        let state = self.connection_state(node, connection);
        let task = self.actions[action].task.clone();
        match &*task {
            "start" | "promote" => {
                let failed = state == Connection::Failed;
                let extra = if failed { Order::IT } else { Order::NONE };
                self.start_before(connection, action, extra);
            }
            "demote" => {
                if matches!(state, Connection::Resting | Connection::Unknown) {
                    self.start_before(connection, action, Order::NONE);
                }
            }
            task if goes_down(task) => self.order_remote_stop(action, node, connection, state),
            _ if self.actions[action].has_interval() => {
                self.start_before(connection, action, Order::IT);
            }
            task => {
                if task == "monitor" && state == Connection::Failed {
                    let reason = "resources are in unknown state and connection is unrecoverable";
                    self.fence_node(node, reason, false);
                }
                let up = self.current_node(connection).is_some();
                if up && state == Connection::Stopped {
                    self.stop_after(action, connection, Order::RL);
                } else {
                    self.start_before(connection, action, Order::NONE);
                }
            }
        }
    }

    fn order_remote_stop(
        &mut self,
        action: ActionId,
        node: NodeId,
        connection: ResourceId,
        state: Connection,
    ) {
        let ends = self.resources[connection].next_role == Role::Stopped;
        if state == Connection::Failed {
            let reason = "resources are active but connection is unrecoverable";
            self.fence_node(node, reason, false);
        } else if state == Connection::Alive || ends {
            self.stop_after(action, connection, Order::IF);
        } else {
            self.start_before(connection, action, Order::NONE);
        }
    }

    fn order_guest_action(
        &mut self,
        action: ActionId,
        node: NodeId,
        connection: ResourceId,
        container: ResourceId,
    ) {
        let failed = self.resources[container].failed;
        if failed {
            self.fence_node(node, "container failed", false);
        }
        let task = self.actions[action].task.clone();
        match &*task {
            "start" | "promote" => {
                self.start_before(container, action, Order::IT);
                self.start_before(connection, action, Order::NONE);
            }
            task if goes_down(task) || task == "demote" => {
                if !failed {
                    self.stop_after(action, connection, Order::NONE);
                }
            }
            task if self.actions[action].has_interval() => {
                if is_known(task) {
                    self.start_before(connection, action, Order::IT);
                }
            }
            _ => self.start_before(connection, action, Order::NONE),
        }
    }

    /// The cluster node that an action on a remote or guest node goes through.
    pub(in crate::scheduler) fn router_of(&self, action: ActionId) -> Option<NodeId> {
        let a = &self.actions[action];
        let node = a.node.filter(|&n| self.is_remote_kind(n))?;
        if &*a.task == "stonith" {
            return None;
        }
        let connection = self.nodes[node].connection?;
        let r = &self.resources[connection];
        let (from, to) = (self.current_node(connection), r.assigned);
        let (Some(from), Some(to)) = (from, to) else {
            return from.or(to);
        };
        let partial = r.container.is_none() && r.partial.target.is_some();
        let task = match &*a.task {
            "notify" => a.meta.get("notify_operation").map_or("", |t| &**t),
            other => other,
        };
        let before = goes_down(task) || matches!(task, "cancel" | "demote");
        if from != to && (partial || !before) {
            return Some(to);
        }
        Some(from)
    }
}

impl Action<'_> {
    /// Whether it is done again and again.
    pub(in crate::scheduler) fn is_recurring(&self) -> bool {
        self.has_interval() && &*self.task != "cancel"
    }

    /// Whether it is done again and again, or ends what was.
    fn has_interval(&self) -> bool {
        let interval = self.meta.get("interval");
        interval.is_some_and(|i| &**i != "0")
    }
}
