//! One device, as the CIB configures it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::cib::{Document, Element};
use crate::rules;

/// Folder of fence agents. Source: spec crm-runtime.md section 9.
const FOLDER: &str = "/usr/sbin";

/// Tries of an action if nothing is said. Source: the same, `pcmk_ACTION_retries`.
const TRIES: u32 = 2;

/// A fence device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// Its agent: `fence_ipmilan`.
    pub agent: String,
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
    Ask,
}

/// A device as it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The agent.
    pub program: PathBuf,
    /// What it reads.
    pub input: String,
    /// How long it may take, if the device says.
    pub timeout: Option<Duration>,
    /// How often it is tried.
    pub tries: u32,
    /// How long to wait before it.
    pub delay: Duration,
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
    Some(Device {
        id: device.id()?.to_owned(),
        agent: device.attr("type")?.to_owned(),
        parameters: parameters.collect(),
    })
}

impl Device {
    /// A parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether it can fence a node.
    pub fn covers(&self, target: &str) -> Covers {
        let same = |name: &str| name.eq_ignore_ascii_case(target);
        let listed = self
            .parameter("pcmk_host_list")
            .is_some_and(|list| words(list).any(same));
        let static_list = self
            .parameter("pcmk_host_list")
            .or(self.parameter("pcmk_host_map"));
        match self.parameter("pcmk_host_check") {
            Some("none") => Covers::Yes,
            Some("static-list") | None if static_list.is_some() => {
                match listed || self.mapped(target).is_some() {
                    true => Covers::Yes,
                    false => Covers::No,
                }
            }
            Some("static-list") => Covers::No,
            _ => Covers::Ask,
        }
    }

    /// The device's own name of a node: `pcmk_host_map`.
    fn mapped(&self, target: &str) -> Option<&str> {
        let map = self.parameter("pcmk_host_map")?;
        let entries = map
            .split([';', ' ', '\t', '\n'])
            .filter(|entry| !entry.is_empty());
        let entries = entries.filter_map(|entry| entry.split_once([':', '=']));
        let mut of_it = entries.filter(|(name, _)| name.eq_ignore_ascii_case(target));
        of_it.next().map(|(_, port)| port)
    }

    /// How it is called to do something to a node; without one for what is about itself.
    pub fn call(&self, action: &str, target: Option<&str>) -> Call {
        let own = |what: &str| self.parameter(&format!("pcmk_{action}_{what}"));
        let span = |text: &str| {
            let ms = rules::milliseconds(text).ok()?;
            u64::try_from(ms).ok().map(Duration::from_millis)
        };
        let mut input = format!("action={}\n", own("action").unwrap_or(action));
        if let Some(target) = target {
            input.push_str(&format!("nodename={target}\n"));
            let argument = self.parameter("pcmk_host_argument").unwrap_or("port");
            if argument != "none" && !self.parameters.contains_key(argument) {
                let port = self.mapped(target).unwrap_or(target);
                input.push_str(&format!("{argument}={port}\n"));
            }
        }
        for (name, value) in &self.parameters {
            if !name.starts_with("pcmk_") && !name.starts_with("CRM_meta_") {
                input.push_str(&format!("{name}={value}\n"));
            }
        }
        let delay = self
            .parameter("pcmk_delay_base")
            .filter(|_| target.is_some());
        Call {
            program: PathBuf::from(FOLDER).join(&self.agent),
            input,
            timeout: own("timeout").and_then(span),
            tries: own("retries")
                .and_then(|n| n.parse().ok())
                .unwrap_or(TRIES)
                .max(1),
            delay: delay.and_then(span).unwrap_or_default(),
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
