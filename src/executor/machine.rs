//! All resources of this node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::operation::Command;
use super::queue::{Queue, Running};
use super::{Agent, CallId, Completed, Key, Operation, Outcome, RunId};
use crate::ids::ResourceName;
use crate::time::{Instant, Now};

/// What a driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Carry it out, within its time-out, and say what came of it.
    Run {
        /// Its number.
        run: RunId,
        /// By this.
        agent: Agent,
        /// This.
        operation: Operation,
    },
    /// End the run if it can be ended: nobody wants its result any more. It must still be
    /// reported as finished.
    Abort(RunId),
    /// Tell whoever asked.
    Completed(Box<Completed>),
}

/// The resource isn't known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("resource {0} is not registered with the executor")]
pub struct NotRegistered(pub ResourceName);

/// What became of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// It won't run any more; that is told as its result.
    Done,
    /// It runs; its result will be told as cancelled when it ends.
    Underway,
    /// There is no such operation.
    Unknown,
}

/// Runs the operations of all resources of one node, in order.
#[derive(Debug, Default)]
pub struct Executor {
    queues: BTreeMap<ResourceName, Queue>,
    runs: BTreeMap<RunId, ResourceName>,
    /// When something waits for its time, and whose; an entry may be out of date.
    timers: BTreeSet<(Instant, ResourceName)>,
    last_call: CallId,
    last_run: u64,
    outputs: VecDeque<Output>,
}

impl Executor {
    /// One without resources, whose first call has number 1.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a resource known; one that is known keeps its operations and gets the agent.
    pub fn register(&mut self, resource: ResourceName, agent: Agent) {
        match self.queues.get_mut(&resource) {
            Some(queue) => {
                queue.agent = agent;
                queue.forgotten = false;
            }
            None => drop(self.queues.insert(resource, Queue::new(agent))),
        }
    }

    /// Forgets a resource; what waits is told as cancelled, what runs when it ends. Until then
    /// nothing else of that name runs, even if it is registered again.
    pub fn unregister(&mut self, resource: &ResourceName) {
        let Some(queue) = self.queues.get_mut(resource) else {
            return;
        };
        queue.forgotten = true;
        let timed = std::mem::take(&mut queue.timed).into_values();
        let waiting = std::mem::take(&mut queue.waiting).into_iter();
        let running = queue.running.as_mut().map(|running| {
            running.cancelled = true;
            running.run
        });
        for command in waiting.chain(timed.map(|(_, command)| command)) {
            self.tell_cancelled(&command);
        }
        match running {
            Some(run) => self.outputs.push_back(Output::Abort(run)),
            None => drop(self.queues.remove(resource)),
        }
    }

    /// The agent of a known resource.
    pub fn agent(&self, resource: &ResourceName) -> Option<&Agent> {
        let known = self.queues.get(resource).filter(|queue| !queue.forgotten);
        known.map(|queue| &queue.agent)
    }

    /// The resources that are known.
    pub fn resources(&self) -> impl Iterator<Item = &ResourceName> {
        let known = self.queues.iter().filter(|(_, queue)| !queue.forgotten);
        known.map(|(resource, _)| resource)
    }

    /// True while some operation of it runs or waits for its turn.
    pub fn is_busy(&self, resource: &ResourceName) -> bool {
        let busy = |queue: &Queue| queue.running.is_some() || !queue.waiting.is_empty();
        self.queues.get(resource).is_some_and(busy)
    }

    /// True if nothing runs and nothing waits for its turn; recurring operations may wait for
    /// their time.
    pub fn is_idle(&self) -> bool {
        let idle = |queue: &Queue| queue.running.is_none() && queue.waiting.is_empty();
        self.queues.values().all(idle)
    }

    /// An operation is asked for.
    ///
    /// One that changes the resource ends its recurring operations first. A recurring one that is
    /// there already serves the new request from now on, and runs at once.
    ///
    /// Errors: the resource isn't registered.
    pub fn execute(&mut self, now: Now, operation: Operation) -> Result<CallId, NotRegistered> {
        let resource = operation.key.resource.clone();
        if self.agent(&resource).is_none() {
            return Err(NotRegistered(resource));
        }
        if changes_state(&operation.key) {
            self.cancel_recurring(&resource);
        }
        self.last_call = CallId(self.last_call.0.wrapping_add(1).max(1));
        let call = self.last_call;
        let Some(queue) = self.queues.get_mut(&resource) else {
            return Err(NotRegistered(resource));
        };
        if operation.key.is_recurring() && rerun(queue, now.mono, call, &operation) {
            self.begin(now, &resource);
            return Ok(call);
        }
        let (key, delay) = (operation.key.clone(), operation.start_delay);
        let command = Command::new(call, operation, now.mono);
        if delay.is_zero() {
            queue.enqueue(now.mono, command);
            self.begin(now, &resource);
        } else {
            self.wait(now.mono + delay, &key, command);
        }
        Ok(call)
    }

    /// Takes back an operation.
    pub fn cancel(&mut self, key: &Key) -> Cancel {
        let Some(queue) = self.queues.get_mut(&key.resource) else {
            return Cancel::Unknown;
        };
        if let Some(running) = &mut queue.running
            && running.command.operation.key == *key
        {
            running.cancelled = true;
            running.again = false;
            self.outputs.push_back(Output::Abort(running.run));
            return Cancel::Underway;
        }
        match queue.take(key) {
            Some(command) => {
                self.tell_cancelled(&command);
                Cancel::Done
            }
            None => Cancel::Unknown,
        }
    }

    /// Takes back every recurring operation of a resource.
    pub fn cancel_recurring(&mut self, resource: &ResourceName) {
        let Some(queue) = self.queues.get(resource) else {
            return;
        };
        let running = queue.running.iter().filter(|running| !running.cancelled);
        let running = running.map(|running| running.command.operation.key.clone());
        let mut keys = queue.recurring();
        keys.extend(running.filter(Key::is_recurring));
        for key in keys {
            self.cancel(&key);
        }
    }

    /// A run ended. One that isn't known is ignored.
    pub fn handle_finished(&mut self, now: Now, run: RunId, outcome: Outcome) {
        let Some(resource) = self.runs.remove(&run) else {
            return;
        };
        let ended = self.queues.get_mut(&resource);
        if let Some((running, took)) = ended.and_then(|queue| queue.end(now.mono, run)) {
            self.conclude(now, running, outcome, took);
        }
        if self.agent(&resource).is_none() {
            self.queues.remove(&resource);
        }
        self.begin(now, &resource);
    }

    /// What waits for its time gets its turn.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((at, resource)) = self.timers.pop_first() {
            if at > now.mono {
                self.timers.insert((at, resource));
                break;
            }
            if let Some(queue) = self.queues.get_mut(&resource) {
                let due = |_: &Key, timed: &mut (Instant, Command)| timed.0 <= now.mono;
                let due: Vec<_> = queue.timed.extract_if(.., due).collect();
                for (_, (_, command)) in due {
                    queue.enqueue(now.mono, command);
                }
                self.begin(now, &resource);
            }
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn begin(&mut self, now: Now, resource: &ResourceName) {
        let Some(queue) = self.queues.get_mut(resource) else {
            return;
        };
        let run = RunId(self.last_run + 1);
        let Some(running) = queue.begin(now, run) else {
            return;
        };
        let operation = running.command.operation.clone();
        self.last_run = run.0;
        self.runs.insert(run, resource.clone());
        self.outputs.push_back(Output::Run {
            run,
            agent: queue.agent.clone(),
            operation,
        });
    }

    fn conclude(&mut self, now: Now, running: Running, outcome: Outcome, took: Duration) {
        let Running {
            mut command,
            cancelled,
            again,
            ..
        } = running;
        if cancelled {
            let told = command.completed(Outcome::cancelled(), took);
            self.outputs.push_back(Output::Completed(Box::new(told)));
            return;
        }
        if command.exit != Some(outcome.exit) {
            command.exit = Some(outcome.exit);
            command.last_change_s = now.unix_s;
        }
        let key = command.operation.key.clone();
        let told = Some((outcome.exit, outcome.status));
        // What was asked for anew while it ran is told of the run to come.
        if command.told != told && !again {
            command.told = told;
            let told = command.completed(outcome, took);
            self.outputs.push_back(Output::Completed(Box::new(told)));
        }
        if again {
            if let Some(queue) = self.queues.get_mut(&key.resource) {
                queue.enqueue(now.mono, command);
            }
        } else if key.is_recurring() {
            self.wait(now.mono + key.interval, &key, command);
        }
    }

    fn wait(&mut self, until: Instant, key: &Key, command: Command) {
        if let Some(queue) = self.queues.get_mut(&key.resource) {
            let replaced = queue.timed.insert(key.clone(), (until, command));
            self.timers.insert((until, key.resource.clone()));
            if let Some((_, command)) = replaced {
                self.tell_cancelled(&command);
            }
        }
    }

    fn tell_cancelled(&mut self, command: &Command) {
        let told = command.completed(Outcome::cancelled(), Duration::ZERO);
        self.outputs.push_back(Output::Completed(Box::new(told)));
    }
}

/// True for what may start, stop or move the resource: its monitors would look at it meanwhile.
/// Source: Pacemaker 2.1.5, `do_lrm_rsc_op`, as observed.
fn changes_state(key: &Key) -> bool {
    let watches = ["monitor", "notify", "status", "meta-data"];
    !key.is_recurring() && !watches.contains(&&*key.action)
}

/// Gives a recurring operation that is there to a new request; false if there is none.
fn rerun(queue: &mut Queue, now: Instant, call: CallId, operation: &Operation) -> bool {
    let key = &operation.key;
    let of_key = |command: &Command| command.operation.key == *key;
    if let Some(command) = queue.waiting.iter_mut().find(|command| of_key(command)) {
        command.merge(call, operation.clone());
        return true;
    }
    if let Some((_, mut command)) = queue.timed.remove(key) {
        command.merge(call, operation.clone());
        queue.enqueue(now, command);
        return true;
    }
    let running = queue.running.as_mut();
    let same = running.filter(|running| !running.cancelled && of_key(&running.command));
    let Some(running) = same else {
        return false;
    };
    running.command.merge(call, operation.clone());
    running.again = true;
    true
}
