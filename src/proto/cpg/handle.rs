//! Messages of groups, in the order of the ring.

use std::sync::Arc;

use super::{ClientId, Event, Machine, Membership, Moved, Output, Process};
use crate::ids::NodeId;
use crate::limits;
use crate::wire::cluster::{Cpg, CpgName, Reason};

impl Machine {
    /// A message of `from`, which may be this node.
    pub fn handle_message(&mut self, from: NodeId, message: Cpg) {
        match message {
            Cpg::Process {
                joins,
                group,
                pid,
                reason,
            } => {
                let process = Process {
                    node: from,
                    pid,
                    group,
                };
                match joins {
                    true => self.joined(process),
                    false => self.went(process, reason),
                }
            }
            Cpg::JoinList(entries) => {
                let room = limits::CPG_PROCESSES_MAX.saturating_sub(self.named.len());
                let named = entries.into_iter().take(room).map(|entry| Process {
                    node: from,
                    pid: entry.pid,
                    group: entry.group,
                });
                self.named.extend(named);
            }
            // Each node goes by its own list. Source: corosync 3.1.7; 2.x elected one
            Cpg::DownList { .. } => {}
            Cpg::Mcast {
                group, pid, data, ..
            } => self.said(Said {
                node: from,
                group,
                pid,
                part: None,
                data,
            }),
            Cpg::Partial {
                group,
                pid,
                kind,
                total,
                data,
                ..
            } => self.said(Said {
                node: from,
                group,
                pid,
                part: Some((kind, total)),
                data,
            }),
        }
    }

    fn joined(&mut self, process: Process) {
        if self.processes.contains(&process) || self.processes.len() >= limits::CPG_PROCESSES_MAX {
            return;
        }
        let (group, moved) = moved(&process, Reason::JOIN);
        self.processes.insert(process);
        self.tell(&group, Vec::new(), vec![moved]);
    }

    /// The member list that clients get is already without it.
    fn went(&mut self, process: Process, reason: Reason) {
        if !self.processes.remove(&process) {
            return;
        }
        let (group, moved) = moved(&process, reason);
        self.tell(&group, vec![moved], Vec::new());
        if process.node == self.node {
            self.clients.retain(|_, c| {
                let own = c.pid == process.pid && c.group == group;
                !(own && c.membership == Membership::LeaveStarted)
            });
        }
    }

    /// A message counts only if a process of its node is in the group.
    fn said(&mut self, said: Said) {
        let Said {
            node,
            group,
            pid,
            part,
            data,
        } = said;
        if !self.has_process(node, &group) {
            return;
        }
        let listeners: Vec<ClientId> = self.listeners(&group);
        for client in listeners {
            let event = Event::Message {
                group: group.clone(),
                node,
                pid,
                part,
                data: data.clone(),
            };
            self.outputs.push_back(Output::Event(client, event));
        }
    }

    fn has_process(&self, node: NodeId, group: &CpgName) -> bool {
        let first = Process {
            node,
            pid: 0,
            group: self.no_name.clone(),
        };
        let of_node = self.processes.range(first..).take_while(|p| p.node == node);
        of_node.into_iter().any(|p| p.group == *group)
    }

    fn listeners(&self, group: &CpgName) -> Vec<ClientId> {
        let hear = self.clients.iter().filter(|(_, c)| c.hears(group));
        hear.map(|(id, _)| *id).collect()
    }

    /// Tells the clients of a group of its change. A client's own join is the first it hears.
    pub(super) fn tell(&mut self, group: &CpgName, left: Vec<Moved>, joined: Vec<Moved>) {
        let own = |c: &super::Client, node: NodeId| {
            let named = |m: &Moved| m.node == node && m.pid == c.pid;
            c.group == *group && joined.iter().any(named)
        };
        for client in self.clients.values_mut() {
            if client.membership == Membership::JoinStarted && own(client, self.node) {
                client.membership = Membership::Joined;
            }
        }
        let of_group = self.processes.iter().filter(|p| p.group == *group);
        let members: Vec<_> = of_group.map(|p| (p.node, p.pid)).collect();
        for client in self.listeners(group) {
            if let Some(known) = self.clients.get_mut(&client) {
                known.changes += 1;
            }
            let event = Event::Change {
                group: group.clone(),
                members: members.clone(),
                left: left.clone(),
                joined: joined.clone(),
            };
            self.outputs.push_back(Output::Event(client, event));
        }
    }
}

/// A message, or a part of one.
struct Said {
    node: NodeId,
    group: CpgName,
    pid: u32,
    part: Option<(crate::wire::cluster::PartialKind, u32)>,
    data: Arc<[u8]>,
}

/// A process as its group is told of it.
pub(super) fn moved(process: &Process, reason: Reason) -> (CpgName, Moved) {
    let moved = Moved {
        node: process.node,
        pid: process.pid,
        reason,
    };
    (process.group.clone(), moved)
}
