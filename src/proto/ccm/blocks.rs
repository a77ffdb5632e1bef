//! What several states do: sending, reporting, beginning anew.
//!
//! Source: `spec/ccm.md` section 4.

use super::event::{Event, Member, Membership, Output};
use super::machine::{Ccm, TICK, Told};
use super::quorum::{self, Count};
use super::round::Round;
use super::state::State;
use crate::proto::heartbeat::Severity;
use crate::time::Instant;
use crate::wire::ccm::{Bitmap, Body, CcmMessage, Context, Cookie, MemList};

/// Bytes of a cookie. Source: heartbeat 3.0.6, `ccm_generate_random_cookie`.
const COOKIE_BYTES: usize = 14;

impl Ccm {
    /// Sends to all, ourselves too.
    pub(super) fn send(&mut self, body: Body) {
        let message = self.message(body);
        self.outputs.push_back(Output::Send(None, message));
    }

    /// Sends to one node.
    pub(super) fn send_to(&mut self, to: usize, body: Body) {
        let message = self.message(body);
        let to = self.table.name(to).clone();
        self.outputs.push_back(Output::Send(Some(to), message));
    }

    fn message(&self, body: Body) -> CcmMessage {
        let context = match body {
            Body::ProtoVersion | Body::Restart => None,
            _ => Some(Context {
                cookie: self.cookie.clone(),
                uptime: self.joined_at,
                // Source: heartbeat 3.0.6, `ccm_send_abort`: the wrong number, kept.
                minor: match body {
                    Body::Abort => self.major,
                    _ => self.minor,
                },
            }),
        };
        CcmMessage {
            major: self.major,
            nodes: self.table.count(),
            context,
            body,
        }
    }

    /// Tells a node that asked what membership there is.
    pub(super) fn reply_to(&mut self, node: usize) {
        if node == self.table.me {
            return;
        }
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let reply = Body::ProtoVersionResp {
            protocol: 0,
            members,
        };
        self.send_to(node, reply);
    }

    /// Tells all that asked meanwhile.
    pub(super) fn answer_joiners(&mut self) {
        for node in self.table.requests().iter() {
            self.reply_to(node);
        }
        self.table.clear_requests();
    }

    /// A member alone, without asking anybody.
    pub(super) fn init_to_joined(&mut self, now: Instant) {
        self.joined_at = 1;
        self.be_alone(now);
    }

    /// The next membership has this node only.
    pub(super) fn be_alone(&mut self, now: Instant) {
        let me = self.table.me;
        self.members = Bitmap::of(me);
        self.round = Round::new(now);
        self.set_major(self.major.saturating_add(1));
        if self.joined_at == 0 {
            self.joined_at = self.major;
        }
        self.round.vote(me, self.joined_at);
        self.cookie = self.new_cookie();
        self.quorum = self.compute_quorum(self.members);
        self.become_joined(now, me);
    }

    /// The major number moves; the minor begins anew.
    pub(super) fn set_major(&mut self, major: u32) {
        self.major = major;
        self.minor = 0;
        self.largest_major = self.largest_major.max(major);
    }

    /// The membership that the fields hold is the one; `leader` made it.
    pub(super) fn become_joined(&mut self, now: Instant, leader: usize) {
        self.leader = Some(leader);
        self.enter(State::Joined);
        self.converged = true;
        self.change = None;
        self.answers.clear();
        self.due = self.joined_due(now);
        self.report();
        if leader == self.table.me {
            self.answer_joiners();
        } else {
            self.table.clear_requests();
        }
        self.recheck_members();
    }

    /// Tells those above the membership, again if it is the same.
    pub(super) fn report(&mut self) {
        let alone = self.members.len() == 1;
        let born = |index: usize| match self.round.uptime(index) {
            Some(uptime) if uptime > 0 && !alone => uptime,
            _ => self.major,
        };
        let member = |index: usize| Member {
            index,
            name: self.table.name(index).clone(),
            born: born(index),
        };
        let leader = self.leader.unwrap_or(self.table.me);
        let membership = Membership {
            instance: self.major,
            cookie: self.cookie.clone(),
            quorum: self.quorum,
            leader: self.table.name(leader).clone(),
            own: self.table.me,
            members: self.members.iter().map(member).collect(),
            nodes: self.table.names().cloned().collect(),
        };
        self.told = Told::Membership;
        self.tell(Event::Membership(membership));
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn enter(&mut self, state: State) {
        if self.state != state {
            let text = format!("membership: {} to {}", self.state.as_str(), state.as_str());
            self.outputs.push_back(Output::Log(Severity::Debug, text));
        }
        self.state = state;
    }

    /// Out of every membership, as at the start.
    pub(super) fn reset(&mut self, now: Instant) {
        if std::mem::replace(&mut self.told, Told::Nothing) != Told::Nothing {
            self.tell(Event::Evicted);
        }
        self.enter(State::None);
        self.members = Bitmap::EMPTY;
        self.major = 0;
        self.minor = 0;
        self.cookie = Cookie::default();
        self.leader = None;
        self.joined_at = 0;
        self.quorum = false;
        self.round = Round::new(now);
        self.change = None;
        self.answers.clear();
        self.look_again(now);
    }

    /// Asks again at the next tick, with all tries left.
    pub(super) fn look_again(&mut self, now: Instant) {
        self.enter(State::None);
        self.tries = 0;
        self.due = Some(now + TICK);
    }

    /// Two memberships met, says a message of another node.
    pub(super) fn restart(&mut self, now: Instant, from: usize) {
        if from == self.table.me || !self.converged {
            return;
        }
        self.converged = false;
        if self.members.len() == 1 {
            return self.reset(now);
        }
        self.influx();
        self.table.clear_requests();
        self.leader = None;
        self.change = None;
        self.answers.clear();
        self.tries = 0;
        self.send(Body::Restart);
        self.ask(now);
    }

    /// Those above must not rely on the membership for now.
    pub(super) fn influx(&mut self) {
        if self.told == Told::Membership {
            self.told = Told::Influx;
            self.tell(Event::Influx);
        }
    }

    /// A voting round with the next minor number.
    pub(super) fn next_round(&mut self, now: Instant) {
        self.minor = self.minor.saturating_add(1);
        self.start_round(now);
    }

    /// A voting round with the minor number as it is.
    pub(super) fn start_round(&mut self, now: Instant) {
        self.influx();
        self.round = Round::new(now);
        self.change = None;
        self.answers.clear();
        self.foreign_reply = false;
        self.enter(State::Joining);
        self.due = Some(now + self.span(5));
        self.send(Body::Join);
    }

    /// A member votes, which everybody outside a round follows.
    pub(super) fn follow_join(&mut self, now: Instant, from: usize, context: &Context) {
        if context.minor < self.minor {
            return self.restart(now, from);
        }
        self.minor = context.minor;
        self.start_round(now);
        self.round.vote(from, context.uptime);
    }

    /// The list of the members with the uptimes of the round, for those who follow us.
    pub(super) fn mem_list(&self, members: Bitmap, quorum: bool, cookie: Cookie) -> MemList {
        let uptime = |index| self.round.uptime(index).unwrap_or(0);
        MemList {
            members,
            quorum,
            uptimes: members.iter().map(uptime).collect(),
            cookie,
        }
    }

    pub(super) fn compute_quorum(&self, members: Bitmap) -> bool {
        let all = Bitmap::first(self.table.len());
        let count = Count {
            members: members.len() as u64,
            nodes: self.table.len() as u64,
            member_weight: self.table.weight(members),
            weight: self.table.weight(all),
        };
        quorum::has_quorum(&self.config.quorum, count)
    }

    /// Fourteen printable bytes that no other membership has.
    pub(super) fn new_cookie(&mut self) -> Cookie {
        let mut byte = || u8::try_from(self.rng.between(0x21, 0x7e)).unwrap_or(b'!');
        let bytes: Vec<u8> = (0..COOKIE_BYTES).map(|_| byte()).collect();
        Cookie::new(&bytes)
    }
}
