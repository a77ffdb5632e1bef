//! `corosync-cpgtool`: process groups and who is in them.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::ask;
use crate::cli::applets::{self, Applet, Kind};
use crate::cli::getopt::{self, Item};
use crate::daemons::corosync::protocol::{Process, Reply, Request};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "corosync-cpgtool",
    summary: "show process groups of a ring and their members",
    kind: Kind::Tool,
    man: "corosync-cpgtool(8)",
    command,
    run,
};

const OPTIONS: &str = "d:enh";

fn command() -> Command {
    let flag = |letter: char, help: &'static str| {
        let arg = Arg::new(letter.to_string()).short(letter).help(help);
        arg.action(ArgAction::SetTrue)
    };
    Command::new("corosync-cpgtool")
        .about("Show process groups of the ring that this node is on, and their members")
        .disable_help_flag(true)
        .arg(
            flag('d', "one line a process, fields parted by this character")
                .value_name("DELIMITER")
                .action(ArgAction::Set),
        )
        .arg(flag(
            'e',
            "don't escape bytes of names that can't be printed",
        ))
        .arg(flag('n', "only names of groups"))
        .arg(flag('h', "print this help"))
        .after_help(
            "Exit status: 0, or 1 without an answer of the node and for wrong use.\n\n\
             Examples:\n  corosync-cpgtool\n  corosync-cpgtool -d , | grep ^web,",
        )
}

/// How groups are shown.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    delimiter: Option<char>,
    raw: bool,
    names: bool,
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut shown = Shown::default();
    for item in &getopt::parse(OPTIONS, &args).items {
        match item {
            Item::Value(b'd', text) => shown.delimiter = text.to_string_lossy().chars().next(),
            Item::Flag(b'e') => shown.raw = true,
            Item::Flag(b'n') => shown.names = true,
            Item::Flag(b'h') => {
                command().print_help()?;
                return Ok(ExitCode::SUCCESS);
            }
            other => {
                let complaint = other.complaint("corosync-cpgtool").unwrap_or_default();
                eprintln!("{complaint}");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let Some(Reply::Groups { processes }) = ask(&Request::Groups) else {
        eprintln!("Could not initialize corosync cpg API error 2");
        return Ok(ExitCode::FAILURE);
    };
    print!("{}", text(&processes, shown));
    Ok(ExitCode::SUCCESS)
}

fn text(processes: &[Process], shown: Shown) -> String {
    let mut text = match shown {
        Shown { names: true, .. } => String::new(),
        Shown {
            delimiter: Some(d), ..
        } => format!("GRP_NAME{d}PID{d}NODEID\n"),
        _ => format!("Group Name\t{:>10}\t{:>10}\n", "PID", "Node ID"),
    };
    let mut last: Option<&[u8]> = None;
    for process in processes {
        let name = name(&process.group, shown.raw);
        let is_new = last.replace(&process.group) != Some(&process.group);
        let (pid, node) = (process.pid, process.node);
        match shown.delimiter {
            Some(d) if !shown.names => text.push_str(&format!("{name}{d}{pid}{d}{node}\n")),
            _ => {
                if is_new {
                    text.push_str(&format!("{name}\n"));
                }
                if !shown.names {
                    let address = process.address.clone().unwrap_or_default();
                    text.push_str(&format!("\t\t{pid:>10}\t{node:>10} ({address})\n"));
                }
            }
        }
    }
    text
}

/// A group's name, with `\xNN` for what can't be printed.
fn name(bytes: &[u8], raw: bool) -> String {
    if raw {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let shown = |byte: &u8| match byte {
        b'\\' => "\\\\".to_owned(),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\x{other:02X}"),
    };
    bytes.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_as_the_original() {
        let process = |group: &[u8], pid, node: u32| Process {
            group: group.to_vec(),
            node,
            pid,
            address: Some(format!("10.33.120.{node}")),
        };
        let all = [
            process(b"a\0", 9, 1),
            process(b"testgrp", 286, 1),
            process(b"testgrp", 287, 2),
        ];
        let shown = Shown::default();
        let expected = [
            "Group Name\t       PID\t   Node ID\n",
            "a\\x00\n\t\t         9\t         1 (10.33.120.1)\n",
            "testgrp\n\t\t       286\t         1 (10.33.120.1)\n",
            "\t\t       287\t         2 (10.33.120.2)\n",
        ];
        assert_eq!(text(&all, shown), expected.concat());
        let names = Shown {
            names: true,
            ..shown
        };
        assert_eq!(text(&all, names), "a\\x00\ntestgrp\n");
        let fields = Shown {
            delimiter: Some(','),
            ..shown
        };
        let expected = "GRP_NAME,PID,NODEID\na\\x00,9,1\ntestgrp,286,1\ntestgrp,287,2\n";
        assert_eq!(text(&all, fields), expected);
    }
}
