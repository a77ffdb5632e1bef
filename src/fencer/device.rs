//! One device, and how it is called.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::support::Support;
use crate::cib::{Document, Element};
use crate::rules;

/// Folder of fence agents. Source: spec crm-runtime.md section 9.
const FOLDER: &str = "/usr/sbin";

/// Tries of an action if nothing is said. Source: the same, `pcmk_ACTION_retries`.
const TRIES: u32 = 2;

/// Most tries of an action: what a mistyped number may do.
const TRIES_MAX: u32 = 100;

/// A fence device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// Its agent: `fence_ipmilan`, or a plugin of cluster-glue: `external/ipmi`, `meatware`.
    pub agent: String,
    /// Higher is tried first: `priority`.
    pub priority: i32,
    /// It says `provides=unfencing`.
    pub unfences: bool,
    parameters: BTreeMap<String, String>,
}

/// Whether a device can fence a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Covers {
    /// It says so.
    Yes,
    /// It says that it can't.
    No,
    /// Its `list` action tells.
    List,
    /// Its `status` action tells.
    Status,
}

/// How a device is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A fence agent, with its options on standard input.
    Agent,
    /// A plugin of cluster-glue.
    Plugin,
}

/// A device as it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// How.
    pub way: Way,
    /// The agent's program, or the plugin's name.
    pub program: PathBuf,
    /// `reboot`, `off`, `on`, `monitor`, `list`, `status`, `metadata`, as the agent knows it.
    pub action: String,
    /// The device's name of what is fenced.
    pub port: Option<String>,
    /// What an agent reads; a plugin's parameters, `name=value` a line.
    pub input: String,
    /// How long it may take, if the device says.
    pub timeout: Option<Duration>,
    /// How often it is tried.
    pub tries: u32,
}

/// The devices of a CIB: all fence resources that are not turned off.
pub fn devices(cib: &Document) -> Vec<Device> {
    let resources = cib.root_element().find(&["configuration", "resources"]);
    let all = resources.into_iter().flat_map(Element::descendants);
    let devices = all.filter(|e| e.name() == "primitive" && e.attr("class") == Some("stonith"));
    devices
        .filter(|device| !is_off(*device))
        .filter_map(read)
        .collect()
}

fn is_off(device: Element) -> bool {
    value(device, "meta_attributes", "target-role")
        .is_some_and(|v| v.eq_ignore_ascii_case("stopped"))
}

fn pairs<'a>(of: Element<'a>, set: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let sets = of.children_named(set);
    let pairs = sets.flat_map(|set| set.children_named("nvpair"));
    pairs.filter_map(|pair| Some((pair.attr("name")?, pair.attr("value")?)))
}

fn value<'a>(of: Element<'a>, set: &'a str, name: &str) -> Option<&'a str> {
    pairs(of, set)
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value)
}

fn read(device: Element) -> Option<Device> {
    let parameters = pairs(device, "instance_attributes");
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut device_read = Device::new(device.id()?, device.attr("type")?, parameters.collect());
    let provides = value(device, "meta_attributes", "provides");
    device_read.unfences |= provides.is_some_and(|v| v.eq_ignore_ascii_case("unfencing"));
    Some(device_read)
}

fn span(text: &str) -> Option<Duration> {
    let ms = rules::milliseconds(text).ok()?;
    u64::try_from(ms).ok().map(Duration::from_millis)
}

impl Device {
    /// A device with these parameters.
    pub fn new(id: &str, agent: &str, parameters: BTreeMap<String, String>) -> Self {
        let of = |name: &str| parameters.get(name).map(String::as_str);
        Self {
            id: id.to_owned(),
            agent: agent.to_owned(),
            priority: of("priority").and_then(|p| p.parse().ok()).unwrap_or(0),
            unfences: of("provides").is_some_and(|v| v.eq_ignore_ascii_case("unfencing")),
            parameters,
        }
    }

    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// How it is used.
    ///
    /// Source: fence-agents 4.12, whose programs all begin so; cluster-glue's plugins don't.
    pub fn way(&self) -> Way {
        match self.agent.starts_with("fence_") {
            true => Way::Agent,
            false => Way::Plugin,
        }
    }

    /// Whether it can fence a node.
    pub fn covers(&self, target: &str, support: Support) -> Covers {
        let lists = |name| self.parameter(name).is_some();
        let check = self.parameter("pcmk_host_check");
        let check = check.unwrap_or(match () {
            () if lists("pcmk_host_list") || lists("pcmk_host_map") => "static-list",
            () if support.list => "dynamic-list",
            () if support.status => "status",
            () => "none",
        });
        let listed = || {
            let mut names = self.parameter("pcmk_host_list").into_iter().flat_map(words);
            names.any(|name| name.eq_ignore_ascii_case(target)) || self.mapped(target).is_some()
        };
        match check {
            "none" => Covers::Yes,
            "dynamic-list" => Covers::List,
            "status" => Covers::Status,
            // "static-list", and what nobody knows.
            _ if listed() => Covers::Yes,
            _ => Covers::No,
        }
    }

    /// The nodes that its parameters name; none if they name none.
    pub fn named_hosts(&self) -> Option<Vec<String>> {
        let list = self.parameter("pcmk_host_list");
        let map = self.parameter("pcmk_host_map");
        list.or(map)?;
        let mapped = map.into_iter().flat_map(entries).map(|(name, _)| name);
        let mut hosts: Vec<String> = Vec::new();
        for name in list.into_iter().flat_map(words).chain(mapped) {
            if !hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                hosts.push(name.to_owned());
            }
        }
        Some(hosts)
    }

    /// The device's own name of a node: `pcmk_host_map`.
    fn mapped(&self, target: &str) -> Option<&str> {
        let mut map = entries(self.parameter("pcmk_host_map")?);
        let found = map.find(|(name, _)| name.eq_ignore_ascii_case(target));
        found.map(|(_, port)| port)
    }

    /// How many of its actions run at once; none for any number.
    pub fn action_limit(&self) -> Option<usize> {
        match self.parameter("pcmk_action_limit").map(str::parse::<i64>) {
            Some(Ok(-1)) => None,
            Some(Ok(limit)) => Some(usize::try_from(limit).unwrap_or(1).max(1)),
            _ => Some(1),
        }
    }

    /// Its own delay before it fences a node: at least, and below what.
    pub fn delay(&self, target: &str) -> (Duration, Duration) {
        let base = self.parameter("pcmk_delay_base").unwrap_or("0");
        let base = match base.contains([':', '=']) {
            // A delay for each node.
            true => {
                let mut of_it = entries(base);
                let found = of_it.find(|(name, _)| name.eq_ignore_ascii_case(target));
                found.and_then(|(_, text)| span(text))
            }
            false => span(base),
        };
        let base = base.unwrap_or_default();
        let most = self.parameter("pcmk_delay_max").and_then(span);
        match most.unwrap_or_default() {
            most if most.is_zero() => (base, base),
            most => (base.min(most), most),
        }
    }

    /// How long an action may take, if it says so.
    pub fn timeout(&self, action: &str) -> Option<Duration> {
        self.parameter(&format!("pcmk_{action}_timeout"))
            .and_then(span)
    }

    /// How it is called to do something to a node; without one for what is about itself.
    pub fn call(&self, action: &str, target: Option<&str>, support: Support) -> Call {
        // Source: spec crm-runtime.md section 9, "Reboot unsupported by agent".
        let action = match action {
            "reboot" if !support.reboot && self.parameter("pcmk_reboot_action").is_none() => "off",
            other => other,
        };
        let own = |what: &str| self.parameter(&format!("pcmk_{action}_{what}"));
        let known = own("action").unwrap_or(action).to_owned();
        let port = target.map(|target| self.mapped(target).unwrap_or(target).to_owned());
        let mut input = String::new();
        let way = self.way();
        if way == Way::Agent {
            input.push_str(&format!("action={known}\n"));
            if let (Some(target), Some(port)) = (target, &port) {
                input.push_str(&format!("nodename={target}\n"));
                let usual = if support.plug { "plug" } else { "port" };
                let argument = self.parameter("pcmk_host_argument").unwrap_or(usual);
                let given = self.parameter(argument);
                if argument != "none" && given.is_none_or(|given| given == "dynamic") {
                    input.push_str(&format!("{argument}={port}\n"));
                }
            }
        }
        for (name, value) in &self.parameters {
            let is_ours = name.starts_with("pcmk_")
                || name.starts_with("CRM_meta_")
                || matches!(&**name, "crm_feature_set" | "provides" | "priority");
            if !is_ours && value != "dynamic" {
                input.push_str(&format!("{name}={value}\n"));
            }
        }
        Call {
            program: match way {
                Way::Agent => PathBuf::from(FOLDER).join(&self.agent),
                Way::Plugin => PathBuf::from(&self.agent),
            },
            way,
            action: known,
            port,
            input,
            timeout: self.timeout(action),
            tries: own("retries")
                .and_then(|n| n.parse().ok())
                .unwrap_or(TRIES)
                .clamp(1, TRIES_MAX),
        }
    }

    /// Whether the answer of its `list` action names a node: `PORT[,ALIAS]` a line.
    pub fn is_in_list(&self, target: &str, answer: &str) -> bool {
        let port = self.mapped(target).unwrap_or(target);
        words(answer).any(|word| word.eq_ignore_ascii_case(port))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', '\n', '\r', ',', ';'])
        .filter(|word| !word.is_empty())
}

/// `NODE:VALUE` pairs; a value may have commas.
fn entries(map: &str) -> impl Iterator<Item = (&str, &str)> {
    let entries = map.split([';', ' ', '\t', '\n']);
    entries.filter_map(|entry| entry.split_once([':', '=']))
}
