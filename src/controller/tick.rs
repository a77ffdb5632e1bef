//! What time alone brings: deadlines, the look at the CIBs of all, a scheduler asked again.

use std::time::Duration;

use super::state::State;
use super::{Controller, status};
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::time::{Instant, Now};
use crate::wire::crm::{Generation, Message};

/// If the CIB says nothing. Source: spec cib.md section 9, `cluster-recheck-interval`.
const RECHECK: Duration = Duration::from_secs(15 * 60);

/// After this the DC goes on without members that did not get ready.
/// Source: spec cib.md section 9, `join-integration-timeout`.
const INTEGRATION: Duration = Duration::from_secs(180);

/// The CIBs are compared when nothing has changed for so long.
/// Source: spec pacemaker-peer.md section 5.
const QUIET: Duration = Duration::from_secs(5);

/// Timers that need no other place.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// A vote that says that it waited enough.
    pub(super) vote_at: Option<Instant>,
    /// The digests are compared.
    pub(super) ping_at: Option<Instant>,
    pub(super) integrate_by: Option<Instant>,
    pings: u64,
}

impl Controller {
    /// When [`Self::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let leader = self.leader.as_ref();
        let shutdown = self
            .shutdown_since
            .filter(|_| self.state != State::Stopping);
        let idle = self.state == State::Idle;
        [
            self.executor.poll_timeout(),
            self.attributes.poll_timeout(),
            self.timers.vote_at,
            self.timers.ping_at.filter(|_| leader.is_some()),
            self.timers
                .integrate_by
                .filter(|_| self.state == State::Integration),
            leader.and_then(super::leader::Leader::next_deadline),
            leader.and_then(|leader| leader.recheck_at).filter(|_| idle),
            shutdown.map(|since| since + self.escalation()),
            leader.and_then(super::leader::Leader::put_off_until),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn tick(&mut self, now: Now) {
        let due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now.mono).is_some();
        if due(&mut self.timers.vote_at) && self.decision.is_none() {
            self.vote(now);
        }
        if due(&mut self.timers.ping_at) {
            self.ping();
        }
        if due(&mut self.timers.integrate_by) && self.state == State::Integration {
            self.go_on_without(now);
        }
        if let Some(leader) = &mut self.leader
            && leader.put_off_until().is_some_and(|at| at <= now.mono)
        {
            leader.put_off = super::leader::PutOff::Over;
        }
        self.executor.handle_timeout(now);
        self.attributes.handle_timeout(now);
        let overdue = self
            .leader
            .as_mut()
            .map(|leader| leader.take_overdue(now.mono));
        for number in overdue.unwrap_or_default() {
            self.lost_action(now, number);
        }
        if self.state == State::Idle
            && self
                .leader
                .as_mut()
                .is_some_and(|leader| due(&mut leader.recheck_at))
        {
            self.log(
                Severity::Info,
                "Cluster Recheck Timer just popped".to_owned(),
            );
            self.enter(State::PolicyEngine, "I_PE_CALC");
        }
        let since = self
            .shutdown_since
            .filter(|_| self.state != State::Stopping);
        if since.is_some_and(|since| now.mono >= since + self.escalation()) {
            let text = "Nobody let this node go in time: it leaves".to_owned();
            self.log(Severity::Error, text);
            self.leave();
        }
    }

    fn go_on_without(&mut self, now: Now) {
        let members = self.membership.iter().flat_map(|m| &m.members);
        let leader = self.leader.as_ref();
        let silent = members.filter(|m| leader.is_some_and(|l| !l.is_confirmed(m.id)));
        let names: Vec<&str> = silent.map(|member| member.name.as_str()).collect();
        let text = format!("Going on without {}: no word from there", names.join(", "));
        self.log(Severity::Warning, text);
        self.arm_integration(now);
        self.enter(State::FinalizeJoin, "I_INTEGRATED");
    }

    /// The DC's rest begins: when does it end?
    pub(super) fn rest(&mut self, now: Now) {
        let recheck = status::span_option(self.cib(), "cluster-recheck-interval", RECHECK);
        if let Some(leader) = self.leader.as_mut().filter(|_| !recheck.is_zero()) {
            let at = now.mono + recheck;
            leader.recheck_at = Some(leader.recheck_at.map_or(at, |other| other.min(at)));
        }
    }

    pub(super) fn arm_integration(&mut self, now: Now) {
        let wait = status::span_option(self.cib(), "join-integration-timeout", INTEGRATION);
        self.timers.integrate_by = Some(now.mono + wait);
    }

    /// The CIB changed: it is compared once it has been left alone.
    pub(super) fn compare_later(&mut self, now: Now) {
        self.timers.ping_at = Some(now.mono + QUIET);
    }

    fn ping(&mut self) {
        if self.is_dc() && self.replica.is_agreed() {
            self.timers.pings += 1;
            let number = self.timers.pings;
            self.send(Message::Ping { number });
        }
    }

    /// A member whose CIB differs gets the DC's: all vote again, and the DC's is as new as any.
    pub(super) fn handle_pong(&mut self, from: NodeId, number: u64, theirs: &Generation) {
        if !self.is_dc() || number != self.timers.pings || !self.replica.is_agreed() {
            return;
        }
        let ours = self.replica.generation();
        if *theirs != ours && self.timers.ping_at.is_none() {
            let name = self.name_of(from).unwrap_or_default().to_owned();
            let text = format!("The CIB of {name} differs from the DC's: sending it anew");
            self.log(Severity::Error, text);
            self.send(Message::Recount);
        }
    }
}
