//! Constraints of all kinds.

use everbeat::cib::NodeRef;

use super::draft::Draft;

const ROLES: &[&str] = &[
    "Started",
    "Stopped",
    "Promoted",
    "Unpromoted",
    "Master",
    "Slave",
];
const ACTIONS: &[&str] = &["start", "stop", "promote", "demote"];
const TICKETS: &[&str] = &["ticketA", "ticketB"];

/// Writes constraints, tags and the fencing topology.
pub fn draw(draft: &mut Draft) {
    if draft.chance(15) {
        tags(draft);
    }
    for _ in 0..draft.place(8) {
        one(draft);
    }
    if draft.chance(12) {
        topology(draft);
    }
}

/// Writes one constraint.
pub fn one(draft: &mut Draft) {
    if draft.made.is_empty() {
        return;
    }
    let list = draft.section(&["configuration", "constraints"]);
    match draft.place(20) {
        0..7 => location(draft, list),
        7..13 => colocation(draft, list),
        13..18 => order(draft, list),
        _ => ticket(draft, list),
    }
}

fn name(draft: &mut Draft) -> String {
    draft.resource().map(|made| made.id).unwrap_or_default()
}

/// Two different resources, if there are two.
fn pair(draft: &mut Draft) -> (String, String) {
    let first = name(draft);
    let mut second = name(draft);
    for _ in 0..5 {
        if second != first {
            break;
        }
        second = name(draft);
    }
    (first, second)
}

fn maybe(draft: &mut Draft, element: NodeRef, name: &str, percent: u64, values: &[&str]) {
    if draft.chance(percent) {
        let value = draft.pick(values);
        draft.doc.set_attr(element, name, value);
    }
}

fn location(draft: &mut Draft, list: NodeRef) {
    let constraint = draft.add_named(list, "rsc_location", &[]);
    match draft.place(10) {
        0 => {
            let pattern = draft.pick(&["rsc.*", "grp(.)", "!cln.*", ".*[0-2]$"]);
            draft.doc.set_attr(constraint, "rsc-pattern", pattern);
        }
        1 => {
            set(draft, constraint, false);
        }
        _ => {
            let id = name(draft);
            draft.doc.set_attr(constraint, "rsc", &id);
        }
    }
    let is_set = draft.doc.child(constraint, "resource_set").is_some();
    if !is_set {
        maybe(draft, constraint, "role", 12, ROLES);
    }
    maybe(
        draft,
        constraint,
        "resource-discovery",
        12,
        &["always", "never", "exclusive"],
    );
    if draft.chance(4) {
        let lifetime = draft.add(constraint, "lifetime", &[]);
        let rule = draft.add_named(lifetime, "rule", &[("score", "INFINITY")]);
        date(draft, rule);
    }
    if draft.chance(70) {
        let node = draft.node();
        let score = draft.score();
        draft.doc.set_attr(constraint, "score", score);
        draft.doc.set_attr(constraint, "node", &node);
    } else {
        rule(draft, constraint);
    }
}

fn rule(draft: &mut Draft, parent: NodeRef) {
    let rule = draft.add_named(parent, "rule", &[]);
    if draft.chance(85) {
        let score = draft.score();
        draft.doc.set_attr(rule, "score", score);
    } else {
        draft.doc.set_attr(rule, "score-attribute", "load");
    }
    maybe(draft, rule, "boolean-op", 50, &["and", "or"]);
    maybe(draft, rule, "role", 15, ROLES);
    for _ in 0..=draft.place(2) {
        expression(draft, rule);
    }
}

fn expression(draft: &mut Draft, rule: NodeRef) {
    match draft.place(10) {
        0..6 => {
            let attribute = draft.pick(&["rack", "load", "#uname", "#id", "#kind", "site-name"]);
            let node = draft.node();
            let value = match attribute {
                "#uname" => node.as_str(),
                "#kind" => draft.pick(&["cluster", "remote", "container"]),
                _ => draft.pick(&["a", "b", "1", "2", "2.5", "here"]),
            };
            let operation = draft.pick(&["eq", "ne", "lt", "gt", "lte", "gte"]);
            let attrs = [
                ("attribute", attribute),
                ("operation", operation),
                ("value", value),
            ];
            let expression = draft.add_named(rule, "expression", &attrs);
            maybe(
                draft,
                expression,
                "type",
                30,
                &["string", "integer", "number", "version"],
            );
        }
        6 | 7 => {
            let operation = draft.pick(&["defined", "not_defined"]);
            let attrs = [("attribute", "rack"), ("operation", operation)];
            draft.add_named(rule, "expression", &attrs);
        }
        8 => date(draft, rule),
        _ => {
            let inner = draft.add_named(rule, "rule", &[("score", "0"), ("boolean-op", "or")]);
            date(draft, inner);
            expression(draft, inner);
        }
    }
}

pub fn date(draft: &mut Draft, rule: NodeRef) {
    let operation = draft.pick(&["in_range", "gt", "lt", "date_spec"]);
    let expression = draft.add_named(rule, "date_expression", &[("operation", operation)]);
    let day = draft.pick(&[
        "2026-11-01",
        "2026-11-26",
        "2026-12-24 18:00:00Z",
        "2026-11-18 10:00",
    ]);
    match operation {
        "date_spec" => {
            let spec = draft.add_named(expression, "date_spec", &[]);
            let (field, values): (&str, &[&str]) = match draft.place(4) {
                0 => ("hours", &["9-16", "0-23", "20-"]),
                1 => ("weekdays", &["1-5", "6-7"]),
                2 => ("months", &["11", "1-6"]),
                _ => ("years", &["2026", "2027-"]),
            };
            let value = draft.pick(values);
            draft.doc.set_attr(spec, field, value);
        }
        "lt" => draft.doc.set_attr(expression, "end", day),
        "gt" => draft.doc.set_attr(expression, "start", day),
        _ => {
            draft.doc.set_attr(expression, "start", day);
            if draft.chance(50) {
                draft.add_named(expression, "duration", &[("months", "1")]);
            } else {
                draft.doc.set_attr(expression, "end", "2027-01-01");
            }
        }
    }
}

fn colocation(draft: &mut Draft, list: NodeRef) {
    let score = draft.score();
    let constraint = draft.add_named(list, "rsc_colocation", &[("score", score)]);
    maybe(draft, constraint, "influence", 10, &["true", "false"]);
    if draft.chance(25) {
        for _ in 0..=draft.place(2) {
            set(draft, constraint, false);
        }
        return;
    }
    let (first, second) = pair(draft);
    draft.doc.set_attr(constraint, "rsc", &first);
    draft.doc.set_attr(constraint, "with-rsc", &second);
    maybe(draft, constraint, "rsc-role", 15, ROLES);
    maybe(draft, constraint, "with-rsc-role", 15, ROLES);
    maybe(draft, constraint, "node-attribute", 8, &["rack", "load"]);
}

fn order(draft: &mut Draft, list: NodeRef) {
    let constraint = draft.add_named(list, "rsc_order", &[]);
    maybe(draft, constraint, "symmetrical", 20, &["true", "false"]);
    if draft.chance(80) {
        maybe(
            draft,
            constraint,
            "kind",
            70,
            &["Mandatory", "Optional", "Serialize"],
        );
    } else {
        maybe(draft, constraint, "score", 100, &["0", "INFINITY", "1"]);
    }
    if draft.chance(25) {
        for _ in 0..=draft.place(2) {
            set(draft, constraint, true);
        }
        return;
    }
    let (first, then) = pair(draft);
    draft.doc.set_attr(constraint, "first", &first);
    draft.doc.set_attr(constraint, "then", &then);
    maybe(draft, constraint, "first-action", 25, ACTIONS);
    maybe(draft, constraint, "then-action", 15, ACTIONS);
    maybe(draft, constraint, "require-all", 12, &["false", "true"]);
}

fn set(draft: &mut Draft, constraint: NodeRef, ordered: bool) {
    let set = draft.add_named(constraint, "resource_set", &[]);
    maybe(draft, set, "sequential", 50, &["true", "false"]);
    if ordered {
        maybe(draft, set, "require-all", 25, &["true", "false"]);
        maybe(draft, set, "action", 20, ACTIONS);
    } else {
        maybe(draft, set, "role", 15, ROLES);
        maybe(draft, set, "ordering", 10, &["group", "listed"]);
    }
    let mut names = Vec::new();
    for _ in 0..=draft.place(3) {
        let id = name(draft);
        if !names.contains(&id) {
            draft.add(set, "resource_ref", &[("id", &id)]);
            names.push(id);
        }
    }
}

fn ticket(draft: &mut Draft, list: NodeRef) {
    let ticket = draft.pick(TICKETS);
    let constraint = draft.add_named(list, "rsc_ticket", &[("ticket", ticket)]);
    maybe(
        draft,
        constraint,
        "loss-policy",
        60,
        &["stop", "demote", "fence", "freeze"],
    );
    if draft.chance(15) {
        set(draft, constraint, false);
        return;
    }
    let id = name(draft);
    draft.doc.set_attr(constraint, "rsc", &id);
    maybe(draft, constraint, "rsc-role", 30, ROLES);
}

fn tags(draft: &mut Draft) {
    let list = draft.section(&["configuration", "tags"]);
    let tag = draft.add(list, "tag", &[("id", "tag0")]);
    let mut names = Vec::new();
    for _ in 0..=draft.place(2) {
        let id = name(draft);
        if !id.is_empty() && !names.contains(&id) {
            draft.add(tag, "obj_ref", &[("id", &id)]);
            names.push(id);
        }
    }
    let id = "tag0".to_owned();
    draft.made.push(super::draft::Made { id });
}

fn topology(draft: &mut Draft) {
    let list = draft.section(&["configuration", "fencing-topology"]);
    for _ in 0..=draft.place(2) {
        let node = draft.node();
        let index = draft.pick(&["1", "2"]);
        let devices = draft.pick(&["fence0", "fence0,fence1"]);
        let attrs = [("index", index), ("devices", devices)];
        let level = draft.add_named(list, "fencing-level", &attrs);
        match draft.place(5) {
            0 => {
                draft.doc.set_attr(level, "target-attribute", "rack");
                draft.doc.set_attr(level, "target-value", "a");
            }
            1 => draft.doc.set_attr(level, "target-pattern", "n.*"),
            _ => draft.doc.set_attr(level, "target", &node),
        }
    }
}
