//! The table of nodes: its order makes the indices of all bitmaps.

use super::event::CcmNode;
use crate::ids::NodeName;
use crate::limits;
use crate::proto::heartbeat::NodeStatus;
use crate::wire::ccm::{Bitmap, CcmMessage};

/// What is known of a node.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub name: NodeName,
    pub status: NodeStatus,
    pub weight: u32,
    /// Major number of its request to join, until that is answered.
    pub request: Option<u32>,
    /// Its service left and was not heard since: it won't vote.
    pub absent: bool,
    /// Whether its last message counted as many nodes as this table has.
    pub fits: Option<bool>,
    /// Its vote that counted other nodes than this table: the table may be about to change.
    pub early: Option<CcmMessage>,
}

impl Entry {
    fn new(name: &NodeName, status: NodeStatus, weight: u32) -> Self {
        Self {
            name: name.clone(),
            status,
            weight,
            request: None,
            absent: false,
            fits: None,
            early: None,
        }
    }
}

/// All nodes, sorted by name, byte by byte.
///
/// Source: heartbeat 3.0.6, `llm_init`, `llm_add`.
#[derive(Debug, Clone)]
pub(super) struct Table {
    entries: Vec<Entry>,
    pub me: usize,
}

impl Table {
    /// The table of these nodes; ourselves are added if they lack.
    pub fn new(local: &NodeName, nodes: &[CcmNode]) -> Self {
        let entry = |node: &CcmNode| Entry::new(&node.name, node.status, node.weight);
        let mut entries: Vec<Entry> = nodes.iter().map(entry).collect();
        if !entries.iter().any(|entry| entry.name == *local) {
            let weight = crate::proto::heartbeat::WEIGHT_DEFAULT;
            entries.push(Entry::new(local, NodeStatus::Active, weight));
        }
        entries.sort_by(|a, b| a.name.as_str().as_bytes().cmp(b.name.as_str().as_bytes()));
        entries.dedup_by(|a, b| a.name == b.name);
        assert!(
            entries.len() <= limits::HEARTBEAT_NODES_MAX,
            "the node protocol has no more nodes"
        );
        let me = entries.iter().position(|entry| entry.name == *local);
        let me = me.expect("invariant: our own entry was added");
        Self { entries, me }
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number as messages have it.
    pub fn count(&self) -> u32 {
        u32::try_from(self.entries.len()).expect("invariant: at most a hundred")
    }

    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    pub fn index(&self, name: &NodeName) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name == *name)
    }

    /// The index of a name in a message.
    pub fn index_of(&self, name: &[u8]) -> Option<usize> {
        let same = |entry: &Entry| entry.name.as_str().as_bytes() == name;
        self.entries.iter().position(same)
    }

    pub fn get_mut(&mut self, index: usize) -> Option<&mut Entry> {
        self.entries.get_mut(index)
    }

    /// The name at an index that came from this table.
    pub fn name(&self, index: usize) -> &NodeName {
        &self.entries[index].name
    }

    pub fn names(&self) -> impl Iterator<Item = &NodeName> {
        self.entries.iter().map(|entry| &entry.name)
    }

    /// Nodes that can vote: not dead, and their service has not left.
    pub fn live(&self) -> Bitmap {
        let live = |entry: &Entry| entry.status != NodeStatus::Dead && !entry.absent;
        let all = self.entries.iter().enumerate();
        let live = all.filter(|(index, entry)| *index == self.me || live(entry));
        live.map(|(index, _)| index).collect()
    }

    /// True if another node that lives counts as many nodes as we do.
    pub fn has_peer_that_fits(&self) -> bool {
        let others = self.live().without(Bitmap::of(self.me));
        let mut entries = others.iter().filter_map(|index| self.entries.get(index));
        entries.any(|entry| entry.fits == Some(true))
    }

    /// Nodes that asked to join and weren't answered.
    pub fn requests(&self) -> Bitmap {
        let asked = self.entries.iter().enumerate();
        let asked = asked.filter(|(_, entry)| entry.request.is_some());
        asked.map(|(index, _)| index).collect()
    }

    pub fn clear_requests(&mut self) {
        for entry in &mut self.entries {
            entry.request = None;
        }
    }

    /// True unless another node that asked to join goes before us: by a greater major number,
    /// or an equal one and a greater index.
    pub fn is_highest_joiner(&self) -> bool {
        let own = self.entries[self.me].request.unwrap_or(0);
        let others = self.entries.iter().enumerate();
        !others
            .filter(|(index, _)| *index != self.me)
            .filter_map(|(index, entry)| Some((entry.request?, index)))
            .any(|other| other > (own, self.me))
    }

    /// Sum of the weights of some nodes.
    pub fn weight(&self, of: Bitmap) -> u64 {
        let weights = of.iter().filter_map(|index| self.entries.get(index));
        weights.map(|entry| u64::from(entry.weight)).sum()
    }
}
