//! Options of a cluster, its nodes, and defaults.

use everbeat::cib::NodeRef;

use super::constraints;
use super::draft::Draft;

/// Options with their chance in a hundred, and their values.
pub const OPTIONS: &[(&str, u64, &[&str])] = &[
    ("stonith-enabled", 60, &["true", "false", "false"]),
    (
        "no-quorum-policy",
        30,
        &["ignore", "stop", "freeze", "demote", "suicide"],
    ),
    ("symmetric-cluster", 15, &["true", "false"]),
    ("stop-all-resources", 2, &["true"]),
    ("stop-orphan-resources", 10, &["false", "true"]),
    ("stop-orphan-actions", 10, &["false", "true"]),
    ("remove-after-stop", 5, &["true"]),
    ("maintenance-mode", 4, &["true"]),
    ("start-failure-is-fatal", 15, &["false"]),
    ("startup-fencing", 10, &["false"]),
    ("enable-startup-probes", 6, &["false"]),
    ("concurrent-fencing", 15, &["true"]),
    ("priority-fencing-delay", 8, &["15s"]),
    ("stonith-action", 10, &["off", "reboot"]),
    ("have-watchdog", 10, &["true"]),
    ("stonith-watchdog-timeout", 5, &["10s"]),
    (
        "placement-strategy",
        25,
        &["utilization", "minimal", "balanced"],
    ),
    (
        "node-health-strategy",
        12,
        &["migrate-on-red", "only-green", "progressive", "custom"],
    ),
    ("node-health-base", 5, &["10"]),
    ("shutdown-lock", 10, &["true"]),
    ("shutdown-lock-limit", 3, &["5m"]),
    ("cluster-delay", 5, &["30s"]),
    ("batch-limit", 5, &["10"]),
    ("migration-limit", 5, &["2"]),
    ("cluster-name", 10, &["here"]),
    ("default-action-timeout", 3, &["40s"]),
    ("stonith-timeout", 5, &["90s"]),
    ("node-health-red", 3, &["-5", "0"]),
    ("node-health-yellow", 4, &["-5", "red", "10"]),
    ("node-health-green", 3, &["5", "yellow"]),
    ("stop-removed-resources", 2, &["false"]),
    ("enable-acl", 2, &["true"]),
];

/// Names of nodes that sort in more than one way.
const NAMES: &[&[&str]] = &[
    &["node1", "node2", "node3", "node4", "node5"],
    &["n10", "n9", "n1", "n08", "n8"],
    &["beta", "alpha", "Gamma", "delta", "epsilon"],
];

/// Writes options and nodes.
pub fn draw(draft: &mut Draft) {
    let config = draft.section(&["configuration", "crm_config"]);
    let set = draft.add(
        config,
        "cluster_property_set",
        &[("id", "cib-bootstrap-options")],
    );
    for (name, percent, values) in OPTIONS {
        if draft.chance(*percent) {
            let value = draft.pick(values);
            draft.add_named(set, "nvpair", &[("name", name), ("value", value)]);
        }
    }
    if draft.chance(10) {
        second_set(draft, config);
    }
    nodes(draft);
}

/// Options of another set, of a rule that may hold or not.
fn second_set(draft: &mut Draft, config: NodeRef) {
    let score = draft.pick(&["1", "0", "-3"]);
    let set = draft.add_named(config, "cluster_property_set", &[("score", score)]);
    if draft.chance(50) {
        let rule = draft.add_named(set, "rule", &[("score", "INFINITY")]);
        constraints::date(draft, rule);
    }
    for _ in 0..=draft.place(2) {
        let (name, _, values) = OPTIONS[draft.place(OPTIONS.len())];
        let value = draft.pick(values);
        draft.set_in(set, name, value);
    }
}

fn nodes(draft: &mut Draft) {
    let list = draft.section(&["configuration", "nodes"]);
    let names = NAMES[draft.place(NAMES.len())];
    let count = [1, 2, 2, 3, 3, 3, 4, 5][draft.place(8)];
    let utilization = draft.chance(30);
    for (number, name) in names.iter().take(count).enumerate() {
        let id = (number + 1).to_string();
        let node = draft.add(list, "node", &[("id", &id), ("uname", name)]);
        draft.nodes.push((*name).to_owned());
        if draft.chance(6) {
            let score = draft.score();
            draft.doc.set_attr(node, "score", score);
        }
        if draft.chance(5) {
            let kind = draft.pick(&["member", "member", "ping", "remote"]);
            draft.doc.set_attr(node, "type", kind);
        }
        for (attribute, percent, values) in ATTRIBUTES {
            if draft.chance(*percent) {
                let value = draft.pick(values);
                draft.set(node, "instance_attributes", attribute, value);
            }
        }
        if utilization {
            for resource in ["cpu", "memory"] {
                let value = draft.pick(&["1", "2", "4", "8", "16"]);
                draft.set(node, "utilization", resource, value);
            }
        }
    }
}

/// Attributes of nodes.
pub const ATTRIBUTES: &[(&str, u64, &[&str])] = &[
    ("standby", 6, &["on", "true", "off"]),
    ("maintenance", 4, &["true", "false"]),
    ("rack", 50, &["a", "b", "c"]),
    ("load", 30, &["1", "10", "2.5", "x"]),
    ("#health-disk", 10, &["red", "yellow", "green", "-10", "5"]),
    ("#health-cpu", 6, &["red", "yellow", "green", "20"]),
    ("site-name", 5, &["here", "there"]),
    ("probe_complete", 2, &["true", "false"]),
    ("resource-discovery-enabled", 2, &["false"]),
    ("terminate", 2, &["true", "false"]),
    ("#node-unfenced", 4, &["0", "1794000000"]),
];

/// Writes rsc_defaults and op_defaults.
pub fn defaults(draft: &mut Draft) {
    if draft.chance(30) {
        let place = draft.section(&["configuration", "rsc_defaults"]);
        let name = draft.pick(&[
            "resource-stickiness",
            "migration-threshold",
            "failure-timeout",
            "is-managed",
            "priority",
            "allow-migrate",
        ]);
        let value = match name {
            "is-managed" | "allow-migrate" => draft.pick(&["true", "false"]),
            _ => draft.pick(&["0", "1", "3", "100"]),
        };
        let set = draft.add_named(place, "meta_attributes", &[]);
        if draft.chance(30) {
            let rule = draft.add_named(set, "rule", &[("score", "INFINITY")]);
            of_agents(draft, rule);
        }
        draft.add_named(set, "nvpair", &[("name", name), ("value", value)]);
    }
    if draft.chance(20) {
        let place = draft.section(&["configuration", "op_defaults"]);
        let (name, value) = [
            ("timeout", "45s"),
            ("on-fail", "block"),
            ("on-fail", "standby"),
            ("record-pending", "false"),
            ("timeout", "7"),
        ][draft.place(5)];
        let set = draft.add_named(place, "meta_attributes", &[]);
        if draft.chance(40) {
            let rule = draft.add_named(set, "rule", &[("score", "INFINITY")]);
            let operator = draft.pick(&["and", "or"]);
            draft.doc.set_attr(rule, "boolean-op", operator);
            let task = draft.pick(&["monitor", "start", "stop"]);
            let expression = draft.add_named(rule, "op_expression", &[("name", task)]);
            if draft.chance(30) {
                let interval = draft.pick(&["10s", "0", "10000ms", "PT10S"]);
                draft.doc.set_attr(expression, "interval", interval);
            }
            if draft.chance(30) {
                of_agents(draft, rule);
            }
        }
        draft.add_named(set, "nvpair", &[("name", name), ("value", value)]);
    }
}

/// An expression of the agents that a rule is about, or of the time.
fn of_agents(draft: &mut Draft, rule: NodeRef) {
    if draft.chance(15) {
        return constraints::date(draft, rule);
    }
    let expression = draft.add_named(rule, "rsc_expression", &[]);
    for (name, percent, values) in [
        ("class", 60, &["ocf", "lsb", "stonith"][..]),
        ("provider", 40, &["pacemaker", "heartbeat"]),
        ("type", 60, &["Dummy", "apache", "Stateful"]),
    ] {
        if draft.chance(percent) {
            let value = draft.pick(values);
            draft.doc.set_attr(expression, name, value);
        }
    }
}
