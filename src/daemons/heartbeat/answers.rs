//! Answers what tools ask over the control socket.

use super::node::Node;
use super::picture::{self, Constant};
use crate::daemons::control::{Reply, Request};
use crate::v1::{Command, Side};
use crate::wire::heartbeat::Message;

/// Carries a request out; [`Request::Watch`] is answered like [`Request::Report`], once.
pub fn answer(node: &mut Node, constant: Constant, request: Request) -> Reply {
    match request {
        Request::Report | Request::Watch => {
            Reply::Report(Box::new(picture::report(node, constant)))
        }
        Request::Standby { side } => command(node, Command::Standby(side), gives(side)),
        Request::Takeover { side } => command(node, Command::Takeover(side), gets(side)),
        Request::AddNodes { nodes } => send(node, node_list("addnode", &nodes)),
        Request::DeleteNodes { nodes } => send(node, node_list("delnode", &nodes)),
        Request::SetWeight { node: name, weight } => {
            let message = Message::of_type("setweight").with("node", name);
            send(node, message.with("weight", weight.to_string()))
        }
        Request::SetSite { node: name, site } => send(
            node,
            Message::of_type("setsite")
                .with("node", name)
                .with("site", site),
        ),
    }
}

fn command(node: &mut Node, command: Command, does: &str) -> Reply {
    match node.handle_command(command) {
        Ok(()) => Reply::Accepted { text: does.into() },
        Err(why) => Reply::Refused { why },
    }
}

fn send(node: &mut Node, message: Message) -> Reply {
    node.send(message);
    Reply::Accepted {
        text: String::new(),
    }
}

fn node_list(kind: &str, names: &[String]) -> Message {
    Message::of_type(kind).with("nodelist", names.join(" "))
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
