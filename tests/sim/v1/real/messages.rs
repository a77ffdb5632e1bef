//! What it does at a message.

use std::collections::VecDeque;
use std::time::Duration;

use everbeat::config::ha_cf::AutoFailback;
use everbeat::ids::NodeName;
use everbeat::time::Now;
use everbeat::v1::{Action, Side};
use everbeat::wire::heartbeat::Message;

use super::{Hold, Real, Standby, State};

impl Real {
    pub(super) fn deliver(&mut self, now: Now, from: &NodeName, local: bool, message: &Message) {
        if self.state == State::Init {
            return;
        }
        match message.kind() {
            Some("starting") if !local => {
                match self.state {
                    State::Starting => self.state = State::BothStarting,
                    State::RscRcvd | State::Stable | State::Shutdown => {}
                    _ => return,
                }
                self.other_stable = false;
                self.send_resource(None);
            }
            Some("resource") => self.resource(now, local, message),
            Some("ask_resources") => self.asked(now, from, local, message),
            Some("hb_takeover") if !local => {
                let side = match message.text("rsc_hold") {
                    Some("local") => Side::Foreign,
                    Some("foreign") => Side::Local,
                    _ => Side::All,
                };
                self.rc(VecDeque::new(), vec![ask(side, "me")]);
            }
            Some("shutdone") if local => {
                self.end_at = Some(now.mono + Duration::from_millis(2_000));
            }
            Some("shutdone") => self.other_shut_down(from),
            Some("ip-request") if !local => {
                let key = message.text("ipaddr").unwrap_or_default();
                let steps = self.group_steps(key, Action::Stop);
                let answer = Message::of_type("ip-request-resp")
                    .with("dest", from.as_str())
                    .with("ipaddr", key)
                    .with("weown", "yes")
                    .with("ok", "OK");
                self.rc(steps, vec![answer]);
            }
            Some("ip-request-resp") => {
                let key = message.text("ipaddr").unwrap_or_default();
                let steps = self.group_steps(key, Action::Start);
                self.rc(steps, Vec::new());
            }
            _ => {}
        }
    }

    pub(super) fn resource(&mut self, now: Now, local: bool, message: &Message) {
        if matches!(self.state, State::Starting | State::BothStarting) {
            self.state = State::RscRcvd;
            self.timer = Some(now.mono + Duration::from_secs(10));
        }
        let said = Hold::parse(message.text("rsc_hold").unwrap_or_default());
        let full = message.text("rtype") == Some("full");
        if local {
            if full {
                self.hold = said;
            } else {
                self.hold.foreign |= said.foreign;
            }
            if message.text("info") == Some("mach_down") {
                self.log("mach_down takeover complete.");
                self.takeover = false;
                self.hold.foreign = true;
                self.other_stable = true;
                self.needs_failback = true;
            }
            return;
        }
        self.heard_other = true;
        self.other_hold = if full || said == Hold::default() {
            said
        } else {
            Hold {
                local: self.other_hold.local || said.local,
                foreign: self.other_hold.foreign || said.foreign,
            }
        };
        match message.text("isstable") {
            Some("1") if !self.other_stable => {
                self.other_stable = true;
                self.log("remote resource transition completed.");
                self.send_resource(None);
                self.auto_failback(now);
            }
            Some("0") => self.other_stable = false,
            _ => {}
        }
        if self.other_stable && !matches!(self.state, State::Stable | State::Shutdown) {
            self.acquire_own(false);
            self.state = State::Stable;
            self.send_resource(None);
            self.auto_failback(now);
        }
    }

    pub(super) fn auto_failback(&mut self, now: Now) {
        let on = self.config.auto_failback == AutoFailback::On;
        if !self.needs_failback || !self.hold.foreign || !on {
            return;
        }
        let ready = self.standby == Standby::Not && self.other_stable;
        if !ready || self.state != State::Stable {
            self.failback_at = Some(now.mono + Duration::from_secs(1));
            return;
        }
        self.needs_failback = false;
        self.send(ask(Side::Foreign, "me"));
    }

    pub(super) fn asked(&mut self, now: Now, from: &NodeName, local: bool, message: &Message) {
        let side = match message.text("rsc_hold") {
            Some("local") => Side::Local,
            Some("foreign") => Side::Foreign,
            _ => Side::All,
        };
        match (message.text("info"), self.standby) {
            (Some("me"), Standby::Not) => {
                if !self.other_stable || self.state != State::Stable {
                    self.log(format!(
                        "standby message [me] from {from} ignored.  In flux."
                    ));
                    return;
                }
                self.log(format!("{from} wants to go standby [{side}]"));
                self.side = side;
                if local {
                    self.standby = Standby::Me;
                    self.other_stable = false;
                    self.deadline = Some(now.mono + Duration::from_secs(10));
                } else {
                    self.standby = Standby::Other;
                    self.deadline = Some(now.mono + Duration::from_secs(3600));
                    self.send(ask(side, "other"));
                }
            }
            (Some("me"), _) => {
                self.log(format!(
                    "Standby in progress- new request from {from} ignored"
                ));
            }
            (Some("other"), Standby::Me) if !local => {
                self.deadline = None;
                self.hold = self.hold.without(side);
                self.send_resource(Some("standby"));
                let steps = self.steps(side, Action::Stop);
                self.fork(steps, vec![ask(side, "done")]);
            }
            (Some("done"), Standby::Me) if local => {
                self.log(format!("Local standby process completed [{side}]."));
                self.standby = Standby::Done;
            }
            (Some("done"), Standby::Other) if !local => {
                self.standby = Standby::Done;
                let steps = self.steps(side.mirrored(), Action::Start);
                self.fork(steps, vec![ask(side, "done")]);
            }
            (Some("done"), Standby::Done) => {
                self.standby = Standby::Not;
                self.deadline = None;
                if local {
                    self.hold = self.hold.covers(side.mirrored());
                    self.log(format!("Standby resource acquisition done [{side}]."));
                } else {
                    self.log("Other node completed standby takeover.");
                }
                self.send_resource(None);
            }
            _ => {}
        }
    }

    pub(super) fn other_shut_down(&mut self, from: &NodeName) {
        self.log(format!("Received shutdown notice from '{from}'."));
        if self.state == State::Shutdown {
            return;
        }
        self.other_hold = Hold::default();
        self.other_stable = true;
        let holds_all = self.hold.local && self.hold.foreign;
        if !holds_all {
            self.standby = Standby::Done;
            let side = if self.hold.local {
                Side::Foreign
            } else {
                Side::All
            };
            let steps = self.steps(side, Action::Start);
            self.fork(steps, vec![ask(side, "done")]);
        }
        self.take_over_now(from);
    }
}

pub(super) fn ask(side: Side, info: &str) -> Message {
    Message::of_type("ask_resources")
        .with("rsc_hold", side.as_str())
        .with("info", info)
}
