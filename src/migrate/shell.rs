//! The same configuration in the crm shell's language.

use std::fmt::Write;

use super::wanted::{
    PING_SCORE, PREFERENCE, PingRule, Primitive, TIMEOUT_S, Wanted, avoids_id, connected_id,
    prefers_id,
};

/// Text for `crm configure load update FILE`.
pub(super) fn text(wanted: &Wanted) -> String {
    let mut out = String::new();
    for (id, name) in &wanted.nodes {
        line(&mut out, &format!("node {id}: {name}"));
    }
    let groups = wanted.groups.iter().flat_map(|g| &g.members);
    let devices = wanted.devices.iter().map(|(d, _)| d);
    for resource in groups.chain(&wanted.clones).chain(devices) {
        line(&mut out, &primitive(resource));
    }
    for group in &wanted.groups {
        let members: Vec<_> = group.members.iter().map(|m| m.id.as_str()).collect();
        line(
            &mut out,
            &format!("group {} {}", group.id, members.join(" ")),
        );
    }
    for clone in &wanted.clones {
        line(&mut out, &format!("clone {0}-clone {0}", clone.id));
    }
    constraints(&mut out, wanted);
    let options: Vec<_> = wanted
        .options
        .iter()
        .map(|(name, value)| format!("{name}={}", quoted(value)))
        .collect();
    line(
        &mut out,
        &format!("property cib-bootstrap-options: {}", options.join(" ")),
    );
    let stickiness = wanted.stickiness;
    line(
        &mut out,
        &format!("rsc_defaults rsc-options: resource-stickiness={stickiness}"),
    );
    line(
        &mut out,
        &format!("op_defaults op-options: timeout={TIMEOUT_S}s"),
    );
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn primitive(wanted: &Primitive) -> String {
    let mut out = format!("primitive {} {}", wanted.id, wanted.agent);
    if !wanted.params.is_empty() {
        out.push_str(" \\\n\tparams");
        for (name, value) in &wanted.params {
            let _ = write!(out, " {name}={}", quoted(value));
        }
    }
    if let Some((interval, timeout)) = wanted.monitor {
        let _ = write!(
            out,
            " \\\n\top monitor interval={interval}s timeout={timeout}s"
        );
    }
    out
}

fn constraints(out: &mut String, wanted: &Wanted) {
    for group in &wanted.groups {
        let id = &group.id;
        if let Some(node) = &group.node {
            let own = prefers_id(id);
            line(out, &format!("location {own} {id} {PREFERENCE}: {node}"));
        }
        for ping in &wanted.pings {
            line(out, &connected(id, ping));
        }
    }
    for (device, node) in &wanted.devices {
        let id = &device.id;
        let Some(node) = node else { continue };
        line(
            out,
            &format!("location {} {id} inf: {node}", prefers_id(id)),
        );
        for (_, other) in wanted.nodes.iter().filter(|(_, n)| n != node) {
            line(
                out,
                &format!("location {} {id} -inf: {other}", avoids_id(id, other)),
            );
        }
    }
}

fn connected(resource: &str, ping: &PingRule) -> String {
    match ping {
        PingRule::Value(name) => {
            let id = connected_id(resource, name);
            format!("location {id} {resource} rule {name}: defined {name}")
        }
        PingRule::Positive(name) => {
            let id = connected_id(resource, name);
            format!("location {id} {resource} rule {PING_SCORE}: {name} number:gt 0")
        }
    }
}

/// A word as it is, anything else in quotes.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
