//! `corosync-cfgtool`: links of a node, and what is asked of running nodes.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::ask;
use crate::cli::applets::{self, Applet, Kind};
use crate::cli::getopt::{self, Item};
use crate::daemons::corosync::protocol::{Link, Node, Reply, Request};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "corosync-cfgtool",
    summary: "show the links of a ring, end nodes of it",
    kind: Kind::Tool,
    man: "corosync-cfgtool(8)",
    command,
    run,
};

const OPTIONS: &str = "i:snbrRLk:a:hH";

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
        .arg(flag('s', "show this node's links and who is behind them"))
        .arg(flag('b', "with -s: one character a node"))
        .arg(
            flag(
                'i',
                "with -s: only this link of several (its number or address)",
            )
            .value_name("LINK")
            .action(ArgAction::Set),
        )
        .arg(flag('n', "show the nodes that are reached"))
        .arg(flag(
            'r',
            "use redundant rings again that were marked faulty",
        ))
        .arg(flag('L', "have log files opened anew"))
        .arg(flag('R', "have all nodes read corosync.conf again"))
        .arg(number('k', "end a node, by its number"))
        .arg(number('a', "print the addresses of a node"))
        .arg(flag('H', "end this node in order"))
        .arg(
            Arg::new("force")
                .long("force")
                .action(ArgAction::SetTrue)
                .help("with -H: whoever objects (here nobody can)"),
        )
        .arg(flag('h', "print this help"))
        .after_help(
            "Exit status: 0 done, 1 no answer, wrong use, or it can't be done.\n\n\
             Examples:\n  corosync-cfgtool -s\n  corosync-cfgtool -k 3\n  corosync-cfgtool -H",
        )
}

/// What is to be done; the last one on the command line is.
#[derive(Debug, PartialEq, Eq)]
enum Task {
    Help,
    Show,
    Reached,
    Reenable,
    Reopen,
    Reload,
    ShutDown,
    Kill(u32),
    Address(u32),
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let (mut task, mut brief, mut link) = (Task::Help, false, None);
    let short: Vec<_> = args.into_iter().filter(|arg| arg != "--force").collect();
    for item in getopt::parse(OPTIONS, &short).items {
        match item {
            Item::Flag(b's') => task = Task::Show,
            Item::Flag(b'n') => task = Task::Reached,
            Item::Flag(b'r') => task = Task::Reenable,
            Item::Flag(b'L') => task = Task::Reopen,
            Item::Flag(b'R') => task = Task::Reload,
            Item::Flag(b'H') => task = Task::ShutDown,
            Item::Flag(b'h') => {
                command().print_help()?;
                return Ok(ExitCode::SUCCESS);
            }
            Item::Flag(b'b') => brief = true,
            Item::Value(b'i', which) => link = Some(which.to_string_lossy().into_owned()),
            Item::Value(letter, node) => {
                let node = node.to_str().and_then(|n| n.parse().ok());
                let Some(node) = node.filter(|node| *node > 0) else {
                    return wrong("The nodeid was not valid, try a positive number");
                };
                task = match letter {
                    b'k' => Task::Kill(node),
                    _ => Task::Address(node),
                };
            }
            other => return wrong(&other.complaint("corosync-cfgtool").unwrap_or_default()),
        }
    }
    Ok(ExitCode::from(perform(&task, brief, link.as_deref())?))
}

fn wrong(text: &str) -> anyhow::Result<ExitCode> {
    eprintln!("{text}");
    Ok(ExitCode::FAILURE)
}

fn perform(task: &Task, brief: bool, link: Option<&str>) -> anyhow::Result<u8> {
    Ok(match task {
        Task::Help => {
            command().print_help()?;
            0
        }
        Task::Show => show(brief, link),
        Task::Reached => reached(),
        Task::Address(node) => address(*node),
        Task::Reenable => {
            println!("Re-enabling all failed rings.");
            order(&Request::ReenableRings, "Could not re-enable ring", API)
        }
        Task::Reopen => {
            let failure = "Could not reopen logging files. Error";
            order(&Request::ReopenLogs, failure, CONFIGURATION)
        }
        Task::Reload => {
            println!("Reloading corosync.conf...");
            let failure = "Could not reload configuration. Error";
            let code = order(&Request::Reload, failure, CONFIGURATION);
            if code == 0 {
                println!("Done");
            }
            code
        }
        Task::ShutDown => {
            let code = order(&Request::ShutDown, "Could not shutdown (error =", API);
            if code == 0 {
                println!("Shutting down corosync");
            }
            code
        }
        Task::Kill(node) => {
            println!("Killing node {node}");
            order(
                &Request::Kill { node: *node },
                "Could not kill node (error =",
                API,
            )
        }
    })
}

/// Names of the same error. Source: corosync 3.1.7.
const API: &str = "2";
const CONFIGURATION: &str = "CS_ERR_LIBRARY";

fn order(request: &Request, failure: &str, down: &str) -> u8 {
    match ask(request) {
        Some(Reply::Done) => 0,
        Some(Reply::Refused { error }) => {
            let end = if failure.contains('(') { ")" } else { "" };
            eprintln!("{failure} {error}{end}");
            1
        }
        _ => not_running(down),
    }
}

fn not_running(error: &str) -> u8 {
    eprintln!("Could not initialize corosync configuration API error {error}");
    1
}

fn show(brief: bool, only: Option<&str>) -> u8 {
    let Some(Reply::Links {
        transport,
        links,
        node,
        nodes,
        ..
    }) = ask(&Request::Links)
    else {
        return not_running(API);
    };
    if links.len() > 1 {
        print!("{}", rings(node, &links, only));
        return 0;
    }
    println!("Local node ID {node}, transport {transport}");
    let address = links.first().map_or("", |link| &link.address);
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

/// Redundant rings, as corosync 2.x shows them.
fn rings(node: u32, links: &[Link], only: Option<&str>) -> String {
    let mut text = format!("Printing ring status.\nLocal node ID {node}\n");
    for (number, link) in links.iter().enumerate() {
        if only.is_none_or(|only| only == link.address || only == number.to_string()) {
            text.push_str(&format!(
                "RING ID {number}\n\tid\t= {}\n\tstatus\t= {}\n",
                link.address, link.status
            ));
        }
    }
    text
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
        return not_running(API);
    };
    println!("Local node ID {node}, transport {transport}");
    for other in nodes
        .iter()
        .filter(|other| other.member && other.id != node)
    {
        println!("nodeid: {} reachable", other.id);
        for (number, address) in other.addresses.iter().enumerate() {
            println!("   LINK: {number}  ({address}) enabled connected mtu: {mtu}");
        }
        println!();
    }
    0
}

fn address(node: u32) -> u8 {
    let Some(Reply::Links { nodes, .. }) = ask(&Request::Links) else {
        return not_running(API);
    };
    let found = nodes.into_iter().find(|other| other.id == node);
    match found.map(|node| node.addresses) {
        Some(addresses) if !addresses.is_empty() => {
            println!("{}", addresses.join(" "));
            0
        }
        _ => {
            eprintln!("Could not get node address for nodeid {node}");
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redundant_rings_look_as_in_2_x() {
        let link = |address: &str, status: &str| Link {
            address: address.to_owned(),
            status: status.to_owned(),
        };
        let links = [
            link("10.33.121.1", "ring 0 active with no faults"),
            link(
                "10.33.122.1",
                "Marking ringid 1 interface 10.33.122.1 FAULTY",
            ),
        ];
        let second = "RING ID 1\n\tid\t= 10.33.122.1\n\
                      \tstatus\t= Marking ringid 1 interface 10.33.122.1 FAULTY\n";
        let head = "Printing ring status.\nLocal node ID 1\n";
        let first = "RING ID 0\n\tid\t= 10.33.121.1\n\tstatus\t= ring 0 active with no faults\n";
        assert_eq!(rings(1, &links, None), format!("{head}{first}{second}"));
        for only in ["1", "10.33.122.1"] {
            assert_eq!(rings(1, &links, Some(only)), format!("{head}{second}"));
        }
    }
}
