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

const OPTIONS: &str = "smlape:HiVho:";

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
        .arg(flag('a', "show names and addresses of members"))
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
        .arg(flag('V', "print the version"))
        .arg(flag('h', "print this help"))
        .after_help(
            "Exit status: 0 the members may act, 2 they may not, 1 no answer or wrong use.\n\n\
             Examples:\n  corosync-quorumtool -s\n  corosync-quorumtool -l -i\n  \
             corosync-quorumtool -e 2       the third node is gone for good",
        )
}

/// How members are shown.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    machine: bool,
    addresses: bool,
    both: bool,
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
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let parsed = getopt::parse(OPTIONS, &args);
    let (mut task, mut shown) = (Task::Status, Shown::default());
    for item in &parsed.items {
        match item {
            Item::Flag(b's') => task = Task::Status,
            Item::Flag(b'm') => task = Task::Monitor,
            Item::Flag(b'l') => task = Task::List,
            Item::Flag(b'a') => shown.both = true,
            Item::Flag(b'p') => shown.machine = true,
            Item::Flag(b'i') => shown.addresses = true,
            Item::Flag(b'H') => shown.hex = true,
            Item::Flag(b'V') => {
                println!("corosync-quorumtool version: 3.1.7");
                return Ok(ExitCode::SUCCESS);
            }
            Item::Flag(b'h') => {
                command().print_help()?;
                return Ok(ExitCode::SUCCESS);
            }
            Item::Value(b'o', order) => match order.to_str() {
                Some("a") => shown.order = Order::Address,
                Some("n") => shown.order = Order::Name,
                Some("i") => shown.order = Order::Number,
                _ => return wrong("-o takes a, n or i"),
            },
            Item::Value(b'e', votes) => match votes.to_str().and_then(|v| v.parse().ok()) {
                Some(votes) if votes > 0 => task = Task::Expect(votes),
                _ => return wrong("New expected votes value was not valid, try a positive number"),
            },
            other => {
                let complaint = other.complaint("corosync-quorumtool");
                return wrong(&complaint.unwrap_or_default());
            }
        }
    }
    Ok(ExitCode::from(perform(task, shown)))
}

fn wrong(text: &str) -> anyhow::Result<ExitCode> {
    eprintln!("{text}\n{}", command().render_help());
    Ok(ExitCode::from(code::FAILED))
}

fn perform(task: Task, shown: Shown) -> u8 {
    if let Task::Expect(votes) = task {
        return match ask(&Request::ExpectedVotes { votes }) {
            Some(Reply::Done) => 0,
            Some(Reply::Refused { error }) => {
                eprintln!("Unable to set expected votes: {error}");
                code::FAILED
            }
            _ => not_running(),
        };
    }
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
        let device = if shown.machine { "         NR" } else { "" };
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
    node.address.as_ref()?.parse().ok()
}

fn name(node: &Node, shown: Shown) -> String {
    let address = node.address.clone();
    match (&node.name, shown.addresses) {
        (Some(name), false) if shown.both => {
            format!("{name}, {}", address.unwrap_or_default())
        }
        (Some(name), false) => name.clone(),
        _ => address.unwrap_or_else(|| node.id.to_string()),
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
            address: Some(format!("10.9.0.{id}")),
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
