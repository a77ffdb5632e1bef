//! Acknowledgement, retransmission, flow control.
//!
//! Source: `spec/heartbeat-wire.md` 7.2 to 7.4.

use std::time::Duration;

use super::cluster::Cluster;
use super::event::{Event, Severity};
use super::history::Found;
use super::limiter::Oddity;
use crate::limits;
use crate::proto::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// The first request for a missing message waits at least this long: order may be restored by
/// itself. Source: heartbeat 3.0.6, observed.
const FIRST_REQUEST_MIN_MS: u64 = 50;

/// A message is not sent again this much before the requester's next turn.
/// Source: heartbeat 3.0.6, `max_rexmit_delay - 10`.
const RESEND_SLACK: Duration = Duration::from_millis(10);

/// Most messages sent again for one request. Source: heartbeat 3.0.6, `MAX_REXMIT_BATCH`.
const RESEND_PER_REQUEST_MAX: u64 = 50;

/// Most messages sent again, and refusals, in one [`Budget::WINDOW`].
///
/// Ours: half the history; what isn't sent is asked for again.
const RESEND_PER_WINDOW_MAX: u32 = 250;

/// Most requests for missing messages of one node at once. Ours: as many as a largest gap.
const REQUESTS_MAX: usize = 250;

/// Clients wait above this many messages that not all have. Source: heartbeat 3.0.6,
/// `FLOWCONTROL_LIMIT` (`MAXMSGHIST/2`).
const LAG_PAUSE: u64 = limits::HEARTBEAT_HISTORY_MAX as u64 / 2;

/// Clients go on below this. Ours: some room, so that they don't stop at each message.
const LAG_RESUME: u64 = 200;

/// Kept messages above which a warning, and an error, is logged.
/// Source: heartbeat 3.0.6, observed 375 and 450.
const HISTORY_WARN: u64 = limits::HEARTBEAT_HISTORY_MAX as u64 * 3 / 4;
const HISTORY_ERROR: u64 = limits::HEARTBEAT_HISTORY_MAX as u64 * 9 / 10;

/// When a missing message is asked for first.
pub(super) fn first_request(now: Instant, delay: Duration, rng: &mut Rng) -> Instant {
    let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    let low = if delay < 2 * FIRST_REQUEST_MIN_MS {
        0
    } else {
        FIRST_REQUEST_MIN_MS
    };
    // At least a millisecond, so that no request is due at once.
    now + Duration::from_millis(rng.between(low, delay).max(1))
}

/// How much may still be sent again in this quarter of a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    since: Option<Instant>,
    used: u32,
}

impl Budget {
    const WINDOW: Duration = Duration::from_millis(250);

    fn take(&mut self, now: Instant) -> bool {
        if self
            .since
            .is_none_or(|since| now.since(since) >= Self::WINDOW)
        {
            *self = Self {
                since: Some(now),
                used: 0,
            };
        }
        self.used += 1;
        self.used <= RESEND_PER_WINDOW_MAX
    }
}

impl Cluster {
    /// A message without number, addressed to us or to all.
    pub(super) fn handle_control(&mut self, now: Now, from: usize, kind: &str, message: &Message) {
        match kind {
            "NS_ackmsg" => self.handle_ack(now, from, message),
            "NS_rexmit" => self.handle_rexmit(now, from, message),
            "NS_nak_rexmit" => self.handle_nak(now, from, message),
            // NS_st of a node that is no ping node, or a type that is newer than we.
            _ => {}
        }
    }

    /// Acknowledges the sender's messages where it is time to.
    pub(super) fn acknowledge(&mut self, now: Now, index: usize) {
        let node = &mut self.nodes[index];
        let Some(due) = node.sequence.ack_due().filter(|_| self.flow_control) else {
            return;
        };
        let ack = Message::of_type("NS_ackmsg")
            .with("dest", node.name.as_str())
            .with("ackseq", format!("{due:x}"));
        let ack = self.finish(now, ack);
        self.transmit(ack);
    }

    fn handle_ack(&mut self, now: Now, from: usize, message: &Message) {
        if message.text("dest") != Some(self.config.local.as_str()) {
            return;
        }
        let highest = self.history.highest();
        match message.hex("ackseq") {
            Some(seq) if seq <= highest => {
                let node = &mut self.nodes[from];
                node.acked = node.acked.max(seq);
            }
            acked => {
                let acked = acked.unwrap_or(0);
                let line = || {
                    format!(
                        "HBDoMsg_T_ACK: corrupted ackseq current hiseq = {highest} \
                         ackseq ={acked} in this message"
                    )
                };
                self.odd(now.mono, Oddity::BadAck, Severity::Error, line);
            }
        }
    }

    /// Asks for missing messages whose time has come.
    pub(super) fn request_missing(&mut self, now: Now) {
        let again = self
            .config
            .timing
            .max_rexmit_delay
            .max(Duration::from_millis(1));
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            if !node.is_live() {
                continue;
            }
            let name = node.name.clone();
            for seq in node.sequence.requests_due(now.mono, again, REQUESTS_MAX) {
                // Decimal, of all numbers on the wire.
                let request = Message::of_type("NS_rexmit")
                    .with("dest", name.as_str())
                    .with("firstseq", seq.to_string())
                    .with("lastseq", seq.to_string());
                let request = self.finish(now, request);
                self.transmit(request);
            }
        }
    }

    /// Sends again what a node misses.
    ///
    /// Differs: heartbeat ignores requests for what the node has acknowledged. An old
    /// acknowledgement that arrives after a quick restart of ours would make us deaf to it.
    fn handle_rexmit(&mut self, now: Now, from: usize, message: &Message) {
        if message.text("dest") != Some(self.config.local.as_str()) {
            return;
        }
        let (first, last) = (message.decimal("firstseq"), message.decimal("lastseq"));
        let (Some(first), Some(last)) = (first, last) else {
            return self.bad_rexmit(now, || "Invalid rexmit seqnos".into());
        };
        if first > last {
            return self.bad_rexmit(now, || "Invalid rexmit seqnos".into());
        }
        let highest = self.history.highest();
        if last > highest {
            self.bad_rexmit(now, || {
                format!("Rexmit of seq {last} requested. {highest} is max.")
            });
        }
        let last = last
            .min(highest)
            .min(first.saturating_add(RESEND_PER_REQUEST_MAX - 1));
        for seq in first.max(1)..=last {
            if !self.resend_budget.take(now.mono) {
                let line = || "too many retransmission requests: some are left".into();
                return self.odd(now.mono, Oddity::RexmitFlood, Severity::Warning, line);
            }
            self.resend(now, from, seq);
        }
    }

    fn bad_rexmit(&mut self, now: Now, line: impl FnOnce() -> String) {
        self.odd(now.mono, Oddity::BadRexmit, Severity::Warning, line);
    }

    fn resend(&mut self, now: Now, from: usize, seq: u64) {
        let pause = self
            .config
            .timing
            .max_rexmit_delay
            .saturating_sub(RESEND_SLACK);
        match self.history.find(now.mono, seq, pause) {
            Found::Message(message) => {
                self.repairs.resent += 1;
                self.transmit(message);
            }
            Found::TooSoon | Found::TooHigh => {}
            Found::TooLow => self.refuse_rexmit(now, from, seq),
        }
    }

    fn refuse_rexmit(&mut self, now: Now, from: usize, seq: u64) {
        self.repairs.refused += 1;
        let name = self.nodes[from].name.clone();
        let why = "seqno too low";
        let line = || format!("Cannot rexmit pkt {seq} for {name}: {why}");
        self.odd(now.mono, Oddity::Unavailable, Severity::Error, line);
        // Hexadecimal, unlike the request.
        let refusal = Message::of_type("NS_nak_rexmit")
            .with("firstseq", format!("{seq:x}"))
            .with("dest", name.as_str())
            .with("info", why);
        let refusal = self.finish(now, refusal);
        self.transmit(refusal);
    }

    /// A message that is missing can't be had any more.
    fn handle_nak(&mut self, now: Now, from: usize, message: &Message) {
        let Some(seq) = message.hex("firstseq") else {
            let line = || "should_drop_message: bad nak seq number".into();
            return self.odd(now.mono, Oddity::BadRexmit, Severity::Error, line);
        };
        if !self.nodes[from].sequence.give_up(seq) {
            return;
        }
        let name = self.nodes[from].name.clone();
        self.odd(now.mono, Oddity::Irretrievable, Severity::Error, || {
            format!("Irretrievably lost packet: node {name} seq {seq}")
        });
        self.acknowledge(now, from);
        self.release_held(from);
    }

    /// Frees what all have, and tells clients to wait or to go on.
    pub(super) fn serve_flow(&mut self, now: Now) {
        let highest = self.history.highest();
        let served = |node: &super::node::Node| node.served();
        let listeners = self.peers().filter(|node| node.heard && !node.is_dead());
        let by_all = listeners.map(served).min().unwrap_or(highest);
        assert!(by_all <= highest, "nobody acknowledges what was never sent");
        self.history.free(now.mono, by_all);
        let lag = if self.flow_control {
            highest - by_all
        } else {
            0
        };
        if lag > HISTORY_WARN {
            let error = lag > HISTORY_ERROR;
            let severity = if error {
                Severity::Error
            } else {
                Severity::Warning
            };
            let line = || format!("Message hist queue is filling up ({lag} messages in queue)");
            self.odd(now.mono, Oddity::HistoryFull, severity, line);
        }
        let pause = if self.paused {
            lag > LAG_RESUME
        } else {
            lag > LAG_PAUSE
        };
        if pause != self.paused {
            self.paused = pause;
            self.event(Event::FlowControl(pause));
        }
    }
}
