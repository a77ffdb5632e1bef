//! The status section: states of nodes, and in which order their histories are read.

use crate::cib::Element;
use crate::cib::boolean;
use crate::scheduler::model::arena::NodeId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};
use crate::scheduler::unpack::options::QuorumPolicy;

impl<'a> Cluster<'a> {
    /// Everything under `status`.
    pub(in crate::scheduler) fn unpack_status(&mut self) {
        let Some(status) = self.root().child("status") else {
            self.finish_status();
            return;
        };
        if let Some(tickets) = status.child("tickets") {
            for state in tickets.children_named("ticket_state") {
                self.unpack_ticket(state);
            }
        }
        let states: Vec<Element<'a>> = status.children_named("node_state").collect();
        for &state in &states {
            self.unpack_node_state(state);
            self.index_history(state);
        }
        while self.unpack_histories(&states, false) {}
        let stonith = self.options.stonith_enabled;
        self.unpack_histories(&states, stonith);
        self.finish_status();
    }

    fn finish_status(&mut self) {
        for i in 0..self.stop_needed.len() {
            let container = self.stop_needed[self.stop_needed.len() - 1 - i];
            if let Some(node) = self.current_node(container) {
                self.stop_action(container, node, false);
            }
        }
        for i in 0..self.node_order.len() {
            let node = self.node_order[i];
            if !self.is_remote_kind(node) {
                continue;
            }
            if let Some(c) = self.nodes[node]
                .connection
                .filter(|_| self.nodes[node].shutdown)
            {
                self.resources[c].next_role = Role::Stopped;
            }
            if !self.nodes[node].unpacked {
                self.remote_online(node);
            }
        }
    }

    fn unpack_ticket(&mut self, state: Element<'a>) {
        let Some(id) = state.id() else { return };
        let at = self.ticket_named(id);
        let ticket = &mut self.tickets[at];
        for (name, value) in state.attrs() {
            if name != "id" {
                ticket.state.insert(name.into(), value.into());
            }
        }
        ticket.granted = boolean::is_true(state.attr("granted"));
        ticket.standby = boolean::is_true(state.attr("standby"));
    }

    /// A ticket by id, made if it isn't known.
    pub(in crate::scheduler) fn ticket_named(&mut self, id: &str) -> usize {
        let found = self
            .tickets
            .iter()
            .position(|t| t.id.as_deref() == Some(id));
        found.unwrap_or_else(|| {
            self.tickets.push(Ticket {
                id: Some(id.into()),
                ..Ticket::default()
            });
            self.tickets.len() - 1
        })
    }

    fn node_of_state(&self, state: Element<'a>) -> Option<NodeId> {
        let by_id = state.id().and_then(|id| self.node_ids.get(id).copied());
        by_id.or_else(|| self.node_named(state.attr("uname")?))
    }

    pub(in crate::scheduler) fn index_history(&mut self, state: Element<'a>) {
        let Some(node) = self.node_of_state(state) else {
            return;
        };
        let Some(entries) = state.find(&["lrm", "lrm_resources"]) else {
            return;
        };
        for entry in entries.children_named("lrm_resource") {
            self.lrm.entry(node).or_default().push(entry);
            if let Some(id) = entry.id() {
                let ops = self.history.entry((id.into(), node)).or_default();
                ops.extend(entry.children_named("lrm_rsc_op"));
            }
        }
    }

    fn unpack_node_state(&mut self, state: Element<'a>) {
        let Some(node) = self.node_of_state(state) else {
            return;
        };
        if self.is_remote_kind(node) {
            let fenced = state.attr("node_fenced").and_then(score::leading_integer);
            self.nodes[node].was_fenced = fenced.unwrap_or(0) != 0;
            return;
        }
        if let Some(transient) = state.child("transient_attributes") {
            self.add_node_attributes(node, transient, true);
        }
        let standby = boolean::is_true(self.node_attr(node, "standby"));
        let maintenance = boolean::is_true(self.node_attr(node, "maintenance"));
        let shutdown = self.shutdown_requested(node);
        let n = &mut self.nodes[node];
        n.unclean = false;
        n.unseen = false;
        n.standby |= standby;
        n.maintenance |= maintenance;
        n.shutdown = shutdown;
        n.expected_up = !shutdown && state.attr("expected") == Some("member");
        if n.kind == NodeKind::Ping {
            n.online = false;
        } else if self.options.stonith_enabled {
            self.online_with_fencing(node, state);
        } else {
            self.online_without_fencing(node, state);
        }
        let n = &mut self.nodes[node];
        if !n.online || n.shutdown {
            n.score = -INFINITY;
        }
        let suicide = self.options.quorum_policy == QuorumPolicy::Suicide;
        if !self.have_quorum && self.nodes[node].online && suicide {
            self.fence_node(node, "cluster does not have quorum", false);
        }
    }

    /// Whether a node asked to be shut down.
    pub fn shutdown_requested(&self, node: NodeId) -> bool {
        self.node_attr(node, "shutdown").is_some_and(|v| v != "0")
    }

    fn online_without_fencing(&mut self, node: NodeId, state: Element<'a>) {
        let member = boolean::is_true(state.attr("in_ccm"));
        let online = member && state.attr("crmd") == Some("online");
        if online {
            self.nodes[node].online = state.attr("join") == Some("member");
        } else if member && self.nodes[node].expected_up {
            self.fence_node(node, "peer is unexpectedly down", false);
        }
    }

    fn online_with_fencing(&mut self, node: NodeId, state: Element<'a>) {
        let in_ccm = state.attr("in_ccm");
        let member = boolean::is_true(in_ccm);
        let crmd = state.attr("crmd") == Some("online");
        let join = state.attr("join").unwrap_or("down");
        let down = state.attr("expected").unwrap_or("down") == "down";
        let terminate = self.node_attr(node, "terminate").is_some_and(|t| {
            boolean::is_true(Some(t))
                || t.bytes().next().is_some_and(|b| (b'1'..=b'9').contains(&b))
        });
        let n = &mut self.nodes[node];
        n.online = member;
        if n.shutdown {
            n.online = crmd;
        } else if in_ccm.is_none() {
            self.fence_node(node, "peer has not been seen by the cluster", false);
        } else if join == "banned" {
            self.fence_node(node, "peer failed Pacemaker membership criteria", false);
        } else if !terminate && down {
            if member || crmd {
                n.standby = true;
                n.pending = true;
            }
        } else if terminate && join == "down" && !member && !crmd {
            n.online = false;
        } else if !member {
            self.fence_node(node, "peer is no longer part of the cluster", true);
        } else if !crmd {
            self.fence_node(node, "peer process is no longer available", false);
        } else if terminate {
            self.fence_node(node, "termination was requested", false);
        } else if join == "member" {
        } else if join == "pending" || join == "down" {
            n.standby = true;
            n.pending = true;
        } else {
            self.fence_node(node, "peer was in an unknown state", false);
        }
    }

    /// One pass over the histories; whether something was read.
    fn unpack_histories(&mut self, states: &[Element<'a>], all: bool) -> bool {
        let mut again = false;
        for &state in states {
            let Some(node) = self.node_of_state(state) else {
                continue;
            };
            if self.nodes[node].unpacked || !(all || self.history_is_ripe(node)) {
                continue;
            }
            if self.is_remote_kind(node) {
                self.remote_online(node);
                self.remote_attributes(node, state);
            }
            let entries = self.lrm.get(&node).cloned().unwrap_or_default();
            for &entry in &entries {
                self.unpack_entry(node, entry);
            }
            self.link_orphan_fillers(&entries);
            self.nodes[node].unpacked = true;
            again = true;
        }
        again
    }

    fn history_is_ripe(&self, node: NodeId) -> bool {
        let started = |r| self.resources[r].role == Role::Started;
        let (stonith, locks) = (self.options.stonith_enabled, self.options.shutdown_lock);
        let connection = self.nodes[node].connection;
        if self.is_guest(node) {
            let container = self.container_of(node);
            connection.is_some_and(started) && container.is_some_and(started)
        } else if self.is_remote(node) {
            connection.is_some_and(|c| locks || started(c))
        } else {
            stonith || locks || self.nodes[node].online
        }
    }

    fn remote_online(&mut self, node: NodeId) {
        let Some(connection) = self.nodes[node].connection else {
            self.nodes[node].online = false;
            return;
        };
        let r = &self.resources[connection];
        let container = r.container;
        let host = match r.running_on.as_slice() {
            [host] if container.is_some() => Some(*host),
            _ => None,
        };
        let (role, next, failed) = (r.role, r.next_role, r.failed);
        let container_failed = container.is_some_and(|c| self.resources[c].failed);
        let container_down = container.is_some_and(|c| self.resources[c].role == Role::Stopped);
        let host_lost = host.is_some_and(|h| !self.nodes[h].online && self.nodes[h].unclean);
        let n = &mut self.nodes[node];
        if role == Role::Started {
            n.online = true;
            n.shutdown |= next == Role::Stopped;
        }
        if container_failed {
            n.online = false;
            n.requires_reset = true;
        } else if failed {
            n.online = false;
        } else if role == Role::Stopped || container_down {
            n.online = false;
            n.requires_reset = false;
        } else if host_lost {
            n.online = false;
            n.requires_reset = true;
        }
    }

    fn remote_attributes(&mut self, node: NodeId, state: Element<'a>) {
        let told = state.attr("node_in_maintenance");
        let told = told.and_then(score::leading_integer).unwrap_or(0);
        let n = &mut self.nodes[node];
        n.remote_maintenance = told != 0;
        if !n.requires_reset {
            n.unclean = false;
            n.unseen = false;
        }
        // With its state a node gets its name as an attribute, even if there are no others.
        let transient = state.child("transient_attributes").unwrap_or(state);
        self.add_node_attributes(node, transient, true);
        let connection = self.nodes[node].connection;
        let unmanaged = connection.is_some_and(|c| !self.resources[c].managed);
        let standby = boolean::is_true(self.node_attr(node, "standby"));
        let maintenance = boolean::is_true(self.node_attr(node, "maintenance")) || unmanaged;
        let hidden = self
            .node_attr(node, "resource-discovery-enabled")
            .is_some_and(|v| !boolean::is_true(Some(v)));
        let honoured = !self.is_remote(node) || self.options.stonith_enabled;
        let shutdown = self.shutdown_requested(node);
        let n = &mut self.nodes[node];
        n.shutdown |= shutdown;
        n.standby |= standby;
        n.maintenance |= maintenance;
        if hidden && honoured {
            n.discovery = false;
        }
    }
}
