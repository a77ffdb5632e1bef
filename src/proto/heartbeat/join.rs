//! Who belongs to the cluster: lists of nodes, autojoin, addnode, delnode, SIGHUP.
//!
//! Source: `spec/heartbeat-wire.md` section 10.

use super::cluster::Cluster;
use super::config::{Autojoin, ClusterConfig, KnownNode};
use super::event::{Event, NodeKind, NodeStatus, Severity};
use super::limiter::Oddity;
use super::receive::Envelope;
use crate::ids::{LinkName, NodeName, NodeUuid};
use crate::limits;
use crate::time::{Instant, Now};
use crate::wire::heartbeat::Message;

impl Cluster {
    /// The table at the start.
    pub(super) fn fill_table(&mut self, now: Instant) {
        let mut names = self.config.nodes.clone();
        if !names.contains(&self.config.local) {
            names.insert(0, self.config.local.clone());
        }
        for name in names {
            self.insert_node(now, name, NodeKind::Normal);
        }
        for name in self.config.pings.clone() {
            self.insert_node(now, name, NodeKind::Ping);
        }
        let own = self.own();
        let (uuid, generation) = (self.config.uuid, self.config.generation);
        self.nodes[own].uuid = uuid;
        self.nodes[own].generation = generation;
        self.nodes[own].heard = true;
        self.nodes[own].mode = super::event::Mode::Everbeat(super::status::EVERBEAT_VERSION);
    }

    /// Adds a node that isn't in the table; false if it is, or if the table is full.
    fn insert_node(&mut self, now: Instant, name: NodeName, kind: NodeKind) -> bool {
        let there = self.find_name(name.as_str()).is_some();
        if there || self.nodes.len() >= limits::HEARTBEAT_NODES_MAX {
            return false;
        }
        let mut node = self.new_node(name, kind, now);
        if let Some(known) = self
            .config
            .known
            .iter()
            .find(|known| known.name == node.name)
        {
            node.recall(known);
        }
        if let Some(index) = self
            .deleted
            .iter()
            .position(|known| known.name == node.name)
        {
            node.recall(&self.deleted.remove(index));
        }
        self.nodes.push(node);
        true
    }

    /// A sender that isn't in the table.
    pub(super) fn receive_unknown(&mut self, now: Now, link: &LinkName, envelope: &Envelope) {
        let name = envelope.src.clone();
        let full = self.nodes.len() >= limits::HEARTBEAT_NODES_MAX;
        // A name that a node had before it was renamed.
        let former = envelope
            .uuid
            .is_some_and(|uuid| self.nodes.iter().any(|node| node.uuid == uuid));
        let fixed = self.config.autojoin == Autojoin::None;
        if fixed || envelope.seq.is_none() || full || former {
            let kind = &envelope.kind;
            let line = || {
                format!(
                    "process_status_message: bad node [{name}] in message \
                     (type {kind} on {link}): not in our ha.cf, or another cluster"
                )
            };
            return self.odd(now.mono, Oddity::UnknownNode, Severity::Error, line);
        }
        let line = format!("process_clustermsg: Adding new node [{name}] to configuration.");
        self.log(Severity::Info, line);
        // This message itself isn't processed: the next one tells of the node.
        if self.insert_node(now.mono, name, NodeKind::Normal) {
            self.mark_heard(self.nodes.len() - 1);
        }
        self.table_changed();
    }

    /// Answers with all normal nodes, at once and in every state.
    pub(super) fn answer_reqnodes(&mut self, now: Now, from: usize) {
        if self.config.keep_up.contains(&self.nodes[from].name) {
            return;
        }
        let mut nodes = String::new();
        for node in self.nodes.iter().filter(|node| node.is_normal()) {
            nodes.push_str(node.name.as_str());
            nodes.push(' ');
        }
        let mut deleted: String = self
            .deleted
            .iter()
            .map(|d| format!("{} ", d.name))
            .collect();
        if deleted.is_empty() {
            deleted.push(' ');
        }
        let mut answer = Message::new().with("dest", self.nodes[from].name.as_str());
        answer.push_text("t", "repnodes");
        answer.push_text("nodelist", nodes);
        answer.push_text("delnodelist", deleted);
        let answer = self.finish(now, answer);
        self.transmit(answer);
    }

    /// Takes over a node's list of nodes.
    ///
    /// Differs: heartbeat also takes nodes out of its table that the answering node's ha.cf
    /// doesn't have, even where autojoin is off and our own ha.cf names them; such a node
    /// could never join us. Here they stay, unless they were deleted by `hb_delnode`.
    pub(super) fn handle_repnodes(&mut self, now: Now, from: usize, message: &Message) {
        let (Some(nodes), Some(deleted)) = (
            names_of(message, "nodelist"),
            names_of(message, "delnodelist"),
        ) else {
            let line = || format!("bad list of nodes: {message}");
            return self.odd(now.mono, Oddity::Malformed, Severity::Error, line);
        };
        let mut changed = false;
        for name in &nodes {
            changed |= self.add_node(now.mono, "hb_add_one_node", name);
        }
        let fixed = self.config.autojoin == Autojoin::None;
        for index in (0..self.nodes.len()).rev() {
            let node = &self.nodes[index];
            if node.is_normal() && !self.is_own(node) && index != from {
                let name = node.name.clone();
                if !nodes.contains(&name) && (!fixed || deleted.contains(&name)) {
                    changed |= self.drop_node(index);
                }
            }
        }
        let old = std::mem::take(&mut self.deleted);
        for name in deleted {
            if self.find_name(name.as_str()).is_none() {
                let known = old.iter().find(|known| known.name == name).cloned();
                self.push_deleted(known.unwrap_or_else(|| unknown(name)));
            }
        }
        if changed {
            self.table_changed();
        }
        self.list_received(now);
    }

    pub(super) fn handle_addnode(&mut self, now: Now, message: &Message) {
        let Some(names) = self.listed(now, message) else {
            return;
        };
        let mut changed = false;
        for name in &names {
            changed |= self.add_node(now.mono, "HBDoMsg_T_ADDNODE", name);
        }
        if changed {
            self.table_changed();
        }
    }

    pub(super) fn handle_delnode(&mut self, now: Now, message: &Message) {
        let Some(names) = self.listed(now, message) else {
            return;
        };
        if names.contains(&self.config.local) {
            self.log(Severity::Warning, "Adding this node to deletion list");
            return self.event(Event::Deleted);
        }
        for node in self.nodes.iter().filter(|node| node.is_normal()) {
            let (name, own) = (node.name.clone(), self.is_own(node));
            let named = names.contains(&name);
            if named && !node.is_dead() {
                let line = format!("deletion failed: node {name} is not dead");
                return self.log(Severity::Warning, line);
            }
            if !named && !own && !node.is_live() {
                let line = format!(
                    "deletion failed. We don't have all required nodes alive ({name} is dead)"
                );
                return self.log(Severity::Warning, line);
            }
        }
        let mut changed = false;
        for name in names {
            if let Some(index) = self.find_name(name.as_str()) {
                let known = self.nodes[index].known();
                changed |= self.drop_node(index);
                self.push_deleted(known);
            }
        }
        if changed {
            self.table_changed();
        }
    }

    pub(super) fn handle_setweight(&mut self, message: &Message) {
        let (Some(name), Some(weight)) = (message.text("node"), message.decimal("weight")) else {
            return self.log(Severity::Error, "node or weight not found in msg");
        };
        match (self.find_name(name), u32::try_from(weight)) {
            (Some(index), Ok(weight)) => {
                let old = std::mem::replace(&mut self.nodes[index].weight, weight);
                if old != weight {
                    self.store_nodes();
                }
            }
            _ => {
                let line = format!("set weight to non-existing node {}", name.escape_debug());
                self.log(Severity::Warning, line);
            }
        }
    }

    pub(super) fn handle_setsite(&mut self, message: &Message) {
        let (Some(name), Some(site)) = (message.text("node"), message.text("site")) else {
            return self.log(Severity::Error, "node or site not found in msg");
        };
        let fits = site.len() <= limits::NODE_NAME_BYTES_MAX && !site.contains(char::is_control);
        match self.find_name(name).filter(|_| fits) {
            Some(index) => {
                if self.nodes[index].site != site {
                    self.nodes[index].site = site.to_owned();
                    self.store_nodes();
                }
            }
            None => {
                let line = format!("set site to non-existing node {}", name.escape_debug());
                self.log(Severity::Warning, line);
            }
        }
    }

    /// SIGHUP: our identity stays, the rest is taken over.
    pub(super) fn apply_config(&mut self, now: Now, mut config: ClusterConfig) {
        config.local.clone_from(&self.config.local);
        config.uuid = self.config.uuid;
        config.generation = self.config.generation;
        let keepalive_changed = config.timing.keepalive != self.config.timing.keepalive;
        self.config = config;
        if keepalive_changed {
            self.next_status = now.mono + self.config.timing.keepalive;
        }
        self.retire_unconfigured();
        for name in self.config.nodes.clone() {
            self.insert_node(now.mono, name, NodeKind::Normal);
        }
        for name in self.config.pings.clone() {
            self.insert_node(now.mono, name, NodeKind::Ping);
        }
        let (links, deadping) = (self.config.links.clone(), self.config.timing.deadping);
        for node in &mut self.nodes {
            match node.kind {
                NodeKind::Normal => node.set_links(links.iter()),
                NodeKind::Ping => node.dead_after = deadping,
            }
        }
        self.announce(now);
        self.table_changed();
    }

    fn retire_unconfigured(&mut self) {
        for index in (0..self.nodes.len()).rev() {
            let node = &self.nodes[index];
            let wanted = match node.kind {
                NodeKind::Ping => self.config.pings.contains(&node.name),
                NodeKind::Normal => {
                    self.config.nodes.contains(&node.name)
                        || self.is_own(node)
                        || self.config.autojoin != Autojoin::None
                }
            };
            let alive = node.is_live();
            self.nodes[index].retired = !wanted && alive;
            if !wanted && !alive {
                self.remove_node(index);
            }
        }
    }

    /// Adds a node by name and says so.
    fn add_node(&mut self, now: Instant, who: &str, name: &NodeName) -> bool {
        if !self.insert_node(now, name.clone(), NodeKind::Normal) {
            return false;
        }
        self.log(
            Severity::Info,
            format!("{who}: Adding new node[{name}] to configuration."),
        );
        true
    }

    /// Takes a node out of the table if it isn't alive.
    fn drop_node(&mut self, index: usize) -> bool {
        let node = &self.nodes[index];
        let (name, status) = (node.name.clone(), node.status);
        let unheard = status == NodeStatus::Init && !node.heard;
        if status != NodeStatus::Dead && !unheard {
            let line =
                format!("hb_remove_one_node: node {name} is {status}. Cannot remove alive node");
            self.log(Severity::Warning, line);
            return false;
        }
        self.log(
            Severity::Info,
            format!("Removing node [{name}] from configuration."),
        );
        self.remove_node(index);
        true
    }

    pub(super) fn remove_node(&mut self, index: usize) {
        assert!(!self.is_own(&self.nodes[index]), "our own node stays");
        assert!(!self.nodes[index].is_live(), "who is alive dies first");
        let gone = self.nodes.remove(index);
        self.repairs = self.repairs.plus(gone.sequence.repairs());
    }

    fn push_deleted(&mut self, known: KnownNode) {
        let there = self.deleted.iter().any(|d| d.name == known.name);
        if !there && self.deleted.len() < limits::HEARTBEAT_NODES_MAX {
            self.deleted.push(known);
        }
    }

    /// The nodes of field `nodelist`, or a complaint.
    fn listed(&mut self, now: Now, message: &Message) -> Option<Vec<NodeName>> {
        let names = names_of(message, "nodelist");
        if names.is_none() {
            let line = || format!("nodelist not found in msg, or bad: {message}");
            self.odd(now.mono, Oddity::Malformed, Severity::Error, line);
        }
        names
    }
}

/// The names in a field, separated by blanks; none if the field is missing, a name is bad, or
/// there are more than a table holds.
fn names_of(message: &Message, field: &str) -> Option<Vec<NodeName>> {
    let words = message.text(field)?.split_ascii_whitespace();
    let names: Vec<NodeName> = words
        .take(limits::HEARTBEAT_NODES_MAX + 1)
        .map(|word| NodeName::new(word).ok())
        .collect::<Option<_>>()?;
    (names.len() <= limits::HEARTBEAT_NODES_MAX).then_some(names)
}

fn unknown(name: NodeName) -> KnownNode {
    KnownNode {
        name,
        uuid: NodeUuid::NIL,
        weight: super::config::WEIGHT_DEFAULT,
        site: String::new(),
    }
}
