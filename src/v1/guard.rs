//! The guard of a cluster that has left heartbeat: nodes that were absent when it did so come
//! back as nodes of heartbeat, see the others alive, and take nothing.
//!
//! ```text
//! asking ──communication is up, no absent node active──> claiming  (the ring may start)
//!    └── an absent node is active: the ring waits, for it may have resources
//! claiming ── absent node: `starting`, `resource` ──> `resource all`
//! ```
//!
//! The node protocol doesn't answer their `reqnodes` (`ClusterConfig::keep_up`), so they never
//! come beyond `up`, where heartbeat takes nothing but from a node that it calls dead, and it
//! never calls a guard so. everbeat is told to end by a `delnode` each second; heartbeat ignores
//! one that names a living node.
//!
//! Source: heartbeat 3.0.6, seen; `spec/heartbeat-wire.md` section 6

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::messages::{self, Extension};
use super::peer::{Claim, Entry, Hold};
use super::work::Output;
use crate::ids::NodeName;
use crate::proto::heartbeat::{Delivery, Event, Mode, NodeStatus, Severity};
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// A node that doesn't go is told again this often.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// What a guard must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardConfig {
    /// Nodes of heartbeat that aren't nodes of the ring yet.
    pub absent: Vec<NodeName>,
    /// First resources of the groups of haresources.
    pub keys: Vec<String>,
    /// The CRM here may have resources already. Otherwise it is to wait until no absent node
    /// can have them.
    pub claims: bool,
}

/// An absent node that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Returned {
    /// Its generation, as it wrote it.
    generation: Option<String>,
    /// It is more than `up`, and may have resources.
    active: bool,
    /// When it is told next; never: it is no everbeat.
    tell_at: Option<Instant>,
}

/// The guard.
#[derive(Debug)]
pub struct Guard {
    config: GuardConfig,
    comm_up: bool,
    returned: BTreeMap<NodeName, Returned>,
    outputs: VecDeque<Output>,
}

impl Guard {
    /// One that has heard nothing yet.
    pub fn new(config: GuardConfig) -> Self {
        Self {
            config,
            comm_up: false,
            returned: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Whether the CRM here may have resources.
    pub fn is_clear(&self) -> bool {
        self.config.claims
    }

    /// Absent nodes that are alive.
    pub fn returned(&self) -> impl Iterator<Item = &NodeName> {
        self.returned.keys()
    }

    /// Something happened in the node protocol.
    pub fn handle_event(&mut self, now: Now, event: &Event) {
        match event {
            Event::CommUp(_) => self.comm_up = true,
            Event::Node(change) if self.is_absent(&change.node) => match change.status {
                NodeStatus::Up | NodeStatus::Active => {
                    self.came(now, &change.node, change.mode);
                    let active = change.status == NodeStatus::Active;
                    self.is_active(&change.node, active);
                }
                NodeStatus::Dead => self.went(&change.node),
                NodeStatus::Init | NodeStatus::Ping => {}
            },
            Event::Deliver(delivery) if self.is_absent(&delivery.from) => self.hear(now, delivery),
            _ => {}
        }
        self.review();
    }

    fn is_absent(&self, node: &NodeName) -> bool {
        self.config.absent.contains(node)
    }

    fn is_active(&mut self, node: &NodeName, active: bool) {
        if let Some(returned) = self.returned.get_mut(node) {
            returned.active = active;
        }
    }

    fn came(&mut self, now: Now, node: &NodeName, mode: Mode) {
        if self.returned.contains_key(node) {
            return;
        }
        let returned = Returned {
            generation: None,
            active: false,
            tell_at: (mode != Mode::Heartbeat).then_some(now.mono),
        };
        self.returned.insert(node.clone(), returned);
        let text = format!(
            "{node} is back as a node of heartbeat, which the others have left: it comes no \
             further. `everbeat migrate apply`, where the migration was carried out, takes it \
             into the ring."
        );
        self.log(Severity::Error, text);
        self.tell(now);
    }

    fn went(&mut self, node: &NodeName) {
        if self.returned.remove(node).is_some() {
            self.log(Severity::Info, format!("{node} is gone again."));
        }
    }

    fn hear(&mut self, now: Now, delivery: &Delivery) {
        match delivery.message.kind() {
            Some("starting" | "resource") => {}
            _ => return,
        }
        self.came(now, &delivery.from, Mode::Unknown);
        self.is_active(&delivery.from, true);
        if let Some(returned) = self.returned.get_mut(&delivery.from) {
            returned.generation = messages::generation(&delivery.message);
        }
        if self.config.claims {
            self.claim();
        }
    }

    /// Nobody of heartbeat is left that could have something.
    fn review(&mut self) {
        let active = self.returned.values().any(|r| r.active);
        if self.config.claims || !self.comm_up || active {
            return;
        }
        self.config.claims = true;
        let names = self.config.absent.iter().map(NodeName::as_str);
        let names = names.collect::<Vec<_>>().join(", ");
        let text = format!("{names} has no resources: the CRM may have them.");
        self.log(Severity::Info, text);
        self.claim();
    }

    /// All is here, and nothing will move.
    fn claim(&mut self) {
        let all = Hold {
            local: true,
            foreign: true,
        };
        let held = Entry {
            claim: Claim::Held,
            ..Entry::NONE
        };
        let keys = self.config.keys.iter();
        let seen = self.returned.iter();
        let mut message = messages::resource(all, true, None);
        messages::extend(
            &mut message,
            &Extension {
                groups: keys.map(|key| (key.clone(), held.clone())).collect(),
                seen: seen
                    .map(|(node, r)| (node.to_string(), r.generation.clone().unwrap_or_default()))
                    .collect(),
                state: "settled".to_owned(),
            },
        );
        self.outputs.push_back(Output::Send(message));
    }

    /// Tells those whose time it is. To each alone: others would look whether it is dead.
    fn tell(&mut self, now: Now) {
        for (node, returned) in &mut self.returned {
            if returned.tell_at.is_some_and(|at| at <= now.mono) {
                returned.tell_at = Some(now.mono + TELL_AGAIN);
                let message = Message::of_type("delnode")
                    .with("dest", node.as_str())
                    .with("nodelist", format!("{node} "));
                self.outputs.push_back(Output::Send(message));
            }
        }
    }

    /// Does what is due by now.
    pub fn handle_timeout(&mut self, now: Now) {
        self.tell(now);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.returned.values().filter_map(|r| r.tell_at).min()
    }

    /// What is to be done: messages and log lines.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn log(&mut self, severity: Severity, text: String) {
        self.outputs.push_back(Output::Log(severity, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::heartbeat::{CommUp, NodeChange, NodeKind};

    fn name(word: &str) -> NodeName {
        NodeName::new(word).unwrap()
    }

    fn now(ms: u64) -> Now {
        Now {
            mono: Instant(ms),
            unix_s: 1,
        }
    }

    fn guard(claims: bool) -> Guard {
        Guard::new(GuardConfig {
            absent: vec![name("b")],
            keys: vec!["10.0.0.5".to_owned()],
            claims,
        })
    }

    fn status(node: &str, status: NodeStatus) -> Event {
        Event::Node(NodeChange {
            node: name(node),
            kind: NodeKind::Normal,
            mode: Mode::Everbeat(1),
            was: NodeStatus::Init,
            status,
            cause: None,
        })
    }

    fn says(node: &str, kind: &str) -> Event {
        Event::Deliver(Delivery {
            from: name(node),
            local: false,
            message: Message::of_type(kind).with("hg", "6b02d1fb"),
        })
    }

    fn sent(guard: &mut Guard) -> Vec<String> {
        std::iter::from_fn(|| guard.poll_output())
            .filter_map(|o| match o {
                Output::Send(message) => Some(message.to_string()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn the_ring_waits_until_no_absent_node_can_have_anything() {
        let mut guard = guard(false);
        guard.handle_event(now(0), &status("b", NodeStatus::Active));
        assert_eq!(sent(&mut guard), ["t=delnode dest=b nodelist=b "]);
        guard.handle_event(now(100), &Event::CommUp(CommUp { complete: true }));
        guard.handle_event(now(200), &says("b", "starting"));
        assert!(!guard.is_clear());
        assert_eq!(sent(&mut guard), [""; 0], "nothing is claimed yet");
        assert_eq!(guard.poll_timeout(), Some(now(1000).mono));
        guard.handle_timeout(now(1000));
        assert_eq!(sent(&mut guard), ["t=delnode dest=b nodelist=b "]);
        guard.handle_event(now(3000), &status("b", NodeStatus::Dead));
        assert!(guard.is_clear());
        assert!(sent(&mut guard)[0].starts_with("t=resource rsc_hold=all rtype=full isstable=1"));
        assert_eq!(guard.poll_timeout(), None);
    }

    #[test]
    fn who_comes_back_finds_everything_taken_and_is_told_to_go() {
        let mut guard = guard(true);
        guard.handle_event(now(0), &status("c", NodeStatus::Up));
        guard.handle_event(now(0), &says("c", "starting"));
        assert_eq!(sent(&mut guard), [""; 0], "it is no absent node");
        guard.handle_event(now(0), &says("b", "starting"));
        assert_eq!(
            sent(&mut guard),
            [
                "t=delnode dest=b nodelist=b ",
                "t=resource rsc_hold=all rtype=full isstable=1 ebgroups=h,0,0,-,10.0.0.5 \
                 ebseen=b/6b02d1fb ebstate=settled"
            ]
        );
        guard.handle_event(now(5), &status("b", NodeStatus::Dead));
        assert!(guard.is_clear(), "it stays so");
        let Event::Node(mut change) = status("b", NodeStatus::Up) else {
            unreachable!()
        };
        change.mode = Mode::Heartbeat;
        guard.handle_event(now(6), &Event::Node(change));
        assert_eq!(sent(&mut guard), [""; 0], "heartbeat ignores a delnode");
        assert_eq!(guard.poll_timeout(), None);
    }
}
