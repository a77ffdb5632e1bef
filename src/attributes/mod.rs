//! Transient attributes: what is known of nodes while they are members.
//!
//! ```text
//!  attrd_updater, agents --Change--> messaging --> handle_change at every member, in one order
//!  the DC: Attributes --Write--> replica --> status section
//! ```
//!
//! Every member stores every value. One of them, the DC, writes what changed to the CIB: at once,
//! or once an attribute with dampening has been left alone for that long. What changes while a
//! write is under way goes with the next one.
//!
//! Source: spec crm-runtime.md section 10. Differs: the DC writes, instead of a writer elected
//! apart; `++` and `+=` count where the order puts them, so that none of two at once is lost.

mod table;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::time::{Instant, Now};
use crate::wire::crm::{AttributeChange, AttributeTask, AttributeValue};
use table::Attribute;

/// After a write failed it is tried again so much later. Source: spec crm-runtime.md section 10.
const RETRY: Duration = Duration::from_secs(2);

/// What becomes of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send it to all members, this node too.
    Send(AttributeChange),
    /// Write these to the CIB and say what came of it; there is one write at a time.
    Write(Vec<AttributeValue>),
    /// A value changed, in the words of the log.
    Log(String),
}

/// All values of all nodes.
#[derive(Debug)]
pub struct Attributes {
    local: String,
    table: BTreeMap<String, Attribute>,
    writer: bool,
    /// What the write under way holds, by attribute and node.
    writing: Option<BTreeSet<(String, String)>>,
    retry_at: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Attributes {
    /// None yet. `local` is the name of this node.
    pub fn new(local: &str) -> Self {
        Self {
            local: local.to_owned(),
            table: BTreeMap::new(),
            writer: false,
            writing: None,
            retry_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// A value, private ones too.
    pub fn get(&self, name: &str, node: &str) -> Option<&str> {
        self.table.get(name)?.get(node)
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = AttributeValue> {
        let attributes = self.table.iter();
        attributes.flat_map(|(name, attribute)| attribute.values(name))
    }

    /// The values of an attribute by node, of all or of one: an empty text where it was removed,
    /// or where that node never had it. None if nobody ever set the attribute.
    ///
    /// Source: Pacemaker 2.1.5, `attrd_query` as its tool shows it.
    pub fn query(&self, name: &str, node: Option<&str>) -> Option<Vec<(String, String)>> {
        let attribute = self.table.get(name)?;
        let of = |node: &str| {
            (
                node.to_owned(),
                attribute.get(node).unwrap_or("").to_owned(),
            )
        };
        Some(match node {
            Some(node) => vec![of(node)],
            None => attribute.nodes().map(of).collect(),
        })
    }

    /// The values of one node.
    pub fn of_node(&self, node: &str) -> Vec<AttributeValue> {
        self.values().filter(|value| value.node == node).collect()
    }

    /// This node writes from now on, or no more. A new writer writes everything.
    pub fn set_writer(&mut self, now: Now, writer: bool) {
        if std::mem::replace(&mut self.writer, writer) == writer {
            return;
        }
        self.writing = None;
        self.retry_at = None;
        if writer {
            self.refresh();
            self.write(now);
        }
    }

    /// Somebody on this node asks for a change.
    pub fn change(&mut self, change: AttributeChange) {
        self.outputs.push_back(Output::Send(change));
    }

    /// A change came, in its place of the order.
    pub fn handle_change(&mut self, now: Now, from: &str, change: AttributeChange) {
        let AttributeChange { task, value } = change;
        match task {
            AttributeTask::Update | AttributeTask::Both => self.update(now, from, task, value),
            AttributeTask::Delay => self.set_delay(now, &value),
            AttributeTask::RemoveNode => self.handle_lost(&value.node),
            AttributeTask::Refresh => self.refresh(),
            AttributeTask::ClearFailures => self.clear_failures(now, from, &value),
        }
        self.write(now);
    }

    fn update(&mut self, now: Now, from: &str, task: AttributeTask, value: AttributeValue) {
        let attribute = self.table.entry(value.name.clone());
        let attribute = attribute.or_insert_with(|| Attribute::new(&value));
        let delay = Duration::from_millis(value.dampening_ms);
        if task == AttributeTask::Both && attribute.set_delay(delay) {
            attribute.due_at = Some(now.mono);
        }
        let old = attribute.get(&value.node).map(str::to_owned);
        let new = value.value.map(|new| value::expanded(&new, old.as_deref()));
        if !attribute.set_value(&value.node, new.as_deref()) {
            return;
        }
        attribute.due_at = Some(now.mono + attribute.delay);
        let shown = |value: Option<&str>| value.unwrap_or("(unset)").to_owned();
        let delay = match attribute.delay {
            Duration::ZERO => "no write delay".to_owned(),
            delay => format!("{}s write delay", delay.as_secs_f64()),
        };
        let (old, new) = (shown(old.as_deref()), shown(new.as_deref()));
        let text = format!(
            "Setting {}[{}]: {old} -> {new} | from {from} with {delay}",
            value.name, value.node
        );
        self.outputs.push_back(Output::Log(text));
    }

    /// A delay that changes has the value written at once, too.
    fn set_delay(&mut self, now: Now, value: &AttributeValue) {
        if let Some(attribute) = self.table.get_mut(&value.name)
            && attribute.set_delay(Duration::from_millis(value.dampening_ms))
        {
            attribute.due_at = Some(now.mono);
        }
    }

    /// The CIB has nothing of a node any more.
    pub fn handle_node_removed(&mut self, node: &str) {
        for attribute in self.table.values_mut() {
            attribute.forget_written_of(node);
        }
    }

    /// Everything is to be written anew: it isn't known what the CIB has.
    pub fn refresh(&mut self) {
        for attribute in self.table.values_mut() {
            attribute.forget_written();
        }
    }

    /// Fail counts of a resource (all if it has no name), of an operation or of all, go away.
    fn clear_failures(&mut self, now: Now, from: &str, asked: &AttributeValue) {
        let operation = asked.value.as_deref();
        let counts =
            |name: &str| value::is_failure_of(name, &asked.name, operation, asked.dampening_ms);
        let names: Vec<String> = self
            .table
            .keys()
            .filter(|name| counts(name))
            .cloned()
            .collect();
        for name in names {
            let on = |attribute: &Attribute| -> Vec<String> {
                let nodes = attribute.nodes();
                nodes
                    .filter(|node| asked.node.is_empty() || *node == asked.node)
                    .map(str::to_owned)
                    .collect()
            };
            for node in self.table.get(&name).map(on).unwrap_or_default() {
                let gone = AttributeValue {
                    name: name.clone(),
                    node,
                    value: None,
                    set: None,
                    dampening_ms: 0,
                    private: false,
                };
                self.update(now, from, AttributeTask::Update, gone);
            }
        }
    }

    /// The values that another node knows, after the membership changed.
    ///
    /// This node knows its own values best: what it has, or hasn't, it tells again.
    pub fn handle_sync(&mut self, now: Now, from: &str, values: Vec<AttributeValue>) {
        for value in values {
            if value.node != self.local {
                self.update(now, from, AttributeTask::Both, value);
                continue;
            }
            let own = self.get(&value.name, &value.node).map(str::to_owned);
            if own.as_deref() != value.value.as_deref() {
                let value = AttributeValue {
                    value: own,
                    ..value
                };
                let task = AttributeTask::Update;
                self.outputs
                    .push_back(Output::Send(AttributeChange { task, value }));
            }
        }
        self.write(now);
    }

    /// The values of a node, from itself: it knows them best.
    pub fn handle_sync_of(&mut self, now: Now, node: &str, values: Vec<AttributeValue>) {
        for value in values.into_iter().filter(|value| value.node == node) {
            self.update(now, node, AttributeTask::Both, value);
        }
        self.write(now);
    }

    /// A node left: nobody knows how it is.
    pub fn handle_lost(&mut self, node: &str) {
        for attribute in self.table.values_mut() {
            attribute.forget_node(node);
        }
        self.table.retain(|_, attribute| !attribute.is_empty());
    }

    /// The write ended, well or not.
    pub fn handle_written(&mut self, now: Now, well: bool) {
        let Some(written) = self.writing.take() else {
            return;
        };
        if !well {
            for (name, node) in &written {
                if let Some(attribute) = self.table.get_mut(name) {
                    attribute.not_written(node);
                }
            }
            self.retry_at = Some(now.mono + RETRY);
        }
        self.write(now);
    }

    /// Writes what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        self.retry_at = self.retry_at.filter(|at| *at > now.mono);
        self.write(now);
    }

    /// When something is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if !self.writer || self.writing.is_some() {
            return None;
        }
        match self.retry_at {
            Some(at) => Some(at),
            None => self.table.values().filter_map(Attribute::due_at).min(),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn write(&mut self, now: Now) {
        if !self.writer || self.writing.is_some() || self.retry_at.is_some() {
            return;
        }
        let mut values = Vec::new();
        for (name, attribute) in &mut self.table {
            if attribute.due_at().is_some_and(|at| at <= now.mono) {
                attribute.take_unwritten(name, &mut values);
            }
        }
        if values.is_empty() {
            return;
        }
        let keys = values
            .iter()
            .map(|value| (value.name.clone(), value.node.clone()));
        self.writing = Some(keys.collect());
        self.outputs.push_back(Output::Write(values));
    }
}
