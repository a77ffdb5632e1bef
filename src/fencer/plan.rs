//! In which order devices are used on a node.
//!
//! Source: spec crm-runtime.md section 9, "Topology".

use std::collections::BTreeMap;

use regex::Regex;

use crate::cib::{Document, Element};

/// Devices that all have to do it; the next level is tried if one fails.
pub type Level = Vec<String>;

/// Levels by their place.
pub type Levels = BTreeMap<u32, Level>;

/// Nodes that levels are for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LevelTarget {
    /// One, by name.
    Node(String),
    /// All whose names match a regular expression.
    Pattern(String),
    /// All with an attribute of this value.
    Attribute(String, String),
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// With this device.
    pub device: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// The rest goes on though it fails: the node is down already.
    pub may_fail: bool,
}

/// All levels, by whom they are for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    levels: BTreeMap<LevelTarget, Levels>,
}

impl Topology {
    /// Reads `fencing-topology`.
    pub fn read(cib: &Document) -> Self {
        let topology = cib
            .root_element()
            .find(&["configuration", "fencing-topology"]);
        let mut read = Self::default();
        for level in topology
            .into_iter()
            .flat_map(|t| t.children_named("fencing-level"))
        {
            if let Some((target, index, devices)) = read_level(level) {
                read.set(target, index, devices);
            }
        }
        read
    }

    /// A level is this from now on.
    pub fn set(&mut self, target: LevelTarget, index: u32, devices: Level) {
        self.levels
            .entry(target)
            .or_default()
            .insert(index, devices);
    }

    /// Forgets a level, or all of a target; false if there was none.
    pub fn remove(&mut self, target: &LevelTarget, index: Option<u32>) -> bool {
        let Some(index) = index else {
            return self.levels.remove(target).is_some();
        };
        let Some(levels) = self.levels.get_mut(target) else {
            return false;
        };
        let was = levels.remove(&index).is_some();
        if levels.is_empty() {
            self.levels.remove(target);
        }
        was
    }

    /// How many targets have levels.
    pub fn targets(&self) -> usize {
        self.levels.len()
    }

    /// The levels of a node in order: those of its name, else the first that match.
    pub fn of(&self, node: &str, attribute: impl Fn(&str) -> Option<String>) -> Vec<Level> {
        let named = self.levels.iter().find(
            |(target, _)| matches!(target, LevelTarget::Node(n) if n.eq_ignore_ascii_case(node)),
        );
        let found = named.or_else(|| {
            self.levels.iter().find(|(target, _)| match target {
                LevelTarget::Node(_) => false,
                LevelTarget::Pattern(pattern) => {
                    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(node))
                }
                LevelTarget::Attribute(name, value) => {
                    attribute(name).is_some_and(|has| has == *value)
                }
            })
        });
        found.map_or_else(Vec::new, |(_, levels)| levels.values().cloned().collect())
    }
}

fn read_level(level: Element) -> Option<(LevelTarget, u32, Level)> {
    let text = |name: &str| level.attr(name).map(str::to_owned);
    let target = match (text("target"), text("target-pattern")) {
        (Some(name), _) => LevelTarget::Node(name),
        (None, Some(pattern)) => LevelTarget::Pattern(pattern),
        (None, None) => LevelTarget::Attribute(text("target-attribute")?, text("target-value")?),
    };
    let index = level.attr("index")?.parse().ok()?;
    let devices = level.attr("devices")?.split(',');
    let devices = devices.map(str::trim).filter(|device| !device.is_empty());
    Some((target, index, devices.map(str::to_owned).collect()))
}

/// What a level does: with several devices a reboot is all off, then all on.
pub fn steps(level: &[String], action: &str) -> Vec<Step> {
    let step = |device: &String, action: &str, may_fail| Step {
        device: device.clone(),
        action: action.to_owned(),
        may_fail,
    };
    match (action, level.len()) {
        ("reboot", 2..) => {
            let off = level.iter().map(|device| step(device, "off", false));
            let on = level.iter().map(|device| step(device, "on", true));
            off.chain(on).collect()
        }
        _ => level
            .iter()
            .map(|device| step(device, action, false))
            .collect(),
    }
}
