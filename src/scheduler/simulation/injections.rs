//! What happens in a simulation before the cluster reacts: nodes come and go, operations fail,
//! tickets are granted.
//! Source: Pacemaker 2.1.5, `pcmk__inject_scheduler_input`.

use crate::cib::{Document, NodeRef};
use crate::scheduler::score;
use crate::scheduler::simulation::execution::{forget, node_state, set_membership};
use crate::scheduler::simulation::shown::Item;

/// What happens.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Injections {
    pub node_up: Vec<String>,
    pub node_down: Vec<String>,
    pub node_fail: Vec<String>,
    pub operations: Vec<String>,
    pub tickets_granted: Vec<String>,
    pub tickets_revoked: Vec<String>,
    pub tickets_standby: Vec<String>,
    pub tickets_active: Vec<String>,
    pub quorum: Option<String>,
    pub watchdog: Option<String>,
}

impl Injections {
    /// Whether anything happens.
    pub fn is_empty(&self) -> bool {
        let lists = [
            &self.node_up,
            &self.node_down,
            &self.node_fail,
            &self.operations,
            &self.tickets_granted,
            &self.tickets_revoked,
            &self.tickets_standby,
            &self.tickets_active,
        ];
        // Quorum alone is no reason to change anything, as in the original.
        lists.iter().all(|l| l.is_empty()) && self.watchdog.is_none()
    }
}

/// What was done, and what couldn't be.
#[derive(Debug, Default)]
pub struct Injected {
    /// A line for each change.
    pub lines: Vec<Item>,
    /// What is wrong, a line each.
    pub errors: Vec<String>,
}

/// Changes a CIB.
pub fn inject(cib: &mut Document, what: &Injections, now: i64) -> Injected {
    let mut done = Injected::default();
    if let Some(quorum) = &what.quorum {
        done.lines.push(Item::Quorum(quorum.clone()));
        let root = cib.root();
        cib.set_attr(root, "have-quorum", quorum);
    }
    if let Some(watchdog) = &what.watchdog {
        done.lines.push(Item::Watchdog(watchdog.clone()));
        set_option(cib, "have-watchdog", watchdog);
    }
    for (nodes, action, up) in [
        (&what.node_up, "Online", true),
        (&what.node_down, "Offline", false),
        (&what.node_fail, "Failing", true),
    ] {
        for node in nodes {
            done.lines.push(Item::Node {
                action,
                node: node.clone(),
            });
            ensure_node(cib, node);
            let uuid = node_uuid(cib, node);
            let state = node_state(cib, node, uuid.as_deref());
            set_membership(cib, state, up, "crm_simulate");
            match action {
                "Offline" => forget(cib, state),
                "Failing" => cib.set_attr(state, "in_ccm", "false"),
                _ => {}
            }
        }
    }
    for (tickets, action, attrs) in [
        (&what.tickets_granted, "Granting", [("granted", "true")]),
        (&what.tickets_revoked, "Revoking", [("granted", "false")]),
        (&what.tickets_standby, "Standby", [("standby", "true")]),
        (&what.tickets_active, "Activating", [("standby", "false")]),
    ] {
        for ticket in tickets {
            done.lines.push(Item::Ticket {
                action,
                ticket: ticket.clone(),
            });
            set_ticket(cib, ticket, &attrs);
        }
    }
    for spec in &what.operations {
        inject_operation(cib, spec, now, &mut done);
    }
    done
}

fn part(cib: &mut Document, parent: NodeRef, name: &str) -> NodeRef {
    match cib.child(parent, name) {
        Some(found) => found,
        None => cib.add_element(parent, name, &[]),
    }
}

fn ensure_node(cib: &mut Document, name: &str) {
    let root = cib.root();
    let configuration = part(cib, root, "configuration");
    let nodes = part(cib, configuration, "nodes");
    let known = cib
        .children_named(nodes, "node")
        .any(|n| cib.attr(n, "uname") == Some(name));
    if !known {
        cib.add_element(nodes, "node", &[("id", name), ("uname", name)]);
    }
}

fn node_uuid(cib: &Document, name: &str) -> Option<String> {
    let nodes = cib.find(cib.root(), &["configuration", "nodes"])?;
    let mut all = cib.children_named(nodes, "node");
    let found = all.find(|&n| cib.attr(n, "uname") == Some(name))?;
    cib.id(found).map(str::to_owned)
}

fn set_option(cib: &mut Document, name: &str, value: &str) {
    let root = cib.root();
    let configuration = part(cib, root, "configuration");
    let config = part(cib, configuration, "crm_config");
    let set = match cib.child(config, "cluster_property_set") {
        Some(set) => set,
        None => {
            let attrs = [("id", "cib-bootstrap-options")];
            cib.add_element(config, "cluster_property_set", &attrs)
        }
    };
    let found = cib
        .children_named(set, "nvpair")
        .find(|&p| cib.attr(p, "name") == Some(name));
    match found {
        Some(pair) => cib.set_attr(pair, "value", value),
        None => {
            let id = format!("cib-bootstrap-options-{name}");
            let attrs = [("id", &*id), ("name", name), ("value", value)];
            cib.add_element(set, "nvpair", &attrs);
        }
    }
}

fn set_ticket(cib: &mut Document, ticket: &str, attrs: &[(&str, &str)]) {
    let root = cib.root();
    let status = part(cib, root, "status");
    let tickets = part(cib, status, "tickets");
    let found = cib
        .children_named(tickets, "ticket_state")
        .find(|&t| cib.id(t) == Some(ticket));
    let state = match found {
        Some(state) => state,
        None => cib.add_element(tickets, "ticket_state", &[("id", ticket)]),
    };
    for (name, value) in attrs {
        cib.set_attr(state, name, value);
    }
}

/// `RESOURCE_TASK_INTERVAL@NODE=RC` taken apart.
pub fn parse_operation(spec: &str) -> Option<(String, i64)> {
    let (operation, rc) = spec.split_once('=')?;
    operation.split_once('@')?;
    Some((operation.to_owned(), score::leading_integer(rc)?))
}

fn inject_operation(cib: &mut Document, spec: &str, now: i64, done: &mut Injected) {
    let parsed = parse_operation(spec).and_then(|(operation, rc)| {
        let (key, node) = operation.split_once('@')?;
        let (resource, task, interval) = crate::scheduler::model::text::parse_key(key)?;
        Some((
            resource.to_owned(),
            task.to_owned(),
            interval,
            node.to_owned(),
            rc,
        ))
    });
    done.lines.push(Item::Operation(spec.to_owned()));
    let Some((resource, task, interval, node, rc)) = parsed else {
        // KEY@NODE=RC: how many of the three are there.
        let fields = 1 + usize::from(spec.contains('@'));
        done.errors.push(format!(
            "Invalid operation spec: {spec}.  Only found {fields} fields"
        ));
        return;
    };
    let Some(primitive) = find_primitive(cib, &resource) else {
        done.errors
            .push(format!("Invalid resource name: {resource}"));
        return;
    };
    let uuid = node_uuid(cib, &node);
    let state = node_state(cib, &node, uuid.as_deref());
    let event = crate::scheduler::simulation::execution::Injected {
        resource: &resource,
        task: &task,
        interval,
        rc,
    };
    let lines =
        crate::scheduler::simulation::execution::inject_result(cib, state, primitive, &event, now);
    done.lines.extend(lines);
}

/// The element of a primitive, named with or without the number of an instance.
fn find_primitive(cib: &Document, name: &str) -> Option<NodeRef> {
    let resources = cib.find(cib.root(), &["configuration", "resources"])?;
    let base = crate::scheduler::model::text::base_name(name);
    cib.descendants(resources).find(|&e| {
        cib.name(e) == "primitive" && cib.id(e).is_some_and(|id| id == name || id == base)
    })
}
