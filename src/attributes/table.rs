//! One attribute: its values by node, and which of them the CIB doesn't have yet.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::time::Instant;
use crate::wire::crm::AttributeValue;

/// A value on a node.
#[derive(Debug)]
struct Value {
    current: Option<String>,
    /// The CIB has it.
    written: bool,
}

/// An attribute of all nodes.
#[derive(Debug)]
pub(super) struct Attribute {
    set: Option<String>,
    private: bool,
    pub(super) delay: Duration,
    /// When its changes are to be written.
    pub(super) due_at: Option<Instant>,
    values: BTreeMap<String, Value>,
}

impl Attribute {
    pub(super) fn new(value: &AttributeValue) -> Self {
        Self {
            set: value.set.clone(),
            private: value.private,
            delay: Duration::from_millis(value.dampening_ms),
            due_at: None,
            values: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, node: &str) -> Option<&str> {
        self.values.get(node)?.current.as_deref()
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = AttributeValue> + 'a {
        let there = self
            .values
            .iter()
            .filter(|(_, value)| value.current.is_some());
        there.map(|(node, value)| self.whole(name, node, value.current.clone()))
    }

    fn whole(&self, name: &str, node: &str, value: Option<String>) -> AttributeValue {
        AttributeValue {
            name: name.to_owned(),
            node: node.to_owned(),
            value,
            set: self.set.clone(),
            dampening_ms: u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
            private: self.private,
        }
    }

    /// True if the value is another one; upper and lower case are the same.
    pub(super) fn set_value(&mut self, node: &str, new: Option<&str>) -> bool {
        let same = match (self.get(node), new) {
            (Some(old), Some(new)) => old.eq_ignore_ascii_case(new),
            (None, None) => true,
            _ => false,
        };
        let value = self.values.entry(node.to_owned());
        // What was removed without having been there is nothing to write.
        let value = value.or_insert(Value {
            current: None,
            written: true,
        });
        if !same {
            value.current = new.map(str::to_owned);
            value.written = false;
        }
        !same
    }

    /// True if the delay is another one.
    pub(super) fn set_delay(&mut self, delay: Duration) -> bool {
        std::mem::replace(&mut self.delay, delay) != delay
    }

    pub(super) fn forget_node(&mut self, node: &str) {
        self.values.remove(node);
    }

    /// Everything is to be written anew, at once.
    pub(super) fn forget_written(&mut self) {
        for value in self.values.values_mut() {
            value.written = false;
        }
        self.due_at = Some(Instant::default());
    }

    /// The same of one node.
    pub(super) fn forget_written_of(&mut self, node: &str) {
        if self.values.contains_key(node) {
            self.not_written(node);
        }
    }

    pub(super) fn not_written(&mut self, node: &str) {
        if let Some(value) = self.values.get_mut(node) {
            value.written = false;
        }
        self.due_at = Some(Instant::default());
    }

    pub(super) fn due_at(&self) -> Option<Instant> {
        self.due_at.filter(|_| !self.private)
    }

    /// What the CIB doesn't have; from now on it is thought to have it. What was removed is
    /// forgotten with that.
    pub(super) fn take_unwritten(&mut self, name: &str, out: &mut Vec<AttributeValue>) {
        self.due_at = None;
        let mut values = std::mem::take(&mut self.values);
        for (node, value) in &mut values {
            if !std::mem::replace(&mut value.written, true) {
                out.push(self.whole(name, node, value.current.clone()));
            }
        }
        self.values = values;
    }
}
