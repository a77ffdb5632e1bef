//! What a change of the CIB would do: the transition of the new one beside that of the old one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;

use super::transition::{self, Action, State, Transition};
use super::{Place, Question, explain};
use crate::cib::Document;
use crate::rules::iso8601::Clock;

/// How an action of one CIB stands to those of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Only the new CIB has it.
    New,
    /// Both have it.
    Both,
    /// Only the old CIB has it.
    Gone,
}

/// An action with its side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Whose it is.
    pub side: Side,
    /// What and why.
    #[serde(flatten)]
    pub action: Action,
}

/// A resource that ends up elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Which.
    pub resource: String,
    /// Where it would be by the old CIB.
    pub before: Place,
    /// Where it would be by the new one.
    pub after: Place,
    /// What keeps it from where it was, by the new CIB.
    pub because: Vec<String>,
}

/// The difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Resources that end up elsewhere.
    pub moves: Vec<Move>,
    /// Actions: of the new CIB in their order, then those that are gone.
    pub actions: Vec<Line>,
}

/// Compares what two CIBs lead to. A new CIB without a status has that of the old one.
pub fn diff(old: &Document, new: &Document, now: Clock) -> Diff {
    let new = with_status(old, new);
    let (before, after) = (transition::of(old, now), transition::of(&new, now));
    Diff {
        moves: moves(&new, &before, &after, now),
        actions: lines(&before, &after),
    }
}

/// The new CIB as it would be in the cluster of the old one.
pub fn with_status(old: &Document, new: &Document) -> Document {
    let mut new = new.clone();
    let root = new.root();
    let own = new.child(root, "status");
    if own.is_some_and(|status| new.children(status).next().is_some()) {
        return new;
    }
    if let Some(status) = old.child(old.root(), "status") {
        if let Some(own) = own {
            new.detach(own);
        }
        let copy = new.import(old, status);
        new.append(root, copy);
        for name in ["have-quorum", "dc-uuid", "execution-date"] {
            let value = old.attr(old.root(), name);
            if let Some(value) = value.filter(|_| new.attr(root, name).is_none()) {
                new.set_attr(root, name, value);
            }
        }
    }
    new
}

fn moves(new: &Document, before: &Transition, after: &Transition, now: Clock) -> Vec<Move> {
    let (old, young) = (&before.decision.places, &after.decision.places);
    let names: BTreeSet<&String> = old.keys().chain(young.keys()).collect();
    let nowhere = Place::default();
    let mut moves = Vec::new();
    for name in names {
        let (was, will) = (
            old.get(name).unwrap_or(&nowhere),
            young.get(name).unwrap_or(&nowhere),
        );
        if was.next == will.next && was.promoted == will.promoted && was.waiting == will.waiting {
            continue;
        }
        moves.push(Move {
            resource: name.clone(),
            before: was.clone(),
            after: will.clone(),
            because: because(new, name, was, will, now),
        });
    }
    moves
}

fn because(new: &Document, name: &str, was: &Place, will: &Place, now: Clock) -> Vec<String> {
    let left = was.next.iter().find(|node| !will.next.contains(node));
    let question = Question {
        resource: name,
        node: left
            .map(String::as_str)
            .or(will.next.first().map(String::as_str)),
        now,
        runs: 1,
    };
    let Ok(answer) = explain(new, &question) else {
        return vec!["it isn't configured any more".to_owned()];
    };
    let of_nodes = answer.here.iter().chain(&answer.elsewhere);
    let of_nodes = of_nodes.flat_map(|at| &at.findings);
    // Of the node that it left only what speaks against it.
    let against = |finding: &&super::Finding| {
        left.is_none() || finding.cause.score().is_none_or(|score| score < 0)
    };
    let all = answer.general.iter().chain(of_nodes).filter(against);
    all.map(|finding| finding.text.clone()).collect()
}

type Key<'a> = (&'a str, Option<&'a str>, Option<&'a str>, u32);

fn key(action: &Action) -> Key<'_> {
    let (resource, node) = (action.resource.as_deref(), action.node.as_deref());
    (&action.task, resource, node, action.interval_ms)
}

fn lines(before: &Transition, after: &Transition) -> Vec<Line> {
    let old: BTreeMap<Key<'_>, State> = before.actions.iter().map(|a| (key(a), a.state)).collect();
    let young: BTreeSet<Key<'_>> = after.actions.iter().map(key).collect();
    let kept = after.actions.iter().map(|action| Line {
        // Places in `after` stay those of the list: nothing is left out of it.
        side: match old.get(&key(action)) {
            Some(state) if *state == action.state => Side::Both,
            _ => Side::New,
        },
        action: action.clone(),
    });
    let gone = before.actions.iter().filter(|a| !young.contains(&key(a)));
    let gone = gone.map(|action| Line {
        side: Side::Gone,
        action: Action {
            after: Vec::new(),
            ..action.clone()
        },
    });
    kept.chain(gone).collect()
}

/// The difference in words.
pub fn text(diff: &Diff) -> String {
    let mut out = String::new();
    if diff.moves.is_empty() {
        out.push_str("Everything stays where it would be without the change.\n");
    } else {
        out.push_str("Where things end up\n");
    }
    for change in &diff.moves {
        let (was, will) = (told(&change.before), told(&change.after));
        let _ = writeln!(out, "  * {}: {was} -> {will}", change.resource);
        for reason in &change.because {
            let _ = writeln!(out, "      {reason}");
        }
    }
    for (side, title) in [
        (Side::New, "What the change would do"),
        (Side::Both, "What happens with the change or without it"),
        (Side::Gone, "What would not be done any more"),
    ] {
        tell_side(&mut out, diff, side, title);
    }
    out
}

fn tell_side(out: &mut String, diff: &Diff, side: Side, title: &str) {
    let of_side = |line: &&Line| line.side == side && line.action.state != State::Pseudo;
    let actions: Vec<Action> = diff.actions.iter().map(|l| l.action.clone()).collect();
    let layers = transition::layers(&actions);
    let pairs = diff.actions.iter().zip(layers);
    let mut lines: Vec<(&Line, usize)> = pairs.filter(|(line, _)| of_side(line)).collect();
    if lines.is_empty() {
        return;
    }
    lines.sort_by_key(|(_, layer)| *layer);
    let _ = writeln!(out, "\n{title}");
    for (line, _) in lines {
        let action = &line.action;
        let blocked = match action.state {
            State::Blocked => " (can't be done)",
            State::Done | State::Pseudo => "",
        };
        let reason = match action.reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        let _ = writeln!(out, "  * {}{blocked}{reason}", action.text);
    }
}

fn told(place: &Place) -> String {
    let mut text = match place.next.as_slice() {
        [] => "stopped".to_owned(),
        nodes => nodes.join(", "),
    };
    if !place.promoted.is_empty() {
        let _ = write!(text, " (promoted on {})", place.promoted.join(", "));
    }
    if !place.waiting.is_empty() {
        let _ = write!(text, " (waiting on {})", place.waiting.join(", "));
    }
    text
}
