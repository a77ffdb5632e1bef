//! `crm_standby` and `crm_master`: short ways to one attribute of a node.
//!
//! Source: Pacemaker 2.1.5, the scripts of these names.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::perform;
use crate::cli::applets::{Applet, Args, Kind};
use crate::cli::crm::{VERSION_TEXT, code};
use crate::cli::getopt_long::{self, Parsed};

/// `crm_standby`.
pub const STANDBY: Applet = Applet {
    name: "crm_standby",
    summary: "ask for and change whether a node is in standby",
    kind: Kind::Tool,
    man: "crm_standby(8)",
    command: standby_command,
    run: standby,
};

/// `crm_master`.
pub const MASTER: Applet = Applet {
    name: "crm_master",
    summary: "ask for and change the promotion score of a resource",
    kind: Kind::Tool,
    man: "crm_master(8)",
    command: master_command,
    run: master,
};

fn flag(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id).help(help).action(ArgAction::SetTrue)
}

fn value(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(id).long(id).help(help);
    arg.value_name(name).action(ArgAction::Append)
}

fn command(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args([
            flag("help", "print this text and exit"),
            flag("version", "print the version and exit"),
            flag("verbose", "say more").short('V'),
            flag("quiet", "print the value only")
                .short('q')
                .short_alias('Q'),
            flag("query", "print the value")
                .short('G')
                .alias("get-value"),
            value("update", "VALUE", "set the value")
                .short('v')
                .alias("attr-value"),
            flag("delete", "remove the value")
                .short('D')
                .alias("delete-attr"),
            value("node", "NAME", "the node; this one if it is not given")
                .short('N')
                .alias("uname")
                .short_alias('U'),
            value("lifetime", "TIME", "reboot or forever").short('l'),
            value("id", "ID", "the id of the attribute")
                .short('i')
                .alias("attr-id"),
        ])
}

fn standby_command() -> Command {
    command(
        "crm_standby",
        "Ask for and change whether a node is in standby",
    )
    .after_help(
        "Examples:\n  \
         crm_standby --node a --update on      nothing runs there, until it is off\n  \
         crm_standby --node a --delete         it may run there again",
    )
}

fn master_command() -> Command {
    let resource = value("resource", "ID", "the resource, else OCF_RESOURCE_INSTANCE").short('r');
    command(
        "crm_master",
        "Ask for and change the promotion score of a resource on a node",
    )
    .arg(resource)
    .after_help(
        "Examples:\n  \
         crm_master --lifetime reboot --update 10      in an agent: this node is a good one\n  \
         crm_master --resource db --node a --query",
    )
}

/// What is answered without looking at an attribute.
fn answered(command: &Command, parsed: &Parsed) -> Option<ExitCode> {
    if parsed.has("help") {
        print!("{}", command.clone().render_help());
    } else if parsed.has("version") {
        println!("{VERSION_TEXT}");
    } else {
        let fault = parsed.faults.first()?;
        eprintln!("{fault}");
        return Some(usage(command));
    }
    Some(code::OK.into())
}

fn usage(command: &Command) -> ExitCode {
    println!("\n{}", command.clone().render_usage());
    code::ERROR.into()
}

/// The arguments for crm_attribute: what was given, and more.
fn passed_on(parsed: &Parsed, more: &[&str]) -> Args {
    let mut args: Args = Vec::new();
    for (id, value) in parsed.options.iter().filter(|(id, _)| id != "resource") {
        args.push(format!("--{id}").into());
        args.extend(value.as_ref().map(Into::into));
    }
    args.extend(more.iter().map(Into::into));
    args
}

fn standby(args: Args) -> anyhow::Result<ExitCode> {
    let command = standby_command();
    let parsed = getopt_long::parse(&command, &args);
    if let Some(code) = answered(&command, &parsed) {
        return Ok(code);
    }
    let run = |more: &[&str]| {
        let all = [&["--name", "standby"], more].concat();
        perform::run(passed_on(&parsed, &all))
    };
    let here = perform::this_node();
    let node: &[&str] = if parsed.has("node") {
        &[]
    } else {
        &["--node", &here]
    };
    let with = |more: &[&str]| run(&[node, more].concat());
    if parsed.has("lifetime") {
        return with(&[]);
    }
    let mut commands = parsed.options.iter().rev().map(|(id, _)| id.as_str());
    match commands.find(|id| matches!(*id, "query" | "update" | "delete")) {
        Some("update") => with(&["--lifetime", "forever"]),
        Some("delete") => {
            with(&["--lifetime", "forever"])?;
            with(&["--lifetime", "reboot"])?;
            Ok(code::OK.into())
        }
        _ => {
            let more = [node, &["--name", "standby", "--lifetime", "forever"]].concat();
            match perform::is_set(&passed_on(&parsed, &more)) {
                true => with(&["--lifetime", "forever"]),
                false => with(&["--lifetime", "reboot", "--default", "off"]),
            }
        }
    }
}

fn master(args: Args) -> anyhow::Result<ExitCode> {
    let command = master_command();
    let parsed = getopt_long::parse(&command, &args);
    if let Some(code) = answered(&command, &parsed) {
        return Ok(code);
    }
    let told = || std::env::var("OCF_RESOURCE_INSTANCE").ok();
    let resource = parsed.value("resource").map(str::to_owned).or_else(told);
    let Some(resource) = resource.filter(|resource| !resource.is_empty()) else {
        eprintln!("error: No resource specified");
        return Ok(usage(&command));
    };
    let name = format!("master-{resource}");
    let mut more = vec!["--name", &*name];
    if !parsed.has("lifetime") {
        more.extend(["--lifetime", "forever"]);
    }
    perform::run(passed_on(&parsed, &more))
}
