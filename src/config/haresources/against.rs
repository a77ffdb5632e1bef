//! A haresources against the ha.cf beside it, and against the host.

use std::path::Path;

use super::model::{Group, Haresources, Resource};
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::ha_cf::{CrmMode, HaCf};
use crate::config::host::Host;
use crate::config::source::Source;
use crate::config::suggest;

/// Scripts that are part of everbeat and need no file.
///
/// Source: the tools of the same names
const BUILT_IN: [&str; 4] = ["IPaddr", "IPaddr2", "IPv6addr", "SendArp"];

/// What doesn't go together with ha.cf.
///
/// Source: heartbeat 3.0.6 [tried]: a node that ha.cf doesn't have stops the start
pub fn check_against_ha_cf(model: &Haresources, source: &Source, ha_cf: &HaCf) -> Vec<Diagnostic> {
    let mut found = Findings::new(source);
    if ha_cf.crm != CrmMode::Off {
        if let Some(group) = model.groups.first() {
            let message = "ha.cf has crm on: this file is not used";
            found.add(Severity::Warning, group.span, message).help = Some(
                "take `crm` out of ha.cf to use it, or move its resources into the CIB".into(),
            );
        }
        return found.finish();
    }
    for group in &model.groups {
        unknown_node(group, ha_cf, &mut found);
    }
    found.finish()
}

fn unknown_node(group: &Group, ha_cf: &HaCf, found: &mut Findings<'_>) {
    if ha_cf.nodes.is_empty() || ha_cf.has_node(&group.node) {
        return;
    }
    let nodes = || ha_cf.nodes.iter().map(|n| n.as_str());
    let is_node = |r: &&Resource| nodes().any(|n| n.eq_ignore_ascii_case(&r.as_written));
    let help = if let Some(later) = group.resources.iter().find(is_node) {
        format!("the node's name comes first: {} …", later.as_written)
    } else if let Some(near) = suggest::nearest(group.node.as_str(), nodes()) {
        format!("did you mean {near}?")
    } else {
        let nodes: Vec<_> = nodes().collect();
        format!(
            "write one of its nodes ({}), or add it to ha.cf",
            nodes.join(", ")
        )
    };
    let message = format!("{} is no node of ha.cf", group.node_as_written);
    found.add(Severity::Error, group.node_span, message).help = Some(help);
}

/// Scripts and interfaces that this host doesn't have.
///
/// `config_dir` is the folder of ha.cf, whose `resource.d` is looked into first.
pub fn check_on_host(
    model: &Haresources,
    source: &Source,
    config_dir: &Path,
    host: &dyn Host,
) -> Vec<Diagnostic> {
    let mut found = Findings::new(source);
    for resource in model.groups.iter().flat_map(|g| &g.resources) {
        script(resource, config_dir, host, &mut found);
        interface(resource, host, &mut found);
    }
    found.finish()
}

fn script(resource: &Resource, config_dir: &Path, host: &dyn Host, found: &mut Findings<'_>) {
    let name = resource.script.as_str();
    if BUILT_IN.contains(&name) || name.contains('/') {
        return;
    }
    let local = config_dir.join("resource.d");
    let dirs = [
        local.as_path(),
        Path::new("/etc/ha.d/resource.d"),
        Path::new("/etc/init.d"),
    ];
    if dirs
        .iter()
        .all(|dir| host.is_program(&dir.join(name)) == Some(false))
    {
        let message = format!("this host has no resource script {name}");
        found.add(Severity::Warning, resource.span, message).help = Some(format!(
            "without it the group can't start here; put {name} (executable, taking start, stop \
             and status) into /etc/ha.d/resource.d or /etc/init.d"
        ));
    }
}

fn interface(resource: &Resource, host: &dyn Host, found: &mut Findings<'_>) {
    if !BUILT_IN.contains(&resource.script.as_str()) {
        return;
    }
    let argument = resource.args.first().map_or("", String::as_str);
    let mut parts = argument.split('/').filter(|p| !p.is_empty()).skip(2);
    if let Some(name) = parts.next()
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && host.has_interface(name) == Some(false)
    {
        let message = format!("this host has no interface {name}");
        found.add(Severity::Warning, resource.span, message).help =
            Some("the address can't come up here; `ip -br link` names the interfaces".into());
    }
}
