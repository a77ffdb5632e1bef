//! Resources of all kinds.

use everbeat::cib::NodeRef;

use super::draft::{Draft, Made};

/// Meta attributes of any resource.
pub const META: &[(&str, u64, &[&str])] = &[
    ("priority", 10, &["1", "10", "-5", "100"]),
    (
        "target-role",
        10,
        &["Started", "Stopped", "Unpromoted", "Promoted", "Slave"],
    ),
    ("is-managed", 5, &["false", "true"]),
    ("maintenance", 3, &["true"]),
    (
        "resource-stickiness",
        20,
        &["0", "1", "100", "INFINITY", "-1"],
    ),
    ("migration-threshold", 15, &["1", "2", "3", "0"]),
    ("failure-timeout", 12, &["10s", "60s", "1h"]),
    (
        "multiple-active",
        8,
        &["stop_start", "stop_only", "block", "stop_unexpected"],
    ),
    (
        "requires",
        8,
        &["nothing", "quorum", "fencing", "unfencing"],
    ),
    ("critical", 6, &["false", "true"]),
    ("restart-type", 3, &["restart"]),
    ("allow-unhealthy-nodes", 3, &["true"]),
];

/// Meta attributes of clones.
pub const CLONE_META: &[(&str, u64, &[&str])] = &[
    ("clone-max", 30, &["1", "2", "3", "5", "0"]),
    ("clone-node-max", 20, &["1", "2", "3"]),
    ("globally-unique", 15, &["true", "false"]),
    ("notify", 25, &["true"]),
    ("interleave", 40, &["true", "false"]),
    ("ordered", 25, &["true"]),
    ("clone-min", 10, &["1", "2"]),
];

const PROMOTABLE_META: &[(&str, u64, &[&str])] = &[
    ("promoted-max", 25, &["1", "2", "3", "0"]),
    ("promoted-node-max", 10, &["1", "2"]),
];

const ON_FAIL: &[&str] = &[
    "ignore",
    "block",
    "stop",
    "restart",
    "fence",
    "standby",
    "demote",
    "restart-container",
];

const AGENTS: &[(&str, &str, &str)] = &[
    ("ocf", "pacemaker", "Dummy"),
    ("ocf", "heartbeat", "apache"),
    ("ocf", "pacemaker", "Stateful"),
    ("ocf", "heartbeat", "IPaddr2"),
    ("lsb", "", "daemon"),
    ("systemd", "", "service"),
];

/// Writes all resources.
pub fn draw(draft: &mut Draft) {
    let list = draft.section(&["configuration", "resources"]);
    if draft.chance(45) {
        fence_devices(draft, list);
    }
    if draft.chance(15) {
        let attrs = [
            ("id", "template"),
            ("class", "ocf"),
            ("provider", "pacemaker"),
        ];
        let template = draft.add(list, "template", &attrs);
        draft.doc.set_attr(template, "type", "Dummy");
        body(draft, template, false);
    }
    let count = 1 + draft.place(6);
    for number in 0..count {
        one(draft, list, number);
    }
    if draft.chance(12) {
        remote(draft, list);
    }
}

/// Writes one resource of any kind.
pub fn one(draft: &mut Draft, list: NodeRef, number: usize) {
    match draft.place(20) {
        0..9 => top_primitive(draft, list, number),
        9..12 => group(draft, list, number),
        12..16 => clone(draft, list, number, false),
        16..18 => clone(draft, list, number, true),
        _ => bundle(draft, list, number),
    }
}

fn fence_devices(draft: &mut Draft, list: NodeRef) {
    for number in 0..=draft.place(2) {
        let id = format!("fence{number}");
        let attrs = [
            ("id", id.as_str()),
            ("class", "stonith"),
            ("type", "fence_dummy"),
        ];
        let device = draft.add(list, "primitive", &attrs);
        if draft.chance(20) {
            draft.set(device, "meta_attributes", "provides", "unfencing");
        }
        if draft.chance(30) {
            let node = draft.node();
            draft.set(device, "instance_attributes", "pcmk_host_list", &node);
        }
        if draft.chance(50) {
            operation(draft, device, "monitor", "60s");
        }
        draft
            .agents
            .push((id.clone(), "stonith", "", "fence_dummy"));
        draft.made.push(Made { id });
    }
}

fn top_primitive(draft: &mut Draft, list: NodeRef, number: usize) {
    let id = format!("rsc{number}");
    let resource = primitive(draft, list, &id, false);
    if draft.chance(20) {
        draft.set(resource, "meta_attributes", "allow-migrate", "true");
    }
    if draft.chance(5)
        && let Some(container) = draft.resource()
    {
        draft.set(resource, "meta_attributes", "container", &container.id);
    }
    if draft.chance(8) {
        let guest = format!("guest{number}");
        draft.set(resource, "meta_attributes", "remote-node", &guest);
        for (name, percent, value) in [
            ("remote-addr", 30, "192.168.7.7"),
            ("remote-port", 20, "4444"),
            ("remote-connect-timeout", 20, "90s"),
            ("remote-allow-migrate", 30, "false"),
        ] {
            if draft.chance(percent) {
                draft.set(resource, "meta_attributes", name, value);
            }
        }
        draft.nodes.push(guest);
    }
    draft.made.push(Made { id });
}

/// A primitive with everything that one may have.
pub fn primitive(draft: &mut Draft, parent: NodeRef, id: &str, promotable: bool) -> NodeRef {
    if !promotable && draft.doc.name(parent) == "resources" && draft.chance(15) {
        let has = draft
            .doc
            .children_named(parent, "template")
            .next()
            .is_some();
        if has {
            let attrs = [("id", id), ("template", "template")];
            draft
                .agents
                .push((id.to_owned(), "ocf", "pacemaker", "Dummy"));
            return draft.add(parent, "primitive", &attrs);
        }
    }
    let (class, provider, kind) = match promotable {
        true => AGENTS[2],
        false => AGENTS[draft.place(AGENTS.len())],
    };
    let resource = draft.add(parent, "primitive", &[("id", id), ("class", class)]);
    if !provider.is_empty() {
        draft.doc.set_attr(resource, "provider", provider);
    }
    draft.doc.set_attr(resource, "type", kind);
    body(draft, resource, promotable);
    draft.agents.push((id.to_owned(), class, provider, kind));
    resource
}

/// Attributes and operations.
fn body(draft: &mut Draft, resource: NodeRef, promotable: bool) {
    draft.metas(resource, META);
    if draft.chance(40) {
        let value = draft.pick(&["1", "two", "a b", "<&>"]);
        draft.set(resource, "instance_attributes", "state", value);
    }
    if draft.chance(6) {
        let set = draft.add_named(resource, "instance_attributes", &[("score", "5")]);
        let rule = draft.add_named(set, "rule", &[("score", "INFINITY")]);
        let attrs = [("attribute", "rack"), ("operation", "eq"), ("value", "a")];
        draft.add_named(rule, "expression", &attrs);
        draft.add_named(set, "nvpair", &[("name", "fake"), ("value", "ruled")]);
    }
    if draft.chance(30) {
        for name in ["cpu", "memory"] {
            if draft.chance(70) {
                let value = draft.pick(&["1", "2", "3", "5"]);
                draft.set(resource, "utilization", name, value);
            }
        }
    }
    if draft.chance(65) {
        operation(draft, resource, "monitor", "10s");
    }
    if promotable && draft.chance(60) {
        let op = operation(draft, resource, "monitor", "11s");
        let role = draft.pick(&["Promoted", "Master"]);
        draft.doc.set_attr(op, "role", role);
    }
    if draft.chance(8) {
        let op = operation(draft, resource, "monitor", "12s");
        draft.doc.set_attr(op, "role", "Stopped");
    }
    for task in ["start", "stop", "promote", "demote"] {
        let wanted = promotable || matches!(task, "start" | "stop");
        if wanted && draft.chance(15) {
            operation(draft, resource, task, "0");
        }
    }
}

fn operation(draft: &mut Draft, resource: NodeRef, task: &str, interval: &str) -> NodeRef {
    let list = match draft.doc.child(resource, "operations") {
        Some(found) => found,
        None => draft.add(resource, "operations", &[]),
    };
    let op = draft.add_named(list, "op", &[("name", task), ("interval", interval)]);
    if draft.chance(30) {
        let value = draft.pick(&["20s", "1m", "90"]);
        draft.doc.set_attr(op, "timeout", value);
    }
    if draft.chance(25) {
        let value = match task {
            "stop" => draft.pick(&["block", "fence", "ignore"]),
            "demote" => draft.pick(&["block", "fence", "stop"]),
            _ => draft.pick(ON_FAIL),
        };
        draft.doc.set_attr(op, "on-fail", value);
    }
    if draft.chance(6) {
        draft.doc.set_attr(op, "enabled", "false");
    }
    if draft.chance(5) {
        let value = draft.pick(&["5s", "1m"]);
        draft.doc.set_attr(op, "start-delay", value);
    } else if interval != "0" && draft.chance(4) {
        draft
            .doc
            .set_attr(op, "interval-origin", "2026-01-01 00:00:00Z");
    }
    if draft.chance(6) {
        let value = draft.pick(&["true", "false"]);
        draft.doc.set_attr(op, "record-pending", value);
    }
    if draft.chance(5) {
        draft.set(op, "instance_attributes", "depth", "1");
    }
    op
}

fn group(draft: &mut Draft, list: NodeRef, number: usize) {
    let id = format!("grp{number}");
    members(draft, list, &id, false);
    draft.made.push(Made { id });
}

fn members(draft: &mut Draft, parent: NodeRef, id: &str, promotable: bool) {
    let group = draft.add(parent, "group", &[("id", id)]);
    draft.metas(group, META);
    let choices: &[(&str, u64, &[&str])] = &[
        ("ordered", 10, &["false", "true"]),
        ("collocated", 10, &["false", "true"]),
    ];
    draft.metas(group, choices);
    for member in 0..=draft.place(3) {
        let name = format!("{id}m{member}");
        primitive(draft, group, &name, promotable);
        if draft.chance(15) {
            draft.made.push(Made { id: name });
        }
    }
}

fn clone(draft: &mut Draft, list: NodeRef, number: usize, promotable: bool) {
    let id = format!("cln{number}");
    let clone = draft.add(list, "clone", &[("id", &id)]);
    draft.metas(clone, META);
    draft.metas(clone, CLONE_META);
    if promotable {
        draft.set(clone, "meta_attributes", "promotable", "true");
        draft.metas(clone, PROMOTABLE_META);
    }
    let child = format!("in{number}");
    if draft.chance(25) {
        members(draft, clone, &child, promotable);
    } else {
        primitive(draft, clone, &child, promotable);
    }
    draft.made.push(Made { id });
}

fn bundle(draft: &mut Draft, list: NodeRef, number: usize) {
    let id = format!("bun{number}");
    let bundle = draft.add(list, "bundle", &[("id", &id)]);
    draft.metas(bundle, META);
    let technology = draft.pick(&["docker", "podman", "rkt"]);
    let inner = draft.add(bundle, technology, &[("image", "image:latest")]);
    let promotable = draft.chance(40);
    let choices: &[(&str, u64, &[&str])] = &[
        ("replicas", 70, &["1", "2", "3"]),
        ("replicas-per-host", 15, &["1", "2"]),
        ("run-command", 15, &["/usr/sbin/pacemaker_remoted"]),
        ("options", 10, &["--log-driver=journald"]),
    ];
    for (name, percent, values) in choices {
        if draft.chance(*percent) {
            let value = draft.pick(values);
            draft.doc.set_attr(inner, name, value);
        }
    }
    if promotable {
        draft.doc.set_attr(inner, "promoted-max", "1");
    }
    let filled = draft.chance(75);
    if filled || draft.chance(50) {
        let network = draft.add(bundle, "network", &[]);
        match draft.chance(60) {
            true => draft
                .doc
                .set_attr(network, "ip-range-start", "192.168.122.131"),
            false => draft.doc.set_attr(network, "control-port", "3121"),
        }
        if draft.chance(40) {
            draft.doc.set_attr(network, "host-interface", "eth0");
            draft.doc.set_attr(network, "host-netmask", "24");
        }
        if draft.chance(30) {
            draft.add_named(network, "port-mapping", &[("port", "80")]);
        }
    }
    if draft.chance(30) {
        let storage = draft.add(bundle, "storage", &[]);
        let attrs = [
            ("source-dir", "/srv"),
            ("target-dir", "/var/www"),
            ("options", "rw"),
        ];
        draft.add_named(storage, "storage-mapping", &attrs);
    }
    if filled {
        primitive(draft, bundle, &format!("inb{number}"), promotable);
    }
    for at in 0..draft.place(3) {
        let container = format!("{id}-{technology}-{at}");
        draft
            .agents
            .push((container, "ocf", "heartbeat", technology));
        let connection = format!("{id}-{at}");
        draft
            .agents
            .push((connection, "ocf", "pacemaker", "remote"));
    }
    draft.made.push(Made { id });
}

fn remote(draft: &mut Draft, list: NodeRef) {
    let attrs = [
        ("id", "remote1"),
        ("class", "ocf"),
        ("provider", "pacemaker"),
    ];
    let resource = draft.add(list, "primitive", &attrs);
    draft.doc.set_attr(resource, "type", "remote");
    if draft.chance(40) {
        draft.set(resource, "instance_attributes", "reconnect_interval", "60");
    }
    draft.set(resource, "instance_attributes", "server", "192.168.1.1");
    draft.metas(resource, META);
    if draft.chance(70) {
        operation(draft, resource, "monitor", "60s");
    }
    draft
        .agents
        .push(("remote1".to_owned(), "ocf", "pacemaker", "remote"));
    draft.made.push(Made {
        id: "remote1".to_owned(),
    });
    draft.nodes.push("remote1".to_owned());
}
