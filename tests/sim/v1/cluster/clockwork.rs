//! What happens in time: arrivals, heartbeats, silence, sleep; the node protocol in short.

use std::time::Duration;

use everbeat::ids::Generation;
use everbeat::proto::heartbeat::{
    CommUp, DeathCause, Delivery, Event, Mode, NodeChange, NodeKind, NodeStatus,
};

use super::{Cluster, DEADTIME, Daemon, Happening, INITDEAD, KEEPALIVE, Kind, Known, Packet};

impl Cluster {
    pub(super) fn happen(&mut self, happening: Happening) {
        let node = match &happening {
            Happening::Arrive { to, .. } => *to,
            Happening::Done { node, .. } => *node,
            Happening::Beat(node, _) | Happening::Check(node, _) | Happening::Timer(node, _) => {
                *node
            }
            Happening::Boot(node) => return self.boot(*node),
        };
        if self.now < self.nodes[node].asleep_until {
            // A sleeping process sees all of it, late.
            if self.nodes[node].backlog.is_empty() {
                let wake = self.nodes[node].asleep_until;
                self.at(wake, happening.clone());
            }
            self.nodes[node].backlog.push(happening);
            return;
        }
        if !self.nodes[node].backlog.is_empty() {
            let backlog = std::mem::take(&mut self.nodes[node].backlog);
            self.wake(node);
            for old in backlog.into_iter().skip(1) {
                self.happen_now(old);
            }
        }
        self.happen_now(happening);
    }

    /// The node protocol notices that it slept, and counts nobody dead for it.
    pub(super) fn wake(&mut self, node: usize) {
        let now = self.now;
        let mut longest = 0;
        for known in self.nodes[node].known.values_mut() {
            longest = longest.max(now - known.heard.min(now));
            known.heard = now;
        }
        self.note(node, "wakes");
        self.tell(node, &Event::Asleep(Duration::from_millis(longest)));
    }

    pub(super) fn happen_now(&mut self, happening: Happening) {
        match happening {
            Happening::Arrive {
                from,
                to,
                generation,
                packet,
            } => {
                if !self.cut.contains(&(from, to)) {
                    self.arrive(from, to, generation, packet);
                }
            }
            Happening::Done {
                node,
                generation,
                id,
                work,
            } => self.done(node, generation, id, work),
            Happening::Beat(node, generation) => {
                if self.alive(node, generation) {
                    let status = self.nodes[node].status;
                    self.broadcast(node, Packet::Status(status));
                    self.at(self.now + KEEPALIVE, Happening::Beat(node, generation));
                }
            }
            Happening::Check(node, generation) => {
                if self.alive(node, generation) {
                    self.check(node);
                    self.at(self.now + 100, Happening::Check(node, generation));
                }
            }
            Happening::Timer(node, generation) => {
                if self.alive(node, generation) {
                    self.nodes[node].timer = None;
                    let now = self.clock();
                    match &mut self.nodes[node].daemon {
                        Some(Daemon::Everbeat(m)) => m.handle_timeout(now),
                        Some(Daemon::Real(m)) => m.handle_timeout(now),
                        None => {}
                    }
                    self.drain(node);
                }
            }
            Happening::Boot(node) => self.boot(node),
        }
    }

    pub(super) fn alive(&self, node: usize, generation: u64) -> bool {
        self.nodes[node].daemon.is_some() && self.nodes[node].generation == generation
    }

    pub(super) fn broadcast(&mut self, from: usize, packet: Packet) {
        for to in 0..self.nodes.len() {
            if to != from {
                self.transmit(from, to, packet.clone());
            }
        }
    }

    pub(super) fn transmit(&mut self, from: usize, to: usize, packet: Packet) {
        let latency = self.dice.range(1, 40);
        let last = self.wire.get(&(from, to)).copied().unwrap_or(0);
        let time = (self.now + latency).max(last);
        self.wire.insert((from, to), time);
        let generation = self.nodes[from].generation;
        let arrive = Happening::Arrive {
            from,
            to,
            generation,
            packet,
        };
        self.at(time, arrive);
    }

    pub(super) fn tell(&mut self, node: usize, event: &Event) {
        let now = self.clock();
        if let Some(daemon) = &mut self.nodes[node].daemon {
            daemon.handle_event(now, event);
        }
        self.drain(node);
    }

    pub(super) fn mode(&self, node: usize) -> Mode {
        match self.nodes[node].kind {
            Kind::Everbeat => Mode::Everbeat(1),
            Kind::Real => Mode::Heartbeat,
        }
    }

    pub(super) fn change(&mut self, node: usize, of: usize, status: NodeStatus) {
        let was = match self.nodes[node].known.get_mut(&of) {
            Some(known) => std::mem::replace(&mut known.status, status),
            None => NodeStatus::Init,
        };
        let cause = DeathCause::Silent(Duration::from_millis(DEADTIME));
        let text = format!("node {} is {status} (was {was})", self.names[of]);
        self.note(node, &text);
        let change = NodeChange {
            node: self.names[of].clone(),
            kind: NodeKind::Normal,
            mode: self.mode(of),
            was,
            status,
            cause: (status == NodeStatus::Dead).then_some(cause),
        };
        self.tell(node, &Event::Node(change));
    }

    pub(super) fn arrive(&mut self, from: usize, to: usize, generation: u64, packet: Packet) {
        if self.nodes[to].daemon.is_none() {
            return;
        }
        let now = self.now;
        let known = self.nodes[to].known.entry(from).or_insert(Known {
            generation,
            status: NodeStatus::Init,
            heard: now,
        });
        if generation < known.generation {
            return;
        }
        let restarted = generation > known.generation;
        let dead = known.status == NodeStatus::Dead && known.heard > 0;
        known.generation = generation;
        let quiet = known.heard;
        known.heard = now;
        let node = self.names[from].clone();
        if restarted && !dead {
            let generation = Generation(generation);
            self.tell(to, &Event::Restarted { node, generation });
        } else if dead && !restarted && quiet > 1 {
            self.tell(to, &Event::Healed { node });
        }
        match packet {
            Packet::Status(status) => {
                let known = self.nodes[to].known.get(&from);
                if known.is_some_and(|known| known.status != status) {
                    self.change(to, from, status);
                }
            }
            Packet::Message(message) => {
                if dead {
                    self.change(to, from, NodeStatus::Active);
                }
                let delivery = Delivery {
                    from: self.names[from].clone(),
                    local: false,
                    message,
                };
                self.tell(to, &Event::Deliver(delivery));
            }
        }
    }

    /// Declares silent nodes dead, and communication up.
    pub(super) fn check(&mut self, node: usize) {
        let now = self.now;
        let booted = self.nodes[node].booted;
        for other in 0..self.nodes.len() {
            if other == node {
                continue;
            }
            let limit = if self.nodes[node].status == NodeStatus::Up {
                INITDEAD
            } else {
                DEADTIME
            };
            let known = self.nodes[node].known.entry(other).or_insert(Known {
                generation: 0,
                status: NodeStatus::Init,
                heard: 0,
            });
            let silent = now - known.heard.max(booted);
            if known.status != NodeStatus::Dead && silent >= limit {
                self.change(node, other, NodeStatus::Dead);
            }
        }
        let heard = |known: &Known| known.status != NodeStatus::Init;
        let all = self.nodes[node].known.len() + 1 == self.nodes.len()
            && self.nodes[node].known.values().all(heard);
        if self.nodes[node].status == NodeStatus::Up && all && now >= booted + 500 {
            self.nodes[node].status = NodeStatus::Active;
            self.broadcast(node, Packet::Status(NodeStatus::Active));
            self.tell(node, &Event::CommUp(CommUp { complete: true }));
        }
    }
}
