//! The ha.cf of two nodes: what must be alike for them to be one cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use super::model::{AutoFailback, CrmMode, HaCf, Medium};
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::differences::{Differences, end};
use crate::config::source::{Source, Span};
use crate::config::value::show_time;

/// A deadtime of fewer keepalives calls a node dead that is only busy. Source: heartbeat 3.0.6,
/// ha.cf(5), which asks for several; two at least are needed, `SetupFinalTimes`
const KEEPALIVES: u32 = 4;

/// What differs in the second file, with the line of the first.
pub fn differences((a, first): &(HaCf, Source), (b, second): &(HaCf, Source)) -> Vec<Diagnostic> {
    let mut pair = Pair {
        a,
        first,
        b,
        second,
        found: Differences::new(first, Findings::new(second)),
    };
    pair.nodes();
    pair.port();
    pair.groups_of_multicast();
    pair.links();
    pair.times();
    pair.settings();
    pair.pings();
    pair.found.finish()
}

struct Pair<'s> {
    a: &'s HaCf,
    first: &'s Source,
    b: &'s HaCf,
    second: &'s Source,
    found: Differences<'s>,
}

/// Setting, how bad it is when it isn't alike, and why.
type Setting = (&'static str, Severity, &'static str);

impl<'s> Pair<'s> {
    /// The lines of a directive on both sides, or where it is missing.
    fn places(&self, directive: &str) -> (Span, Span) {
        let of = |model: &HaCf, source| model.places.directive(directive).unwrap_or(end(source));
        (of(self.b, self.second), of(self.a, self.first))
    }

    fn nodes(&mut self) {
        let other = self.found.name();
        let help = "name the same nodes everywhere, in the same order";
        let last = |model: &HaCf, source| model.places.nodes.last().copied().unwrap_or(end(source));
        let (ours, theirs) = (last(self.b, self.second), last(self.a, self.first));
        for (node, span) in self.b.nodes.iter().zip(&self.b.places.nodes) {
            if !self.a.has_node(node) {
                let message = format!("node {node} is not in {other}");
                self.found
                    .tell(Severity::Warning, (*span, theirs), message)
                    .help = Some(help.into());
            }
        }
        for (node, span) in self.a.nodes.iter().zip(&self.a.places.nodes) {
            if !self.b.has_node(node) {
                let message = format!("node {node} of {other} is missing here");
                self.found
                    .tell(Severity::Warning, (ours, *span), message)
                    .help = Some(help.into());
            }
        }
    }

    /// The port of broadcasts and unicasts: nodes that send to different ones don't hear each
    /// other.
    fn port(&mut self) {
        let one = |model| {
            let (medium, span) =
                media(model).find(|(m, _)| !is_multicast(m) && m.port().is_some())?;
            Some((medium.port()?, span))
        };
        let (Some((theirs, at)), Some((ours, place))) = (one(self.a), one(self.b)) else {
            return;
        };
        if ours != theirs {
            let message = format!("port {ours} here, port {theirs} in {}", self.found.name());
            self.found.tell(Severity::Error, (place, at), message).help = Some(
                "nodes hear each other on one port only; udpport counts for media after it".into(),
            );
        }
    }

    /// Two nodes that send to different groups on a link don't hear each other there.
    fn groups_of_multicast(&mut self) {
        let theirs: Vec<_> = media(self.a).filter(|(m, _)| is_multicast(m)).collect();
        for (medium, span) in media(self.b).filter(|(m, _)| is_multicast(m)) {
            let same_kind = |m: &Medium| m.directive() == medium.directive();
            let mut others = theirs
                .iter()
                .filter(|(m, _)| m.link() == medium.link() && same_kind(m));
            let Some((other, at)) = others.next() else {
                continue;
            };
            if target(other) != target(medium) && others.all(|(m, _)| target(m) != target(medium)) {
                let message = format!(
                    "{} here, {} in {}",
                    target(medium),
                    target(other),
                    self.found.name()
                );
                self.found.tell(Severity::Error, (span, *at), message).help = Some(
                    "nodes hear each other only in the same group and on the same port".into(),
                );
            }
        }
    }

    /// A way that only one of the nodes uses carries nothing, or half of it.
    fn links(&mut self) {
        let kinds = |model: &HaCf| -> BTreeSet<_> {
            let media = model
                .node_media()
                .filter(|m| !matches!(m, Medium::Serial { .. }));
            media.map(|m| m.directive()).collect()
        };
        let (ours, theirs) = (kinds(self.b), kinds(self.a));
        let help = "give both nodes the same media: what one sends there the other doesn't hear";
        for kind in ours.difference(&theirs) {
            let span = first_of(self.b, kind).unwrap_or_default();
            let message = format!("{kind} is used here, not in {}", self.found.name());
            let at = self.places(kind).1;
            self.found.tell(Severity::Warning, (span, at), message).help = Some(help.into());
        }
        for kind in theirs.difference(&ours) {
            let at = first_of(self.a, kind).unwrap_or_default();
            let message = format!("{kind} is used in {}, not here", self.found.name());
            let span = self.places(kind).0;
            self.found.tell(Severity::Warning, (span, at), message).help = Some(help.into());
        }
        let count = |model: &HaCf| {
            let media = model.node_media();
            media
                .map(|m| (m.directive(), m.link()))
                .collect::<BTreeSet<_>>()
                .len()
        };
        let (here, there) = (count(self.b), count(self.a));
        if here != there && ours == theirs {
            let last = |model: &HaCf, source| {
                let span = media(model).filter(|(m, _)| !m.is_ping()).last();
                span.map_or(end(source), |(_, s)| s)
            };
            let places = (last(self.b, self.second), last(self.a, self.first));
            let message = format!("{here} links here, {there} in {}", self.found.name());
            self.found.tell(Severity::Warning, places, message).help = Some(help.into());
        }
    }

    /// Messages come at the sender's pace, and are missed by the receiver's patience.
    fn times(&mut self) {
        let (ours, theirs) = (self.places("deadtime").0, self.places("keepalive").1);
        self.patience((self.b.deadtime, self.a.keepalive), (ours, theirs), true);
        let (ours, theirs) = (self.places("keepalive").0, self.places("deadtime").1);
        self.patience((self.a.deadtime, self.b.keepalive), (ours, theirs), false);
    }

    fn patience(&mut self, (dead, keep): (Duration, Duration), at: (Span, Span), dead_here: bool) {
        if self.a.keepalive == self.b.keepalive || dead >= keep * KEEPALIVES {
            return;
        }
        let severity = match dead <= keep * 2 {
            true => Severity::Error,
            false => Severity::Warning,
        };
        let (dead, wanted) = (show_time(dead), show_time(keep * KEEPALIVES));
        let keep = show_time(keep);
        let message = match dead_here {
            true => format!("deadtime {dead} is too short for keepalive {keep} of the other side"),
            false => format!("keepalive {keep} is too long for deadtime {dead} of the other side"),
        };
        self.found.tell(severity, at, message).help = Some(format!(
            "a node whose messages come every {keep} counts as dead too soon: make deadtime \
             {wanted} at least, and keepalive the same on all nodes"
        ));
    }

    fn settings(&mut self) {
        let help = "one node calls the other dead earlier than the other way round";
        self.setting(("deadtime", Severity::Warning, help), |m| {
            show_time(m.deadtime)
        });
        let help = "after a boot one node waits longer for the others than they for it";
        self.setting(("initdead", Severity::Note, help), |m| {
            show_time(m.initdead)
        });
        let help = "a node that joins would be taken by one and refused by the other";
        let autojoin = |m: &HaCf| format!("{:?}", m.autojoin).to_lowercase();
        self.setting(("autojoin", Severity::Warning, help), autojoin);
        let failback = |m: &HaCf| match m.auto_failback {
            AutoFailback::On => "on".to_owned(),
            AutoFailback::Off => "off".to_owned(),
            AutoFailback::Legacy => "legacy".to_owned(),
        };
        if self.a.crm == CrmMode::Off && self.b.crm == CrmMode::Off {
            let help = "resources go back by one node's file and stay by the other's; legacy and \
                        the others don't understand each other";
            self.setting(("auto_failback", Severity::Warning, help), failback);
        }
        let crm = |m: &HaCf| match m.crm {
            CrmMode::Off => "no crm".to_owned(),
            _ => "a crm".to_owned(),
        };
        let help = "one node would start resources by haresources, the other by the CIB: both do";
        self.setting(("crm", Severity::Error, help), crm);
    }

    fn setting(&mut self, (name, severity, help): Setting, value: impl Fn(&HaCf) -> String) {
        let (ours, theirs) = (value(self.b), value(self.a));
        if ours != theirs {
            let places = self.places(name);
            let other = self.found.name();
            let message = match name {
                "crm" => format!("{ours} here, {theirs} in {other}"),
                _ => format!("{name} {ours} here, {theirs} in {other}"),
            };
            self.found.tell(severity, places, message).help = Some(help.into());
        }
    }

    /// ipfail compares how many ping nodes each node sees.
    fn pings(&mut self) {
        let all = |model: &HaCf| -> BTreeSet<_> {
            media(model)
                .filter(|(m, _)| m.is_ping())
                .map(|(m, _)| m.link())
                .collect()
        };
        let (ours, theirs) = (all(self.b), all(self.a));
        let last = |model: &HaCf, source| {
            let span = media(model).filter(|(m, _)| m.is_ping()).last();
            span.map_or(end(source), |(_, s)| s)
        };
        let places = (last(self.b, self.second), last(self.a, self.first));
        let help = "ipfail moves resources to the node that sees more of them: name the same on \
                    all nodes";
        if ours != theirs {
            let message = format!("other ping nodes than in {}", self.found.name());
            self.found.tell(Severity::Warning, places, message).help = Some(help.into());
        }
        let ipfail = |m: &HaCf| {
            m.respawn
                .iter()
                .find(|c| c.name() == "ipfail")
                .map(|c| c.span)
        };
        let (ours, theirs) = (ipfail(self.b), ipfail(self.a));
        if ours.is_some() != theirs.is_some() {
            let places = (
                ours.unwrap_or(end(self.second)),
                theirs.unwrap_or(end(self.first)),
            );
            let message = format!(
                "ipfail runs on one side only: {}",
                match ours {
                    Some(_) => "here",
                    None => "the other",
                }
            );
            self.found.tell(Severity::Warning, places, message).help =
                Some("it needs its like on all nodes to compare with".into());
        }
    }
}

fn media(model: &HaCf) -> impl Iterator<Item = (&Medium, Span)> {
    model.media.iter().zip(model.places.media.iter().copied())
}

fn first_of(model: &HaCf, kind: &str) -> Option<Span> {
    media(model)
        .find(|(m, _)| m.directive() == kind)
        .map(|(_, s)| s)
}

fn is_multicast(medium: &Medium) -> bool {
    matches!(medium, Medium::Mcast { .. } | Medium::Mcast6 { .. })
}

/// Where a multicast goes.
fn target(medium: &Medium) -> String {
    match medium {
        Medium::Mcast { group, port, .. } => format!("group {group} port {port}"),
        Medium::Mcast6 { group, port, .. } => format!("group {group} port {port}"),
        _ => String::new(),
    }
}
