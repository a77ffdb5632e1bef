//! `hb_setweight` and `hb_setsite`: a property of a node changes.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, Command};

use super::super::applets::{self, Applet, Kind};
use super::{deliver, operands, wrong_use};
use crate::daemons::control::Request;
use crate::ids::NodeName;
use crate::wire::heartbeat::Message;

/// `hb_setweight`.
pub const SETWEIGHT: Applet = Applet {
    name: "hb_setweight",
    summary: "set the weight of a node's vote",
    kind: Kind::Tool,
    man: "hb_setweight(1)",
    command: weight_command,
    run: weight,
};

/// `hb_setsite`.
pub const SETSITE: Applet = Applet {
    name: "hb_setsite",
    summary: "set the site that a node stands at",
    kind: Kind::Tool,
    man: "hb_setsite(1)",
    command: site_command,
    run: site,
};

fn weight_command() -> Command {
    command("hb_setweight")
        .about("Set the weight of a node's vote; every node starts with 100")
        .arg(
            Arg::new("weight")
                .value_name("WEIGHT")
                .required(true)
                .help("a number from 0"),
        )
        .after_help("Example:\n  hb_setweight b 200")
}

fn site_command() -> Command {
    command("hb_setsite")
        .about("Set the site that a node stands at")
        .arg(
            Arg::new("site")
                .value_name("SITE")
                .required(true)
                .help("a word"),
        )
        .after_help("Example:\n  hb_setsite b berlin")
}

fn command(name: &'static str) -> Command {
    Command::new(name).arg(
        Arg::new("node")
            .value_name("NODE")
            .required(true)
            .help("its name, as uname -n gives it"),
    )
}

fn weight(args: applets::Args) -> anyhow::Result<ExitCode> {
    let Some(words) = operands(&mut weight_command(), &args)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let [node, weight] = words.as_slice() else {
        return Ok(wrong_use("usage: hb_setweight <node> <weight>"));
    };
    let node = checked(node)?;
    let weight: u32 = weight
        .parse()
        .with_context(|| format!("{weight:?} is no weight; write a number from 0"))?;
    let message = Message::of_type("setweight")
        .with("node", &node)
        .with("weight", weight.to_string());
    deliver(&Request::SetWeight { node, weight }, &message)
}

fn site(args: applets::Args) -> anyhow::Result<ExitCode> {
    let Some(words) = operands(&mut site_command(), &args)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let [node, site] = words.as_slice() else {
        return Ok(wrong_use("usage: hb_setsite <node> <site>"));
    };
    let (node, site) = (checked(node)?, site.clone());
    let message = Message::of_type("setsite")
        .with("node", &node)
        .with("site", &site);
    deliver(&Request::SetSite { node, site }, &message)
}

fn checked(node: &str) -> anyhow::Result<String> {
    NodeName::new(node).with_context(|| format!("{node:?}"))?;
    Ok(node.to_owned())
}
