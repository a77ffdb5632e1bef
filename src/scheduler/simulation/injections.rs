//! What happens in a simulation before the cluster reacts: nodes come and go, operations fail,
//! tickets are granted.
//! Source: Pacemaker 2.1.5, `pcmk__inject_scheduler_input`.

use std::collections::BTreeMap;

use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::parse_key;
use crate::scheduler::score;
use crate::scheduler::simulation::execution::{self, Agent, inject_result};
use crate::scheduler::simulation::shadow::{Membership, Shadow};
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

    /// Whether nodes that the configuration doesn't have are added to it.
    pub fn adds_nodes(&self) -> bool {
        !self.node_up.is_empty()
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

/// The agents of the resources whose operations have results, by name: whatever the cluster has
/// before anything happens, be it an orphan, a part of a bundle or an instance.
pub type Agents<'a> = BTreeMap<String, Agent<'a>>;

/// The agents that [`inject`] will ask for.
pub(super) fn agents<'a>(cluster: &Cluster<'a>, what: &Injections) -> Agents<'a> {
    let specs = what.operations.iter().filter_map(|s| Spec::read(s).ok());
    let found = specs.filter_map(|spec| {
        let (name, _, _) = parse_key(spec.key)?;
        let xml = cluster.resources[cluster.known(name)?].xml;
        let agent = ["class", "provider", "type"].map(|attr| xml.attr(attr));
        Some((name.to_owned(), agent))
    });
    found.collect()
}

/// Changes a CIB.
pub fn inject(cib: &mut Shadow<'_>, what: &Injections, agents: &Agents<'_>, now: i64) -> Injected {
    let mut done = Injected::default();
    if let Some(quorum) = &what.quorum {
        done.lines.push(Item::Quorum(quorum.clone()));
        let root = cib.root();
        if cib.set(root, &[("have-quorum", quorum)]) {
            cib.count_update();
        }
    }
    if let Some(watchdog) = &what.watchdog {
        done.lines.push(Item::Watchdog(watchdog.clone()));
        set_option(cib, "have-watchdog", watchdog);
    }
    for (nodes, action, membership) in [
        (&what.node_up, "Online", Membership::Online),
        (&what.node_down, "Offline", Membership::Offline),
        (&what.node_fail, "Failing", Membership::Lost),
    ] {
        for node in nodes {
            done.lines.push(Item::Node {
                action,
                node: node.clone(),
            });
            let state = cib.node_state(node, None);
            cib.set_membership(state, membership, "crm_simulate");
            cib.write_state(state);
            if membership == Membership::Offline {
                cib.forget(state);
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
        inject_operation(cib, spec, agents, now, &mut done);
    }
    done
}

/// Sets an option in whichever set has it; otherwise in the set that tools write to.
///
/// Source: Pacemaker 2.1.5, seen with several sets
fn set_option(cib: &mut Shadow<'_>, name: &str, value: &str) {
    const BOOTSTRAP: &str = "cib-bootstrap-options";
    let configuration = cib.part(cib.root(), "configuration");
    let config = cib.part(configuration, "crm_config");
    let sets: Vec<_> = cib.children_named(config, "cluster_property_set").collect();
    let named = |set| {
        let mut pairs = cib.children_named(set, "nvpair");
        pairs.find(|&p| cib.attr(p, "name") == Some(name))
    };
    let found = sets.iter().find_map(|&set| named(set));
    let changed = match found {
        Some(pair) => cib.set(pair, &[("value", value)]),
        None => {
            let bootstrap = sets.iter().find(|&&set| cib.id(set) == Some(BOOTSTRAP));
            let set = match bootstrap {
                Some(set) => *set,
                None => cib.add_element(config, "cluster_property_set", &[("id", BOOTSTRAP)]),
            };
            let id = format!("{BOOTSTRAP}-{name}");
            let attrs = [("id", &*id), ("name", name), ("value", value)];
            cib.add_element(set, "nvpair", &attrs);
            true
        }
    };
    if changed {
        cib.count_epoch();
    }
}

fn set_ticket(cib: &mut Shadow<'_>, ticket: &str, attrs: &[(&str, &str)]) {
    let status = cib.status();
    let tickets = cib.part(status, "tickets");
    let found = cib
        .children_named(tickets, "ticket_state")
        .find(|&t| cib.id(t) == Some(ticket));
    let (state, new) = match found {
        Some(state) => (state, false),
        None => (
            cib.add_element(tickets, "ticket_state", &[("id", ticket)]),
            true,
        ),
    };
    if cib.set(state, attrs) || new {
        cib.count_update();
    }
}

/// `RESOURCE_TASK_INTERVAL@NODE=RC` taken apart.
struct Spec<'s> {
    /// `RESOURCE_TASK_INTERVAL`.
    key: &'s str,
    node: &'s str,
    rc: i64,
}

impl<'s> Spec<'s> {
    /// The error is how many of the three are there.
    fn read(text: &'s str) -> Result<Self, u8> {
        let (key, rest) = text.split_once('@').unwrap_or((text, ""));
        let (node, rc) = rest.split_once('=').unwrap_or((rest, ""));
        match (key, node, score::leading_integer(rc)) {
            ("", ..) => Err(0),
            (_, "", _) => Err(1),
            (_, _, None) => Err(2),
            (_, _, Some(rc)) => Ok(Self { key, node, rc }),
        }
    }
}

/// The operation with its node, and the result.
pub fn parse_operation(spec: &str) -> Option<(String, i64)> {
    let (operation, rc) = spec.split_once('=')?;
    operation.split_once('@')?;
    Some((operation.to_owned(), score::leading_integer(rc)?))
}

fn inject_operation(
    cib: &mut Shadow<'_>,
    text: &str,
    agents: &Agents<'_>,
    now: i64,
    done: &mut Injected,
) {
    done.lines.push(Item::Operation(text.to_owned()));
    let spec = match Spec::read(text) {
        Ok(spec) => spec,
        Err(fields) => {
            done.errors.push(format!(
                "Invalid operation spec: {text}.  Only found {fields} fields"
            ));
            return;
        }
    };
    let parsed = parse_key(spec.key);
    let name = parsed.map_or("(null)", |(name, _, _)| name);
    let (Some((_, task, interval)), Some(&agent)) = (parsed, agents.get(name)) else {
        done.errors.push(format!("Invalid resource name: {name}"));
        return;
    };
    let state = cib.node_state(spec.node, None);
    if agent[0].is_none() || agent[2].is_none() {
        let id = cib.id(state).unwrap_or("(null)");
        done.errors.push(format!(
            "Resource {name} not found in the status section of {id}.  Please supply the class \
             and type to continue"
        ));
        return;
    }
    let event = execution::Injected {
        resource: name,
        task,
        interval,
        rc: spec.rc,
    };
    done.lines
        .extend(inject_result(cib, state, agent, &event, now));
}
