//! The devices and levels that a node knows: of the CIB, and those that tools registered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::device::{self, Covers, Device, Way};
use super::plan::{Level, LevelTarget, Topology};
use super::support::Support;
use crate::cib::options::value as option;
use crate::cib::{Document, boolean};
use crate::time::Instant;

/// How long the answer of a `list` action counts. Source: spec crm-runtime.md section 9.
const LIST_AGE: Duration = Duration::from_secs(60);

/// Most devices, or targets of levels, that tools may register.
const REGISTERED_MAX: usize = 1000;

/// Name of the device that stands for all watchdogs. Source: spec crm-runtime.md section 9.
pub const WATCHDOG: &str = "watchdog";

/// What a node knows.
#[derive(Debug, Default)]
pub struct Registry {
    configured: BTreeMap<String, Device>,
    registered: BTreeMap<String, Device>,
    /// Levels of the CIB, and on top of them those that tools registered.
    topology: Topology,
    own_topology: Topology,
    /// Names of nodes by number, and their attributes.
    nodes: Vec<Node>,
    /// Devices that were started here.
    active: BTreeSet<String>,
    supports: BTreeMap<String, Support>,
    lists: BTreeMap<String, (Instant, String)>,
    /// The nodes that the configuration lets be fenced by their watchdogs, if it says which.
    watched: Option<Device>,
}

#[derive(Debug)]
struct Node {
    id: String,
    name: String,
    attributes: BTreeMap<String, String>,
}

impl Registry {
    /// Takes what the CIB has; `name` is this node's.
    pub fn configure(&mut self, cib: &Document, name: &str) {
        let enabled = option(cib, "stonith-enabled").is_none_or(|v| boolean::is_true(Some(v)));
        let banned = banned(cib, name);
        let devices = device::devices(cib).into_iter();
        let devices = devices.filter(|device| enabled && !banned.contains(&device.id));
        let mut devices: BTreeMap<String, Device> =
            devices.map(|device| (device.id.clone(), device)).collect();
        self.watched = devices.remove(WATCHDOG);
        // What a device answered holds as long as it is the same.
        let old = std::mem::replace(&mut self.configured, devices);
        let same = |id: &String| self.configured.get(id) == old.get(id);
        self.lists
            .retain(|id, _| same(id) || self.registered.contains_key(id));
        self.topology = Topology::read(cib);
        self.nodes = nodes(cib);
    }

    /// Whether a node may be fenced by its own watchdog: not if a device of this name says which
    /// nodes may, and this one isn't among them.
    pub fn is_watched(&self, target: &str) -> bool {
        let device = self.watched.as_ref();
        device.is_none_or(|device| device.covers(target, Support::WATCHDOG) != Covers::No)
    }

    /// A device by its id.
    pub fn device(&self, id: &str) -> Option<&Device> {
        self.registered.get(id).or_else(|| self.configured.get(id))
    }

    /// Ids of all devices.
    pub fn ids(&self) -> BTreeSet<&str> {
        let all = self.registered.keys().chain(self.configured.keys());
        all.map(String::as_str).collect()
    }

    /// A tool's device; false if there are too many.
    pub fn register(&mut self, device: Device) -> bool {
        self.lists.remove(&device.id);
        let room = self.registered.len() < REGISTERED_MAX;
        room && {
            self.registered.insert(device.id.clone(), device);
            true
        }
    }

    /// Forgets a device until the configuration changes; false if there is none.
    pub fn deregister(&mut self, id: &str) -> bool {
        let own = self.registered.remove(id).is_some();
        let configured = self.configured.remove(id).is_some();
        own || configured
    }

    /// A tool's level; false if there are too many.
    pub fn register_level(&mut self, target: LevelTarget, index: u32, devices: Level) -> bool {
        let room = self.own_topology.targets() < REGISTERED_MAX;
        if room {
            self.own_topology.set(target, index, devices);
        }
        room
    }

    /// Forgets a level until the configuration changes; false if there is none.
    pub fn deregister_level(&mut self, target: &LevelTarget, index: Option<u32>) -> bool {
        let own = self.own_topology.remove(target, index);
        let configured = self.topology.remove(target, index);
        own || configured
    }

    /// The levels of a node.
    pub fn levels(&self, target: &str) -> Vec<Level> {
        let node = self.nodes.iter().find(|node| node.name == target);
        let attribute = |name: &str| node.and_then(|node| node.attributes.get(name).cloned());
        let own = self.own_topology.of(target, attribute);
        match own.is_empty() {
            true => self.topology.of(target, attribute),
            false => own,
        }
    }

    /// The name of a node that the CIB knows by this number; the name as it is otherwise.
    pub fn node_name<'a>(&'a self, target: &'a str) -> &'a str {
        let known = |node: &&Node| node.name.eq_ignore_ascii_case(target);
        let named = self.nodes.iter().find(known);
        let found = named.or_else(|| self.nodes.iter().find(|node| node.id == target));
        found.map_or(target, |node| &node.name)
    }

    /// A device was started here, or stopped.
    pub fn set_active(&mut self, id: &str, active: bool) {
        match active {
            true => drop(self.active.insert(id.to_owned())),
            false => drop(self.active.remove(id)),
        }
    }

    /// True if it was started here.
    pub fn is_active(&self, id: &str) -> bool {
        self.active.contains(id)
    }

    /// What the agent of a device can do, if that is known.
    pub fn support(&self, device: &Device) -> Option<Support> {
        match device.way() {
            Way::Plugin => Some(Support::PLUGIN),
            Way::Agent => self.supports.get(&device.agent).copied(),
        }
    }

    /// What an agent said of itself.
    pub fn learn_support(&mut self, agent: &str, support: Support) {
        self.supports.insert(agent.to_owned(), support);
    }

    /// The last answer of a device's `list`, while it counts.
    pub fn list(&self, id: &str, now: Instant) -> Option<&str> {
        let (at, text) = self.lists.get(id)?;
        (now.since(*at) < LIST_AGE).then_some(text)
    }

    /// A device's `list` answered.
    pub fn learn_list(&mut self, id: &str, now: Instant, text: String) {
        self.lists.insert(id.to_owned(), (now, text));
    }
}

/// Resources that may never run on a node: devices among them are not for it to use.
///
/// Source: spec crm-runtime.md section 9. Differs: rules are not looked at.
fn banned(cib: &Document, name: &str) -> BTreeSet<String> {
    let constraints = cib.root_element().find(&["configuration", "constraints"]);
    let locations = constraints
        .into_iter()
        .flat_map(|all| all.children_named("rsc_location"));
    let never = locations.filter(|location| {
        location.attr("node") == Some(name) && location.attr("score") == Some("-INFINITY")
    });
    never
        .filter_map(|location| location.attr("rsc").map(str::to_owned))
        .collect()
}

fn nodes(cib: &Document) -> Vec<Node> {
    let nodes = cib.root_element().find(&["configuration", "nodes"]);
    let nodes = nodes.into_iter().flat_map(|all| all.children_named("node"));
    nodes
        .filter_map(|node| {
            let sets = node.children_named("instance_attributes");
            let pairs = sets.flat_map(|set| set.children_named("nvpair"));
            let pairs = pairs.filter_map(|pair| Some((pair.attr("name")?, pair.attr("value")?)));
            Some(Node {
                id: node.id()?.to_owned(),
                name: node.attr("uname")?.to_owned(),
                attributes: pairs
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            })
        })
        .collect()
}
