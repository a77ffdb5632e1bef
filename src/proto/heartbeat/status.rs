//! Status messages: our own and those of others.
//!
//! Source: `spec/heartbeat-wire.md` section 8.

use std::time::Duration;

use super::cluster::Cluster;
use super::event::{Mode, NodeStatus, Severity};
use super::limiter::Oddity;
use super::receive::{Envelope, Return};
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// Version of our extensions, said in field `everbeat` of each status.
///
/// Differs: heartbeat has no such field; it ignores it.
pub const EVERBEAT_VERSION: u32 = 1;

/// Added to `dt` at start, while much happens at once.
///
/// Source: heartbeat 3.0.6, observed: `dt=1f40` with deadtime 6 s.
const START_EXTRA: Duration = Duration::from_secs(2);

/// How long that is added. Source: heartbeat 3.0.6, observed.
const START_EXTRA_FOR: Duration = Duration::from_secs(5);

/// A peer's `dt` is taken within these.
///
/// Ours: below, no packet would ever come in time; above, times would overflow.
const DEAD_AFTER_MIN: Duration = Duration::from_millis(50);
const DEAD_AFTER_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// Told to nodes that are kept `up`: heartbeat takes over from a node that it calls dead even
/// before its own communication is up. Ours: a year, which is written in less than 64 bits.
const NEVER_DEAD: Duration = Duration::from_secs(365 * 24 * 3600);

impl Cluster {
    /// The start: `init`, `up`, `up`, with an increased `dt`.
    pub(super) fn announce_start(&mut self, now: Now) {
        self.extra_deadtime = START_EXTRA;
        self.extra_until = Some(now.mono + START_EXTRA_FOR);
        self.announce(now);
        self.set_own_status(now, NodeStatus::Up);
        self.announce(now);
        self.next_status = now.mono + self.config.timing.keepalive;
    }

    /// Sends a status message now, besides those of each keepalive.
    ///
    /// heartbeat does so when its shutdown begins, before it stops its clients and, twice,
    /// after ([`Self::leave`]).
    pub fn announce(&mut self, now: Now) {
        let deadtime = match self.config.keep_up.is_empty() {
            true => self.config.timing.deadtime + self.extra_deadtime,
            false => NEVER_DEAD,
        };
        let mut message = Message::of_type("status")
            .with("st", self.own_status.as_str())
            .with("dt", format!("{:x}", deadtime.as_millis()));
        if self.flow_control {
            message.push_text("protocol", "1");
        }
        message.push_text("everbeat", EVERBEAT_VERSION.to_string());
        let message = self.finish(now, message);
        self.transmit(message);
    }

    /// Sets what is added to deadtime in our `dt`, and says so at once if it changed.
    ///
    /// Units: others call us dead after deadtime and this.
    pub fn set_deadtime_extra(&mut self, now: Now, extra: Duration) {
        self.extra_until = None;
        if extra != self.extra_deadtime {
            self.extra_deadtime = extra;
            self.announce(now);
        }
    }

    /// Our last words: one status, then two with `extra` added to `dt` (30 s before a restart,
    /// so that nobody takes us for dead meanwhile). Nothing is sent by itself afterwards; what
    /// others ask to have sent again is.
    pub fn leave(&mut self, now: Now, extra: Duration) {
        self.announce(now);
        self.extra_deadtime = extra;
        self.announce(now);
        self.announce(now);
        self.start = super::start::Start::Left;
        self.handle_timeout(now);
    }

    pub(super) fn set_own_status(&mut self, now: Now, status: NodeStatus) {
        self.own_status = status;
        self.log(
            Severity::Info,
            format!("Local status now set to: '{status}'"),
        );
        let own = self.own();
        self.set_node_status(now.mono, own, (status, None));
        self.announce(now);
    }

    /// What keepalive and the end of the start's extra demand.
    pub(super) fn send_due_status(&mut self, now: Now) {
        let extra_ends = self.extra_until.is_some_and(|at| at <= now.mono);
        if extra_ends {
            self.set_deadtime_extra(now, Duration::ZERO);
        }
        if self.next_status <= now.mono {
            if !extra_ends {
                self.announce(now);
            }
            let own = self.own();
            self.nodes[own].last_status = Some(now.mono);
            // The rhythm is kept, but what was missed is not made up for.
            let keepalive = self.config.timing.keepalive;
            self.next_status += keepalive;
            if self.next_status <= now.mono {
                self.next_status = now.mono + keepalive;
            }
        }
    }

    /// A new status of a peer.
    pub(super) fn handle_status(
        &mut self,
        now: Now,
        index: usize,
        (envelope, message): (&Envelope, Message),
        returned: Return,
    ) {
        let seq = envelope.seq.unwrap_or(0);
        if seq <= self.nodes[index].status_seq {
            // Old news, sent again. Differs: heartbeat lets one through that is of the same
            // second, so that a status may go back from active to up.
            return;
        }
        let status = match message.text("st") {
            Some("init") => NodeStatus::Init,
            Some("up") => NodeStatus::Up,
            Some("active") => NodeStatus::Active,
            _ => {
                let line = || format!("bad status in message: {message}");
                return self.odd(now.mono, Oddity::Malformed, Severity::Error, line);
            }
        };
        self.note_abilities(index, &message);
        self.note_interval(now.mono, index, returned);
        let highest = self.history.highest();
        let node = &mut self.nodes[index];
        if node.is_dead() {
            node.joined_at = highest;
        }
        node.status_seq = seq;
        node.life = now.mono;
        node.last_status = Some(now.mono);
        if let Some(ms) = message.hex("dt") {
            let dt = Duration::from_millis(ms);
            node.dead_after = dt.clamp(DEAD_AFTER_MIN, DEAD_AFTER_MAX);
        }
        self.update_status(now.mono, index, status, Some(message));
    }

    /// A ping node answered.
    pub(super) fn ping_answered(&mut self, now: Instant, index: usize) {
        self.note_interval(now, index, Return::None);
        let deadping = self.config.timing.deadping;
        let node = &mut self.nodes[index];
        node.life = now;
        node.last_status = Some(now);
        node.dead_after = deadping;
        self.update_status(now, index, NodeStatus::Ping, None);
    }

    fn update_status(
        &mut self,
        now: Instant,
        index: usize,
        status: NodeStatus,
        message: Option<Message>,
    ) {
        let node = &mut self.nodes[index];
        if node.status == status {
            return;
        }
        let name = node.name.clone();
        self.log(
            Severity::Info,
            format!("Status update for node {name}: status {status}"),
        );
        self.set_node_status(now, index, (status, None));
        if let Some(message) = message {
            self.deliver(name, false, message);
        }
    }

    /// What its status says of the program that runs there.
    fn note_abilities(&mut self, index: usize, message: &Message) {
        let version = message.text("everbeat").and_then(|v| v.parse().ok());
        self.nodes[index].mode = version.map_or(Mode::Heartbeat, Mode::Everbeat);
        if self.flow_control && message.get("protocol").is_none() {
            self.flow_control = false;
            let line = "flow control disabled due to different version heartbeat";
            self.log(Severity::Warning, line);
        }
    }

    /// Warns of a status that came late.
    ///
    /// Differs: heartbeat declares a node dead whose status came later than *our* deadtime,
    /// and alive again in the same breath, though it had announced a longer `dt`: its
    /// resources then run twice. Here its own `dt` decides.
    fn note_interval(&mut self, now: Instant, index: usize, returned: Return) {
        let node = &self.nodes[index];
        let Some(before) = node.last_status.filter(|_| returned != Return::Restarted) else {
            return;
        };
        let (interval, timing) = (now.since(before), &self.config.timing);
        let (name, ms) = (node.name.clone(), interval.as_millis());
        if interval > timing.deadtime {
            self.odd(now, Oddity::Late, Severity::Critical, || {
                format!("Late heartbeat: Node {name}: interval {ms} ms (> deadtime)")
            });
        } else if interval > timing.warntime {
            self.odd(now, Oddity::Late, Severity::Warning, || {
                format!("Late heartbeat: Node {name}: interval {ms} ms")
            });
        }
    }
}
