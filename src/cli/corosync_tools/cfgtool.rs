//! `corosync-cfgtool`: links of a node, and what is asked of running nodes.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::ask;
use crate::cli::applets::{self, Applet, Kind};
use crate::cli::getopt::{self, Item};
use crate::daemons::corosync::protocol::{Node, Reply, Request};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "corosync-cfgtool",
    summary: "show the links of a ring, end nodes of it",
    kind: Kind::Tool,
    man: "corosync-cfgtool(8)",
    command,
    run,
};

const OPTIONS: &str = "snbLRk:a:hH";

fn command() -> Command {
    let flag = |letter: char, help: &'static str| {
        let arg = Arg::new(letter.to_string()).short(letter).help(help);
        arg.action(ArgAction::SetTrue)
    };
    let number = |letter: char, help: &'static str| {
        flag(letter, help).value_name("NODE").action(ArgAction::Set)
    };
    Command::new("corosync-cfgtool")
        .about("Show the links of the ring that this node is on, and end nodes of it")
        .disable_help_flag(true)
        .arg(flag('s', "show this node's link and who is behind it"))
        .arg(flag('b', "with -s: one character a node"))
        .arg(flag('n', "show the nodes that are reached"))
        .arg(flag('L', "have log files opened anew"))
        .arg(flag('R', "have all nodes read corosync.conf again"))
        .arg(number('k', "end a node, by its number"))
        .arg(number('a', "print the address of a node"))
        .arg(flag('H', "end this node in order"))
        .arg(flag('h', "print this help"))
        .after_help(
            "Exit status: 0 done, 1 no answer, wrong use, or it can't be done.\n\n\
             Examples:\n  corosync-cfgtool -s\n  corosync-cfgtool -k 3\n  corosync-cfgtool -H",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let parsed = getopt::parse(OPTIONS, &args);
    let brief = parsed.items.contains(&Item::Flag(b'b'));
    let mut code = None;
    for item in &parsed.items {
        code = match item {
            Item::Flag(b's') => Some(show(brief)),
            Item::Flag(b'n') => Some(reached()),
            Item::Flag(b'L') => Some(order(
                &Request::ReopenLogs,
                "Could not reopen logging files",
            )),
            Item::Flag(b'R') => Some(reload()),
            Item::Flag(b'H') => Some(order(&Request::ShutDown, "Could not shutdown (error")),
            Item::Flag(b'b') => continue,
            Item::Value(b'k', node) => match node.to_str().and_then(|n| n.parse().ok()) {
                Some(node) => {
                    let request = Request::Kill { node };
                    Some(order(&request, "Could not kill node"))
                }
                None => None,
            },
            Item::Value(b'a', node) => node.to_str().and_then(|n| n.parse().ok()).map(address),
            _ => None,
        };
        if code.is_none() {
            break;
        }
    }
    match code {
        Some(code) => Ok(ExitCode::from(code)),
        None => {
            command().print_help()?;
            let asked = parsed.items.contains(&Item::Flag(b'h'));
            Ok(ExitCode::from(u8::from(!asked)))
        }
    }
}

fn order(request: &Request, failure: &str) -> u8 {
    match ask(request) {
        Some(Reply::Done) => 0,
        Some(Reply::Refused { error }) => {
            eprintln!("{failure}: {error}");
            1
        }
        _ => not_running(),
    }
}

fn reload() -> u8 {
    println!("Reloading corosync.conf...");
    let code = order(&Request::Reload, "Could not reload configuration. Error");
    if code == 0 {
        println!("Done");
    }
    code
}

fn not_running() -> u8 {
    eprintln!("Could not initialize corosync configuration API error CS_ERR_LIBRARY");
    1
}

fn show(brief: bool) -> u8 {
    let Some(Reply::Links {
        transport,
        address,
        node,
        nodes,
        ..
    }) = ask(&Request::Links)
    else {
        return not_running();
    };
    println!("Local node ID {node}, transport {transport}");
    println!("LINK ID 0 \n\taddr\t= {address}");
    if brief {
        let letters = nodes.iter().map(|other| match other {
            _ if other.id == node => 'n',
            Node { member: true, .. } => '3',
            _ => '1',
        });
        println!("\tstatus\t= {}", letters.collect::<String>());
        return 0;
    }
    println!("\tstatus:");
    for other in &nodes {
        let state = match other {
            _ if other.id == node => "localhost",
            Node { member: true, .. } => "connected",
            _ => "disconnected",
        };
        println!("\t\tnodeid: {:>10}:\t{state}", other.id);
    }
    0
}

fn reached() -> u8 {
    let Some(Reply::Links {
        transport,
        mtu,
        node,
        nodes,
        ..
    }) = ask(&Request::Links)
    else {
        return not_running();
    };
    println!("Local node ID {node}, transport {transport}");
    for other in nodes
        .iter()
        .filter(|other| other.member && other.id != node)
    {
        let address = other.address.clone().unwrap_or_default();
        println!(
            "nodeid: {} reachable\n   LINK: 0  ({address}) enabled connected mtu: {mtu}\n",
            other.id
        );
    }
    0
}

fn address(node: u32) -> u8 {
    let Some(Reply::Links { nodes, .. }) = ask(&Request::Links) else {
        return not_running();
    };
    match nodes
        .into_iter()
        .find(|other| other.id == node)
        .and_then(|n| n.address)
    {
        Some(address) => {
            println!("{address}");
            0
        }
        None => {
            eprintln!("Could not get node address for nodeid {node}");
            1
        }
    }
}
