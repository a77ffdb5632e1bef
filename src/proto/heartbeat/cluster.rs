//! The machine: its state, its inputs and its outputs.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::{Autojoin, ClusterConfig, KnownNode};
use super::event::{Event, NodeKind, NodeStatus, Output, Severity};
use super::history::History;
use super::limiter::{Limiter, Oddity};
use super::node::Node;
use super::sequence::{Repairs, Sequence};
use super::start::Start;
use super::view::{NodeView, StartView};
use crate::ids::{LinkName, NodeName};
use crate::proto::rng::Rng;
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

/// Being called later than promised by less than this is ordinary: deadlines don't move.
///
/// Ours: the goal is a death noticed within 50 ms of its time, on a machine that is not idle.
const LATENESS_ORDINARY: Duration = Duration::from_millis(100);

/// Lateness from which we say that we were asleep, if keepalive isn't longer.
///
/// Ours: real heartbeat looks at its packets every 500 ms, so its peers never notice less; and
/// within a keepalive at most one status of our own is late.
const ASLEEP_MIN: Duration = Duration::from_millis(500);

/// The node protocol of one node, without I/O.
///
/// The driver's loop: hand in what waits in the sockets, authenticated and decompressed
/// ([`Self::handle_message`]); if [`Self::poll_timeout`] is over, [`Self::handle_timeout`]; take
/// [`Self::poll_output`] until it gives none; wait. Only the time-out declares nodes dead, so
/// that whoever reads first never does so while their packets wait.
#[derive(Debug)]
pub struct Cluster {
    pub(super) config: ClusterConfig,
    /// The table: nodes in the order of ha.cf, then ping nodes, then those who joined.
    pub(super) nodes: Vec<Node>,
    pub(super) deleted: Vec<KnownNode>,
    pub(super) history: History,
    pub(super) own_status: NodeStatus,
    pub(super) start: Start,
    /// Added to deadtime in our `dt`.
    pub(super) extra_deadtime: Duration,
    /// When the extra of the start ends.
    pub(super) extra_until: Option<Instant>,
    pub(super) next_status: Instant,
    /// Off for good once a node spoke the protocol without flow control.
    pub(super) flow_control: bool,
    pub(super) paused: bool,
    /// What is left of the quarter second's budget of messages sent again.
    pub(super) resend_budget: super::reliability::Budget,
    pub(super) rng: Rng,
    pub(super) limiter: Limiter,
    /// Messages sent again for others, and what was repaired for nodes that are gone.
    pub(super) repairs: Repairs,
    load: String,
    outputs: VecDeque<Output>,
    /// What [`Self::poll_timeout`] said last.
    promised: Option<Instant>,
    /// When an input came last.
    called: Instant,
}

impl Cluster {
    /// Starts the node: its first three status messages wait in the outputs.
    ///
    /// Our own name is added to `config.nodes` if it isn't there (only `autojoin any` permits
    /// that; the reader of ha.cf refuses it otherwise).
    pub fn new(config: ClusterConfig, now: Now, seed: u64) -> Self {
        let mut cluster = Self {
            nodes: Vec::new(),
            deleted: config.deleted.clone(),
            history: History::default(),
            own_status: NodeStatus::Init,
            start: Start::Hearing { since: now.mono },
            extra_deadtime: Duration::ZERO,
            extra_until: None,
            next_status: now.mono,
            flow_control: true,
            paused: false,
            resend_budget: Default::default(),
            rng: Rng::new(seed),
            limiter: Limiter::default(),
            repairs: Repairs::default(),
            load: "n/a".into(),
            outputs: VecDeque::new(),
            promised: None,
            called: now.mono,
            config,
        };
        cluster.fill_table(now.mono);
        cluster.announce_start(now);
        cluster.handle_timeout(now);
        cluster
    }

    /// Takes a message that came over `link`: authenticated, decompressed.
    ///
    /// Ping replies come over the link of their ping node's name.
    pub fn handle_message(&mut self, now: Now, link: &LinkName, message: Message) {
        self.wake(now);
        self.receive(now, link, message);
        self.settle(now);
    }

    /// Does what is due; early or late calls are harmless.
    pub fn handle_timeout(&mut self, now: Now) {
        self.wake(now);
        if !matches!(self.start, Start::Left) {
            self.send_due_status(now);
            self.declare_dead(now);
            self.request_missing(now);
        }
        self.settle(now);
    }

    /// Sends a message from above (resource manager, API client, FIFO) to all, or to `dest`.
    ///
    /// Common fields are added; what it means to ourselves happens first, as an
    /// [`Event::Deliver`] before the [`Output::Transmit`].
    /// Errors: none; a message without type, or with a type that is ours alone, is dropped,
    /// counted and logged.
    pub fn send(&mut self, now: Now, message: Message, dest: Option<&NodeName>) {
        self.wake(now);
        self.send_from_above(now, message, dest);
        self.settle(now);
    }

    /// The next thing to do, none when all is done until the next input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called; none after [`Self::leave`].
    ///
    /// Exact: a silent node's dead time ends at this very millisecond. It may be over already.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.promised
    }

    /// The line of /proc/loadavg for field `ld`; informative.
    pub fn set_load(&mut self, line: &str) {
        self.load = line.trim_end().replace(['\n', '\0'], " ");
    }

    /// From now on these come no further than `up`.
    pub fn keep_up(&mut self, nodes: Vec<NodeName>) {
        self.config.keep_up = nodes;
    }

    /// Changes the configuration while running: times, nodes, ping nodes, links.
    ///
    /// Our name, uuid and generation stay. A node that is alive but no longer configured stays
    /// until it dies.
    pub fn reconfigure(&mut self, now: Now, config: ClusterConfig) {
        self.wake(now);
        self.apply_config(now, config);
        self.settle(now);
    }

    /// The configuration as it is used.
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// All nodes in the order of the table, our own among them.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView> + '_ {
        self.nodes
            .iter()
            .map(|node| NodeView::of(node, self.dead_at(node)))
    }

    /// One node.
    pub fn node(&self, name: &NodeName) -> Option<NodeView> {
        let node = self.nodes.iter().find(|node| node.name == *name)?;
        Some(NodeView::of(node, self.dead_at(node)))
    }

    /// Our own status.
    pub fn status(&self) -> NodeStatus {
        self.own_status
    }

    /// How far the start has come, and for whom it waits.
    pub fn start(&self) -> StartView {
        self.start_view()
    }

    /// True from [`Event::CommUp`] on.
    pub fn is_comm_up(&self) -> bool {
        matches!(self.start, Start::Up)
    }

    /// True while clients must wait: see [`Event::FlowControl`].
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Odd messages by kind since the start.
    pub fn oddities(&self) -> impl Iterator<Item = (Oddity, u64)> + '_ {
        self.limiter.counts()
    }

    /// Own sequenced messages since the start, and how many of them are kept for others.
    pub fn sent(&self) -> (u64, usize) {
        (self.history.highest(), self.history.len())
    }

    /// What loss cost since the start, all nodes together.
    pub fn repairs(&self) -> Repairs {
        let each = self.nodes.iter().map(|node| node.sequence.repairs());
        each.fold(self.repairs, Repairs::plus)
    }

    /// The lines of hostcache: each normal node of the table.
    pub fn known_nodes(&self) -> impl Iterator<Item = KnownNode> + '_ {
        self.nodes.iter().filter(|n| n.is_normal()).map(Node::known)
    }

    /// The lines of delhostcache.
    pub fn deleted_nodes(&self) -> &[KnownNode] {
        &self.deleted
    }

    /// Notices whether we were run when we wanted to be; called first by each input.
    fn wake(&mut self, now: Now) {
        let called = std::mem::replace(&mut self.called, now.mono);
        let Some(promised) = self.promised else {
            return;
        };
        let late = now.mono.since(promised.max(called));
        if late <= LATENESS_ORDINARY {
            return;
        }
        // Time in which we did not run tells nothing of others.
        let asleep = late > self.config.timing.keepalive.max(ASLEEP_MIN);
        // And a little more, so that what waits in the sockets can be read first.
        self.forgive(now.mono, late + LATENESS_ORDINARY, asleep);
        if asleep {
            let seconds = late.as_millis() as f64 / 1000.0;
            self.log(
                Severity::Warning,
                format!("this node was asleep for {seconds:.1} s: nobody is declared dead for it"),
            );
            self.event(Event::Asleep(late));
        }
    }

    /// Goes on where an input opened the way, and promises when to be called next; called last
    /// by each input.
    fn settle(&mut self, now: Now) {
        self.advance_start(now);
        self.serve_flow(now);
        self.promised = self.next_timeout(now.mono);
        assert!(self.nodes.len() <= crate::limits::HEARTBEAT_NODES_MAX);
    }

    fn next_timeout(&self, now: Instant) -> Option<Instant> {
        if matches!(self.start, Start::Left) {
            return None;
        }
        let nodes = self.nodes.iter().flat_map(|node| {
            let links = node
                .links
                .iter()
                .filter_map(|link| node.link_deadline(link));
            let request = node.sequence.next_request().filter(|_| node.is_live());
            links.chain(request).chain(self.dead_at(node))
        });
        nodes
            .chain([self.next_status])
            .chain(self.extra_until)
            .chain(self.start_timeout(now))
            .min()
    }

    /// Adds the common fields, keeps a sequenced message for retransmission.
    ///
    /// Source: `spec/heartbeat-wire.md` section 3 (order), 7.2.
    pub(super) fn finish(&mut self, now: Now, mut message: Message) -> Message {
        use crate::wire::heartbeat::Value;
        let text = |text: String| Value::Text(text.into_bytes());
        let sequenced = !message.kind().is_some_and(|kind| kind.starts_with("NS_"));
        let dest = message.text("dest").and_then(|name| self.find_name(name));
        if let Some(index) = dest {
            let uuid = self.nodes[index].uuid;
            message.set("destuuid", Value::Binary(uuid.0.to_vec()));
        }
        message.set("src", text(self.config.local.to_string()));
        message.set("srcuuid", Value::Binary(self.config.uuid.0.to_vec()));
        if sequenced {
            message.set("seq", text(format!("{:x}", self.history.highest() + 1)));
        }
        message.set("hg", text(format!("{:x}", self.config.generation.0)));
        message.set("ts", text(format!("{:x}", now.unix_s.max(1))));
        if sequenced {
            message.set("ld", text(self.load.clone()));
        }
        let ttl = usize::from(self.config.hopfudge) + self.nodes.len();
        message.set("ttl", text(ttl.to_string()));
        if sequenced {
            self.history.push(now.mono, message.clone());
        }
        message
    }

    pub(super) fn find_name(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == *name)
    }

    /// Index of our own node.
    pub(super) fn own(&self) -> usize {
        let local = &self.config.local;
        let own = self.nodes.iter().position(|node| node.name == *local);
        own.expect("invariant: our own node is never taken out of the table")
    }

    /// Other nodes that run a daemon.
    pub(super) fn peers(&self) -> impl Iterator<Item = &Node> {
        let local = &self.config.local;
        self.nodes
            .iter()
            .filter(move |n| n.is_normal() && n.name != *local)
    }

    pub(super) fn is_own(&self, node: &Node) -> bool {
        node.name == self.config.local
    }

    pub(super) fn transmit(&mut self, message: Message) {
        self.outputs.push_back(Output::Transmit(message));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn log(&mut self, severity: Severity, line: impl Into<String>) {
        self.outputs.push_back(Output::Log(severity, line.into()));
    }

    /// Counts an oddity and logs it if its kind wasn't logged just before.
    pub(super) fn odd(
        &mut self,
        now: Instant,
        kind: Oddity,
        severity: Severity,
        line: impl FnOnce() -> String,
    ) {
        let granted = self.limiter.count(now, kind);
        self.log_granted(granted, severity, line);
    }

    /// Writes a line that a gate granted, with the number of those that it left out before.
    pub(super) fn log_granted(
        &mut self,
        granted: Option<u64>,
        severity: Severity,
        line: impl FnOnce() -> String,
    ) {
        match granted {
            None => {}
            Some(0) => self.log(severity, line()),
            Some(quiet) => {
                let line = format!("{} ({quiet} more of this kind since the last line)", line());
                self.log(severity, line);
            }
        }
    }

    /// The table changed: those who keep it on disk and in their heads must know.
    pub(super) fn table_changed(&mut self) {
        self.event(Event::NodesChanged);
        self.store_nodes();
    }

    pub(super) fn store_nodes(&mut self) {
        if self.config.autojoin != Autojoin::None {
            self.outputs.push_back(Output::StoreNodes);
        }
    }

    /// A node without history, its acknowledgement slot drawn.
    pub(super) fn new_node(&mut self, name: NodeName, kind: NodeKind, now: Instant) -> Node {
        let mut node = Node::new(name, kind, Sequence::new(self.rng.next_u64()));
        node.life = now;
        node.status_since = now;
        node.dead_after = match kind {
            NodeKind::Normal => self.config.timing.deadtime,
            NodeKind::Ping => self.config.timing.deadping,
        };
        match kind {
            NodeKind::Normal => node.set_links(self.config.links.iter()),
            NodeKind::Ping => node.set_links([LinkName::new(node.name.as_str())].iter()),
        }
        node
    }
}
