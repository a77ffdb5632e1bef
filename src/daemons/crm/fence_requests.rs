//! What tools ask of the fencer.

use std::time::Duration;

use super::clients::Waiting;
use super::node::Crm;
use super::permission::Caller;
use super::protocol::Reply;
use super::protocol::fencing::{self as protocol, Ask, Entry, EntryState};
use crate::fencer::{self, Answer, Device, Fencer, Order};
use crate::time::Now;
use crate::wire::crm::{FenceRecord, FenceState};

/// What changes something is for those who may do everything.
fn changes(ask: &Ask) -> bool {
    match ask {
        Ask::Devices { .. }
        | Ask::Targets { .. }
        | Ask::Monitor { .. }
        | Ask::Status { .. }
        | Ask::History { .. } => false,
        Ask::Fence { .. }
        | Ask::Confirm { .. }
        | Ask::Cleanup { .. }
        | Ask::Register { .. }
        | Ask::Deregister { .. }
        | Ask::RegisterLevel { .. }
        | Ask::DeregisterLevel { .. } => true,
    }
}

/// Does it; the answer, or none if it comes later.
pub(super) fn serve(
    crm: &mut Crm,
    now: Now,
    caller: &Caller,
    waiting: Waiting,
    ask: Ask,
) -> Option<Reply> {
    let number = waiting.number;
    if changes(&ask) && !caller.is_root_equal() {
        return Some(Reply::Refused {
            number,
            why: "only root and hacluster may do that".into(),
        });
    }
    let (_, clients) = crm.parts();
    let asker = clients.wait_for_fencer(waiting);
    let answer = match changes(&ask) {
        true => change(crm.fencer(), now, asker, ask),
        false => look(crm, now, asker, ask),
    };
    if let Some(answer) = answer {
        crm.answer_of_fencer(asker, answer);
    }
    None
}

/// A question; the answer, if it is known at once.
fn look(crm: &mut Crm, now: Now, asker: u64, ask: Ask) -> Option<Answer> {
    let span = |ms: Option<u64>| ms.map(Duration::from_millis);
    let fencer = crm.fencer();
    match ask {
        Ask::Devices { target, timeout_ms } => {
            fencer.ask_devices(now, target.as_deref(), span(timeout_ms), asker);
        }
        Ask::Targets { device, timeout_ms } => {
            fencer.ask_targets(&device, span(timeout_ms), asker);
        }
        Ask::Monitor { device, timeout_ms } => {
            fencer.ask_monitor(&device, span(timeout_ms), asker);
        }
        Ask::Status {
            device,
            target,
            timeout_ms,
        } => fencer.ask_status(&device, &target, span(timeout_ms), asker),
        Ask::History { target, broadcast } => {
            let (_, clients) = crm.parts();
            clients.want_history(asker, target);
            if !broadcast {
                return Some(Answer::History);
            }
            crm.fencer().ask_history(asker);
        }
        _ => {}
    }
    None
}

/// What changes something; the answer, if it is known at once.
fn change(fencer: &mut Fencer, now: Now, asker: u64, ask: Ask) -> Option<Answer> {
    match ask {
        Ask::Fence {
            target,
            action,
            timeout_ms,
            tolerance_ms,
            delay_s,
            client,
        } => {
            let order = Order {
                target,
                action,
                client,
                timeout: Duration::from_millis(timeout_ms),
                delay_s,
                tolerance: Duration::from_millis(tolerance_ms),
            };
            fencer.fence(now, order, Some(asker));
            None
        }
        Ask::Confirm { target, client } => {
            fencer.confirm(now, &target, &client, asker);
            None
        }
        Ask::Cleanup { target } => {
            fencer.clean_up(target.as_deref());
            Some(Answer::Ended {
                exit: 0,
                status: 0,
                reason: String::new(),
            })
        }
        Ask::Register {
            device,
            agent,
            parameters,
        } => Some(fencer.register(Device::new(&device, &agent, parameters))),
        Ask::Deregister { device } => Some(fencer.deregister(&device)),
        Ask::RegisterLevel {
            target,
            index,
            devices,
        } => Some(fencer.register_level(level_target(target), index, devices)),
        Ask::DeregisterLevel { target, index } => {
            Some(fencer.deregister_level(&level_target(target), index))
        }
        _ => None,
    }
}

fn level_target(target: protocol::LevelTarget) -> fencer::LevelTarget {
    match target {
        protocol::LevelTarget::Node(name) => fencer::LevelTarget::Node(name),
        protocol::LevelTarget::Pattern(pattern) => fencer::LevelTarget::Pattern(pattern),
        protocol::LevelTarget::Attribute { name, value } => {
            fencer::LevelTarget::Attribute(name, value)
        }
    }
}

/// An answer of the fencer as it is told; the history is of `target`, or of all.
pub(super) fn told(
    answer: Answer,
    history: &fencer::History,
    target: Option<&str>,
) -> protocol::Answer {
    match answer {
        Answer::Devices(devices) => protocol::Answer::Devices { devices },
        Answer::Targets(targets) => protocol::Answer::Targets { targets },
        Answer::Ended {
            exit,
            status,
            reason,
        } => protocol::Answer::Ended {
            exit,
            status,
            reason,
        },
        Answer::History => {
            let all = history.records().iter().rev();
            let of_it = all.filter(|record| {
                target.is_none_or(|target| record.target.eq_ignore_ascii_case(target))
            });
            protocol::Answer::History {
                entries: of_it.map(entry).collect(),
            }
        }
    }
}

fn entry(record: &FenceRecord) -> Entry {
    Entry {
        id: fencer::id_of(&record.ticket),
        target: record.target.clone(),
        action: record.action.clone(),
        delegate: Some(record.delegate.clone()).filter(|name| !name.is_empty()),
        origin: record.origin.clone(),
        client: record.client.clone(),
        state: match record.state {
            FenceState::Querying => EntryState::Querying,
            FenceState::Executing => EntryState::Executing,
            FenceState::Done => EntryState::Done,
            FenceState::Duplicate => EntryState::Duplicate,
            FenceState::Failed => EntryState::Failed,
        },
        completed_s: record.completed_s,
        exit: record.exit,
        status: record.status,
        reason: record.reason.clone(),
    }
}
