//! Whether the devices of this node can fence another one: agents may have to be asked.

use std::collections::BTreeMap;
use std::time::Duration;

use super::device::Covers;
use super::{Answer, Ended, Fencer, Job, Output, Support, WATCHDOG};
use crate::executor::Status;
use crate::proto::heartbeat::Severity;
use crate::time::Now;
use crate::wire::crm::{Capable, FenceTicket, FenceableBy, Message};

/// How long an agent may take to say what it can do.
/// Source: pacemaker 2.1.5, the default of `pcmk_list_timeout` and the others is 60 s.
const LOOK_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an agent may take to tell its meta-data.
/// Source: spec crm-runtime.md section 11.
const METADATA_TIMEOUT: Duration = Duration::from_secs(30);

/// Most questions at once; nothing is found for more.
const SURVEYS_MAX: usize = 256;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum For {
    /// The leader of a request.
    Leader(FenceTicket),
    /// A tool.
    Tool(u64),
}

/// A question of who can.
#[derive(Debug)]
pub(super) struct Survey {
    asks: For,
    target: String,
    action: String,
    timeout: Duration,
    /// Of each device whether it can, as soon as that is known.
    known: BTreeMap<String, Option<bool>>,
    /// Devices whose list failed, and whose status is asked instead.
    no_list: Vec<String>,
}

/// How far the look at a device is.
enum Look {
    /// It can, or not.
    Known(bool),
    /// An agent has to run first.
    Ask(Job),
}

impl Fencer {
    /// Asks all devices of this node.
    pub(super) fn survey(
        &mut self,
        now: Now,
        asks: For,
        (target, action): (&str, &str),
        timeout: Option<Duration>,
    ) {
        let room = self.surveys.len() < SURVEYS_MAX;
        let ids = self.registry.ids().into_iter().filter(|_| room);
        self.surveys.push(Survey {
            asks,
            target: target.to_owned(),
            action: action.to_owned(),
            timeout: timeout.unwrap_or(LOOK_TIMEOUT).min(LOOK_TIMEOUT),
            known: ids.map(|id| (id.to_owned(), None)).collect(),
            no_list: Vec::new(),
        });
        self.advance_surveys(now);
    }

    /// Starts the agents that have to be asked, and answers what is known.
    pub(super) fn advance_surveys(&mut self, now: Now) {
        for mut survey in std::mem::take(&mut self.surveys) {
            let open: Vec<String> = survey
                .known
                .iter()
                .filter(|(_, can)| can.is_none())
                .map(|(id, _)| id.clone())
                .collect();
            for id in open {
                match self.look(now, &survey, &id) {
                    Look::Known(can) => drop(survey.known.insert(id, Some(can))),
                    Look::Ask(job) => self.look_by(job, survey.timeout),
                }
            }
            match survey.known.values().all(Option::is_some) {
                true => self.answer_survey(&survey),
                false => self.surveys.push(survey),
            }
        }
    }

    fn look(&self, now: Now, survey: &Survey, id: &str) -> Look {
        let Some(device) = self.registry.device(id) else {
            return Look::Known(false);
        };
        let Some(support) = self.registry.support(device) else {
            let agent = device.agent.clone();
            return Look::Ask(Job::Metadata { agent });
        };
        let is_self = survey.target.eq_ignore_ascii_case(&self.name);
        if survey.action == "on" && (!support.on || (support.on_target && !is_self)) {
            return Look::Known(false);
        }
        let target = &survey.target;
        let mut covers = device.covers(target, support);
        if covers == Covers::List && survey.no_list.iter().any(|other| other == id) {
            covers = Covers::Status;
        }
        match covers {
            Covers::Yes => Look::Known(true),
            Covers::No => Look::Known(false),
            Covers::List => match self.registry.list(id, now.mono) {
                Some(list) => Look::Known(device.is_in_list(target, list)),
                None => Look::Ask(Job::List {
                    device: id.to_owned(),
                }),
            },
            Covers::Status => Look::Ask(Job::Status {
                device: id.to_owned(),
                target: target.clone(),
            }),
        }
    }

    /// Runs an agent for that, unless it runs already.
    fn look_by(&mut self, job: Job, timeout: Duration) {
        if self.jobs.values().any(|running| *running == job) {
            return;
        }
        let (call, timeout) = match &job {
            Job::Metadata { agent } => {
                let device = super::Device::new(agent, agent, BTreeMap::new());
                let call = device.call("metadata", None, Support::default());
                (call, METADATA_TIMEOUT)
            }
            Job::List { device } | Job::Status { device, .. } => {
                let Some(device) = self.registry.device(device) else {
                    return;
                };
                let support = self.registry.support(device).unwrap_or_default();
                let call = match &job {
                    Job::Status { target, .. } => device.call("status", Some(target), support),
                    _ => device.call("list", None, support),
                };
                let timeout = call.timeout.unwrap_or(timeout);
                (call, timeout)
            }
            Job::Fence { .. } | Job::Tool { .. } => return,
        };
        self.run(job, call, timeout);
    }

    /// An agent answered.
    pub(super) fn looked(&mut self, now: Now, job: Job, ended: &Ended) {
        match job {
            Job::Metadata { agent } => {
                let read = Support::read(&ended.output).filter(|_| ended.is_success());
                match (read, ended.status) {
                    (None, Status::NotInstalled) => self.agent_missing(&agent, &ended.reason),
                    (read, _) => self
                        .registry
                        .learn_support(&agent, read.unwrap_or_default()),
                }
            }
            Job::List { device } if ended.is_success() => {
                let text = ended.output.clone();
                self.registry.learn_list(&device, now.mono, text);
            }
            Job::List { device } => self.list_failed(&device, &ended.reason),
            Job::Status { device, target } => {
                // Source: spec crm-runtime.md section 9: 0 is on, 2 off, both are known.
                let can = matches!(ended.exit, Some(0 | 2)) && ended.status == Status::Done;
                let asked = self.surveys.iter_mut().filter(|s| s.target == target);
                for survey in asked {
                    if let Some(known) = survey.known.get_mut(&device) {
                        *known = Some(can);
                    }
                }
            }
            Job::Fence { .. } | Job::Tool { .. } => {}
        }
    }

    /// Devices of an agent that isn't there can do nothing, until the next question.
    fn agent_missing(&mut self, agent: &str, reason: &str) {
        let text = format!("Agent {agent} can't be asked what it can do: {reason}");
        self.log(Severity::Error, text);
        let registry = &self.registry;
        for survey in &mut self.surveys {
            for (id, known) in &mut survey.known {
                if registry.device(id).is_some_and(|d| d.agent == agent) {
                    *known = Some(false);
                }
            }
        }
    }

    /// Without a word of the administrator the status is asked instead.
    /// Source: spec crm-runtime.md section 9.
    fn list_failed(&mut self, id: &str, reason: &str) {
        let device = self.registry.device(id);
        let told = device.is_some_and(|d| d.parameter("pcmk_host_check").is_some());
        let support = device.and_then(|device| self.registry.support(device));
        let by_status = !told && support.is_some_and(|support| support.status);
        let text = format!("Device {id} can't list what it can fence: {reason}");
        self.log(Severity::Warning, text);
        for survey in &mut self.surveys {
            if let Some(known) = survey.known.get_mut(id).filter(|known| known.is_none()) {
                match by_status {
                    true => survey.no_list.push(id.to_owned()),
                    false => *known = Some(false),
                }
            }
        }
    }

    fn answer_survey(&mut self, survey: &Survey) {
        let able = survey.known.iter().filter(|(_, can)| **can == Some(true));
        let able: Vec<&String> = able.map(|(id, _)| id).collect();
        match &survey.asks {
            For::Tool(asker) => {
                let devices = able.into_iter().cloned().collect();
                let (asker, answer) = (*asker, Answer::Devices(devices));
                self.outputs.push_back(Output::Answer { asker, answer });
            }
            For::Leader(ticket) => {
                let mut devices: Vec<Capable> = able
                    .into_iter()
                    .filter_map(|id| self.capable(id, survey))
                    .collect();
                devices.extend(self.watchdog(survey));
                self.send(Message::FenceableBy(FenceableBy {
                    ticket: ticket.clone(),
                    devices,
                }));
            }
        }
    }

    fn capable(&self, id: &str, survey: &Survey) -> Option<Capable> {
        let device = self.registry.device(id)?;
        let support = self.registry.support(device)?;
        let delay = device.delay(&survey.target).1;
        let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Some(Capable {
            device: id.to_owned(),
            verified: self.registry.is_active(id),
            priority: device.priority,
            timeout_ms: device.timeout(&survey.action).map(ms),
            delay_ms: ms(delay),
            unfences: support.automatic || device.unfences,
        })
    }

    /// All nodes wait alike for the watchdog of a node that is gone. Nobody is let in by it.
    fn watchdog(&self, survey: &Survey) -> Option<Capable> {
        let target = &survey.target;
        let fences = survey.action != "on" && self.registry.is_watched(target);
        let wait = self.vigil.resets_itself_within(target).filter(|_| fences)?;
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Some(Capable {
            device: WATCHDOG.to_owned(),
            verified: false,
            // What is certain comes first.
            priority: i32::MIN,
            timeout_ms: Some(ms.saturating_add(1000)),
            delay_ms: 0,
            unfences: false,
        })
    }
}
