//! What daemons want done: messages, work on resources, their own end.

use everbeat::proto::heartbeat::{Delivery, Event};
use everbeat::v1::{Action, Output, Work, WorkId, WorkResult};
use everbeat::wire::heartbeat::Message;

use super::{Cluster, DEADTIME, Daemon, Happening, Packet};

impl Cluster {
    /// Does what the manager wants.
    pub(super) fn drain(&mut self, node: usize) {
        loop {
            let output = self.nodes[node]
                .daemon
                .as_mut()
                .and_then(Daemon::poll_output);
            let Some(output) = output else { break };
            match output {
                Output::Send(message) => self.send(node, message),
                Output::Run(id, work) => self.start(node, id, work),
                Output::Log(severity, text) => self.note(node, &format!("{severity:?} {text}")),
                Output::Released => {
                    self.note(node, "released");
                    self.released.insert(node);
                    self.end(node);
                }
                Output::Reboot { reason } => {
                    self.note(node, &format!("reboots: {reason}"));
                    self.power_off(node);
                    let later = self.now + 20_000;
                    self.at(later, Happening::Boot(node));
                }
            }
        }
        self.set_timer(node);
    }

    pub(super) fn end(&mut self, node: usize) {
        let restart = match &self.nodes[node].daemon {
            Some(Daemon::Real(real)) => real.restarts(),
            _ => false,
        };
        self.nodes[node].daemon = None;
        if restart {
            let later = self.now + DEADTIME + 1_000;
            self.at(later, Happening::Boot(node));
        }
    }

    pub(super) fn set_timer(&mut self, node: usize) {
        let due = self.nodes[node]
            .daemon
            .as_ref()
            .and_then(Daemon::poll_timeout);
        let Some(due) = due else { return };
        let time = due.0.max(self.now + 1);
        if self.nodes[node].timer.is_none_or(|set| time < set) {
            self.nodes[node].timer = Some(time);
            let generation = self.nodes[node].generation;
            self.at(time, Happening::Timer(node, generation));
        }
    }

    pub(super) fn send(&mut self, node: usize, message: Message) {
        let generation = self.nodes[node].generation;
        let mut message = message;
        let local = self.names[node].clone();
        if message.get("src").is_none() {
            message.push_text("src", local.as_str());
        }
        message.push_text("hg", format!("{generation:x}"));
        self.note(node, &format!("-> {message}"));
        let dest = message.text("dest").map(str::to_owned);
        if dest.as_deref().is_none_or(|dest| dest == local.as_str()) {
            let delivery = Delivery {
                from: local,
                local: true,
                message: message.clone(),
            };
            let now = self.clock();
            if let Some(daemon) = &mut self.nodes[node].daemon {
                daemon.handle_event(now, &Event::Deliver(delivery));
            }
        }
        for to in 0..self.nodes.len() {
            let meant = dest
                .as_deref()
                .is_none_or(|dest| dest == self.names[to].as_str());
            if to != node && meant {
                self.transmit(node, to, Packet::Message(message.clone()));
            }
        }
    }

    pub(super) fn start(&mut self, node: usize, id: WorkId, work: Work) {
        let mut span = self.dice.range(5, 150);
        if let Work::Resource { resource, action } = &work {
            if *action == Action::Start {
                // Counts from its very begin: an address may be up at any time from here.
                self.nodes[node].running.insert(resource.clone());
                self.look_for_doubles(resource);
            }
            if *action != Action::Status && self.dice.chance(5) {
                span += self.dice.range(500, 3_000);
            }
        }
        let generation = self.nodes[node].generation;
        let done = Happening::Done {
            node,
            generation,
            id,
            work,
        };
        self.at(self.now + span, done);
    }

    pub(super) fn done(&mut self, node: usize, generation: u64, id: WorkId, work: Work) {
        if !self.alive(node, generation) {
            return;
        }
        let result = match &work {
            Work::Resource { resource, action } => self.act(node, resource, *action),
            Work::Stonith { node: victim } => {
                let victim = self.names.iter().position(|n| n == victim).expect("known");
                if self.stonith_fails {
                    failed("no power switch")
                } else {
                    self.power_off(victim);
                    WorkResult::Done
                }
            }
            Work::Announce { resource } => {
                self.announced += 1;
                self.note(node, &format!("announces {resource}"));
                WorkResult::Done
            }
            Work::RcScript { .. } => WorkResult::Done,
        };
        if let Work::Resource { resource, action } = &work {
            self.note(node, &format!("{resource} {action}: {result:?}"));
        }
        let now = self.clock();
        match &mut self.nodes[node].daemon {
            Some(Daemon::Everbeat(m)) => m.handle_completed(now, id, result),
            Some(Daemon::Real(m)) => m.handle_completed(now, id, result),
            None => {}
        }
        self.drain(node);
    }

    pub(super) fn act(&mut self, node: usize, resource: &str, action: Action) -> WorkResult {
        let fails = self.failing.contains(&(node, resource.to_owned(), action));
        let running = &mut self.nodes[node].running;
        match action {
            Action::Status if running.contains(resource) => WorkResult::Done,
            Action::Status => WorkResult::NotRunning,
            Action::Start if fails => {
                running.remove(resource);
                failed("start fails")
            }
            Action::Start => WorkResult::Done,
            Action::Stop if fails => failed("stop fails"),
            Action::Stop => {
                running.remove(resource);
                WorkResult::Done
            }
        }
    }

    /// Notes a resource that is active on two nodes though nothing is wrong with the network.
    pub(super) fn look_for_doubles(&mut self, resource: &str) {
        let on: Vec<_> = (0..self.nodes.len())
            .filter(|n| self.nodes[*n].running.contains(resource))
            .collect();
        let calm = self.now > self.disturbed.saturating_add(DEADTIME + 4_000);
        if on.len() > 1 && calm && self.violation.is_none() {
            let text = format!("{:>8} {resource} is active on {on:?}", self.now);
            self.log.push(text.clone());
            self.violation = Some(text);
        }
    }
}

fn failed(reason: &str) -> WorkResult {
    WorkResult::Failed {
        exit: Some(1),
        reason: reason.to_owned(),
    }
}
