//! From a membership to members that agree: votes, one CIB, one DC, and what each brings along.

use super::ask::Purpose;
use super::election::{self, Decision, Election};
use super::journal::Event;
use super::leader::Leader;
use super::state::State;
use super::{Controller, Member, Membership, Output, status};
use crate::cib::version::FEATURE_SET;
use crate::cib::writer;
use crate::ids::{MembershipId, NodeId};
use crate::proto::heartbeat::Severity;
use crate::time::Now;
use crate::wire::crm::{Confirm, Message, Vote};
use std::time::Duration;

impl Controller {
    pub(super) fn join(&mut self, now: Now, membership: Membership) {
        let old = self.membership.take();
        let same = old.as_ref().is_some_and(|old| old.id == membership.id);
        let was_quorate = old.as_ref().is_some_and(|old| old.quorate);
        let quorate = membership.quorate;
        let before = old.map(|old| old.members).unwrap_or_default();
        let after = membership.members.clone();
        self.membership = Some(membership);
        if quorate != was_quorate {
            let word = if quorate { "acquired" } else { "lost" };
            self.log(Severity::Notice, format!("Quorum {word}"));
        }
        self.note_membership(&before, &after, quorate, quorate != was_quorate);
        if same {
            self.quorum_changed(now);
            return;
        }
        self.note_members(now, &before, &after);
        self.begin_election(now);
    }

    fn note_membership(&mut self, before: &[Member], after: &[Member], quorate: bool, turn: bool) {
        let names = |of: &[Member], without: &[Member]| {
            let known = |member: &&Member| !without.iter().any(|other| other.id == member.id);
            let left = of.iter().filter(known);
            left.map(|member| member.name.clone()).collect::<Vec<_>>()
        };
        let (joined, lost) = (names(after, before), names(before, after));
        if turn || !joined.is_empty() || !lost.is_empty() {
            let members = names(after, &[]);
            self.note(Event::Membership {
                members,
                joined,
                lost,
                quorate,
            });
        }
    }

    fn begin_election(&mut self, now: Now) {
        let Some(membership) = &self.membership else {
            return;
        };
        let members = membership.members.iter().map(|member| member.id);
        self.election = Some(Election::new(membership.id, members));
        self.decision = None;
        let ids = membership.members.iter();
        let ids = ids.map(|member| (member.id, member.uuid.clone()));
        self.replica.handle_membership(ids.collect());
        if self.state != State::Stopping {
            self.enter(State::Election, "I_ELECTION");
        }
        let ready = self.is_ready(now);
        self.timers.vote_at = (!ready).then(|| self.started + self.dc_deadtime());
        self.vote(now);
    }

    /// The DC found that CIBs differ: all vote again, so that one of them is taken.
    pub(super) fn handle_recount(&mut self, now: Now, from: NodeId) {
        if Some(from) == self.dc && self.decision.is_some() {
            self.begin_election(now);
        }
    }

    fn note_members(&mut self, now: Now, before: &[Member], after: &[Member]) {
        let missing =
            |of: &[Member], member: &Member| !of.iter().any(|other| other.id == member.id);
        for lost in before.iter().filter(|member| missing(after, member)) {
            let text = format!("Node {} state is now lost | nodeid={}", lost.name, lost.id);
            self.log(Severity::Notice, text);
            self.alert_of_node(lost, false);
            self.attributes.handle_lost(&lost.name);
            if self.leaving.remove(&lost.id) {
                self.left.insert(lost.uuid.clone());
            }
            self.abort(now, "Node failure");
            self.fail_actions_of(lost.id);
        }
        for new in after.iter().filter(|member| missing(before, member)) {
            let text = format!("Node {} state is now member | nodeid={}", new.name, new.id);
            self.log(Severity::Notice, text);
            self.alert_of_node(new, true);
            self.leaving.remove(&new.id);
            self.left.remove(&new.uuid);
            self.abort(now, "Node join");
        }
    }

    /// True if it need not wait for more nodes.
    fn is_ready(&self, now: Now) -> bool {
        let there = self.membership.as_ref().map_or(0, |m| m.members.len());
        let all = self.config.nodes.is_some_and(|nodes| there >= nodes);
        // Who has had a DC belongs to a cluster that is whole enough.
        all || self.dc.is_some() || now.mono.since(self.started) >= self.dc_deadtime()
    }

    /// How long a node without a DC waits for more nodes.
    fn dc_deadtime(&self) -> Duration {
        status::span_option(self.cib(), "dc-deadtime", self.config.dc_deadtime)
    }

    /// False for a node that the DC's software doesn't work with: it can't stay.
    ///
    /// Source: spec crm-runtime.md section 5; Pacemaker 2.1.5, the refusal of a join.
    fn is_compatible(&mut self, dc: NodeId) -> bool {
        let vote = self
            .election
            .as_ref()
            .and_then(|election| election.vote(dc));
        let Some(theirs) = vote.map(|vote| vote.feature_set.clone()) else {
            return true;
        };
        if election::is_compatible(&theirs, FEATURE_SET) {
            return true;
        }
        let name = self.name_of(dc).unwrap_or_default();
        let text = format!(
            "Shutting down because cluster join with leader {name} failed: its feature set is \
             {theirs}, this node's {FEATURE_SET}: run software of the same major version, and on \
             no node older than on the leader"
        );
        self.log(Severity::Critical, text);
        self.outputs.push_back(Output::Refused);
        false
    }

    pub(super) fn vote(&mut self, now: Now) {
        let Some(membership) = self.membership.as_ref().map(|membership| membership.id) else {
            return;
        };
        let uptime = now.mono.since(self.started).as_millis();
        let vote = Vote {
            membership,
            name: self.config.name.clone(),
            feature_set: FEATURE_SET.to_owned(),
            uptime_ms: u64::try_from(uptime).unwrap_or(u64::MAX),
            dc: self.dc,
            eligible: self.state != State::Stopping,
            ready: self.is_ready(now),
            jobs_max: self.jobs_max(),
            term: self.term,
            generation: self.replica.generation(),
        };
        self.send(Message::Vote(vote));
    }

    pub(super) fn handle_vote(&mut self, now: Now, from: NodeId, vote: Vote) {
        let Some(election) = &mut self.election else {
            return;
        };
        election.handle_vote(from, vote);
        if self.decision.is_some() {
            return;
        }
        let Some(decision) = election.decide() else {
            return;
        };
        let holds = decision.holder == self.config.local;
        let membership = election.membership();
        let sync = decision.sync;
        self.decision = Some(decision);
        if !sync {
            self.agreed(now);
        } else if holds {
            let cib = writer::compact(self.replica.doc(), self.replica.doc().root());
            self.send(Message::Sync { membership, cib });
        }
    }

    pub(super) fn handle_sync(&mut self, now: Now, from: NodeId, of: MembershipId, cib: &str) {
        let current = self.membership.as_ref().is_some_and(|m| m.id == of);
        let Some(decision) = self.decision.as_ref().filter(|_| current) else {
            return;
        };
        if !decision.sync || decision.holder != from || self.replica.is_agreed() {
            return;
        }
        if from != self.config.local && !self.has_cib_of(from) {
            let name = self.name_of(from).unwrap_or_default().to_owned();
            match self.replica.handle_sync(cib) {
                Ok(()) => {
                    self.attributes.refresh();
                    self.log(Severity::Info, format!("Took the CIB of {name}"));
                }
                Err(error) => {
                    let text = format!("The CIB of {name} can't be read: {error}");
                    return self.log(Severity::Error, text);
                }
            }
        }
        self.agreed(now);
    }

    /// The other one voted with the same CIB as this node.
    fn has_cib_of(&self, other: NodeId) -> bool {
        let generation = |node| Some(&self.election.as_ref()?.vote(node)?.generation);
        generation(self.config.local) == generation(other)
    }

    /// All members have the same CIB now.
    fn agreed(&mut self, now: Now) {
        let Some(Decision { dc, holder, .. }) = self.decision.clone() else {
            return;
        };
        if !self.is_compatible(dc) {
            return;
        }
        self.count_term(holder);
        self.replica.handle_agreed();
        let followed = (self.election.as_ref())
            .and_then(|election| election.vote(self.config.local))
            .is_some_and(|vote| vote.dc == Some(dc));
        // It stays unknown until a whole membership has heard it, however many come between.
        self.is_known &= followed && self.has_cib_of(holder);
        if self.dc != Some(dc) {
            let dc = self.name_of(dc).unwrap_or_default().to_owned();
            self.note(Event::Leader { dc });
        }
        self.dc = Some(dc);
        self.lead(now, dc == self.config.local);
        self.confirm();
        self.ask_again_to_leave();
    }

    /// What members with quorum agree on comes before all that others did without.
    fn count_term(&mut self, holder: NodeId) {
        let Some(election) = &self.election else {
            return;
        };
        let quorate = self.membership.as_ref().is_some_and(|m| m.quorate);
        let term = match quorate {
            true => election.term().saturating_add(1),
            false => election.vote(holder).map_or(self.term, |vote| vote.term),
        };
        if term != self.term {
            self.term = term;
            self.outputs.push_back(Output::Term(term));
        }
    }

    /// Tells the DC that this node is ready, and what runs here if it can't know.
    fn confirm(&mut self) {
        let Some(membership) = self.membership.as_ref().map(|membership| membership.id) else {
            return;
        };
        let uuid = self.uuid();
        let owner = super::history::Owner {
            uuid: &uuid,
            name: &self.config.name,
        };
        let (history, attributes) = match self.is_known {
            true => (None, Vec::new()),
            false => (
                Some(self.history.whole(owner)),
                self.attributes.of_node(&self.config.name),
            ),
        };
        self.send(Message::Confirm(Confirm {
            membership,
            history,
            attributes,
        }));
        self.tell_throttle_again();
        let name = self.config.name.clone();
        if self.attributes.get("#feature-set", &name) != Some(FEATURE_SET) {
            self.set_attribute(
                "#feature-set".to_owned(),
                &name,
                Some(FEATURE_SET.to_owned()),
            );
        }
    }

    fn lead(&mut self, now: Now, leads: bool) {
        let name = self.dc().unwrap_or_default().to_owned();
        if !leads {
            self.leader = None;
            self.attributes.set_writer(now, false);
            self.log(Severity::Info, format!("Set DC to {name}"));
            if self.state != State::Stopping {
                self.enter(State::NotDc, "I_NOT_DC");
            }
            return;
        }
        match &mut self.leader {
            Some(leader) => leader.begin_round(),
            None => {
                self.log(Severity::Info, format!("DC role taken over by {name}"));
                self.leader = Some(Leader::default());
            }
        }
        self.attributes.set_writer(now, true);
        if self.state != State::Stopping {
            self.arm_integration(now);
            self.enter(State::Integration, "I_ELECTION_DC");
        }
        self.take_over(now);
        let newcomers = self.election.as_ref().is_some_and(|election| {
            let members = self.membership.iter().flat_map(|m| &m.members);
            let votes = members.filter_map(|member| election.vote(member.id));
            votes.into_iter().any(|vote| vote.dc != self.dc)
        });
        if newcomers {
            let values = self.attributes.values().collect();
            self.send(Message::AttributeSync(values));
        }
    }

    /// A member is ready; the DC writes down what it told.
    pub(super) fn handle_confirm(&mut self, now: Now, from: NodeId, confirm: Confirm) {
        let name = self.name_of(from).unwrap_or_default().to_owned();
        if self
            .membership
            .as_ref()
            .is_none_or(|m| m.id != confirm.membership)
        {
            return;
        }
        self.is_known |= from == self.config.local;
        let Some(member) = self.member(from).cloned() else {
            return;
        };
        if self.leader.is_some() {
            self.integrate(now, &member, confirm.history.as_deref());
        }
        self.attributes
            .handle_sync_of(now, &name, confirm.attributes);
        let members = self.membership.as_ref().map_or(0, |m| m.members.len());
        let Some(leader) = &mut self.leader else {
            return;
        };
        if leader.confirmed(from) == members && self.state == State::Integration {
            self.enter(State::FinalizeJoin, "I_INTEGRATED");
        }
    }

    fn integrate(&mut self, now: Now, member: &Member, history: Option<&str>) {
        self.write_node(now, member);
        if let Some(history) = history {
            let history_path = status::history_path(self.replica.doc(), &member.uuid);
            let attributes_path = status::attributes_path(&member.uuid);
            for path in [history_path, attributes_path] {
                self.ask_delete_path(now, Purpose::Plain, &path);
            }
            self.attributes.handle_node_removed(&member.name);
            let state = status::member_state(member, Some(history));
            self.ask_status(now, Purpose::Plain, state);
        } else {
            let state = status::member_state(member, None);
            if !status::has(self.replica.doc(), &state) {
                self.ask_status(now, Purpose::Plain, state);
            }
        }
    }
}
