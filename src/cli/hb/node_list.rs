//! `hb_addnode` and `hb_delnode`: the set of nodes changes.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, Command};

use super::super::applets::{self, Applet, Kind};
use super::{deliver, operands, wrong_use};
use crate::daemons::control::Request;
use crate::ids::NodeName;
use crate::wire::heartbeat::Message;

/// `hb_addnode`.
pub const ADDNODE: Applet = Applet {
    name: "hb_addnode",
    summary: "add nodes to the running cluster",
    kind: Kind::Tool,
    man: "hb_addnode(1)",
    command: add_command,
    run: add,
};

/// `hb_delnode`.
pub const DELNODE: Applet = Applet {
    name: "hb_delnode",
    summary: "take dead nodes out of the running cluster",
    kind: Kind::Tool,
    man: "hb_delnode(1)",
    command: delete_command,
    run: delete,
};

fn add_command() -> Command {
    command("hb_addnode")
        .about("Add nodes to the running cluster")
        .after_help("Example:\n  hb_addnode c d")
}

fn delete_command() -> Command {
    command("hb_delnode")
        .about("Take nodes out of the running cluster; stop heartbeat on them first")
        .after_help("Example:\n  hb_delnode c")
}

fn command(name: &'static str) -> Command {
    let nodes = Arg::new("nodes").value_name("NODE").num_args(1..);
    Command::new(name).arg(
        nodes
            .required(true)
            .help("their names, as uname -n gives them"),
    )
}

fn add(args: applets::Args) -> anyhow::Result<ExitCode> {
    run(&mut add_command(), &args, |nodes| Request::AddNodes {
        nodes,
    })
}

fn delete(args: applets::Args) -> anyhow::Result<ExitCode> {
    run(&mut delete_command(), &args, |nodes| Request::DeleteNodes {
        nodes,
    })
}

fn run(
    command: &mut Command,
    args: &applets::Args,
    request: fn(Vec<String>) -> Request,
) -> anyhow::Result<ExitCode> {
    let Some(nodes) = operands(command, args)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let name = command.get_name();
    if nodes.is_empty() {
        return Ok(wrong_use(&format!("usage: {name} <node> <node> ...")));
    }
    for node in &nodes {
        NodeName::new(node).with_context(|| format!("{node:?}"))?;
    }
    let kind = name.trim_start_matches("hb_");
    let message = Message::of_type(kind).with("nodelist", nodes.join(" "));
    deliver(&request(nodes), &message)
}
