//! A change of members of the ring.

use std::collections::BTreeMap;

use super::handle::moved;
use super::{Machine, Moved, Process};
use crate::ids::NodeId;
use crate::limits;
use crate::wire::cluster::{Cpg, CpgName, JoinListEntry, Reason};

impl Machine {
    /// A regular configuration came. `along` are the members that came with this node from its
    /// old ring, `members` all of the new one.
    ///
    /// A node that was away for a moment is in both rings, and not among those that came along:
    /// its processes leave and join again.
    pub fn begin_sync(&mut self, along: &[NodeId], members: &[NodeId]) {
        let gone = |node: &&NodeId| !along.contains(node);
        self.left = self.members.iter().filter(gone).copied().collect();
        self.next = members.to_vec();
        self.named.clear();
    }

    /// What this node says: whom it lost, and its processes if it has some.
    pub fn sync_messages(&self) -> Vec<Cpg> {
        let mut messages = vec![Cpg::DownList {
            old_members: self.members.len() as u32,
            left: self.left.clone(),
        }];
        let own = self.processes.iter().filter(|p| p.node == self.node);
        let entries: Vec<_> = own
            .map(|p| JoinListEntry {
                pid: p.pid,
                group: p.group.clone(),
            })
            .collect();
        if !entries.is_empty() {
            messages.push(Cpg::JoinList(entries));
        }
        messages
    }

    /// Another change came before this one was through.
    pub fn abort_sync(&mut self) {
        self.named.clear();
    }

    /// All members have said what they had to.
    ///
    /// Source: corosync 3.1.7, `cpg_sync_activate`; spec corosync-services.md 3.3
    pub fn activate(&mut self) {
        self.members = std::mem::take(&mut self.next);
        let left = std::mem::take(&mut self.left);
        let named = std::mem::take(&mut self.named);
        self.drop_nodes(&left);
        self.take_named(&named);
        // Whoever is of another node and was named by none ended meanwhile.
        let unnamed = |p: &&Process| p.node != self.node && !named.contains(*p);
        let ended: Vec<Process> = self.processes.iter().filter(unnamed).cloned().collect();
        for process in ended {
            self.processes.remove(&process);
            let (group, moved) = moved(&process, Reason::PROCESS_DOWN);
            self.tell(&group, vec![moved], Vec::new());
        }
    }

    fn drop_nodes(&mut self, left: &[NodeId]) {
        let gone = |p: &&Process| left.contains(&p.node) && p.node != self.node;
        let gone: Vec<Process> = self.processes.iter().filter(gone).cloned().collect();
        for process in &gone {
            self.processes.remove(process);
        }
        for (group, moved) in by_group(&gone, Reason::NODE_DOWN) {
            self.tell(&group, moved, Vec::new());
        }
    }

    fn take_named(&mut self, named: &std::collections::BTreeSet<Process>) {
        let room = limits::CPG_PROCESSES_MAX.saturating_sub(self.processes.len());
        let new = |p: &&Process| p.node != self.node && !self.processes.contains(*p);
        let new: Vec<Process> = named.iter().filter(new).take(room).cloned().collect();
        self.processes.extend(new.iter().cloned());
        for (group, moved) in by_group(&new, Reason::NODE_UP) {
            self.tell(&group, Vec::new(), moved);
        }
    }
}

/// Groups in the order of their names, each with its processes.
fn by_group(processes: &[Process], reason: Reason) -> BTreeMap<CpgName, Vec<Moved>> {
    let mut groups: BTreeMap<CpgName, Vec<Moved>> = BTreeMap::new();
    for process in processes {
        let (group, moved) = moved(process, reason);
        groups.entry(group).or_default().push(moved);
    }
    groups
}
