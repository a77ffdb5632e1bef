//! What must hold of what the nodes of a cluster hear, whatever happens to them.
//!
//! - A membership has the same members everywhere.
//! - Of two nodes in one membership one hears what the other does, in the same order, or less.
//! - Those that go from one membership to the next together heard the same in it.
//! - Nobody hears a message twice, or one sender's messages out of turn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use everbeat::ids::{LinkName, MembershipId};
use everbeat::messaging::{Event, Membership};
use everbeat::sim::{Condition, Observer};
use everbeat::time::Instant;
use everbeat::wire::heartbeat::Message;

use super::stack::{Note, Stack};
use crate::storm::Record;

/// A message of a test: who said it, in which of its lives, its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    pub host: usize,
    pub life: u64,
    pub number: u64,
}

impl Said {
    /// As bytes, `length` more than needed behind it.
    pub fn write(self, length: usize) -> Vec<u8> {
        let mut bytes = format!("{} {} {} ", self.host, self.life, self.number).into_bytes();
        let fill = u8::try_from(self.number % 251).unwrap();
        bytes.resize(bytes.len() + length, fill);
        bytes
    }

    pub fn read(bytes: &[u8]) -> Self {
        let mut words = bytes.split(|byte| *byte == b' ');
        let mut number = || {
            let word = std::str::from_utf8(words.next().unwrap()).unwrap();
            word.parse::<u64>().expect("a message of the test")
        };
        let said = Self {
            host: usize::try_from(number()).unwrap(),
            life: number(),
            number: number(),
        };
        let tail = words.next().unwrap_or_default();
        let fill = said.number % 251;
        assert!(tail.iter().all(|byte| u64::from(*byte) == fill), "damaged");
        said
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}/{}.{}", self.host, self.life, self.number)
    }
}

/// What a host heard in its present life.
#[derive(Debug, Default, Clone)]
struct Heard {
    current: Option<Membership>,
    /// In the current membership.
    here: Vec<Said>,
    /// The last number of each sender's life.
    last: BTreeMap<(usize, u64), u64>,
}

/// The checkers' record of a run.
#[derive(Default)]
pub struct Watch {
    heard: BTreeMap<usize, Heard>,
    members: BTreeMap<MembershipId, Vec<String>>,
    /// The longest that anybody heard of each membership.
    order: BTreeMap<MembershipId, Vec<Said>>,
    /// What those heard who went from one membership to the next.
    ends: BTreeMap<(MembershipId, MembershipId), Vec<Said>>,
    /// Own messages that a host sent in its present life and did not hear.
    pub owed: BTreeMap<usize, BTreeSet<Said>>,
    pub messages: usize,
    pub passages: usize,
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
    /// The membership that a host is in.
    pub fn current(&self, host: usize) -> Option<&Membership> {
        self.heard.get(&host)?.current.as_ref()
    }

    /// What a host heard in it.
    pub fn here(&self, host: usize) -> &[Said] {
        self.heard.get(&host).map_or(&[], |heard| &heard.here)
    }

    fn membership(&mut self, now: Instant, host: usize, new: &Membership) {
        let names: Vec<String> = new.members.iter().map(|m| m.name.clone()).collect();
        let known = self.members.entry(new.id).or_insert_with(|| names.clone());
        if *known != names {
            let failure = format!("n{host} has {names:?}, another {known:?}");
            return self.record.fail(now, failure);
        }
        let heard = self.heard.entry(host).or_default();
        let Some(old) = heard.current.replace(new.clone()) else {
            return;
        };
        if old.id == new.id {
            return;
        }
        let here = std::mem::take(&mut heard.here);
        let passage = (old.id, new.id);
        self.passages += usize::from(self.ends.contains_key(&passage));
        let end = self.ends.entry(passage).or_insert_with(|| here.clone());
        if *end != here {
            let failure = format!(
                "n{host} heard {} messages in {} before {}, another {}",
                here.len(),
                old.id,
                new.id,
                end.len()
            );
            self.record.fail(now, failure);
        }
    }

    fn message(&mut self, now: Instant, host: usize, said: Said) {
        self.messages += 1;
        if said.host == host {
            let owed = self.owed.entry(host).or_default();
            if !owed.remove(&said) {
                self.record.fail(
                    now,
                    format!("n{host} did not say {said}, or heard it twice"),
                );
            }
        }
        let heard = self.heard.entry(host).or_default();
        let last = heard.last.insert((said.host, said.life), said.number);
        let late = last.filter(|last| *last >= said.number);
        heard.here.push(said);
        let at = heard.here.len() - 1;
        let id = heard.current.as_ref().map(|current| current.id);
        if let Some(last) = late {
            self.record
                .fail(now, format!("n{host} hears {said} after {last}"));
        }
        let Some(id) = id else {
            return self
                .record
                .fail(now, format!("n{host} hears {said} outside of memberships"));
        };
        let order = self.order.entry(id).or_default();
        match order.get(at) {
            None => order.push(said),
            Some(other) if *other == said => {}
            Some(other) => {
                let failure = format!("n{host} hears {said} in {id} where another heard {other}");
                self.record.fail(now, failure);
            }
        }
    }
}

impl Observer<Stack> for Watch {
    fn received(&mut self, _: Instant, _: usize, _: &LinkName, _: &Message) {}

    fn sent(&mut self, now: Instant, host: usize, message: &Message) {
        if message.kind().is_some_and(|kind| kind == "everbeat-crm") {
            self.record.say(now, || {
                let to = message.text("dest").unwrap_or("all");
                let everbeat::wire::heartbeat::Value::Binary(bytes) = message.get("frame").unwrap()
                else {
                    return "??".into();
                };
                let text = format!("{:?}", everbeat::wire::ordered::Frame::decode(bytes));
                format!("n{host} -> {to} {text:.220}")
            });
        }
    }

    fn noted(&mut self, now: Instant, host: usize, note: &Note) {
        self.record.say(now, || format!("n{host} {note}"));
        match note {
            Note::Event(Event::Membership(new)) => self.membership(now, host, new),
            Note::Event(Event::Message { message, .. }) => {
                self.message(now, host, Said::read(message));
            }
            Note::Event(Event::Log(..)) | Note::Log(_) => {}
        }
    }

    fn changed(&mut self, now: Instant, host: usize, condition: Condition) {
        self.record.say(now, || format!("n{host} is {condition:?}"));
        if condition == Condition::Down {
            self.heard.remove(&host);
            self.owed.remove(&host);
        }
    }
}
