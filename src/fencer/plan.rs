//! In which order devices are used on a node.

use crate::cib::{Document, Element};

/// Devices that all have to do it; the next level is tried if one fails.
pub type Level = Vec<String>;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// With this device.
    pub device: String,
    /// `reboot`, `off`, `on`.
    pub action: String,
    /// The rest goes on though it fails.
    pub may_fail: bool,
}

/// The levels that `fencing-topology` has for a node, in order; none if it has none.
pub fn levels(cib: &Document, target: &str) -> Vec<Level> {
    let topology = cib
        .root_element()
        .find(&["configuration", "fencing-topology"]);
    let all = topology
        .into_iter()
        .flat_map(|t| t.children_named("fencing-level"));
    let is_its = |level: &Element| {
        level
            .attr("target")
            .is_some_and(|name| name.eq_ignore_ascii_case(target))
    };
    let mut levels: Vec<(u32, Level)> = all
        .filter(is_its)
        .filter_map(|level| {
            let index = level.attr("index")?.parse().ok()?;
            let devices = level
                .attr("devices")?
                .split(',')
                .map(|d| d.trim().to_owned());
            Some((index, devices.filter(|d| !d.is_empty()).collect()))
        })
        .collect();
    levels.sort_by_key(|(index, _)| *index);
    levels.into_iter().map(|(_, devices)| devices).collect()
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
