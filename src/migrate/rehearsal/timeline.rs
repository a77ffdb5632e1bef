//! From what happened to who held which resource when.

use std::collections::BTreeMap;

use serde::Serialize;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When, since the rehearsal began. Units: us
    pub at_us: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// A resource runs on a node from now on.
    Start {
        /// The node.
        node: String,
        /// The resource's id.
        resource: String,
    },
    /// A resource begins to stop on a node.
    Stop {
        /// The node.
        node: String,
        /// The resource's id.
        resource: String,
    },
    /// A node lost its power; all of it is gone by now.
    PowerOff {
        /// The node.
        node: String,
    },
    /// A node has power again.
    PowerOn {
        /// The node.
        node: String,
    },
    /// A step of the way begins: `ring a`.
    Step {
        /// The step.
        step: String,
    },
    /// A part of the rehearsal begins.
    Part {
        /// Its name.
        name: String,
    },
}

/// A time during which a node held a resource. Units: us
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The node.
    pub node: String,
    /// When it got it.
    pub from_us: u64,
    /// When it gave it up or lost its power; the rehearsal's end otherwise.
    pub to_us: u64,
}

/// Why nobody held a resource for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its node lost its power.
    PowerOff,
    /// everbeat took heartbeat's place on its node, or gave it back.
    HandOver,
    /// Its node came back, and the resource went home to it.
    Failback,
    /// Nothing that explains it.
    Unexplained,
}

/// A time during which nobody held a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When it began. Units: us
    pub from_us: u64,
    /// Its length. Units: ms
    pub ms: u64,
    /// Who held it before.
    pub before: String,
    /// Who held it after; none: nobody until the end.
    pub after: Option<String>,
    /// Why.
    pub cause: Cause,
    /// The step or part during which it began.
    pub during: String,
}

/// Two nodes that held a resource at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Twice {
    /// The resource.
    pub resource: String,
    /// Who.
    pub nodes: [String; 2],
    /// When it began. Units: us
    pub from_us: u64,
    /// For how long. Units: us
    pub us: u64,
}

/// The history of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The resource's id.
    pub resource: String,
    /// Who held it, in order.
    pub held: Vec<Held>,
    /// When nobody did.
    pub gaps: Vec<Gap>,
}

/// Who held what when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// The end. Units: us
    pub end_us: u64,
    /// Each resource.
    pub rows: Vec<Row>,
    /// Each node, and the times when its power was on.
    pub power: BTreeMap<String, Vec<(u64, u64)>>,
    /// Steps and parts, by their time.
    pub marks: Vec<(u64, String)>,
    /// Resources that two nodes held at a time. None is wanted.
    pub twice: Vec<Twice>,
}

impl Timeline {
    /// Sorts events into rows. `end_us` is now.
    pub fn of(events: &[Event], nodes: &[String], resources: &[String], end_us: u64) -> Self {
        let mut events: Vec<_> = events.iter().collect();
        events.sort_by_key(|e| e.at_us);
        let rows: Vec<_> = resources.iter().map(|r| row(r, &events, end_us)).collect();
        Self {
            end_us,
            twice: rows.iter().flat_map(twice).collect(),
            rows,
            power: nodes
                .iter()
                .map(|n| (n.clone(), power(n, &events, end_us)))
                .collect(),
            marks: events.iter().filter_map(|e| mark(e)).collect(),
        }
    }

    /// Who holds a resource at the end.
    pub fn holders(&self, resource: &str) -> Vec<&str> {
        let row = self.rows.iter().filter(|r| r.resource == resource);
        let held = row.flat_map(|r| &r.held).filter(|h| h.to_us == self.end_us);
        held.map(|h| h.node.as_str()).collect()
    }

    /// Each resource has one holder at the end.
    pub fn is_whole(&self) -> bool {
        self.rows
            .iter()
            .all(|r| self.holders(&r.resource).len() == 1)
    }

    /// Gaps for which there is no reason.
    pub fn unexplained(&self) -> impl Iterator<Item = (&Row, &Gap)> {
        let all = self
            .rows
            .iter()
            .flat_map(|r| r.gaps.iter().map(move |g| (r, g)));
        all.filter(|(_, g)| g.cause == Cause::Unexplained)
    }

    /// The longest gap of each cause, and how many there are. Units: ms
    pub fn gaps(&self) -> Vec<(Cause, usize, u64)> {
        let causes = [
            Cause::PowerOff,
            Cause::HandOver,
            Cause::Failback,
            Cause::Unexplained,
        ];
        let all = || self.rows.iter().flat_map(|r| &r.gaps);
        let of = |cause| {
            let gaps = all().filter(move |g| g.cause == cause);
            let longest = gaps.clone().map(|g| g.ms).max()?;
            Some((cause, gaps.count(), longest))
        };
        causes.into_iter().filter_map(of).collect()
    }
}

fn mark(event: &Event) -> Option<(u64, String)> {
    let text = match &event.what {
        What::Step { step } => step.clone(),
        What::Part { name } => name.clone(),
        _ => return None,
    };
    Some((event.at_us, text))
}

fn power(node: &str, events: &[&Event], end_us: u64) -> Vec<(u64, u64)> {
    let mut on = Some(0);
    let mut times = Vec::new();
    for event in events {
        match &event.what {
            What::PowerOff { node: which } if which == node => {
                times.extend(on.take().map(|from| (from, event.at_us)));
            }
            What::PowerOn { node: which } if which == node => on = on.or(Some(event.at_us)),
            _ => {}
        }
    }
    times.extend(on.map(|from| (from, end_us)));
    times
}

fn row(resource: &str, events: &[&Event], end_us: u64) -> Row {
    let mut open: BTreeMap<&str, u64> = BTreeMap::new();
    let mut held = Vec::new();
    for event in events {
        let at = event.at_us;
        let ended = match &event.what {
            What::Start { node, resource: r } if r == resource => {
                open.entry(node).or_insert(at);
                continue;
            }
            What::Stop { node, resource: r } if r == resource => node,
            What::PowerOff { node } => node,
            _ => continue,
        };
        let closed = open.remove(ended.as_str());
        held.extend(closed.map(|from_us| Held {
            node: ended.clone(),
            from_us,
            to_us: at,
        }));
    }
    held.extend(open.into_iter().map(|(node, from_us)| Held {
        node: node.to_owned(),
        from_us,
        to_us: end_us,
    }));
    held.sort_by_key(|h| (h.from_us, h.to_us));
    let gaps = gaps(&held, events, end_us);
    Row {
        resource: resource.to_owned(),
        held,
        gaps,
    }
}

fn gaps(held: &[Held], events: &[&Event], end_us: u64) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut last: Option<&Held> = None;
    for next in held {
        if let Some(before) = last
            && next.from_us > before.to_us
        {
            gaps.push(gap(before, Some(next), events, end_us));
        }
        if last.is_none_or(|l| next.to_us >= l.to_us) {
            last = Some(next);
        }
    }
    if let Some(last) = last
        && last.to_us < end_us
    {
        gaps.push(gap(last, None, events, end_us));
    }
    gaps
}

fn gap(before: &Held, after: Option<&Held>, events: &[&Event], end_us: u64) -> Gap {
    let from_us = before.to_us;
    let to_us = after.map_or(end_us, |a| a.from_us);
    let earlier = || events.iter().filter(|e| e.at_us <= from_us);
    let during = earlier().rev().find_map(|e| mark(e));
    let during = during.map(|(_, text)| text).unwrap_or_default();
    let off = |e: &&&Event| {
        e.at_us == from_us && matches!(&e.what, What::PowerOff { node } if *node == before.node)
    };
    // A step since then would be another reason.
    let last = earlier().rev().find_map(|e| match &e.what {
        What::PowerOn { node } => Some(Some(node)),
        What::Step { .. } => Some(None),
        _ => None,
    });
    let returned = last.flatten();
    let replaced = ["everbeat ", "heartbeat ", "home"]
        .iter()
        .any(|s| during.starts_with(s));
    let cause = match after {
        _ if earlier().any(|e| off(&e)) => Cause::PowerOff,
        Some(_) if replaced => Cause::HandOver,
        Some(after) if returned == Some(&after.node) && after.node != before.node => {
            Cause::Failback
        }
        _ => Cause::Unexplained,
    };
    Gap {
        from_us,
        ms: (to_us - from_us).div_ceil(1000),
        before: before.node.clone(),
        after: after.map(|a| a.node.clone()),
        cause,
        during,
    }
}

fn twice(row: &Row) -> Vec<Twice> {
    let mut found = Vec::new();
    let mut last: Option<&Held> = None;
    for next in &row.held {
        if let Some(before) = last
            && next.from_us < before.to_us
            && next.node != before.node
        {
            found.push(Twice {
                resource: row.resource.clone(),
                nodes: [before.node.clone(), next.node.clone()],
                from_us: next.from_us,
                us: before.to_us.min(next.to_us) - next.from_us,
            });
        }
        if last.is_none_or(|l| next.to_us >= l.to_us) {
            last = Some(next);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(at_us: u64, node: &str) -> Event {
        let (node, resource) = (node.to_owned(), "ip".to_owned());
        Event {
            at_us,
            what: What::Start { node, resource },
        }
    }

    fn stop(at_us: u64, node: &str) -> Event {
        let (node, resource) = (node.to_owned(), "ip".to_owned());
        Event {
            at_us,
            what: What::Stop { node, resource },
        }
    }

    fn off(at_us: u64, node: &str) -> Event {
        Event {
            at_us,
            what: What::PowerOff { node: node.into() },
        }
    }

    fn step(at_us: u64, step: &str) -> Event {
        Event {
            at_us,
            what: What::Step { step: step.into() },
        }
    }

    fn of(events: &[Event]) -> Timeline {
        let nodes = ["a".to_owned(), "b".to_owned()];
        Timeline::of(events, &nodes, &["ip".to_owned()], 10_000_000)
    }

    #[test]
    fn gaps_have_their_causes() {
        let on = Event {
            at_us: 5_000_000,
            what: What::PowerOn { node: "a".into() },
        };
        let timeline = of(&[
            start(1_000, "a"),
            off(2_000_000, "a"),
            start(4_000_500, "b"),
            on,
            stop(5_500_000, "b"),
            start(5_600_000, "a"),
            step(6_000_000, "everbeat a"),
            stop(6_500_000, "a"),
            start(6_520_000, "b"),
            step(7_000_000, "ring a"),
            stop(8_000_000, "b"),
            start(8_000_001, "b"),
        ]);
        let gaps: Vec<_> = timeline.rows[0]
            .gaps
            .iter()
            .map(|g| (g.cause, g.ms, g.during.as_str()))
            .collect();
        assert_eq!(
            gaps,
            [
                (Cause::PowerOff, 2001, ""),
                (Cause::Failback, 100, ""),
                (Cause::HandOver, 20, "everbeat a"),
                (Cause::Unexplained, 1, "ring a"),
            ]
        );
        assert_eq!(timeline.unexplained().count(), 1);
        assert_eq!(
            timeline.power["a"],
            [(0, 2_000_000), (5_000_000, 10_000_000)]
        );
        assert!(timeline.is_whole());
        assert_eq!(timeline.twice, []);
    }

    #[test]
    fn two_holders_and_none_are_told() {
        let timeline = of(&[start(1, "a"), start(5_000, "b"), stop(9_000, "a")]);
        assert_eq!(timeline.twice.len(), 1);
        assert_eq!(
            (timeline.twice[0].from_us, timeline.twice[0].us),
            (5_000, 4_000)
        );
        assert!(timeline.is_whole());
        let timeline = of(&[start(1, "a"), stop(9_000, "a")]);
        assert!(!timeline.is_whole());
        assert_eq!(timeline.rows[0].gaps[0].after, None);
        assert!(!of(&[]).is_whole(), "never started");
        // A node's restart within its own time is no second holder.
        let timeline = of(&[start(1, "a"), start(5, "a"), off(9, "b")]);
        assert_eq!((timeline.twice.len(), timeline.rows[0].held.len()), (0, 1));
    }
}
