//! What was done to fence nodes: lines, classes and elements of its history.
//!
//! ```text
//!  [FenceEvent], newest first --sections--> Failed Fencing Actions, Fencing History, …
//!                             --xml-------> <fence_history>
//! ```
//!
//! Source: Pacemaker 2.1.5, `lib/fencing/st_output.c`, `lib/pacemaker/pcmk_output.c`; the
//! installed tools beside a cluster of one node.

use std::collections::{BTreeMap, BTreeSet};

use super::Xml;
use super::page::{Entry, Page, Span};
use super::show::{Section, Show};
use super::summary::Times;

/// How far a request to fence a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FenceState {
    /// Somebody is asked who can do it.
    Asked,
    /// It is being done.
    Begun,
    /// Another one that does the same counts for this one, too.
    Merged,
    /// It was done.
    Done,
    /// It was not done.
    Failed,
}

/// A request to fence a node, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceEvent {
    /// Its number, the same on all nodes.
    pub id: String,
    /// The node, by name.
    pub target: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// Who asked: a program and the number of its process.
    pub client: String,
    /// The node where it was asked.
    pub origin: String,
    /// How far it is.
    pub state: FenceState,
    /// Who did it; none if nobody began to.
    pub delegate: Option<String>,
    /// Why not.
    pub reason: Option<String>,
    /// When it ended.
    ///
    /// Units: seconds since 1970.
    pub ended_s: i64,
}

impl FenceState {
    /// Whether nothing came of it yet.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Asked | Self::Begun | Self::Merged)
    }

    /// Class of its line in HTML.
    pub fn class(self) -> &'static str {
        match self {
            Self::Failed => "failed-stonith-event",
            Self::Done => "successful-stonith-event",
            Self::Asked | Self::Begun | Self::Merged => "pending-stonith-event",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Done => "successful",
            Self::Asked | Self::Begun | Self::Merged => "pending",
        }
    }
}

/// The newest first, what is under way before all. What ended in the same second stays as it
/// was.
pub fn sort(events: &mut [FenceEvent]) {
    events.sort_by_key(|event| (!event.state.is_pending(), std::cmp::Reverse(event.ended_s)));
}

impl FenceEvent {
    /// Its line: for people, or `technical`. `whole` if all of the history is shown, and not what
    /// came last. `later` is who did it later.
    pub fn line(&self, technical: bool, whole: bool, later: Option<&str>, iso: &Iso<'_>) -> String {
        let word = self.state.word();
        let delegate = match self.state.is_pending() {
            true => None,
            false => self.delegate.as_deref(),
        };
        let ended = (!self.state.is_pending()).then(|| iso(self.ended_s));
        let reason = match (&self.reason, self.state) {
            (Some(reason), FenceState::Failed) if !reason.is_empty() => format!(" ({reason})"),
            _ => String::new(),
        };
        let mut text = format!("{} of {}", named(&self.action), self.target);
        let (client, origin) = (&self.client, &self.origin);
        if technical {
            text.push_str(&format!(" {word}{reason}: "));
            if let Some(delegate) = delegate {
                text.push_str(&format!("delegate={delegate}, "));
            }
            text.push_str(&format!("client={client}, origin={origin}"));
            let label = match (whole, self.state) {
                (true, _) => "completed",
                (false, FenceState::Failed) => "last-failed",
                (false, _) => "last-successful",
            };
            if let Some(ended) = ended {
                text.push_str(&format!(", {label}='{ended}'"));
            }
        } else {
            if let Some(delegate) = delegate {
                text.push_str(&format!(" by {delegate}"));
            }
            let last = if whole { "" } else { " last" };
            text.push_str(&format!(" for {client}@{origin}{last} {word}{reason}"));
            if let Some(ended) = ended {
                text.push_str(&format!(" at {ended}"));
            }
        }
        if let Some(later) = later {
            text.push_str(&format!(" (a later attempt from {later} succeeded)"));
        }
        text
    }

    /// Name and attributes of its element.
    pub fn element(&self, iso: &Iso<'_>) -> (&'static str, Vec<(&'static str, String)>) {
        let status = match self.state {
            FenceState::Failed => "failed",
            FenceState::Done => "success",
            _ => "pending",
        };
        let mut attrs = vec![
            ("action", self.action.clone()),
            ("target", self.target.clone()),
            ("client", self.client.clone()),
            ("origin", self.origin.clone()),
            ("status", status.to_owned()),
        ];
        let state = match self.state {
            FenceState::Asked => Some("0"),
            FenceState::Begun => Some("1"),
            FenceState::Merged => Some("3"),
            FenceState::Done | FenceState::Failed => None,
        };
        attrs.extend(state.map(|state| ("extended-status", state.to_owned())));
        if let (FenceState::Failed, Some(reason)) = (self.state, &self.reason)
            && !reason.is_empty()
        {
            attrs.push(("exit-reason", reason.clone()));
        }
        attrs.extend(self.delegate.clone().map(|delegate| ("delegate", delegate)));
        if !self.state.is_pending() {
            attrs.push(("completed", iso(self.ended_s)));
        }
        ("fence_event", attrs)
    }
}

/// Writes a moment in ISO 8601.
pub type Iso<'a> = dyn Fn(i64) -> String + 'a;

/// What an action is called.
fn named(action: &str) -> String {
    match action {
        "on" => "unfencing".to_owned(),
        "off" => "turning off".to_owned(),
        other => other.to_owned(),
    }
}

/// Who did the same thing.
#[derive(Debug, Default)]
struct Doers<'a> {
    newest: Option<&'a str>,
    all: BTreeSet<String>,
}

/// For each event who did the same to the same node later, if it failed and somebody did: the
/// node that failed itself, or the newest. The events are sorted.
pub fn later_successes(events: &[FenceEvent]) -> Vec<Option<&str>> {
    let mut done: BTreeMap<(String, &str), Doers<'_>> = BTreeMap::new();
    let later = events.iter().map(|event| {
        let doers = done
            .entry((event.target.to_lowercase(), &event.action))
            .or_default();
        match (event.state, event.delegate.as_deref()) {
            (FenceState::Done, by) => {
                doers.newest = doers.newest.or(by).or(Some("some node"));
                doers.all.extend(by.map(str::to_lowercase));
                None
            }
            (FenceState::Failed, Some(by)) if doers.all.contains(&by.to_lowercase()) => Some(by),
            (FenceState::Failed, _) => doers.newest,
            _ => None,
        }
    });
    later.collect()
}

impl Show {
    /// Whether the whole history is shown, and not what came last.
    fn whole_fencing(&self) -> bool {
        let all = [
            Section::FencingFailed,
            Section::FencingPending,
            Section::FencingSucceeded,
        ];
        all.into_iter().all(|section| self.has(section))
    }
}

/// Entries of the events for which the test holds.
fn entries(
    events: &[FenceEvent],
    show: &Show,
    times: &Times<'_>,
    holds: impl Fn(FenceState) -> bool,
) -> Vec<Entry> {
    let later = later_successes(events);
    let shown = events.iter().zip(later);
    let shown = shown.filter(|(event, _)| holds(event.state) && show.node(&event.target));
    let entry = |(event, later): (&FenceEvent, Option<&str>)| {
        let line = event.line(show.detail, show.whole_fencing(), later, times.iso);
        Entry::Classed(Span::of(event.state.class(), line))
    };
    shown.map(entry).collect()
}

/// The section of what failed.
pub(super) fn failed(page: &mut Page, events: &[FenceEvent], show: &Show, times: &Times<'_>) {
    if show.has(Section::FencingFailed) {
        let failed = entries(events, show, times, |state| state == FenceState::Failed);
        page.section("Failed Fencing Actions", failed);
    }
}

/// The section of what did not fail.
pub(super) fn others(page: &mut Page, events: &[FenceEvent], show: &Show, times: &Times<'_>) {
    if show.has(Section::FencingSucceeded) {
        let others = entries(events, show, times, |state| state != FenceState::Failed);
        page.section("Fencing History", others);
    } else if show.has(Section::FencingPending) {
        let pending = entries(events, show, times, FenceState::is_pending);
        page.section("Pending Fencing Actions", pending);
    }
}

/// All of it, if all is shown.
pub(super) fn xml(out: &mut Xml, events: &[FenceEvent], show: &Show, times: &Times<'_>) {
    let shown = events.iter().filter(|event| show.node(&event.target));
    let mut shown = shown.peekable();
    if !show.whole_fencing() || shown.peek().is_none() {
        return;
    }
    out.start("fence_history");
    for event in shown {
        let (name, attrs) = event.element(times.iso);
        out.start(name);
        for (name, value) in attrs {
            out.attr(name, value);
        }
        out.end();
    }
    out.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(state: FenceState, ended_s: i64) -> FenceEvent {
        let done = !state.is_pending();
        FenceEvent {
            id: ended_s.to_string(),
            target: "n1".to_owned(),
            action: "off".to_owned(),
            client: "stonith_admin.7".to_owned(),
            origin: "a".to_owned(),
            state,
            delegate: done.then(|| "b".to_owned()),
            reason: None,
            ended_s,
        }
    }

    fn iso(at: i64) -> String {
        format!("T{at}")
    }

    #[test]
    fn lines_are_those_of_the_original() {
        let done = event(FenceState::Done, 3);
        let lines = [
            (
                false,
                false,
                "by b for stonith_admin.7@a last successful at T3",
            ),
            (false, true, "by b for stonith_admin.7@a successful at T3"),
            (
                true,
                false,
                "successful: delegate=b, client=stonith_admin.7, origin=a, last-successful='T3'",
            ),
            (
                true,
                true,
                "successful: delegate=b, client=stonith_admin.7, origin=a, completed='T3'",
            ),
        ];
        for (technical, whole, line) in lines {
            let line = format!("turning off of n1 {line}");
            assert_eq!(done.line(technical, whole, None, &iso), line);
        }
        let pending = event(FenceState::Begun, 0);
        let line = "turning off of n1 for stonith_admin.7@a last pending";
        assert_eq!(pending.line(false, false, None, &iso), line);
        let line = "turning off of n1 pending: client=stonith_admin.7, origin=a";
        assert_eq!(pending.line(true, true, None, &iso), line);
        let mut failed = event(FenceState::Failed, 4);
        failed.reason = Some("broken".to_owned());
        let line = "turning off of n1 by b for stonith_admin.7@a failed (broken) at T4 \
                    (a later attempt from c succeeded)";
        assert_eq!(failed.line(false, true, Some("c"), &iso), line);
    }

    #[test]
    fn a_failure_knows_who_did_it_later() {
        let mut events = vec![
            event(FenceState::Failed, 1),
            event(FenceState::Done, 2),
            event(FenceState::Failed, 3),
            event(FenceState::Begun, 0),
        ];
        sort(&mut events);
        let states: Vec<_> = events.iter().map(|e| e.state).collect();
        let in_order = [
            FenceState::Begun,
            FenceState::Failed,
            FenceState::Done,
            FenceState::Failed,
        ];
        assert_eq!(states, in_order);
        assert_eq!(later_successes(&events), [None, None, None, Some("b")]);
    }
}
