//! `corosync-quorumtool`: quorum, votes, members.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};

use super::ask;
use crate::cli::applets::{self, Applet, Kind};
use crate::cli::getopt::{self, Item};
use crate::daemons::corosync::protocol::{Node, Quorum, Reply, Request};
use crate::runtime::clock;
use crate::sys::local_time::ctime;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "corosync-quorumtool",
    summary: "show quorum, votes and members of a ring",
    kind: Kind::Tool,
    man: "corosync-quorumtool(8)",
    command,
    run,
};

const OPTIONS: &str = "Vashlmfe:v:n:ipHo:";

/// Between two looks of `-m`.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Exit codes. Source: corosync 3.1.7.
mod code {
    pub const QUORATE: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const NOT_QUORATE: u8 = 2;
}

fn command() -> Command {
    let flag = |letter: char, help: &'static str| {
        let arg = Arg::new(letter.to_string()).short(letter).help(help);
        arg.action(ArgAction::SetTrue)
    };
    Command::new("corosync-quorumtool")
        .about("Show quorum, votes and members of the ring that this node is on")
        .disable_help_flag(true)
        .arg(flag('s', "show quorum, votes and members (the default)"))
        .arg(flag('m', "show them now and whenever they change"))
        .arg(flag('l', "show the members only"))
        .arg(flag(
            'a',
            "show all addresses of members, with -i or where they have no names",
        ))
        .arg(flag('p', "with a column for the quorum device"))
        .arg(flag('i', "addresses instead of names"))
        .arg(flag('H', "numbers of nodes in hexadecimal"))
        .arg(
            flag('o', "order of members: a address, n name, i number")
                .value_name("a|n|i")
                .action(ArgAction::Set),
        )
        .arg(
            flag('e', "set the expected votes of the cluster")
                .value_name("VOTES")
                .action(ArgAction::Set),
        )
        .arg(
            flag('v', "set the votes of a node: this one, or that of -n")
                .value_name("VOTES")
                .action(ArgAction::Set),
        )
        .arg(
            flag('n', "number of the node that -v is for")
                .value_name("NODE")
                .action(ArgAction::Set),
        )
        .arg(flag(
            'f',
            "forget a quorum device (this node never has one)",
        ))
        .arg(flag('V', "print the version"))
        .arg(flag('h', "print this help"))
        .after_help(
            "Exit status: 0 the members may act, 2 they may not, 1 no answer or wrong use.\n\n\
             Examples:\n  corosync-quorumtool -s\n  corosync-quorumtool -l -i\n  \
             corosync-quorumtool -e 2       the third node is gone for good\n  \
             corosync-quorumtool -v 3 -n 1  node 1 has three votes from now on",
        )
}

/// How members are shown.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    machine: bool,
    addresses: bool,
    /// All addresses of a node.
    all: bool,
    hex: bool,
    order: Order,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Address,
    Name,
    Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Status,
    Monitor,
    List,
    Expect(u32),
    Votes(u32),
    ForgetDevice,
    Version,
    Help,
}

/// What the command line says.
#[derive(Debug)]
struct Line {
    task: Task,
    shown: Shown,
    /// For `-v`.
    node: Option<u32>,
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(match read(&args) {
        Ok(line) => perform(&line),
        Err(()) => code::FAILED,
    }))
}

fn wrong<T>(text: &str) -> Result<T, ()> {
    eprintln!("{text}");
    Err(())
}

/// Takes the command line apart. Errors: it's wrong, and that was said.
fn read(args: &applets::Args) -> Result<Line, ()> {
    let mut line = Line {
        task: Task::Status,
        shown: Shown::default(),
        node: None,
    };
    let number = |text: &std::ffi::OsStr| text.to_str().and_then(|text| text.parse::<u32>().ok());
    for item in getopt::parse(OPTIONS, args).items {
        match item {
            Item::Flag(b's') => line.task = Task::Status,
            Item::Flag(b'm') => line.task = Task::Monitor,
            Item::Flag(b'l') => line.task = Task::List,
            Item::Flag(b'f') => line.task = Task::ForgetDevice,
            Item::Flag(b'V') => line.task = Task::Version,
            Item::Flag(b'h') => line.task = Task::Help,
            Item::Flag(b'a') => line.shown.all = true,
            Item::Flag(b'p') => line.shown.machine = true,
            Item::Flag(b'i') => line.shown.addresses = true,
            Item::Flag(b'H') => line.shown.hex = true,
            Item::Value(b'o', order) => match order.to_str() {
                Some("a") => line.shown.order = Order::Address,
                Some("n") => line.shown.order = Order::Name,
                Some("i") => line.shown.order = Order::Number,
                _ => {
                    return wrong(
                        "Invalid ordering option. valid orders are a(address), i(node ID) or \
                         n(name)",
                    );
                }
            },
            Item::Value(b'e', votes) => match number(&votes) {
                Some(votes) if votes > 0 => line.task = Task::Expect(votes),
                _ => {
                    return wrong("New expected votes value was not valid, try a positive number");
                }
            },
            Item::Value(b'v', votes) => match number(&votes) {
                Some(votes) => line.task = Task::Votes(votes),
                None => {
                    return wrong("New votes value was not valid, try a positive number or zero");
                }
            },
            Item::Value(b'n', node) => match number(&node) {
                Some(node) if node > 0 => line.node = Some(node),
                _ => return wrong("The nodeid was not valid, try a positive number"),
            },
            other => {
                let complaint = other.complaint("corosync-quorumtool");
                print!("{}", command().render_help());
                return wrong(&complaint.unwrap_or_default());
            }
        }
    }
    Ok(line)
}

fn perform(line: &Line) -> u8 {
    match line.task {
        Task::Status | Task::Monitor | Task::List => show(line.task, line.shown),
        Task::Expect(votes) => order(
            &Request::ExpectedVotes { votes },
            "Unable to set expected votes",
        ),
        Task::Votes(votes) => {
            let Some(Reply::Quorum(quorum)) = ask(&Request::Quorum) else {
                return not_running();
            };
            let node = line.node.unwrap_or(quorum.node);
            let failure = format!("Unable to set votes {votes} for nodeid: {node}");
            order(&Request::Votes { node, votes }, &failure)
        }
        // This node has none, and those of others are theirs.
        Task::ForgetDevice => match ask(&Request::Quorum) {
            Some(_) => 0,
            None => not_running(),
        },
        Task::Version => {
            println!("corosync-quorumtool version: 3.1.7");
            0
        }
        Task::Help => {
            print!("{}", command().render_help());
            0
        }
    }
}

fn order(request: &Request, failure: &str) -> u8 {
    match ask(request) {
        Some(Reply::Done) => 0,
        Some(Reply::Refused { error }) => {
            eprintln!("{failure}: {error}");
            code::FAILED
        }
        _ => not_running(),
    }
}

fn show(task: Task, shown: Shown) -> u8 {
    let mut last = None;
    loop {
        let Some(Reply::Quorum(quorum)) = ask(&Request::Quorum) else {
            return not_running();
        };
        if last.as_ref() != Some(&quorum) {
            match task {
                Task::List => print!("{}", members(&quorum, shown)),
                _ => print!("{}", status(&quorum, shown)),
            }
        }
        if task != Task::Monitor {
            return match task == Task::List || quorum.quorate {
                true => code::QUORATE,
                false => code::NOT_QUORATE,
            };
        }
        last = Some(quorum);
        std::thread::sleep(LOOK_EVERY);
    }
}

fn not_running() -> u8 {
    eprintln!("Cannot initialize CMAP service");
    code::FAILED
}

fn number(id: u32, shown: Shown) -> String {
    match shown.hex {
        true => format!("{id:#010x}"),
        false => id.to_string(),
    }
}

fn status(quorum: &Quorum, shown: Shown) -> String {
    let members = quorum.nodes.iter().filter(|node| node.member).count();
    let yes = if quorum.quorate { "Yes" } else { "No" };
    let date = ctime(clock::now().unix_s);
    let mut text = format!(
        "Quorum information\n------------------\nDate:             {date}\n\
         Quorum provider:  {}\nNodes:            {members}\nNode ID:          {}\n\
         Ring ID:          {:x}.{:x}\nQuorate:          {yes}\n\n",
        if quorum.provider {
            "corosync_votequorum"
        } else {
            ""
        },
        number(quorum.node, shown),
        quorum.representative,
        quorum.ring_seq,
    );
    if quorum.provider {
        let flags: String = quorum.flags.iter().map(|flag| format!("{flag} ")).collect();
        text.push_str(&format!(
            "Votequorum information\n----------------------\nExpected votes:   {}\n\
             Highest expected: {}\nTotal votes:      {}\nQuorum:           {} {}\n\
             Flags:            {flags}\n",
            quorum.expected,
            quorum.highest_expected,
            quorum.total,
            quorum.quorum,
            if quorum.quorate {
                " "
            } else {
                "Activity blocked"
            },
        ));
    }
    text.push_str(&self::members(quorum, shown));
    text
}

fn members(quorum: &Quorum, shown: Shown) -> String {
    let mut text =
        "\nMembership information\n----------------------\n    Nodeid      Votes".to_owned();
    text.push_str(if shown.machine {
        "    Qdevice Name\n"
    } else {
        " Name\n"
    });
    let mut nodes: Vec<&Node> = quorum.nodes.iter().filter(|node| node.member).collect();
    match shown.order {
        Order::Address => nodes.sort_by_key(|node| parsed(node)),
        Order::Name => nodes.sort_by_key(|node| name(node, shown)),
        Order::Number => nodes.sort_by_key(|node| node.id),
    }
    for node in nodes {
        let device = match shown.machine {
            true => format!(" {:>10}", node.device),
            false => String::new(),
        };
        let local = if node.id == quorum.node {
            " (local)"
        } else {
            ""
        };
        let id = number(node.id, shown);
        let name = name(node, shown);
        text.push_str(&format!(
            "{id:>10} {:>10}{device} {name}{local}\n",
            node.votes
        ));
    }
    text
}

fn parsed(node: &Node) -> Option<std::net::IpAddr> {
    node.addresses.first()?.parse().ok()
}

fn name(node: &Node, shown: Shown) -> String {
    let addresses = match shown.all {
        true => &node.addresses[..],
        false => node.addresses.get(..1).unwrap_or_default(),
    };
    match &node.name {
        Some(name) if !shown.addresses => name.clone(),
        _ if addresses.is_empty() => node.id.to_string(),
        _ => addresses.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quorum() -> Quorum {
        let node = |id: u32, name: &str| Node {
            id,
            votes: 1,
            name: Some(name.to_owned()),
            addresses: vec![format!("10.9.0.{id}")],
            device: "NR".into(),
            member: id > 1,
        };
        Quorum {
            node: 2,
            representative: 2,
            ring_seq: 13,
            provider: true,
            quorate: false,
            expected: 3,
            highest_expected: 3,
            total: 2,
            quorum: 2,
            flags: vec!["2Node".into(), "WaitForAll".into()],
            nodes: vec![node(1, "a"), node(2, "b"), node(3, "c")],
        }
    }

    #[test]
    fn it_looks_as_the_original() {
        let mut quorum = quorum();
        let text = status(&quorum, Shown::default());
        for line in [
            "Nodes:            2\nNode ID:          2\n",
            "Ring ID:          2.d\nQuorate:          No\n",
            "Quorum:           2 Activity blocked\nFlags:            2Node WaitForAll \n",
            "\n    Nodeid      Votes Name\n         2          1 b (local)\n",
            "\n         3          1 c\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        quorum.quorate = true;
        assert!(status(&quorum, Shown::default()).contains("Quorum:           2  \n"));
        let shown = Shown {
            machine: true,
            addresses: true,
            ..Shown::default()
        };
        let line = "Votes    Qdevice Name\n         2          1         NR 10.9.0.2 (local)\n";
        assert!(members(&quorum, shown).contains(line));
    }
}
