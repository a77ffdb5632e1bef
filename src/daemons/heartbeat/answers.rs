//! Answers what tools ask over the control socket.

use super::node::Node;
use super::picture::{self, Constant};
use crate::daemons::control::{Reply, Request};
use crate::ids::NodeName;
use crate::proto::heartbeat::NodeStatus;
use crate::v1::{Command, Side};
use crate::wire::heartbeat::Message;

/// Carries a request out; [`Request::Watch`] is answered like [`Request::Report`], once.
pub fn answer(node: &mut Node, constant: Constant, request: Request) -> Reply {
    if let Err(why) = check_names(node, &request) {
        return Reply::Refused { why };
    }
    match request {
        Request::Report | Request::Watch => {
            Reply::Report(Box::new(picture::report(node, constant)))
        }
        Request::Standby { side } => command(node, Command::Standby(side), gives(side)),
        Request::Takeover { side } => command(node, Command::Takeover(side), gets(side)),
        Request::Hold { absent } => answer_of(
            hold(node, &absent),
            "this node leaves its resources as they are",
        ),
        Request::Release => answer_of(node.release(), "this node goes on"),
        Request::AddNodes { nodes } => tell(node, "addnode", &[("nodelist", nodes.join(" "))]),
        Request::DeleteNodes { nodes } => tell(node, "delnode", &[("nodelist", nodes.join(" "))]),
        Request::SetWeight { node: of, weight } => tell(
            node,
            "setweight",
            &[("node", of), ("weight", weight.to_string())],
        ),
        Request::SetSite { node: of, site } => {
            tell(node, "setsite", &[("node", of), ("site", site)])
        }
    }
}

fn hold(node: &mut Node, absent: &[String]) -> Result<(), String> {
    let names = absent.iter().map(|name| NodeName::new(name));
    let names = names.collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    node.hold(names)
}

/// Whether the nodes that a request names are such that it makes sense.
///
/// Differs: heartbeat passes everything on, and a living node that is deleted ends itself.
fn check_names(node: &Node, request: &Request) -> Result<(), String> {
    let status = |name: &String| {
        let known = node.cluster.nodes().find(|n| n.name == **name);
        known.map(|n| n.status)
    };
    let unknown = |name: &String| format!("{name} is no node of this cluster");
    match request {
        Request::AddNodes { nodes } => match nodes.iter().find(|n| status(n).is_some()) {
            Some(name) => Err(format!("{name} is a node of this cluster already")),
            None => Ok(()),
        },
        Request::DeleteNodes { nodes } => nodes.iter().try_for_each(|name| match status(name) {
            None => Err(unknown(name)),
            Some(_) if node.cluster.config().local == **name => {
                Err(format!("{name} is this node; do it on another one"))
            }
            Some(NodeStatus::Dead) => Ok(()),
            Some(status) => Err(format!("{name} is {status}: stop heartbeat there first")),
        }),
        Request::SetWeight { node: of, .. } | Request::SetSite { node: of, .. } => {
            status(of).map(drop).ok_or_else(|| unknown(of))
        }
        Request::Report
        | Request::Watch
        | Request::Hold { .. }
        | Request::Release
        | Request::Standby { .. }
        | Request::Takeover { .. } => Ok(()),
    }
}

fn command(node: &mut Node, command: Command, does: &str) -> Reply {
    answer_of(node.handle_command(command), does)
}

fn answer_of(done: Result<(), String>, does: &str) -> Reply {
    match done {
        Ok(()) => Reply::Accepted { text: does.into() },
        Err(why) => Reply::Refused { why },
    }
}

/// Sends a message to all nodes, ourselves too.
fn tell(node: &mut Node, kind: &str, fields: &[(&str, String)]) -> Reply {
    let mut message = Message::of_type(kind);
    for (name, value) in fields {
        message.push_text(name, value);
    }
    node.send(message);
    Reply::Accepted {
        text: String::new(),
    }
}

fn gives(side: Side) -> &'static str {
    match side {
        Side::All => "this node gives all its groups away",
        Side::Local => "this node gives its own groups away",
        Side::Foreign => "this node gives the groups of others back",
    }
}

fn gets(side: Side) -> &'static str {
    match side {
        Side::All => "this node gets all groups",
        Side::Local => "this node gets its own groups",
        Side::Foreign => "this node gets the groups of others",
    }
}
