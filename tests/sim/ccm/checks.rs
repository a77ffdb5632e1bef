//! What must hold of memberships, seen from outside.

use std::collections::BTreeMap;

use everbeat::ids::LinkName;
use everbeat::proto::ccm::{Event, Member, Membership};
use everbeat::sim::{Condition, Observer};
use everbeat::time::Instant;
use everbeat::wire::ccm::Cookie;
use everbeat::wire::heartbeat::Message;

use super::stack::{Note, Stack};
use crate::storm::Record;

/// The checkers' record of a run.
#[derive(Default)]
pub struct Watch {
    /// The membership that holds on each host.
    pub current: BTreeMap<usize, Membership>,
    /// Each membership that anybody ever had.
    known: BTreeMap<Cookie, (u32, Vec<Member>)>,
    /// The last instance on each host since its membership began.
    last: BTreeMap<usize, u32>,
    pub memberships: usize,
    pub record: Record,
}

impl AsRef<Record> for Watch {
    fn as_ref(&self) -> &Record {
        &self.record
    }
}

impl AsMut<Record> for Watch {
    fn as_mut(&mut self) -> &mut Record {
        &mut self.record
    }
}

impl Watch {
    fn membership(&mut self, now: Instant, host: usize, new: &Membership) {
        self.memberships += 1;
        if !new.members.iter().any(|m| m.index == new.own) {
            self.record
                .fail(now, format!("n{host} isn't in its own membership {new:?}"));
        }
        let what = (new.instance, new.members.clone());
        match self.known.get(&new.cookie) {
            Some(known) if *known != what => {
                let failure = format!("n{host} has {what:?}, another had {known:?}");
                self.record.fail(now, failure);
            }
            Some(_) => {}
            None => {
                self.known.insert(new.cookie.clone(), what);
            }
        }
        let last = self.last.insert(host, new.instance).unwrap_or(0);
        if new.instance < last {
            let failure = format!("n{host} goes from instance {last} to {}", new.instance);
            self.record.fail(now, failure);
        }
        self.current.insert(host, new.clone());
    }
}

impl Observer<Stack> for Watch {
    fn received(&mut self, now: Instant, host: usize, _: &LinkName, message: &Message) {
        if message.kind().is_some_and(|k| k.starts_with("CCM")) {
            self.record.say(now, || format!("n{host} <- {message}"));
        }
    }

    fn sent(&mut self, now: Instant, host: usize, message: &Message) {
        if message.kind().is_some_and(|k| k != "status") {
            self.record.say(now, || format!("n{host} -> {message}"));
        }
    }

    fn noted(&mut self, now: Instant, host: usize, note: &Note) {
        self.record.say(now, || format!("n{host} {note}"));
        match note {
            Note::Membership(Event::Membership(new)) => self.membership(now, host, new),
            Note::Membership(Event::Influx) => drop(self.current.remove(&host)),
            Note::Membership(Event::Evicted) => {
                self.current.remove(&host);
                self.last.remove(&host);
            }
            Note::Log(_) => {}
        }
    }

    fn changed(&mut self, now: Instant, host: usize, condition: Condition) {
        self.record.say(now, || format!("n{host} is {condition:?}"));
        if condition == Condition::Down {
            self.current.remove(&host);
            self.last.remove(&host);
        }
    }
}
