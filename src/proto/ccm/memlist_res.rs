//! MEMLIST_RES: told the first of the voters whom we heard, waits for the result.
//!
//! Source: heartbeat 3.0.6, `ccm_state_memlist_res`; `spec/ccm.md` section 5.7.

use super::machine::{Ccm, Incoming};
use crate::time::Instant;
use crate::wire::ccm::{Bitmap, Body, Cookie};

impl Ccm {
    pub(super) fn memlist_res(&mut self, now: Instant, message: &Incoming<'_>) {
        let (from, context) = (message.from, message.context);
        let ours = (message.major, context.minor) == (self.major, self.minor);
        match message.body {
            Body::FinalMemList {
                major,
                members,
                quorum,
                cookie,
            } if ours && self.round.leader() == Some(from) => {
                self.quorum = *quorum;
                self.take_final(now, from, *major, (*members, cookie));
            }
            Body::Join if message.major > self.major => self.send_to(from, Body::Abort),
            Body::Join if context.minor > self.minor => {
                self.minor = context.minor;
                self.start_round(now);
                self.round.vote(from, context.uptime);
            }
            Body::ReqMemList if context.minor == self.minor => self.refuse_list(from),
            _ => {}
        }
    }

    fn take_final(&mut self, now: Instant, from: usize, major: u32, list: (Bitmap, &Cookie)) {
        let (members, cookie) = list;
        let fits = members.is_subset(Bitmap::first(self.table.len()));
        if !fits || !members.contains(self.table.me) {
            return self.reset(now);
        }
        self.members = members;
        self.cookie = cookie.clone();
        self.set_major(major);
        if self.joined_at == 0 {
            self.joined_at = major;
        }
        self.become_joined(now, from);
    }
}
