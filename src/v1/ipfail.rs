//! ipfail's decision: the node that reaches fewer ping nodes gives its groups to the other.
//!
//! Each node tells the others how many ping nodes it reaches, whenever one comes or a link dies.
//! Who hears a smaller number than its own tells the sender so; who hears a greater number, or is
//! told, gives up all a little later, unless the counts are equal by then. The messages are those
//! of the `ipfail` client of heartbeat, so that one on the other node understands ours.
//!
//! Source: heartbeat 3.0.6, `ipfail`; `spec/heartbeat-v1.md` section 6; order of fields as in
//! the capture `ping_ipfail`

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::work::Side;
use crate::ids::NodeName;
use crate::proto::heartbeat::{
    Delivery, Event, LinkChange, NodeChange, NodeKind, NodeStatus, Severity,
};
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// Pause before a give-up that met a transition is tried again. Source: heartbeat 3.0.6, ipfail,
/// 10 s after the peer's `resource`
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// What ipfail wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Output {
    /// Send it.
    Send(Message),
    /// A line for the log.
    Log(Severity, String),
}

/// What ipfail must know of the resources when it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Situation {
    /// `cl_status rscstatus` says `transition`.
    pub in_transition: bool,
    /// We hold groups of others.
    pub holds_foreign: bool,
    /// We hold anything.
    pub holds_any: bool,
}

/// A give-up that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GiveUp {
    at: Instant,
    side: Side,
}

/// The machine.
#[derive(Debug)]
pub(super) struct Ipfail {
    local: NodeName,
    keepalive: Duration,
    /// auto_failback on: with equal counts, foreign groups go home.
    failback: bool,
    /// The ping nodes and whether each answers.
    pings: BTreeMap<NodeName, bool>,
    /// Other nodes whose resource side is at work.
    active: BTreeSet<NodeName>,
    give_up: Option<GiveUp>,
    outputs: VecDeque<Output>,
}

impl Ipfail {
    /// A machine that reaches no ping node yet.
    pub(super) fn new(
        local: NodeName,
        pings: &[NodeName],
        keepalive: Duration,
        failback: bool,
    ) -> Self {
        Self {
            local,
            keepalive,
            failback,
            pings: pings.iter().map(|node| (node.clone(), false)).collect(),
            active: BTreeSet::new(),
            give_up: None,
            outputs: VecDeque::new(),
        }
    }

    /// Something happened in the node protocol.
    pub(super) fn handle_event(&mut self, now: Now, situation: Situation, event: &Event) {
        match event {
            Event::CommUp(_) => {
                self.send(self.sign_on());
                self.tell_all();
            }
            Event::Node(change) => self.node_changed(change),
            Event::Link(change) => self.link_changed(change),
            Event::Deliver(delivery) if !delivery.local => {
                self.delivered(now, situation, delivery);
            }
            _ => {}
        }
    }

    /// Gives up when it is time.
    pub(super) fn handle_timeout(&mut self, now: Now, situation: Situation) {
        let Some(give_up) = self.give_up else {
            return;
        };
        if now.mono < give_up.at {
            return;
        }
        self.give_up = None;
        self.info("giveup() called (timeout worked)");
        if situation.in_transition {
            self.info("Resources are in transition: giving up is put off.");
            let at = now.mono + TRY_AGAIN;
            self.give_up = Some(GiveUp { at, ..give_up });
        } else if self.active.is_empty() {
            let text = "No other node is active: the resources stay here.";
            self.outputs
                .push_back(Output::Log(Severity::Warning, text.to_owned()));
        } else if situation.holds_any {
            self.send(self.ask(give_up.side));
        }
    }

    /// The next thing to do.
    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.give_up.map(|give_up| give_up.at)
    }

    fn reached(&self) -> usize {
        self.pings.values().filter(|answers| **answers).count()
    }

    fn node_changed(&mut self, change: &NodeChange) {
        let (node, status) = (&change.node, change.status);
        if *node == self.local {
            return;
        }
        self.info(format!(
            "Status update: Node {node} now has status {status}"
        ));
        if change.kind == NodeKind::Normal {
            if status == NodeStatus::Active {
                self.active.insert(node.clone());
                self.tell(&node.clone());
            } else {
                self.active.remove(node);
            }
        } else {
            self.pings.insert(node.clone(), status == NodeStatus::Ping);
        }
        match (change.kind, status) {
            (_, NodeStatus::Dead) => {
                let state = self.state_of_us();
                self.info(format!("NS: {state}"));
            }
            (NodeKind::Ping, NodeStatus::Ping) => {
                self.info("A ping node just came up.");
                self.tell_all();
            }
            _ => {}
        }
    }

    fn state_of_us(&self) -> &'static str {
        if self.reached() == 0 {
            "We are dead. :<"
        } else {
            "We are still alive!"
        }
    }

    fn link_changed(&mut self, change: &LinkChange) {
        let (node, link) = (&change.node, &change.link);
        let word = if change.up { "up" } else { "dead" };
        self.info(format!(
            "Link Status update: Link {node}/{link} now has status {word}"
        ));
        if !change.up {
            let state = self.state_of_us();
            self.info(state);
            self.tell_all();
        }
    }

    fn delivered(&mut self, now: Now, situation: Situation, delivery: &Delivery) {
        let (from, message) = (&delivery.from, &delivery.message);
        if message.text("to_id") != Some("ipfail") {
            return;
        }
        match message.kind() {
            Some("hbapi-clstat") if message.text("st") == Some("join") => self.tell(from),
            Some("num_ping_nodes") => {
                let theirs = message.decimal("num_ping");
                if let Some(theirs) = theirs.and_then(|n| usize::try_from(n).ok()) {
                    self.compare(now, situation, from, theirs);
                }
            }
            Some("you_are_dead") => {
                self.info("Giving up because we were told that we have less ping nodes.");
                self.delay_give_up(now, Side::All);
            }
            Some("abort_giveup") => match self.give_up.take() {
                Some(_) => self.info("Aborted delayed giveup."),
                None => self.info("No giveup timer to abort."),
            },
            _ => {}
        }
    }

    /// Another node reaches that many.
    fn compare(&mut self, now: Now, situation: Situation, from: &NodeName, theirs: usize) {
        let ours = self.reached();
        if ours > theirs {
            self.info("Telling other node that we have more visible ping nodes.");
            self.send(addressed("you_are_dead", from));
        } else if ours < theirs {
            self.info("Giving up because we have less visible ping nodes.");
            self.delay_give_up(now, Side::All);
        } else {
            self.info("Ping node count is balanced.");
            self.send(self.abort(from));
            if self.give_up.take().is_some() {
                self.info("Aborted delayed giveup.");
            } else if self.failback && situation.holds_foreign && !situation.in_transition {
                self.delay_give_up(now, Side::Foreign);
            }
        }
    }

    /// Source: heartbeat 3.0.6, ipfail: 2 * keepalive, and the first of several requests counts
    fn delay_give_up(&mut self, now: Now, side: Side) {
        let span = self.keepalive * 2;
        self.info(format!("Delayed giveup in {} seconds.", span.as_secs_f32()));
        let at = match self.give_up {
            Some(pending) if pending.side == side => pending.at,
            _ => now.mono + span,
        };
        self.give_up = Some(GiveUp { at, side });
    }

    fn tell_all(&mut self) {
        for node in self.active.clone() {
            self.tell(&node);
        }
    }

    fn tell(&mut self, node: &NodeName) {
        self.info("Asking other side for ping node count.");
        let message = Message::of_type("num_ping_nodes")
            .with("src", self.local.as_str())
            .with("num_ping", self.reached().to_string())
            .with("dest", node.as_str());
        self.send(client_fields(message));
    }

    fn ask(&self, side: Side) -> Message {
        let message = Message::of_type("ask_resources")
            .with("rsc_hold", side.as_str())
            .with("src", self.local.as_str())
            .with("info", "me");
        client_fields(message)
    }

    fn abort(&self, node: &NodeName) -> Message {
        let message = Message::of_type("abort_giveup")
            .with("src", self.local.as_str())
            .with("dest", node.as_str());
        client_fields(message)
    }

    fn sign_on(&self) -> Message {
        Message::of_type("hbapi-clstat")
            .with("st", "join")
            .with("from_id", "ipfail")
            .with("to_id", "ipfail")
            .with("src", self.local.as_str())
            .with("info", "signon")
            .with("client_gen", "0")
    }

    fn send(&mut self, message: Message) {
        self.outputs.push_back(Output::Send(message));
    }

    fn info(&mut self, text: impl Into<String>) {
        let text = format!("ipfail: {}", text.into());
        self.outputs.push_back(Output::Log(Severity::Info, text));
    }
}

fn addressed(kind: &str, dest: &NodeName) -> Message {
    client_fields(Message::of_type(kind).with("dest", dest.as_str()))
}

/// What the daemon adds to each message of an API client.
fn client_fields(message: Message) -> Message {
    message
        .with("from_id", "ipfail")
        .with("to_id", "ipfail")
        .with("client_gen", "0")
}

#[cfg(test)]
mod tests;
