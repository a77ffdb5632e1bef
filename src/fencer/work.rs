//! What this node does with its devices: one after another on each, with delays and tries.
//!
//! Source: spec crm-runtime.md section 9, "Executing fenced".

use std::collections::BTreeMap;
use std::time::Duration;

use super::registry::WATCHDOG;
use super::{Ended, Fencer, Job};
use crate::executor::Status;
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};
use crate::wire::crm::{FenceResult, FenceStart, FenceTicket, Message};

/// A part of the time must be left for another try. Source: spec crm-runtime.md section 9.
const LEFT_PERCENT: u32 = 30;

/// Most tasks at once.
const TASKS_MAX: usize = 256;

#[derive(Debug)]
enum Stage {
    /// It waits for its delay, then for its device.
    Waiting(Instant),
    /// Its agent runs.
    Running,
}

#[derive(Debug)]
struct Task {
    /// All requests that it is for.
    tickets: Vec<FenceTicket>,
    device: String,
    target: String,
    action: String,
    timeout: Duration,
    stage: Stage,
    began: Option<Instant>,
    tries: u32,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Work {
    tasks: BTreeMap<u64, Task>,
    counted: u64,
}

impl Work {
    /// When a delay ends. One that waits for its device begins when that is free.
    pub(super) fn due(&self) -> Option<Instant> {
        let waiting = self.tasks.values().filter_map(|task| match task.stage {
            Stage::Waiting(until) if task.began.is_none() || task.device == WATCHDOG => Some(until),
            _ => None,
        });
        waiting.min()
    }

    fn running(&self, device: &str) -> usize {
        let tasks = self.tasks.values();
        tasks
            .filter(|task| task.device == device && matches!(task.stage, Stage::Running))
            .count()
    }
}

impl Fencer {
    /// A node is to use a device.
    pub(super) fn handle_start(&mut self, now: Now, start: FenceStart) {
        let name = self.name_of(start.node);
        self.history
            .doing(&start.ticket, start.node, &name, start.last);
        if start.node != self.local {
            return;
        }
        if start.device == WATCHDOG && start.target.eq_ignore_ascii_case(&self.name) {
            return self.fence_oneself(now, &start);
        }
        let same = self.work.tasks.values_mut().find(|task| {
            task.device == start.device
                && task.action == start.action
                && task.target.eq_ignore_ascii_case(&start.target)
        });
        if let Some(task) = same {
            task.tickets.push(start.ticket);
            return;
        }
        if self.work.tasks.len() >= TASKS_MAX {
            let reason = "too much is fenced at once".to_owned();
            return self.tell_step(now, &start.ticket, &start, (1, Status::Error, reason));
        }
        let delay = self.delay(&start);
        self.work.counted += 1;
        self.work.tasks.insert(
            self.work.counted,
            Task {
                tickets: vec![start.ticket],
                device: start.device,
                target: start.target,
                action: start.action,
                timeout: Duration::from_millis(start.timeout_ms),
                stage: Stage::Waiting(now.mono + delay),
                began: None,
                tries: 0,
            },
        );
        self.begin_tasks(now);
    }

    /// What was asked for, and the device's own, in part by chance.
    fn delay(&mut self, start: &FenceStart) -> Duration {
        if start.device == WATCHDOG {
            let wait = self.vigil.resets_itself_within(&start.target);
            let wait = wait.unwrap_or_default();
            let text = format!(
                "Waiting {}s for {} to self-fence ({})",
                wait.as_secs_f32(),
                start.target,
                start.action
            );
            self.log(Severity::Notice, text);
            return wait;
        }
        let Ok(asked) = u64::try_from(start.delay_s) else {
            return Duration::ZERO;
        };
        let device = self.registry.device(&start.device);
        let (base, below) = device
            .filter(|_| start.action != "on")
            .map_or_else(Default::default, |device| device.delay(&start.target));
        let chance = self.rng.below(below.saturating_sub(base).as_secs());
        let delay = Duration::from_secs(asked.saturating_add(chance)).saturating_add(base);
        if !delay.is_zero() {
            let text = format!(
                "Delaying '{}' action targeting {} using {} for {}s | timeout={}s \
                 requested_delay={asked}s base={}s max={}s",
                start.action,
                start.target,
                start.device,
                delay.as_secs(),
                start.timeout_ms / 1000,
                base.as_secs(),
                below.as_secs()
            );
            self.log(Severity::Notice, text);
        }
        delay
    }

    /// Begins what has waited long enough and whose device is free.
    pub(super) fn begin_tasks(&mut self, now: Now) {
        let ready: Vec<u64> = self
            .work
            .tasks
            .iter()
            .filter(|(_, task)| matches!(task.stage, Stage::Waiting(until) if until <= now.mono))
            .map(|(id, _)| *id)
            .collect();
        for id in ready {
            let Some(task) = self.work.tasks.get(&id) else {
                continue;
            };
            if task.device == WATCHDOG {
                self.end_watchdog(now, id);
                continue;
            }
            let device = self.registry.device(&task.device);
            let limit = device.map_or(Some(1), super::Device::action_limit);
            if limit.is_none_or(|limit| self.work.running(&task.device) < limit) {
                self.try_task(now, id);
            } else if let Some(task) = self.work.tasks.get_mut(&id) {
                task.began = Some(now.mono);
            }
        }
    }

    /// The node had its time to reset itself.
    fn end_watchdog(&mut self, now: Now, id: u64) {
        let Some(task) = self.work.tasks.get_mut(&id) else {
            return;
        };
        let target = &task.target;
        if self.vigil.resets_itself_within(target).is_none() || self.vigil.is_member(target) {
            let reason = format!("nobody can tell whether the watchdog of {target} has reset it");
            return self.end_task(now, id, (1, Status::Error, reason));
        }
        // A node that slept must not speak of a cluster that has long been another one.
        let over = *task.began.get_or_insert(now.mono);
        if !self.vigil.was_whole_at(over) {
            task.stage = Stage::Waiting(self.vigil.ask(now));
            return;
        }
        let text = format!(
            "Self-fencing ({}) by {target} assumed complete",
            task.action
        );
        self.log(Severity::Notice, text);
        self.end_task(now, id, (0, Status::Done, String::new()));
    }

    /// This node's watchdog is to reset it. Nothing is told: the others see it go.
    fn fence_oneself(&mut self, now: Now, start: &FenceStart) {
        if self.vigil.bite() {
            let text = "This node is to be fenced by its watchdog, which is no longer fed";
            return self.log(Severity::Critical, text.to_owned());
        }
        let reason = "no watchdog of this node is armed".to_owned();
        self.tell_step(now, &start.ticket, start, (1, Status::Error, reason));
    }

    /// A node that is back has more time than was waited for, and so has one that may have been
    /// in a part with quorum meanwhile.
    pub(super) fn stop_waiting_for_returned(&mut self, now: Now) {
        let vigil = &self.vigil;
        let tasks = self.work.tasks.iter();
        let back = tasks.filter(|(_, task)| {
            let target = &task.target;
            let counts = vigil.resets_itself_within(target).is_some();
            task.device == WATCHDOG && (vigil.is_member(target) || !counts)
        });
        for id in back.map(|(id, _)| *id).collect::<Vec<_>>() {
            let reason = "it is back, or quorum is lost".to_owned();
            self.end_task(now, id, (1, Status::Error, reason));
        }
    }

    fn try_task(&mut self, now: Now, id: u64) {
        let Some(task) = self.work.tasks.get_mut(&id) else {
            return;
        };
        let device = self.registry.device(&task.device);
        let Some(device) = device else {
            let reason = format!("there is no device {}", task.device);
            return self.end_task(now, id, (1, Status::NoFenceDevice, reason));
        };
        let support = self.registry.support(device).unwrap_or_default();
        let call = device.call(&task.action, Some(&task.target), support);
        // Its time begins with its first try, and is that of all tries.
        let first = task.tries == 0;
        let began = task.began.filter(|_| !first).unwrap_or(now.mono);
        task.began = Some(began);
        task.stage = Stage::Running;
        task.tries += 1;
        let left = task.timeout.saturating_sub(now.mono.since(began));
        self.run(Job::Fence { task: id }, call, left);
    }

    /// The agent of a task ended.
    pub(super) fn task_ran(&mut self, now: Now, id: u64, ended: &Ended) {
        let Some(task) = self.work.tasks.get(&id) else {
            return;
        };
        if ended.is_success() {
            self.end_task(now, id, (0, Status::Done, String::new()));
        } else {
            let device = self.registry.device(&task.device);
            let support = device.and_then(|device| self.registry.support(device));
            let call = device.map(|device| {
                device.call(
                    &task.action,
                    Some(&task.target),
                    support.unwrap_or_default(),
                )
            });
            let tries = call.map_or(0, |call| call.tries);
            let spent = task
                .began
                .map_or(Duration::ZERO, |began| now.mono.since(began));
            let left = task.timeout.saturating_sub(spent);
            if task.tries < tries && left >= task.timeout * LEFT_PERCENT / 100 {
                let text = format!(
                    "Attempt {} to '{}' {} using {} failed ({}): trying again",
                    task.tries, task.action, task.target, task.device, ended.reason
                );
                self.log(Severity::Notice, text);
                return self.try_task(now, id);
            }
            let status = match ended.status {
                Status::Done => Status::Error,
                other => other,
            };
            let reason = ended.reason.clone();
            self.end_task(now, id, (ended.exit.unwrap_or(1), status, reason));
        }
        // The device is free for another one.
        self.begin_tasks(now);
    }

    fn end_task(&mut self, now: Now, id: u64, outcome: (i32, Status, String)) {
        let Some(task) = self.work.tasks.remove(&id) else {
            return;
        };
        let Task {
            tickets,
            device,
            target,
            action,
            ..
        } = task;
        for ticket in tickets {
            let start = FenceStart {
                ticket: ticket.clone(),
                node: self.local,
                device: device.clone(),
                target: target.clone(),
                action: action.clone(),
                timeout_ms: 0,
                delay_s: 0,
                last: false,
            };
            self.tell_step(now, &ticket, &start, outcome.clone());
        }
    }

    fn tell_step(
        &mut self,
        now: Now,
        ticket: &FenceTicket,
        start: &FenceStart,
        (exit, status, reason): (i32, Status, String),
    ) {
        self.send(Message::FenceResult(FenceResult {
            ticket: ticket.clone(),
            last: false,
            device: start.device.clone(),
            target: start.target.clone(),
            action: start.action.clone(),
            client: String::new(),
            exit,
            status: status as i32,
            reason: super::history::bounded(&reason),
            unix_s: now.unix_s,
            delegate: self.name.clone(),
        }));
    }
}
