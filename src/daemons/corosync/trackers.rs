//! Tools that watch keys.

use std::collections::BTreeMap;

use super::cmap::Cmap;
use super::protocol::{Entry, How, Map, Reply};
use super::ring::Ring;

/// What a tool watches, and what it was told last.
#[derive(Debug)]
struct Tracker {
    map: Map,
    key: String,
    how: How,
    last: BTreeMap<String, Entry>,
}

impl Tracker {
    fn look(&self, cmap: &Cmap, ring: &Ring) -> BTreeMap<String, Entry> {
        let all = cmap.list(self.map, &self.key, ring).into_iter();
        let watched = all.filter(|entry| self.how == How::Prefix || entry.key == self.key);
        watched.map(|entry| (entry.key.clone(), entry)).collect()
    }
}

/// The tools that watch, by connection.
#[derive(Debug, Default)]
pub(super) struct Trackers {
    all: BTreeMap<u64, Tracker>,
}

impl Trackers {
    /// A tool wants to be told of changes from now on.
    pub(super) fn add(
        &mut self,
        id: u64,
        (map, key, how): (Map, String, How),
        (cmap, ring): (&Cmap, &Ring),
    ) {
        let mut tracker = Tracker {
            map,
            key,
            how,
            last: BTreeMap::new(),
        };
        tracker.last = tracker.look(cmap, ring);
        self.all.insert(id, tracker);
    }

    /// A tool is gone.
    pub(super) fn remove(&mut self, id: u64) {
        self.all.remove(&id);
    }

    /// Something may have changed: who is to be told what.
    pub(super) fn changes(&mut self, cmap: &Cmap, ring: &Ring) -> Vec<(u64, Reply)> {
        let mut told = Vec::new();
        for (id, tracker) in &mut self.all {
            let now = tracker.look(cmap, ring);
            let changes = differences(&tracker.last, &now);
            told.extend(changes.into_iter().map(|reply| (*id, reply)));
            tracker.last = now;
        }
        told
    }
}

fn differences(before: &BTreeMap<String, Entry>, now: &BTreeMap<String, Entry>) -> Vec<Reply> {
    let gone = before.iter().filter(|(key, _)| !now.contains_key(*key));
    let deleted = |(_, entry): (&String, &Entry)| Reply::Deleted {
        entry: entry.clone(),
    };
    let mut all: Vec<Reply> = gone.map(deleted).collect();
    for (key, entry) in now {
        let entry = entry.clone();
        match before.get(key) {
            None => all.push(Reply::Created { entry }),
            Some(old) if *old != entry => all.push(Reply::Modified { entry }),
            Some(_) => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_changed_and_went_is_told() {
        let map = |all: &[(&str, &str)]| -> BTreeMap<String, Entry> {
            let entry = |(key, value): &(&str, &str)| Entry {
                key: (*key).to_owned(),
                kind: "str".to_owned(),
                value: (*value).to_owned(),
            };
            let entries = all.iter().map(entry);
            entries.map(|entry| (entry.key.clone(), entry)).collect()
        };
        let before = map(&[("a.a", "1"), ("a.b", "1"), ("a.c", "1")]);
        let now = map(&[("a.b", "1"), ("a.c", "2"), ("a.d", "1")]);
        let told = differences(&before, &now);
        let expected = [
            Reply::Deleted {
                entry: before["a.a"].clone(),
            },
            Reply::Modified {
                entry: now["a.c"].clone(),
            },
            Reply::Created {
                entry: now["a.d"].clone(),
            },
        ];
        assert_eq!(told, expected);
    }
}
