//! A corosync.conf on a host: its own entry, names and addresses, users and folders.

use std::path::Path;

use super::local::{self, Local, LocalNode};
use super::model::{Access, CorosyncConf};
use crate::config::diagnostic::{Diagnostic, Findings, Severity};
use crate::config::host::Host;
use crate::config::source::{Source, Span};

/// Holds a configuration against its host.
pub fn check(model: &CorosyncConf, source: &Source, host: &dyn Host) -> Vec<Diagnostic> {
    let mut found = Findings::of(source, "corosync");
    own_entry(model, host, &mut found);
    names(model, host, &mut found);
    users(model, source, host, &mut found);
    key(model, source, host, &mut found);
    log_folder(model, source, host, &mut found);
    found.finish()
}

fn own_entry(model: &CorosyncConf, host: &dyn Host, found: &mut Findings<'_>) {
    match local::find(model, host) {
        Local::Unknown => {}
        Local::Found(node) => taken(model, &node, found),
        Local::Missing => missing(model, host, found),
    }
}

fn taken(model: &CorosyncConf, local: &LocalNode, found: &mut Findings<'_>) {
    let id = local.nodeid.map_or("unknown".into(), |id| id.to_string());
    let (span, label) = match local.position.and_then(|p| model.nodes.get(p)) {
        Some(node) => (node.span, format!("this node entry ({})", node.label())),
        None => (first_interface(model), "this interface".into()),
    };
    let message = format!("this host takes {label}, node id {id}: {}", local.because);
    found.add(Severity::Note, span, message).help = Some("each host must take another one".into());
}

fn first_interface(model: &CorosyncConf) -> Span {
    model.interfaces.first().map(|i| i.span).unwrap_or_default()
}

fn missing(model: &CorosyncConf, host: &dyn Host, found: &mut Findings<'_>) {
    let addresses = host.addresses().unwrap_or_default();
    let own: Vec<_> = addresses
        .iter()
        .filter(|(a, _)| !a.is_loopback())
        .map(|(a, bits)| format!("{a}/{bits}"))
        .collect();
    let name = host.host_name().unwrap_or_default();
    if let Some(node) = model.nodes.first() {
        let labels: Vec<_> = model.nodes.iter().map(|n| n.label()).collect();
        let message = format!(
            "none of the nodes ({}) is this host, {name} with {}",
            labels.join(", "),
            own.join(", ")
        );
        let help = "give the node of this host `name:` as `uname -n` prints it, or the address \
                    of an interface as ring0_addr";
        found.add(Severity::Error, node.span, message).help = Some(help.into());
        return;
    }
    let bind = model.interfaces.first().and_then(|i| i.bindnetaddr);
    if let Some(bind) = bind {
        let message = format!("this host has no address in the network of {bind}");
        let help = format!("it has {}", own.join(", "));
        found
            .add(Severity::Error, first_interface(model), message)
            .help = Some(help);
    }
}

/// Names that can't be resolved, or that lead to the host itself.
fn names(model: &CorosyncConf, host: &dyn Host, found: &mut Findings<'_>) {
    for address in model
        .nodes
        .iter()
        .flat_map(|n| n.addresses.iter().flatten())
    {
        if address.text.parse::<std::net::IpAddr>().is_ok() {
            continue;
        }
        let Some(all) = host.resolve(&address.text) else {
            continue;
        };
        let name = &address.text;
        let Some(first) = all.first() else {
            let message = format!("{name} has no address here");
            let help = "write it with its address into /etc/hosts on all nodes, or write the \
                        address itself";
            found.add(Severity::Error, address.span, message).help = Some(help.into());
            continue;
        };
        if first.is_loopback() {
            loopback(name, *first, address.span, host, found);
        }
    }
}

/// Debian's installer writes `127.0.1.1 NAME`: other nodes can't reach that.
fn loopback(
    name: &str,
    address: std::net::IpAddr,
    span: Span,
    host: &dyn Host,
    found: &mut Findings<'_>,
) {
    let by = match host.hosts_line(name) {
        Some(line) => format!(", by line {line} of /etc/hosts"),
        None => String::new(),
    };
    let message = format!("{name} is {address} here{by}: no other node reaches it there");
    let help = format!(
        "write the address of an interface before {name} in /etc/hosts, or as ring0_addr; \
         otherwise the node forms a ring of its own"
    );
    found.add(Severity::Error, span, message).help = Some(help);
}

fn users(model: &CorosyncConf, source: &Source, host: &dyn Host, found: &mut Findings<'_>) {
    for access in &model.access {
        let (word, name, there) = match access {
            Access::User(name) => ("user", name, host.has_user(name)),
            Access::Group(name) => ("group", name, host.has_group(name)),
        };
        if there == Some(false) {
            let span = place_of(source, name);
            let message = format!("uidgid: this host has no {word} {name:?}");
            let help = format!("add the {word}, or take the line out");
            found.add(Severity::Error, span, message).help = Some(help);
        }
    }
}

/// The key: that of the file, else the one beside it.
fn key(model: &CorosyncConf, source: &Source, host: &dyn Host, found: &mut Findings<'_>) {
    let totem = &model.totem;
    if !totem.crypto.needs_key() || totem.key.is_some() {
        return;
    }
    let beside = || source.path().with_file_name("authkey");
    let path = totem.keyfile.clone().unwrap_or_else(beside);
    let shown = path.display();
    if host.exists(&path) == Some(false) {
        let message = format!("datagrams are signed, and there is no key in {shown}");
        let help = "make one by corosync-keygen, and copy it to all nodes";
        found.add(Severity::Error, model.told.span, message).help = Some(help.into());
    } else if let Some(exposed) = host.exposed(&path) {
        let message = format!("the key in {shown}: {exposed}");
        let help = format!("chown root {shown}; chmod 400 {shown}");
        found.add(Severity::Warning, model.told.span, message).help = Some(help);
    }
}

fn log_folder(model: &CorosyncConf, source: &Source, host: &dyn Host, found: &mut Findings<'_>) {
    let logging = &model.logging.all;
    let Some(file) = logging.logfile.as_deref().filter(|_| logging.to_logfile) else {
        return;
    };
    let folder = file.parent().unwrap_or(Path::new("/"));
    if host.exists(folder) == Some(false) {
        let span = place_of(source, &file.to_string_lossy());
        let message = format!("the folder {} is not there", folder.display());
        let help = format!("mkdir -p {}", folder.display());
        found.add(Severity::Error, span, message).help = Some(help);
    }
}

/// Where a value stands at the end of a line.
fn place_of(source: &Source, value: &str) -> Span {
    let line = source
        .lines()
        .find(|(_, text)| text.trim_end().ends_with(value) && text.contains(':'));
    let Some((line, text)) = line else {
        return Span::default();
    };
    let end = line.start + text.trim_end().len();
    Span::new(end - value.len(), end)
}

#[cfg(test)]
mod tests;
