//! Scores of one resource by node: a flat table, indexed by the node's number.

use crate::scheduler::model::arena::{NodeId, Number};
use crate::scheduler::score;

/// How a resource may be looked for on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Discovery {
    /// Probes run.
    #[default]
    Always,
    /// No probe runs.
    Never,
    /// Probes run, and only where this is said.
    Exclusive,
}

/// What a resource knows of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// The score.
    pub score: i32,
    /// How many instances were placed there.
    pub count: i32,
    /// Whether it is looked for there.
    pub discovery: Discovery,
}

/// Entries by node; a node may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    entries: Vec<Option<Entry>>,
}

impl Table {
    /// The entry of a node.
    pub fn get(&self, node: NodeId) -> Option<&Entry> {
        self.entries.get(node.index())?.as_ref()
    }

    /// The entry of a node, to change.
    pub fn get_mut(&mut self, node: NodeId) -> Option<&mut Entry> {
        self.entries.get_mut(node.index())?.as_mut()
    }

    /// Whether the node is there.
    pub fn has(&self, node: NodeId) -> bool {
        self.get(node).is_some()
    }

    /// The score on a node, if it is there.
    pub fn score(&self, node: NodeId) -> Option<i32> {
        self.get(node).map(|e| e.score)
    }

    /// Puts an entry, in place of the one that is there.
    pub fn insert(&mut self, node: NodeId, entry: Entry) {
        if self.entries.len() <= node.index() {
            self.entries.resize(node.index() + 1, None);
        }
        self.entries[node.index()] = Some(entry);
    }

    /// Takes a node out.
    pub fn remove(&mut self, node: NodeId) {
        if let Some(entry) = self.entries.get_mut(node.index()) {
            *entry = None;
        }
    }

    /// Nodes that are there, by number.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.iter().map(|(node, _)| node)
    }

    /// Nodes and entries, by number.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Entry)> + '_ {
        let pairs = self.entries.iter().enumerate();
        pairs.filter_map(|(i, e)| Some((NodeId::from_index(i), e.as_ref()?)))
    }

    /// Entries to change, by number of the node.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (NodeId, &mut Entry)> + '_ {
        let pairs = self.entries.iter_mut().enumerate();
        pairs.filter_map(|(i, e)| Some((NodeId::from_index(i), e.as_mut()?)))
    }

    /// Whether no node is there.
    pub fn is_empty(&self) -> bool {
        self.entries.iter().all(Option::is_none)
    }

    /// Adds to the score of a node that is there.
    pub fn add(&mut self, node: NodeId, score: i32) {
        if let Some(entry) = self.get_mut(node) {
            entry.score = score::add(entry.score, score);
        }
    }

    /// Sets every score.
    pub fn set_all(&mut self, score: i32) {
        for (_, entry) in self.iter_mut() {
            entry.score = score;
        }
    }
}
