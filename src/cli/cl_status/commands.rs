//! The sub-commands that need a daemon.

use std::time::Duration;

use super::super::client::{Error, Session};
use super::heartbeat_status::crm_mode;
use super::{Call, Flags, Stop, code, log_error};

/// How long to wait for an answer about a client.
///
/// Differs: the original waits 100 ms, which is often too short for the other node's answer.
const CLIENT_WAIT_MS: u64 = 1000;

// Both spellings are the original's.
const MISSING: &str = "Not enough parameters.";
const MISSING_TOO: &str = "No enough parameter.";
const BAD_NODE: &str = "Error. May be due to incorrect node name";
const BAD_NODE_WEIGHT: &str = "Error. Maybe due to incorrect node name.";

impl Call {
    /// The operand at `place`, or `complaint` on stderr.
    fn operand(&self, place: usize, complaint: &str) -> Result<String, Stop> {
        match self.operands.get(place) {
            Some(word) => Ok(word.clone()),
            None => Err(wrong_parameter(complaint)),
        }
    }

    /// Prints `human` with -m, else `plain`.
    fn print(&self, plain: &str, human: String) {
        println!("{}", if self.flags.human { &human } else { plain });
    }
}

fn wrong_parameter(complaint: &str) -> Stop {
    eprintln!("{complaint}");
    Stop::Exit(code::PARAMETER)
}

/// Logs `complaint` before the daemon's refusal goes on.
fn explain<T>(answer: Result<T, Error>, complaint: &str) -> Result<T, Stop> {
    if let Err(Error::BadRequest(_) | Error::Late) = answer {
        log_error(complaint);
    }
    Ok(answer?)
}

/// The daemon's answer about a node, or `complaint` if it knows no such node.
fn known_node(answer: Result<String, Error>, complaint: &str) -> Result<String, Stop> {
    match answer {
        Err(Error::BadRequest(_)) => Err(wrong_parameter(complaint)),
        other => Ok(other?),
    }
}

pub(super) fn list_nodes(call: &mut Call) -> Result<u8, Stop> {
    print_nodes(&mut call.session, &call.flags)?;
    Ok(code::OK)
}

/// The nodes, last of ha.cf first as the original's library hands them out.
pub(super) fn print_nodes(session: &mut Session, flags: &Flags) -> Result<(), Stop> {
    let mut nodes = explain(session.nodes(), "Cannot start node walk.")?;
    nodes.reverse();
    if flags.human {
        println!("The nodes are as follow:");
    }
    let all = flags.normal == flags.ping;
    nodes.retain(|n| all || flags.ping == (n.kind == "ping"));
    for node in nodes {
        if flags.verbose {
            println!(
                "\n{}\t{}\t(nodetype: {})",
                node.name, node.status, node.kind
            );
            print_links(session, &node.name, flags)?;
        } else {
            println!("{}", node.name);
        }
    }
    Ok(())
}

fn print_links(session: &mut Session, node: &str, flags: &Flags) -> Result<(), Stop> {
    let links = session.links(node);
    let links = explain(links, "Cannot start heartbeat link interface walk.")?;
    if flags.human {
        println!("\tthis node has the following heartbeat links:");
    }
    for link in links {
        if flags.verbose {
            println!("\t{}\t{}", link.name, link.status);
        } else {
            println!("\t{}", link.name);
        }
    }
    Ok(())
}

pub(super) fn list_links(call: &mut Call) -> Result<u8, Stop> {
    let node = call.operand(0, MISSING_TOO)?;
    print_links(&mut call.session, &node, &call.flags)?;
    Ok(code::OK)
}

pub(super) fn node_status(call: &mut Call) -> Result<u8, Stop> {
    let node = call.operand(0, MISSING)?;
    let status = known_node(call.session.node_status(&node), BAD_NODE)?;
    call.print(&status, format!("The cluster node {node} is {status}"));
    Ok(match status.as_str() {
        "active" | "up" | "ping" => code::OK,
        _ => code::NEGATIVE,
    })
}

pub(super) fn node_weight(call: &mut Call) -> Result<u8, Stop> {
    let node = call.operand(0, MISSING)?;
    let weight = known_node(call.session.node_weight(&node), BAD_NODE_WEIGHT)?;
    let human = format!("The weight of the cluster node {node} is {weight}");
    call.print(&weight, human);
    Ok(code::OK)
}

pub(super) fn node_site(call: &mut Call) -> Result<u8, Stop> {
    let node = call.operand(0, MISSING)?;
    let site = known_node(call.session.node_site(&node), BAD_NODE)?;
    call.print(
        &site,
        format!("The site of the cluster node {node} is {site}"),
    );
    Ok(code::OK)
}

pub(super) fn node_type(call: &mut Call) -> Result<u8, Stop> {
    let node = call.operand(0, MISSING_TOO)?;
    let kind = known_node(call.session.node_type(&node), BAD_NODE)?;
    call.print(&kind, format!("The node {node}'s type: {kind}"));
    Ok(code::OK)
}

pub(super) fn link_status(call: &mut Call) -> Result<u8, Stop> {
    let node = call.operand(0, MISSING_TOO)?;
    let link = call.operand(1, MISSING_TOO)?;
    let answer = match call.session.link_status(&node, &link) {
        // The original's library loses the reason.
        Err(Error::BadRequest(_)) => Err(Error::BadRequest(String::new())),
        other => other,
    };
    let status = explain(answer, "Cannot get heartbeat link status")?;
    let human = format!("The node {node}'s heartbeat link {link} is {status}");
    call.print(&status, human);
    Ok(if status == "up" {
        code::OK
    } else {
        code::NEGATIVE
    })
}

pub(super) fn client_status(call: &mut Call) -> Result<u8, Stop> {
    let node = call.operand(0, MISSING_TOO)?;
    let client = call.operand(1, MISSING_TOO)?;
    // As atoi(3) reads it: no number is 0, and then there is no time to answer.
    let wait = call.operands.get(2);
    let wait = wait.map_or(CLIENT_WAIT_MS, |word| word.parse().unwrap_or(0));
    let wait = Duration::from_millis(wait);
    let answer = match call.session.client_status(&node, &client, wait) {
        Err(Error::BadRequest(_)) => Err(Error::Late),
        other => other,
    };
    let status = explain(
        answer,
        &format!("Cannot get heartbeat client {client}'s status"),
    )?;
    println!("{status}");
    let words = ["online", "offline", "join", "leave"];
    let place = words.iter().position(|w| *w == status);
    Ok(place.map_or(code::OTHER, |p| p as u8))
}

pub(super) fn resources(call: &mut Call) -> Result<u8, Stop> {
    if crm_mode(call.session.welcome().text("pacemaker")).is_some() {
        log_error("Cannot get cluster resource status of a pacemaker cluster; try crm_mon");
        return Ok(code::NEGATIVE);
    }
    let held = explain(
        call.session.resources(),
        "Cannot get cluster resource status",
    )?;
    call.print(&held, format!("This node is holding {held} resources."));
    Ok(code::OK)
}

pub(super) fn parameter(call: &mut Call) -> Result<u8, Stop> {
    let Some(name) = call.flags.parameter.clone() else {
        log_error("parameter name required");
        return Ok(code::PARAMETER);
    };
    let value = match call.session.parameter(&name) {
        Err(Error::BadRequest(_)) => None,
        other => other?,
    };
    let Some(value) = value else {
        log_error(&format!("Cannot get parameter {name}'s value"));
        log_error("REASON: ");
        return Ok(code::NEGATIVE);
    };
    call.print(
        &value,
        format!("Heartbeat parameter {name}'s value: {value}"),
    );
    Ok(code::OK)
}

pub(super) fn test(call: &mut Call) -> Result<u8, Stop> {
    let held = match call.session.resources() {
        Err(Error::BadRequest(_)) => "(null)".into(),
        other => other?,
    };
    let welcome = call.session.welcome();
    let dead = welcome.hex("deadtime").unwrap_or(0);
    let keep = welcome.hex("keepalive").unwrap_or(0);
    let node = welcome.text("node").unwrap_or_default();
    println!("Dead time: {dead}\n keeplive time: {keep}\n mynodeid: {node}\n rsc: {held}");
    Ok(code::OK)
}
