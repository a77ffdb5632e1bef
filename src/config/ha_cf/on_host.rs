//! An ha.cf against the host it is for: its name, interfaces, programs, users.

use std::path::Path;

use super::model::{ApiAuth, AutoJoin, CrmMode, HaCf, Medium};
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::host::Host;
use crate::config::source::{Source, Span};

/// What stands in the way of using this ha.cf on that host.
///
/// Errors are what keeps the daemon from starting there.
pub fn check(model: &HaCf, source: &Source, host: &dyn Host) -> Vec<Diagnostic> {
    let mut found = Findings::new(source);
    own_name(model, host, &mut found);
    for (medium, span) in model.media.iter().zip(&model.places.media) {
        check_medium(medium, *span, host, &mut found);
    }
    children(model, host, &mut found);
    for auth in &model.apiauth {
        users(auth, host, &mut found);
    }
    devices(model, host, &mut found);
    found.finish()
}

fn own_name(model: &HaCf, host: &dyn Host, found: &mut Findings<'_>) {
    let Some(name) = host.node_name() else {
        return;
    };
    let may_join = model.autojoin == AutoJoin::Any && model.crm != CrmMode::Off;
    if model.has_node(&name) || model.nodes.is_empty() || may_join {
        return;
    }
    let span = model.places.nodes.last().copied().unwrap_or_default();
    let nodes: Vec<_> = model.nodes.iter().map(|n| n.as_str()).collect();
    found
        .add(
            Severity::Error,
            span,
            format!(
                "this host is {name}, which is no node here: {}",
                nodes.join(", ")
            ),
        )
        .help = Some(format!(
        "name the nodes as `uname -n` prints it on each (write `node {name}`), or put the \
         node's name into the file nodeinfo beside ha.cf"
    ));
}

fn check_medium(medium: &Medium, span: Span, host: &dyn Host, found: &mut Findings<'_>) {
    if let Some(interface) = medium.interface()
        && host.has_interface(interface) == Some(false)
    {
        let message = format!("this host has no interface {interface}");
        let later = matches!(medium, Medium::Ucast { .. } | Medium::Ucast6 { .. });
        let new = if later {
            found.add(Severity::Warning, span, message)
        } else {
            found.add_refused(span, message)
        };
        new.help = Some(
            "everbeat starts if another medium works, and uses this one when it appears; \
             `ip -br link` names the interfaces there are"
                .into(),
        );
    }
    if let Medium::Serial { device, .. } = medium
        && host.is_character_device(device) == Some(false)
    {
        let message = format!("{} is no serial device of this host", device.display());
        found.add_refused(span, message).help =
            Some("a serial port is /dev/ttyS0, or /dev/ttyUSB0 on an adapter".into());
    }
}

fn children(model: &HaCf, host: &dyn Host, found: &mut Findings<'_>) {
    for child in &model.respawn {
        let directive = if child.failfast {
            "failfast"
        } else {
            "respawn"
        };
        if host.has_user(&child.user) == Some(false) {
            let message = format!("{directive}: this host has no user {:?}", child.user);
            found.add(Severity::Error, child.span, message).help =
                Some("heartbeat's own user is hacluster".into());
        }
        // ipfail is part of everbeat's daemon, whatever the path.
        if child.name() == "ipfail" {
            continue;
        }
        let program = Path::new(child.program());
        if host.is_program(program) == Some(false) {
            let message = format!("{directive}: {} is no program here", child.program());
            found.add(Severity::Error, child.span, message).help =
                Some("install it, correct the path, or take the line out".into());
        }
    }
}

fn users(auth: &ApiAuth, host: &dyn Host, found: &mut Findings<'_>) {
    let Some(span) = auth.span else {
        return;
    };
    for user in &auth.uids {
        if host.has_user(user) == Some(false) {
            let message = format!("apiauth: this host has no user {user:?}");
            found.add(Severity::Error, span, message).help =
                Some("create it or take it out".into());
        }
    }
    for group in &auth.gids {
        if host.has_group(group) == Some(false) {
            let message = format!("apiauth: this host has no group {group:?}");
            found.add(Severity::Error, span, message).help =
                Some("create it or take it out".into());
        }
    }
}

fn devices(model: &HaCf, host: &dyn Host, found: &mut Findings<'_>) {
    if let Some(watchdog) = &model.watchdog
        && host.is_character_device(watchdog) == Some(false)
    {
        let span = model.places.directive("watchdog").unwrap_or_default();
        let message = format!("{} is no device of this host", watchdog.display());
        found.add(Severity::Warning, span, message).help = Some(
            "the node runs without a watchdog then; `modprobe softdog` makes one in software"
                .into(),
        );
    }
    if let Some(stonith) = &model.stonith
        && host.exists(&stonith.file) == Some(false)
    {
        let message = format!("stonith: {} is not there", stonith.file.display());
        found.add(Severity::Error, stonith.span, message).help =
            Some("write the file with the device's parameters, readable by root only".into());
    }
}
