//! Its children: scripts that run for it, one action after the other.

use std::collections::VecDeque;

use everbeat::ids::NodeName;
use everbeat::proto::heartbeat::NodeStatus;
use everbeat::v1::{Action, Side};
use everbeat::wire::heartbeat::Message;

use super::{Child, Hold, Real, Standby, State};

impl Real {
    pub(super) fn fork(&mut self, steps: VecDeque<(String, Action)>, ends_with: Vec<Message>) {
        self.children.push(Child {
            steps,
            ends_with,
            rc: false,
            working: None,
            asked: true,
        });
    }

    pub(super) fn rc(&mut self, steps: VecDeque<(String, Action)>, ends_with: Vec<Message>) {
        self.queue.push_back(Child {
            steps,
            ends_with,
            rc: true,
            working: None,
            asked: true,
        });
        debug_assert!(self.queue.iter().all(|child| child.rc));
    }

    pub(super) fn steps(&self, side: Side, action: Action) -> VecDeque<(String, Action)> {
        let mut steps = VecDeque::new();
        for group in &self.config.groups {
            let own = group.node == self.config.local;
            if (own && side == Side::Foreign) || (!own && side == Side::Local) {
                continue;
            }
            let mut resources = group.resources.clone();
            if action == Action::Stop {
                resources.reverse();
            }
            steps.extend(resources.into_iter().map(|r| (r, action)));
        }
        steps
    }

    pub(super) fn group_steps(&self, key: &str, action: Action) -> VecDeque<(String, Action)> {
        let group = self.config.groups.iter().find(|g| g.key() == key);
        let mut resources = group.map(|g| g.resources.clone()).unwrap_or_default();
        if action == Action::Stop {
            resources.reverse();
        }
        resources.into_iter().map(|r| (r, action)).collect()
    }

    /// req_our_resources
    pub(super) fn acquire_own(&mut self, forced: bool) {
        let theirs = self.other_hold.foreign || self.hold.local || self.standby != Standby::Not;
        if self.nice() && theirs && !forced {
            self.log("Local Resource acquisition completed. (none)");
            return;
        }
        self.hold.local = true;
        let alone = !self.others.values().any(|s| *s == NodeStatus::Active);
        let local = self.config.local.clone();
        let mut messages = Vec::new();
        for group in self.config.groups.iter().filter(|g| g.node == local) {
            messages.push(if self.nice() || alone {
                Message::of_type("ip-request-resp")
                    .with("dest", local.as_str())
                    .with("ipaddr", group.key())
                    .with("weown", "yes")
                    .with("ok", "OK")
            } else {
                Message::of_type("ip-request").with("ipaddr", group.key())
            });
        }
        if self.nice() {
            let hold = self.hold.word();
            messages.push(
                Message::of_type("resource")
                    .with("rsc_hold", hold)
                    .with("rtype", "full")
                    .with("isstable", "1")
                    .with("info", "req_our_resources()"),
            );
        }
        self.fork(VecDeque::new(), messages);
    }

    pub(super) fn other_died(&mut self, node: &NodeName) {
        if self.standby != Standby::Not {
            self.log("Cancelling pending standby operation");
            self.standby = Standby::Not;
            self.deadline = None;
        }
        self.needs_failback = true;
        if !matches!(self.state, State::Init | State::Shutdown) {
            self.take_over(node);
        }
    }

    pub(super) fn take_over(&mut self, node: &NodeName) {
        let unneeded = self.heard_other && self.other_hold == Hold::default();
        let result = if unneeded { "unneeded" } else { "n_stnth" };
        let said = Message::of_type("stonith")
            .with("node", node.as_str())
            .with("result", result);
        self.send(said);
        self.take_over_now(node);
    }

    pub(super) fn take_over_now(&mut self, node: &NodeName) {
        self.log(format!("Resources being acquired from {node}."));
        let mut steps = VecDeque::new();
        for group in self.config.groups.iter().filter(|g| g.node == *node) {
            steps.extend(group.resources.iter().map(|r| (r.clone(), Action::Start)));
        }
        let mut ends_with = Vec::new();
        if self.nice() {
            ends_with.push(
                Message::of_type("resource")
                    .with("rsc_hold", "foreign")
                    .with("info", "mach_down"),
            );
        }
        self.rc(steps, ends_with);
        self.hold.foreign = true;
        self.other_hold = Hold::default();
        self.other_stable = true;
        self.takeover = self.nice();
        self.acquire_own(true);
    }
}
