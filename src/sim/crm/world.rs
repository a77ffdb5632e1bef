//! All hosts, who sees whom, and what is on its way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::host::{Host, Wish};
use super::truth;
use crate::cib::{Document, reader};
use crate::controller::state::State;
use crate::controller::{Controller, Membership};
use crate::ids::{MembershipId, NodeId};
use crate::proto::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::crm::{FenceResult, FenceTicket, Message, Request};

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct Setting {
    /// How many hosts: `n1`, `n2` …
    pub hosts: u32,
    /// The CIB that all have on disk at first.
    pub cib: String,
    /// Of all chance.
    pub seed: u64,
}

/// Hosts that see one another.
#[derive(Debug, Default)]
struct Part {
    members: BTreeSet<NodeId>,
    /// In the order of all.
    queue: VecDeque<(NodeId, Message)>,
}

/// A cluster in virtual time.
#[derive(Debug)]
pub struct World {
    now: u64,
    hosts: BTreeMap<NodeId, Host>,
    parts: Vec<Part>,
    memberships: u64,
    rng: Rng,
    /// Hosts that will be fenced: when, and for whom.
    fencing: Vec<(u64, NodeId, FenceTicket, String)>,
    fence_works: bool,
}

impl World {
    /// All hosts are off.
    pub fn new(setting: &Setting) -> Self {
        let disk = reader::read(&setting.cib).unwrap_or_else(|_| Document::new("cib"));
        let ids = (1..=setting.hosts).map(NodeId);
        let hosts = ids.map(|id| (id, Host::new(id, &format!("n{id}"), disk.clone())));
        Self {
            now: 0,
            hosts: hosts.collect(),
            parts: Vec::new(),
            memberships: 0,
            rng: Rng::new(setting.seed),
            fencing: Vec::new(),
            fence_works: true,
        }
    }

    /// Milliseconds since the beginning.
    pub fn now_ms(&self) -> u64 {
        self.now
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant(self.now),
            unix_s: 1_700_000_000 + self.now / 1000,
        }
    }

    /// A host by its number.
    ///
    /// Panics: there is no such host.
    pub fn host(&self, id: u32) -> &Host {
        self.hosts.get(&NodeId(id)).expect("a host of the setting")
    }

    /// A host by its number.
    ///
    /// Panics: there is no such host.
    pub fn host_mut(&mut self, id: u32) -> &mut Host {
        self.hosts
            .get_mut(&NodeId(id))
            .expect("a host of the setting")
    }

    /// Fencing works from now on, or never ends well.
    pub fn set_fencing(&mut self, works: bool) {
        self.fence_works = works;
    }

    /// Hosts start, as one part.
    pub fn start(&mut self, ids: &[u32]) {
        let (now, count) = (self.now(), self.hosts.len());
        for id in ids {
            self.host_mut(*id).start(now, count);
        }
        let mut parts = self.members_of_parts();
        match parts.first_mut() {
            Some(first) => first.extend(ids.iter().map(|id| NodeId(*id))),
            None => parts.push(ids.iter().map(|id| NodeId(*id)).collect()),
        }
        self.arrange(parts);
    }

    /// The daemon of a host dies; its resources run on.
    pub fn kill(&mut self, id: u32) {
        self.host_mut(id).kill();
        self.remove(NodeId(id));
    }

    /// The power of a host goes off.
    pub fn power_off(&mut self, id: u32) {
        self.host_mut(id).power_off();
        self.remove(NodeId(id));
    }

    fn remove(&mut self, id: NodeId) {
        let mut parts = self.members_of_parts();
        for part in &mut parts {
            part.remove(&id);
        }
        self.arrange(parts);
    }

    /// Hosts see only those of their own part from now on.
    pub fn cut(&mut self, parts: &[&[u32]]) {
        let parts = parts
            .iter()
            .map(|part| part.iter().map(|id| NodeId(*id)).collect());
        self.arrange(parts.collect());
    }

    fn members_of_parts(&self) -> Vec<BTreeSet<NodeId>> {
        self.parts.iter().map(|part| part.members.clone()).collect()
    }

    /// New parts. Of what is under way a part still comes in the old ones.
    fn arrange(&mut self, parts: Vec<BTreeSet<NodeId>>) {
        let old = std::mem::take(&mut self.parts);
        let mut unsent: Vec<(NodeId, Message)> = Vec::new();
        for mut part in old {
            let count = u64::try_from(part.queue.len()).unwrap_or(0);
            let still = self.rng.below(count + 1);
            for _ in 0..still {
                if let Some((from, message)) = part.queue.pop_front() {
                    self.deliver(&part.members, from, &message, &mut part.queue);
                }
            }
            unsent.extend(part.queue);
        }
        let alive = |id: &NodeId| self.hosts.get(id).is_some_and(|h| h.controller().is_some());
        for members in parts {
            let members: BTreeSet<NodeId> = members.into_iter().filter(alive).collect();
            if !members.is_empty() {
                let (of_it, rest): (Vec<_>, Vec<_>) =
                    unsent.into_iter().partition(|(id, _)| members.contains(id));
                unsent = rest;
                self.parts.push(Part {
                    members,
                    queue: VecDeque::from(of_it),
                });
            }
        }
        self.announce();
    }

    fn announce(&mut self) {
        let now = self.now();
        let majority = self.hosts.len() / 2 + 1;
        for i in 0..self.parts.len() {
            self.memberships += 1;
            let members = self.parts[i].members.clone();
            let hosts = members.iter().filter_map(|id| self.hosts.get(id));
            let membership = Membership {
                id: MembershipId(self.memberships),
                members: hosts.map(Host::member).collect(),
                quorate: members.len() >= majority,
            };
            for id in members {
                if let Some(host) = self.hosts.get_mut(&id) {
                    host.join(now, membership.clone());
                }
                self.attend(id);
            }
        }
    }

    fn deliver(
        &mut self,
        members: &BTreeSet<NodeId>,
        from: NodeId,
        message: &Message,
        queue: &mut VecDeque<(NodeId, Message)>,
    ) {
        let now = self.now();
        // What is on the wire is what was sent.
        let bytes = message.encode();
        for id in members {
            let message = Message::decode(&bytes).expect("a message is read as it was written");
            let Some(host) = self.hosts.get_mut(id) else {
                continue;
            };
            host.receive(now, from, message);
            for wish in host.work(now) {
                match wish {
                    Wish::Send(message) => queue.push_back((*id, message)),
                    other => self.grant(*id, other),
                }
            }
        }
    }

    /// Carries out what a host wants.
    fn attend(&mut self, id: NodeId) {
        let now = self.now();
        let wishes = self.hosts.get_mut(&id).map(|host| host.work(now));
        for wish in wishes.unwrap_or_default() {
            match wish {
                Wish::Send(message) => {
                    if let Some(part) = self.parts.iter_mut().find(|p| p.members.contains(&id)) {
                        part.queue.push_back((id, message));
                    }
                }
                other => self.grant(id, other),
            }
        }
    }

    fn grant(&mut self, id: NodeId, wish: Wish) {
        match wish {
            Wish::Send(_) => {}
            Wish::Fence(target, action) => {
                let ticket = FenceTicket {
                    origin: id,
                    number: self.now,
                };
                let target = self
                    .hosts
                    .values()
                    .find(|h| h.name() == target)
                    .map(Host::member);
                if let Some(target) = target {
                    self.fencing
                        .push((self.now + 1000, target.id, ticket, action));
                }
            }
            // After all that is due now, lest a part changes while it is delivered.
            Wish::Gone => self.fencing.push((
                self.now,
                id,
                FenceTicket {
                    origin: NodeId(0),
                    number: 0,
                },
                "gone".to_owned(),
            )),
        }
    }

    /// What happens next: a message, a fence device that is done, an agent, a timer.
    ///
    /// False if there is nothing before `until`.
    fn step(&mut self, until: u64) -> bool {
        for i in 0..self.parts.len() {
            if let Some((from, message)) = self.parts[i].queue.pop_front() {
                let members = self.parts[i].members.clone();
                let mut sent = VecDeque::new();
                self.deliver(&members, from, &message, &mut sent);
                self.parts[i].queue.extend(sent);
                return true;
            }
        }
        let fence = self.fencing.iter().map(|(at, ..)| *at).min();
        let hosts = self
            .hosts
            .values()
            .filter_map(Host::next)
            .map(|at| at.0)
            .min();
        let Some(next) = fence
            .into_iter()
            .chain(hosts)
            .min()
            .filter(|at| *at <= until)
        else {
            self.now = until;
            return false;
        };
        self.now = self.now.max(next);
        if fence == Some(next) {
            self.fence_ends();
        } else {
            let now = self.now();
            let due = self
                .hosts
                .iter()
                .filter(|(_, h)| h.next().is_some_and(|at| at.0 <= now.mono.0));
            for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
                if let Some(host) = self.hosts.get_mut(&id) {
                    host.tick(now);
                }
                self.attend(id);
            }
        }
        true
    }

    fn fence_ends(&mut self) {
        let place = self.fencing.iter().position(|(at, ..)| *at <= self.now);
        let Some((_, target, ticket, action)) = place.map(|place| self.fencing.remove(place))
        else {
            return;
        };
        if action == "gone" {
            return self.kill(target.0);
        }
        let Some(name) = self.hosts.get(&target).map(|host| host.name().to_owned()) else {
            return;
        };
        if self.fence_works {
            self.power_off(target.0);
        }
        let result = Message::FenceResult(FenceResult {
            last: true,
            device: "lab".into(),
            target: name,
            action,
            client: "crmd".into(),
            exit: i32::from(!self.fence_works),
            status: 0,
            reason: "the switch doesn't answer".into(),
            unix_s: self.now().unix_s,
            delegate: String::new(),
            ticket: ticket.clone(),
        });
        if let Some(part) = self
            .parts
            .iter_mut()
            .find(|p| p.members.contains(&ticket.origin))
        {
            part.queue.push_back((ticket.origin, result));
        }
    }

    /// Lets time pass, checking after each step.
    ///
    /// Panics: a check fails.
    pub fn run_ms(&mut self, span: u64) {
        let until = self.now + span;
        while self.step(until) {
            self.check_owners();
        }
    }

    /// A host asks for a change of the CIB.
    pub fn change(&mut self, id: u32, request: Request) -> Option<u64> {
        let now = self.now();
        let controller = self.host_mut(id).controller.as_mut()?;
        let call = controller.change(now, request);
        self.attend(NodeId(id));
        Some(call)
    }

    /// Something else is asked of a host's controller.
    pub fn with(&mut self, id: u32, ask: impl FnOnce(&mut Controller, Now)) {
        let now = self.now();
        if let Some(controller) = self.host_mut(id).controller.as_mut() {
            ask(controller, now);
        }
        self.attend(NodeId(id));
    }

    /// Panics if a primitive that is none of a clone and no fence device runs on two hosts.
    fn check_owners(&self) {
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for host in self.hosts.values() {
            for resource in host
                .active()
                .filter(|r| !r.starts_with("clone-") && !r.starts_with("switch"))
            {
                if let Some(other) = owners.insert(resource, host.name()) {
                    panic!(
                        "{resource} runs on {other} and {} at {}\n{}",
                        host.name(),
                        self.now,
                        self.story()
                    );
                }
            }
        }
    }

    /// What is wrong though all should be quiet; empty if nothing.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for part in &self.parts {
            let controllers: Vec<&Controller> = part
                .members
                .iter()
                .filter_map(|id| self.hosts.get(id)?.controller())
                .collect();
            let leaders = controllers
                .iter()
                .filter(|c| c.state() == State::Idle)
                .count();
            let others = controllers
                .iter()
                .filter(|c| c.state() == State::NotDc)
                .count();
            if leaders != 1 || leaders + others != controllers.len() {
                let states: Vec<_> = controllers.iter().map(|c| c.state().to_string()).collect();
                complaints.push(format!("states are {}", states.join(" ")));
            }
            let cibs = controllers
                .iter()
                .map(|c| crate::cib::digest::v2(c.cib(), c.cib().root()));
            if cibs.collect::<BTreeSet<_>>().len() != 1 {
                complaints.push("the CIBs of a part differ".to_owned());
            }
            let hosts = part.members.iter().filter_map(|id| self.hosts.get(id));
            for host in hosts {
                let cib = controllers.first().map(|controller| controller.cib());
                complaints.extend(cib.into_iter().flat_map(|cib| truth::errors(cib, host)));
            }
        }
        complaints
    }

    /// The logs of all hosts, for a failed check.
    pub fn story(&self) -> String {
        let logs = self.hosts.values().flat_map(|host| {
            host.log()
                .iter()
                .map(|line| format!("{} {line}\n", host.name()))
        });
        logs.collect()
    }
}
