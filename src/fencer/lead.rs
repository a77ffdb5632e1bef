//! A request that this node leads: asks who can, then goes from device to device.
//!
//! ```text
//!  Querying --all answered, or enough, or time over--> Running --step by step--> over
//! ```
//!
//! Source: spec crm-runtime.md section 9, "Originating fenced".

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::cover::For;
use super::plan::{Level, Step, steps};
use super::registry::WATCHDOG;
use super::{Fencer, id_of};
use crate::executor::Status;
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};
use crate::wire::crm::{
    Capable, FenceQuery, FenceResult, FenceStart, FenceTicket, FenceableBy, Message,
};

/// Of the time that something may take: what is on its way needs some, too.
const TIMEOUT_PERCENT: u32 = 120;

/// Most requests that a node leads at once.
const LEADS_MAX: usize = 64;

/// Most devices that a node may offer for one request.
const OFFERED_MAX: usize = 1000;

/// A step under way.
#[derive(Debug)]
struct Current {
    node: NodeId,
    step: Step,
    by: Instant,
}

/// A request.
#[derive(Debug)]
pub(super) struct Lead {
    query: FenceQuery,
    /// Who offered what; a node that has not answered isn't there.
    offers: BTreeMap<NodeId, Vec<Capable>>,
    /// Answers are waited for until then.
    query_by: Instant,
    current: Option<Current>,
    /// What is left of this level.
    steps: VecDeque<Step>,
    level: Level,
    /// What is tried if this level fails.
    levels: VecDeque<Level>,
    by_topology: bool,
    /// All devices of the only level have to let the node in.
    unfences: bool,
    /// The node that tried last, where no levels say what comes next.
    last: Option<NodeId>,
    /// Nodes that tried a device in this level and could not, or did not answer.
    tried: BTreeSet<(NodeId, String)>,
    began: bool,
    /// The delay that was asked for was waited for.
    delayed: bool,
    delegate: NodeId,
    reason: String,
    status: Status,
}

impl Lead {
    /// When time is over for what it waits for.
    pub(super) fn due(&self) -> Instant {
        match &self.current {
            Some(current) => current.by,
            None => self.query_by,
        }
    }

    fn offer(&self, node: NodeId, device: &str) -> Option<&Capable> {
        let offers = self.offers.get(&node)?;
        offers.iter().find(|offer| offer.device == device)
    }

    /// Whether no levels say what is tried: one device is enough.
    fn is_free(&self) -> bool {
        !self.by_topology && !self.unfences
    }

    /// All devices that have to let the node in.
    fn unfencing(&self) -> Level {
        let offers = self.offers.values().flatten().filter(|o| o.unfences);
        let all: BTreeSet<&String> = offers.map(|offer| &offer.device).collect();
        all.into_iter().cloned().collect()
    }
}

impl Fencer {
    /// Somebody wants a node fenced.
    pub(super) fn handle_query(&mut self, now: Now, from: NodeId, query: FenceQuery) {
        let origin = self.name_of(from);
        let other = self.history.begin(&query, &origin);
        if let Some(other) = other {
            let text = format!(
                "Merging fencing action '{}' targeting {} originating from client {} with \
                 identical request | id={} with id={}",
                query.action,
                query.target,
                query.client,
                id_of(&query.ticket),
                id_of(&other)
            );
            return self.log(Severity::Notice, text);
        }
        if query.leader == self.local {
            self.lead(now, query.clone());
        }
        let timeout = Duration::from_millis(query.timeout_ms);
        let what = (&*query.target, &*query.action);
        self.survey(now, For::Leader(query.ticket.clone()), what, Some(timeout));
    }

    fn lead(&mut self, now: Now, query: FenceQuery) {
        let text = format!(
            "Requesting peer fencing ({}) targeting {} | id={} state=querying base_timeout={}",
            query.action,
            query.target,
            id_of(&query.ticket),
            query.timeout_ms / 1000
        );
        self.log(Severity::Notice, text);
        let timeout = Duration::from_millis(query.timeout_ms);
        let levels = self.registry.levels(&query.target);
        let ticket = query.ticket.clone();
        let lead = Lead {
            query,
            offers: BTreeMap::new(),
            query_by: now.mono + lengthened(timeout),
            current: None,
            steps: VecDeque::new(),
            level: Level::new(),
            by_topology: !levels.is_empty(),
            unfences: false,
            last: None,
            levels: levels.into(),
            tried: BTreeSet::new(),
            began: false,
            delayed: false,
            delegate: self.local,
            reason: String::new(),
            status: Status::NoFenceDevice,
        };
        let room = self.leads.len() < LEADS_MAX;
        self.leads.insert(ticket.clone(), lead);
        if !room {
            let reason = "too much is fenced at once".to_owned();
            self.give_up(now, &ticket, Status::Error, reason);
        }
    }

    /// A node offers its devices.
    pub(super) fn handle_fenceable_by(&mut self, now: Now, from: NodeId, answer: FenceableBy) {
        let Some(lead) = self.leads.get_mut(&answer.ticket) else {
            return;
        };
        let mut offers = answer.devices;
        offers.truncate(OFFERED_MAX);
        lead.offers.insert(from, offers);
        if lead.began {
            return;
        }
        let is_target = self
            .members
            .iter()
            .any(|m| m.id == from && m.name.eq_ignore_ascii_case(&lead.query.target));
        let enough = match lead.by_topology {
            true => lead.levels.iter().flatten().all(|device| {
                lead.offers
                    .keys()
                    .any(|node| lead.offer(*node, device).is_some_and(|o| o.verified))
            }),
            // To let a node in all devices have to be known.
            false => {
                let offers = lead.offers.get(&from).into_iter().flatten();
                lead.query.action != "on" && !is_target && offers.into_iter().any(|o| o.verified)
            }
        };
        let ticket = answer.ticket;
        if enough || self.all_answered(&ticket) {
            self.begin(now, &ticket);
        }
    }

    fn all_answered(&self, ticket: &FenceTicket) -> bool {
        self.leads.get(ticket).is_some_and(|lead| {
            let mut members = self.members.iter();
            members.all(|member| lead.offers.contains_key(&member.id))
        })
    }

    /// It is known who can: what is done?
    fn begin(&mut self, now: Now, ticket: &FenceTicket) {
        let Some(lead) = self.leads.get_mut(ticket) else {
            return;
        };
        lead.began = true;
        // All that have to let a node in must do it; else one device that can is enough.
        if !lead.by_topology && lead.query.action == "on" {
            let unfencing = lead.unfencing();
            lead.unfences = !unfencing.is_empty();
            lead.levels
                .extend(Some(unfencing).filter(|level| !level.is_empty()));
        }
        self.next_level(now, ticket);
    }

    /// Without levels: the devices of one node after another, each node's by priority.
    fn next_turn(&self, lead: &Lead) -> Option<(NodeId, String)> {
        let target = |id: NodeId| self.is_called(id, &lead.query.target);
        let there = self.vigil.is_member(&lead.query.target);
        let mut best = None;
        for member in &self.members {
            let offers = lead.offers.get(&member.id).map_or(&[][..], Vec::as_slice);
            let verified = offers.iter().any(|offer| offer.verified);
            for offer in offers {
                let is_watchdog = offer.device == WATCHDOG;
                let key = (member.id, offer.device.clone());
                let skipped = is_watchdog && there && !target(member.id);
                if skipped || lead.tried.contains(&key) {
                    continue;
                }
                let rank = (
                    // What is certain comes first.
                    is_watchdog,
                    target(member.id),
                    lead.last != Some(member.id),
                    !verified,
                    std::cmp::Reverse(offers.len()),
                    member.id != self.local,
                    member.id,
                    (std::cmp::Reverse(offer.priority), !offer.verified),
                );
                if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                    best = Some((rank, key));
                }
            }
        }
        best.map(|(_, key)| key)
    }

    fn next_level(&mut self, now: Now, ticket: &FenceTicket) {
        let Some(lead) = self.leads.get(ticket) else {
            return;
        };
        let turn = lead.is_free().then(|| self.next_turn(lead)).flatten();
        let Some(lead) = self.leads.get_mut(ticket) else {
            return;
        };
        if let Some((node, device)) = turn {
            lead.level = vec![device];
            lead.last = Some(node);
            lead.steps = steps(&lead.level, &lead.query.action).into();
            if let Some(step) = lead.steps.front().cloned() {
                self.start_step(now, ticket, node, step);
            }
            return;
        }
        match lead.levels.pop_front() {
            Some(level) => {
                lead.steps = steps(&level, &lead.query.action).into();
                lead.level = level;
                lead.tried.clear();
                self.next_step(now, ticket);
            }
            None => {
                let (status, reason) = (lead.status, lead.reason.clone());
                let reason = match (&*reason, lead.by_topology) {
                    ("", true) => "All topology levels failed".to_owned(),
                    ("", false) => format!("No device can fence {}", lead.query.target),
                    _ => reason,
                };
                self.give_up(now, ticket, status, reason);
            }
        }
    }

    /// Has a node do the next step, or ends the request.
    fn next_step(&mut self, now: Now, ticket: &FenceTicket) {
        loop {
            let Some(lead) = self.leads.get(ticket) else {
                return;
            };
            let Some(step) = lead.steps.front().cloned() else {
                return self.succeed(now, ticket);
            };
            if let Some(node) = self.choose(lead, &step) {
                return self.start_step(now, ticket, node, step);
            }
            let text = format!(
                "No peer can use {} to '{}' {}",
                step.device, step.action, lead.query.target
            );
            let Some(lead) = self.leads.get_mut(ticket) else {
                return;
            };
            if step.may_fail {
                lead.steps.pop_front();
                self.log(Severity::Warning, text);
                continue;
            }
            if lead.reason.is_empty() {
                lead.reason = text;
            }
            return self.next_level(now, ticket);
        }
    }

    /// The node that uses a device: one where it is known to answer, another one, and the target
    /// itself only if nobody else can, and not to switch itself on again. A node that is there
    /// has its watchdog reset it; whether it did, others judge once it is gone.
    fn choose(&self, lead: &Lead, step: &Step) -> Option<NodeId> {
        let target = |id: NodeId| self.is_called(id, &lead.query.target);
        let there = self.vigil.is_member(&lead.query.target);
        let candidates = self.members.iter().filter_map(|member| {
            let offer = lead.offer(member.id, &step.device)?;
            let tried = lead.tried.contains(&(member.id, step.device.clone()));
            let may = step.device != WATCHDOG || target(member.id) || !there;
            (!tried && may).then_some((member.id, offer))
        });
        let rank = |(id, offer): &(NodeId, &Capable)| {
            let count = lead.offers.get(id).map_or(0, Vec::len);
            (
                target(*id),
                !offer.verified,
                std::cmp::Reverse(count),
                *id != self.local,
                *id,
            )
        };
        let best = candidates.min_by_key(rank)?.0;
        (!(step.may_fail && target(best))).then_some(best)
    }

    fn start_step(&mut self, now: Now, ticket: &FenceTicket, node: NodeId, step: Step) {
        let name = self.name_of(node);
        let Some(lead) = self.leads.get_mut(ticket) else {
            return;
        };
        let offer = lead.offer(node, &step.device);
        let own = offer.and_then(|offer| offer.timeout_ms);
        // Times of devices are those of the action that was asked for.
        let timeout_ms = own
            .filter(|_| step.action == lead.query.action)
            .unwrap_or(lead.query.timeout_ms);
        let asked_s = lead.query.delay_s;
        let delay_s = match asked_s {
            ..0 => -1,
            _ if lead.delayed => 0,
            asked => asked,
        };
        let own_delay = offer.map_or(0, |offer| offer.delay_ms);
        let delay_ms = match u64::try_from(delay_s) {
            Ok(asked) => asked.saturating_mul(1000).saturating_add(own_delay),
            Err(_) => 0,
        };
        lead.delayed = true;
        let total = Duration::from_millis(timeout_ms.saturating_add(delay_ms));
        lead.current = Some(Current {
            node,
            step: step.clone(),
            by: now.mono + lengthened(total),
        });
        let last = lead.steps.iter().skip(1).all(|later| later.may_fail);
        let text = format!(
            "Requesting that {name} perform '{}' action targeting {} using {} | for client {} \
             ({}s, {delay_s}s)",
            step.action,
            lead.query.target,
            step.device,
            lead.query.client,
            lengthened(Duration::from_millis(timeout_ms)).as_secs()
        );
        let start = FenceStart {
            ticket: ticket.clone(),
            node,
            device: step.device,
            target: lead.query.target.clone(),
            action: step.action,
            timeout_ms,
            delay_s,
            last,
        };
        self.log(Severity::Notice, text);
        self.send(Message::FenceStart(start));
    }

    /// A node did a step, or could not.
    pub(super) fn handle_step_result(&mut self, now: Now, from: NodeId, result: &FenceResult) {
        let well = result.exit == 0 && result.status == Status::Done as i32;
        let Some(lead) = self.leads.get_mut(&result.ticket) else {
            return self.end_orphan(from, result, well);
        };
        let is_it = |current: &Current| {
            current.node == from
                && current.step.device == result.device
                && current.step.action == result.action
        };
        let Some(current) = lead.current.take_if(|current| is_it(current)) else {
            return;
        };
        if well {
            if !current.step.may_fail {
                lead.delegate = from;
            }
            lead.steps.pop_front();
            return self.next_step(now, &result.ticket);
        }
        let by = self.name_of(from);
        let reason = super::history::bounded(&result.reason);
        let status = Status::from_number(result.status.into()).unwrap_or(Status::Error);
        self.step_failed(now, &result.ticket, current, (status, reason), &by);
    }

    fn step_failed(
        &mut self,
        now: Now,
        ticket: &FenceTicket,
        current: Current,
        (status, reason): (Status, String),
        by: &str,
    ) {
        let Current { node, step, .. } = current;
        let text = format!(
            "Action '{}' targeting {} using {} on behalf of {by} failed: {reason}",
            step.action,
            self.leads.get(ticket).map_or("", |l| &l.query.target),
            step.device
        );
        self.log(Severity::Warning, text);
        let Some(lead) = self.leads.get_mut(ticket) else {
            return;
        };
        if step.may_fail {
            lead.steps.pop_front();
            return self.next_step(now, ticket);
        }
        lead.reason = reason;
        lead.status = match status {
            Status::Done => Status::Error,
            other => other,
        };
        lead.tried.insert((node, step.device));
        // A device that says no to one node of a topology says no to all.
        // Source: spec crm-runtime.md section 9, "Topology".
        match lead.is_free() || (lead.by_topology && lead.status == Status::Error) {
            true => self.next_level(now, ticket),
            false => self.next_step(now, ticket),
        }
    }

    fn succeed(&mut self, now: Now, ticket: &FenceTicket) {
        let Some(lead) = self.leads.get(ticket) else {
            return;
        };
        let result = FenceResult {
            ticket: ticket.clone(),
            last: true,
            device: lead.level.join(","),
            target: lead.query.target.clone(),
            action: lead.query.action.clone(),
            client: lead.query.client.clone(),
            exit: 0,
            status: Status::Done as i32,
            reason: String::new(),
            unix_s: now.unix_s,
            delegate: self.name_of(lead.delegate),
        };
        self.leads.remove(ticket);
        self.send(Message::FenceResult(result));
    }

    fn give_up(&mut self, now: Now, ticket: &FenceTicket, status: Status, reason: String) {
        let Some(lead) = self.leads.remove(ticket) else {
            return;
        };
        self.send(Message::FenceResult(FenceResult {
            ticket: ticket.clone(),
            last: true,
            device: String::new(),
            target: lead.query.target,
            action: lead.query.action,
            client: lead.query.client,
            exit: 1,
            status: status as i32,
            reason,
            unix_s: now.unix_s,
            delegate: String::new(),
        }));
    }

    /// The leader of a request is gone, and what was still done for it ended: all nodes take that
    /// for its end.
    fn end_orphan(&mut self, from: NodeId, result: &FenceResult, well: bool) {
        let Some(record) = self.history.get(&result.ticket) else {
            return;
        };
        let executor = self.history.executor(&result.ticket);
        let is_it = executor.is_some_and(|(node, _)| node == from);
        if self.is_member(record.leader) || !record.state.is_pending() || !is_it {
            return;
        }
        let complete = executor.is_some_and(|(_, last)| last) && well;
        let mut end = FenceResult {
            target: record.target.clone(),
            action: record.action.clone(),
            client: record.client.clone(),
            delegate: self.name_of(from),
            last: true,
            ..result.clone()
        };
        if well && !complete {
            end.exit = 1;
            end.status = Status::Error as i32;
            end.reason = "the node that led it is gone".to_owned();
        }
        self.handle_over(&end);
    }

    /// What nodes that are gone led has failed, unless a node still does the last of it.
    pub(super) fn end_leaderless(&mut self, now: Now) {
        let lost = self.history.leaderless(|id| self.is_member(id));
        for ticket in lost {
            let end = FenceResult {
                ticket,
                last: true,
                device: String::new(),
                target: String::new(),
                action: String::new(),
                client: String::new(),
                exit: 1,
                status: Status::Error as i32,
                reason: "the node that led it is gone".to_owned(),
                unix_s: now.unix_s,
                delegate: String::new(),
            };
            for over in self.history.end(&end) {
                self.tell_over(&over);
            }
        }
    }

    /// Nodes that are gone won't answer.
    pub(super) fn go_on_without_lost(&mut self, now: Now) {
        let members: BTreeSet<NodeId> = self.members.iter().map(|member| member.id).collect();
        for ticket in self.leads.keys().cloned().collect::<Vec<_>>() {
            let Some(lead) = self.leads.get_mut(&ticket) else {
                continue;
            };
            lead.offers.retain(|node, _| members.contains(node));
            let gone = |current: &mut Current| !members.contains(&current.node);
            if let Some(current) = lead.current.take_if(gone) {
                let reason = "the node that used the device is gone".to_owned();
                let failed = (Status::NotConnected, reason);
                self.step_failed(now, &ticket, current, failed, "a node");
            } else if !lead.began && self.all_answered(&ticket) {
                self.begin(now, &ticket);
            }
        }
    }

    /// Nodes that didn't answer in time.
    pub(super) fn end_overdue(&mut self, now: Now) {
        let due = self.leads.iter().filter(|(_, lead)| lead.due() <= now.mono);
        let due: Vec<FenceTicket> = due.map(|(ticket, _)| ticket.clone()).collect();
        for ticket in due {
            let Some(lead) = self.leads.get_mut(&ticket) else {
                continue;
            };
            match lead.current.take() {
                Some(current) => {
                    let by = self.name_of(current.node);
                    let reason = format!("{by} did not return a result within its time");
                    self.step_failed(now, &ticket, current, (Status::Timeout, reason), &by);
                }
                None if !lead.began => self.begin(now, &ticket),
                None => {}
            }
        }
    }
}

fn lengthened(span: Duration) -> Duration {
    span.saturating_mul(TIMEOUT_PERCENT) / 100
}
