//! What was fenced, and what is under way: the same on all nodes.

use std::collections::BTreeMap;

use crate::executor::Status;
use crate::ids::NodeId;
use crate::wire::crm::{FenceQuery, FenceRecord, FenceResult, FenceState, FenceTicket};

/// Most records; then the oldest half of what is over is forgotten.
/// Source: spec crm-runtime.md section 9.
pub const RECORDS_MAX: usize = 500;

/// Longest text that is kept of what a node or an agent says, bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// Delegate of a confirmation. Source: pacemaker 2.1.5, `stonith_admin --confirm`.
pub const HUMAN: &str = "a human";

/// The records, in the order in which they were asked for.
#[derive(Debug, Default)]
pub struct History {
    records: Vec<FenceRecord>,
    /// Of a duplicate: the one that counts for it.
    counts_for: BTreeMap<FenceTicket, FenceTicket>,
    /// Of what is being done: the node that does it, and whether all is done with its success.
    doing: BTreeMap<FenceTicket, (NodeId, bool)>,
}

/// What is over with a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// The record.
    pub record: FenceRecord,
    /// The device that was used.
    pub device: String,
}

/// A text of a bounded length.
pub fn bounded(text: &str) -> String {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl History {
    /// All records, oldest first.
    pub fn records(&self) -> &[FenceRecord] {
        &self.records
    }

    /// A record.
    pub fn get(&self, ticket: &FenceTicket) -> Option<&FenceRecord> {
        self.records.iter().rev().find(|r| r.ticket == *ticket)
    }

    fn get_mut(&mut self, ticket: &FenceTicket) -> Option<&mut FenceRecord> {
        self.records.iter_mut().rev().find(|r| r.ticket == *ticket)
    }

    /// The same done to the same node and not over, which could stand for another request.
    ///
    /// Source: spec crm-runtime.md section 9, step 1: not if the target asked for it itself.
    fn pending(&self, target: &str, action: &str) -> Option<&FenceRecord> {
        self.records.iter().find(|record| {
            matches!(record.state, FenceState::Querying | FenceState::Executing)
                && record.action == action
                && record.target.eq_ignore_ascii_case(target)
                && !record.origin.eq_ignore_ascii_case(target)
        })
    }

    /// A request begins. The ticket of another one, if that counts for it.
    pub fn begin(&mut self, query: &FenceQuery, origin: &str) -> Option<FenceTicket> {
        if self.get(&query.ticket).is_some() {
            return None;
        }
        let other = self.pending(&query.target, &query.action);
        let other = other.map(|record| record.ticket.clone());
        if let Some(other) = &other {
            self.counts_for.insert(query.ticket.clone(), other.clone());
        }
        self.records.push(FenceRecord {
            ticket: query.ticket.clone(),
            leader: query.leader,
            origin: bounded(origin),
            target: bounded(&query.target),
            action: bounded(&query.action),
            client: bounded(&query.client),
            state: match other {
                Some(_) => FenceState::Duplicate,
                None => FenceState::Querying,
            },
            delegate: String::new(),
            exit: 0,
            status: Status::Pending as i32,
            reason: String::new(),
            completed_s: 0,
        });
        self.trim();
        other
    }

    /// A node is to use a device.
    pub fn doing(&mut self, ticket: &FenceTicket, node: NodeId, name: &str, last: bool) {
        if let Some(record) = self.get_mut(ticket).filter(|r| r.state.is_pending()) {
            record.state = FenceState::Executing;
            record.delegate = bounded(name);
            self.doing.insert(ticket.clone(), (node, last));
        }
    }

    /// The node that uses a device for it, and whether all is done with that.
    pub fn executor(&self, ticket: &FenceTicket) -> Option<(NodeId, bool)> {
        self.doing.get(ticket).copied()
    }

    /// It is over: the records that ended with it, itself first.
    pub fn end(&mut self, result: &FenceResult) -> Vec<Over> {
        let mut tickets = vec![result.ticket.clone()];
        let same = self.counts_for.iter();
        let same = same.filter(|(_, other)| **other == result.ticket);
        tickets.extend(same.map(|(ticket, _)| ticket.clone()));
        let well = result.exit == 0 && result.status == Status::Done as i32;
        let mut over = Vec::new();
        for ticket in tickets {
            self.counts_for.remove(&ticket);
            self.doing.remove(&ticket);
            let Some(record) = self.get_mut(&ticket).filter(|r| r.state.is_pending()) else {
                continue;
            };
            record.state = if well {
                FenceState::Done
            } else {
                FenceState::Failed
            };
            record.exit = result.exit;
            record.status = result.status;
            record.delegate = bounded(&result.delegate);
            record.reason = if well {
                String::new()
            } else {
                bounded(&result.reason)
            };
            record.completed_s = result.unix_s;
            over.push(Over {
                record: record.clone(),
                device: bounded(&result.device),
            });
        }
        over
    }

    /// A record that ends as it begins: a confirmation.
    pub fn add(&mut self, record: FenceRecord) {
        self.records.push(record);
        self.trim();
    }

    /// Requests whose leader isn't there, and that nobody will end: with the node that still does
    /// something for it, if one does.
    pub fn leaderless(&self, is_member: impl Fn(NodeId) -> bool) -> Vec<FenceTicket> {
        let pending = self
            .records
            .iter()
            .filter(|record| matches!(record.state, FenceState::Querying | FenceState::Executing));
        let without = pending.filter(|record| {
            let executor = self.doing.get(&record.ticket);
            let still = executor.is_some_and(|(node, last)| *last && is_member(*node));
            !is_member(record.leader) && !still
        });
        without.map(|record| record.ticket.clone()).collect()
    }

    /// The last time that this was done to a node, with its record.
    pub fn last_done(&self, target: &str, action: &str) -> Option<&FenceRecord> {
        let done = self.records.iter().filter(|record| {
            record.state == FenceState::Done
                && record.action == action
                && record.target.eq_ignore_ascii_case(target)
        });
        done.max_by_key(|record| record.completed_s)
    }

    /// Takes what another node knows; what is over there is over here. False if nothing is new.
    pub fn merge(&mut self, theirs: Vec<FenceRecord>, is_member: impl Fn(NodeId) -> bool) -> bool {
        let known: BTreeMap<FenceTicket, usize> = self
            .records
            .iter()
            .enumerate()
            .map(|(at, record)| (record.ticket.clone(), at))
            .collect();
        let mut changed = false;
        for mut record in theirs.into_iter().take(RECORDS_MAX) {
            for text in [
                &mut record.origin,
                &mut record.target,
                &mut record.action,
                &mut record.client,
                &mut record.delegate,
                &mut record.reason,
            ] {
                *text = bounded(text);
            }
            let ours = known.get(&record.ticket).map(|&at| &mut self.records[at]);
            match ours {
                Some(ours) if ours.state.is_pending() && !record.state.is_pending() => {
                    self.doing.remove(&record.ticket);
                    self.counts_for.remove(&record.ticket);
                    *ours = record;
                }
                Some(_) => continue,
                // What nobody will end isn't begun here.
                None if record.state.is_pending() && !is_member(record.leader) => continue,
                None if record.state == FenceState::Duplicate => continue,
                None => self.records.push(record),
            }
            changed = true;
        }
        self.records.sort_by_key(|record| match record.completed_s {
            0 => u64::MAX,
            at => at,
        });
        self.trim();
        changed
    }

    /// Forgets what is over, of one node or of all.
    pub fn clean_up(&mut self, target: Option<&str>) {
        self.records.retain(|record| {
            let of_it = target.is_none_or(|target| record.target.eq_ignore_ascii_case(target));
            record.state.is_pending() || !of_it
        });
    }

    fn trim(&mut self) {
        if self.records.len() <= RECORDS_MAX {
            return;
        }
        let over = self
            .records
            .iter()
            .filter(|r| !r.state.is_pending())
            .count();
        let mut surplus = over / 2;
        self.records.retain(|record| {
            let goes = surplus > 0 && !record.state.is_pending();
            surplus -= usize::from(goes);
            !goes
        });
        // Nobody has so much under way at once.
        if self.records.len() > RECORDS_MAX {
            let surplus = self.records.len() - RECORDS_MAX;
            for record in self.records.drain(..surplus) {
                self.doing.remove(&record.ticket);
                self.counts_for.remove(&record.ticket);
            }
        }
    }
}
