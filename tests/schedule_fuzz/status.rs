//! What a cluster knows of its nodes before it has run anything, and of what ran on them.

use everbeat::cib::NodeRef;

use super::draft::Draft;

/// States of a node: in_ccm, crmd, join, expected.
pub const STATES: &[(&str, &str, &str, &str)] = &[
    ("true", "online", "member", "member"),
    ("true", "online", "member", "member"),
    ("true", "online", "member", "member"),
    ("true", "online", "member", "member"),
    ("false", "offline", "down", "down"),
    ("false", "offline", "down", "member"),
    ("false", "offline", "member", "member"),
    ("true", "offline", "member", "member"),
    ("true", "online", "pending", "member"),
    ("true", "online", "down", "down"),
    ("true", "online", "banned", "member"),
];

/// A digest of no parameters. Source: spec/scheduler.md, 14.1.
const EMPTY: &str = "f2317cad3d54cec5d7d7aa7d0bf35cf8";

/// Writes the status.
pub fn draw(draft: &mut Draft) {
    let list = draft.section(&["status"]);
    let all_online = draft.chance(55);
    let nodes = draft.section(&["configuration", "nodes"]);
    let nodes: Vec<(String, String)> = draft
        .doc
        .children(nodes)
        .filter_map(|n| {
            let name = draft.doc.attr(n, "uname")?.to_owned();
            Some((draft.doc.id(n)?.to_owned(), name))
        })
        .collect();
    for (id, name) in nodes {
        if draft.chance(4) {
            continue;
        }
        let state = draft.add(list, "node_state", &[("id", &id), ("uname", &name)]);
        let at = if all_online {
            0
        } else {
            draft.place(STATES.len())
        };
        set_state(draft, state, at);
        if draft.chance(25) {
            transient(draft, state);
        }
        if draft.chance(65) {
            history(draft, state, &id);
        }
    }
    if draft.chance(30) {
        tickets(draft, list);
    }
}

/// Puts a node into one of [`STATES`].
pub fn set_state(draft: &mut Draft, state: NodeRef, at: usize) {
    let (in_ccm, crmd, join, expected) = STATES[at];
    for (name, value) in [
        ("in_ccm", in_ccm),
        ("crmd", crmd),
        ("join", join),
        ("expected", expected),
    ] {
        draft.doc.set_attr(state, name, value);
    }
}

/// Puts a transient attribute there.
pub fn transient(draft: &mut Draft, state: NodeRef) {
    let place = match draft.doc.child(state, "transient_attributes") {
        Some(found) => found,
        None => {
            let id = draft.doc.id(state).unwrap_or("?").to_owned();
            draft.add(state, "transient_attributes", &[("id", &id)])
        }
    };
    let (name, value) = match draft.place(10) {
        0 => ("standby".to_owned(), draft.pick(&["on", "off"])),
        1 => ("shutdown".to_owned(), draft.pick(&["0", "1794999000"])),
        2 => ("maintenance".to_owned(), "true"),
        3 => ("terminate".to_owned(), draft.pick(&["true", "false"])),
        4 => (
            "#health-net".to_owned(),
            draft.pick(&["red", "yellow", "green", "-5"]),
        ),
        5 | 6 => {
            let agent = agent(draft);
            let count = draft.pick(&["1", "2", "3", "INFINITY"]);
            let last = draft.pick(&["1794999000", "1794999990", "1790000000"]);
            let task = draft.pick(&["monitor_10000", "start_0", "stop_0"]);
            draft.set(
                place,
                "instance_attributes",
                &format!("last-failure-{agent}#{task}"),
                last,
            );
            (format!("fail-count-{agent}#{task}"), count)
        }
        _ => {
            let agent = agent(draft);
            (
                format!("master-{agent}"),
                draft.pick(&["1", "5", "10", "100", "-INFINITY", "-1"]),
            )
        }
    };
    draft.set(place, "instance_attributes", &name, value);
}

fn agent(draft: &mut Draft) -> String {
    let at = draft.place(draft.agents.len());
    draft
        .agents
        .get(at)
        .map(|a| a.0.clone())
        .unwrap_or_else(|| "gone".to_owned())
}

fn history(draft: &mut Draft, state: NodeRef, id: &str) {
    let lrm = draft.add(state, "lrm", &[("id", id)]);
    let list = draft.add(lrm, "lrm_resources", &[]);
    let mut agents = draft.agents.clone();
    if draft.chance(8) {
        agents.push(("orphan".to_owned(), "ocf", "pacemaker", "Dummy"));
    }
    let mut call = 1;
    for (name, class, provider, kind) in agents {
        if draft.chance(30) {
            continue;
        }
        let name = match name.starts_with("in") && draft.chance(12) {
            true => format!("{name}:{}", draft.place(3)),
            false => name,
        };
        let attrs = [("id", name.as_str()), ("class", class), ("type", kind)];
        let resource = draft.add(list, "lrm_resource", &attrs);
        if draft.chance(2) {
            draft.doc.set_attr(resource, "shutdown-lock", "1794999500");
        }
        if !provider.is_empty() {
            draft.doc.set_attr(resource, "provider", provider);
        }
        life(draft, resource, &name, &mut call);
    }
}

/// What a history tells of an operation.
pub struct Event<'a> {
    pub entry: String,
    pub task: &'a str,
    pub interval: &'a str,
    pub target: &'a str,
    pub rc: &'a str,
    pub call: u32,
}

/// Writes an entry of a history.
pub fn entry(draft: &mut Draft, resource: NodeRef, name: &str, event: &Event<'_>) -> NodeRef {
    let Event {
        entry,
        task,
        interval,
        target,
        rc,
        call,
    } = event;
    let status = match *rc {
        "193" => "-1",
        rc if rc == *target => "0",
        _ => draft.pick(&["4", "4", "4", "0", "2", "7", "1"]),
    };
    let key = format!("{call}:1:{target}:11111111-2222-3333-4444-555555555555");
    let magic = format!("{status}:{rc};{key}");
    let seconds = (1_794_990_000 + i64::from(*call) * 10).to_string();
    let operation_key = format!("{name}_{task}_{interval}");
    let call = if *rc == "193" {
        "-1".to_owned()
    } else {
        call.to_string()
    };
    let attrs = [
        ("id", entry.as_str()),
        ("operation_key", &operation_key),
        ("operation", task),
        ("crm_feature_set", "3.16.1"),
        ("transition-key", &key),
        ("transition-magic", &magic),
        ("call-id", &call),
        ("rc-code", rc),
        ("op-status", status),
        ("interval", interval),
        ("last-rc-change", &seconds),
        ("op-digest", EMPTY),
    ];
    // No history has two entries of one name.
    let same = |op: &NodeRef| draft.doc.id(*op) == Some(entry.as_str());
    let old = draft.doc.children(resource).find(same);
    if let Some(old) = old {
        draft.doc.detach(old);
    }
    let entry = draft.add(resource, "lrm_rsc_op", &attrs);
    if draft.chance(12) {
        digests(draft, entry);
    }
    entry
}

/// Parameters of an entry may have changed since, all or those that a reload can't bring.
pub fn digests(draft: &mut Draft, entry: NodeRef) {
    const RECURRING: &str = "4811cef7f7f94e3a35a70be7916cb2fd";
    for (name, percent, values) in [
        (
            "op-digest",
            50,
            &[EMPTY, RECURRING, "0123456789abcdef0123456789abcdef"][..],
        ),
        (
            "op-restart-digest",
            40,
            &[EMPTY, "0123456789abcdef0123456789abcdef"],
        ),
        ("op-force-restart", 30, &[" state ", " fake "]),
        (
            "op-secure-digest",
            20,
            &[EMPTY, "0123456789abcdef0123456789abcdef"],
        ),
        ("op-secure-params", 20, &[" passwd "]),
        ("exit-reason", 10, &["it was so"]),
    ] {
        if draft.chance(percent) {
            let value = draft.pick(values);
            draft.doc.set_attr(entry, name, value);
        }
    }
}

/// A live migration from one node to another, with any end or none.
pub fn migration(draft: &mut Draft, source: NodeRef, target: NodeRef, name: &str) {
    let (Some(from), Some(to)) = (node_of(draft, source), node_of(draft, target)) else {
        return;
    };
    let done = draft.pick(&["0", "0", "0", "1", "193"]);
    let mut events = vec![(source, "migrate_to", done, 700)];
    if draft.chance(60) {
        let rc = draft.pick(&["0", "1", "193"]);
        events.push((target, "migrate_from", rc, 500));
    }
    if draft.chance(20) {
        let task = draft.pick(&["start", "stop", "monitor"]);
        let at = if draft.chance(50) { source } else { target };
        events.push((at, task, "0", 710));
    }
    for (resource, task, rc, call) in events {
        let event = Event {
            entry: format!("{name}_{task}_0"),
            task,
            interval: "0",
            target: "0",
            rc,
            call,
        };
        let entry = entry(draft, resource, name, &event);
        draft.doc.set_attr(entry, "migrate_source", &from);
        draft.doc.set_attr(entry, "migrate_target", &to);
    }
}

/// The name of the node that a part of a history is of.
fn node_of(draft: &Draft, part: NodeRef) -> Option<String> {
    let mut at = part;
    while draft.doc.name(at) != "node_state" {
        at = draft.doc.parent(at)?;
    }
    draft.doc.attr(at, "uname").map(str::to_owned)
}

/// What may have happened to a resource on a node.
fn life(draft: &mut Draft, resource: NodeRef, name: &str, call: &mut u32) {
    let mut tell = |draft: &mut Draft, slot: &str, task, interval, target, rc| {
        let entry_id = format!("{name}_{slot}");
        let event = Event {
            entry: entry_id,
            task,
            interval,
            target,
            rc,
            call: *call,
        };
        *call += 1;
        entry(draft, resource, name, &event);
    };
    match draft.place(15) {
        12 => {
            let slot = draft.pick(&["last_0", "last_failure_0"]);
            let rc = draft.pick(&["0", "0", "1", "5", "6", "8", "9", "190", "191", "193"]);
            let task = draft.pick(&[
                "monitor",
                "start",
                "stop",
                "promote",
                "demote",
                "reload-agent",
                "notify",
                "migrate_from",
                "cancel",
                "asyncmon",
            ]);
            tell(draft, "monitor_10000", "monitor", "10000", "0", "0");
            tell(draft, slot, task, "0", "0", rc);
        }
        13 => {
            tell(draft, "last_0", "promote", "0", "0", "0");
            tell(draft, "monitor_11000", "monitor", "11000", "8", "8");
        }
        14 => {
            tell(draft, "last_0", "start", "0", "0", "0");
            let rc = draft.pick(&["0", "1", "7", "8", "193"]);
            tell(draft, "monitor_10000", "monitor", "10000", "0", rc);
            tell(draft, "monitor_12000", "monitor", "12000", "7", "7");
        }
        0..4 => tell(draft, "last_0", "monitor", "0", "7", "7"),
        4..7 => {
            tell(draft, "last_0", "start", "0", "0", "0");
            if draft.chance(60) {
                tell(draft, "monitor_10000", "monitor", "10000", "0", "0");
            }
        }
        7 => tell(draft, "last_0", "stop", "0", "0", "0"),
        8 => tell(draft, "last_0", "monitor", "0", "7", "0"),
        9 => {
            tell(draft, "last_0", "start", "0", "0", "0");
            tell(draft, "last_failure_0", "monitor", "10000", "0", "7");
        }
        10 => {
            let rc = draft.pick(&["1", "5", "2", "6", "3", "193"]);
            tell(draft, "last_failure_0", "start", "0", "0", rc);
        }
        _ => {
            let rc = draft.pick(&["0", "1", "193"]);
            let task = draft.pick(&["promote", "demote", "stop", "migrate_to"]);
            tell(draft, "monitor_11000", "monitor", "11000", "8", "8");
            tell(draft, "last_0", task, "0", "0", rc);
        }
    }
}

fn tickets(draft: &mut Draft, status: NodeRef) {
    let list = draft.add(status, "tickets", &[]);
    for id in ["ticketA", "ticketB"] {
        if draft.chance(60) {
            let granted = draft.pick(&["true", "false"]);
            let attrs = [
                ("id", id),
                ("granted", granted),
                ("last-granted", "1794000000"),
            ];
            let ticket = draft.add(list, "ticket_state", &attrs);
            if draft.chance(30) {
                let standby = draft.pick(&["true", "false"]);
                draft.doc.set_attr(ticket, "standby", standby);
            }
        }
    }
}
