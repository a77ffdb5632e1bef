//! The operations of one resource: one runs, some wait for it, some for their time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::operation::Command;
use super::{Agent, Key, RunId};
use crate::time::{Instant, Now};

/// The run under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) run: RunId,
    pub(super) command: Command,
    pub(super) since: Instant,
    /// Whoever asked took it back; it is told as cancelled when it ends.
    pub(super) cancelled: bool,
    /// It was asked for again meanwhile and is to run once more at once.
    pub(super) again: bool,
}

/// The operations of one resource.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) agent: Agent,
    /// Nobody knows the resource any more; the queue is there until its run ends.
    pub(super) forgotten: bool,
    pub(super) running: Option<Running>,
    /// In the order they came.
    pub(super) waiting: VecDeque<Command>,
    /// Waiting for their time.
    pub(super) timed: BTreeMap<Key, (Instant, Command)>,
}

impl Queue {
    pub(super) fn new(agent: Agent) -> Self {
        Self {
            agent,
            forgotten: false,
            running: None,
            waiting: VecDeque::new(),
            timed: BTreeMap::new(),
        }
    }

    pub(super) fn enqueue(&mut self, now: Instant, mut command: Command) {
        command.queued_at = now;
        self.waiting.push_back(command);
    }

    /// Takes out what is not running, by key.
    pub(super) fn take(&mut self, key: &Key) -> Option<Command> {
        let place = self.waiting.iter().position(|c| c.operation.key == *key);
        if let Some(place) = place {
            return self.waiting.remove(place);
        }
        self.timed.remove(key).map(|(_, command)| command)
    }

    /// Every recurring operation that isn't running.
    pub(super) fn recurring(&self) -> Vec<Key> {
        let waiting = self.waiting.iter().map(|c| &c.operation.key);
        let keys = waiting.chain(self.timed.keys());
        keys.filter(|key| key.is_recurring()).cloned().collect()
    }

    /// The next one begins, if the resource is free.
    pub(super) fn begin(&mut self, now: Now, run: RunId) -> Option<&Running> {
        if self.running.is_some() {
            return None;
        }
        let mut command = self.waiting.pop_front()?;
        command.queue_time = now.mono.since(command.queued_at);
        command.last_run_s = now.unix_s;
        Some(self.running.insert(Running {
            run,
            command,
            since: now.mono,
            cancelled: false,
            again: false,
        }))
    }

    /// The run ended; how long it took.
    pub(super) fn end(&mut self, now: Instant, run: RunId) -> Option<(Running, Duration)> {
        let running = self.running.take_if(|running| running.run == run)?;
        let took = now.since(running.since);
        Some((running, took))
    }
}
