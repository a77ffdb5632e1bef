//! `cl_status`: asks heartbeat for its state, in words that scripts compare.
//!
//! Texts, exit codes and the order of checks are the original's, odd spellings kept: monitoring
//! all over the field reads them. `tests/oracle` runs both side by side.
//!
//! Source: heartbeat 3.0.6 cl_status, run on Debian 12; `spec/heartbeat-v1.md` section 5.
//! Differs: `--help` prints help (the original calls it an invalid sub-command); a daemon that
//! doesn't answer within 5 s is named on stderr.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};

use super::applets::{self, Applet, Kind};
use super::client::{Error, SOCKET, Session};
use super::getopt::{self, Item};
use super::stderr_log;
use crate::proto::heartbeat::Severity;

mod commands;
mod heartbeat_status;
mod usage;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "cl_status",
    summary: "ask heartbeat for nodes, links, resources, parameters",
    kind: Kind::Tool,
    man: "cl_status(1)",
    command,
    run,
};

/// All must be over by then. Source: `alarm(5)`.
const LIMIT: Duration = Duration::from_secs(5);

/// Exit codes. Source: `spec/heartbeat-v1.md` section 5.
mod code {
    pub const OK: u8 = 0;
    pub const NEGATIVE: u8 = 1;
    pub const PARAMETER: u8 = 11;
    pub const TIMEOUT: u8 = 12;
    pub const OTHER: u8 = 13;
}

/// Why a sub-command ends early.
enum Stop {
    /// All is said, with this exit code.
    Exit(u8),
    /// The daemon's answer is still to be told.
    Client(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

/// A sub-command: name, its options for getopt, and what it does.
struct SubCommand(
    &'static str,
    &'static str,
    fn(&mut Call) -> Result<u8, Stop>,
);

const SUB_COMMANDS: [SubCommand; 11] = [
    SubCommand("listnodes", "mpnv", commands::list_nodes),
    SubCommand("nodestatus", "m", commands::node_status),
    SubCommand("nodeweight", "m", commands::node_weight),
    SubCommand("nodesite", "m", commands::node_site),
    SubCommand("nodetype", "m", commands::node_type),
    SubCommand("listhblinks", "mv", commands::list_links),
    SubCommand("hblinkstatus", "m", commands::link_status),
    SubCommand("clientstatus", "m", commands::client_status),
    SubCommand("rscstatus", "m", commands::resources),
    SubCommand("hbparameter", "mp:", commands::parameter),
    SubCommand("test", "", commands::test),
];

/// What a sub-command works with.
struct Call {
    session: Session,
    flags: Flags,
    operands: Vec<String>,
}

/// Options of all sub-commands.
#[derive(Default)]
struct Flags {
    human: bool,
    verbose: bool,
    normal: bool,
    ping: bool,
    parameter: Option<String>,
}

impl Flags {
    fn set(&mut self, item: &Item) {
        match item {
            Item::Flag(b'm') => self.human = true,
            Item::Flag(b'v') => self.verbose = true,
            Item::Flag(b'n') => self.normal = true,
            Item::Flag(b'p') => self.ping = true,
            Item::Value(_, name) => self.parameter = Some(name.to_string_lossy().into_owned()),
            _ => {}
        }
    }
}

fn command() -> Command {
    let flag = |letter: char, help: &'static str| {
        Arg::new(letter.to_string())
            .short(letter)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let operand = |name: &'static str, help: &'static str| Arg::new(name).help(help);
    Command::new("cl_status")
        .about("Ask heartbeat for nodes, links, resources, parameters")
        .override_usage("cl_status SUB-COMMAND [OPTIONS] [PARAMETERS]")
        .arg(operand(
            "SUB-COMMAND",
            "what to ask; cl_status alone lists them",
        ))
        .arg(operand("PARAMETERS", "names of a node, a link, a client").num_args(0..))
        .arg(flag('m', "words for people"))
        .arg(flag('v', "more: version, nodes, links, their status"))
        .arg(flag('n', "listnodes: only normal nodes"))
        .arg(
            operand(
                "p",
                "listnodes: only ping nodes; hbparameter: name of the directive",
            )
            .short('p')
            .value_name("PARAMETER")
            .num_args(0..=1),
        )
        .after_help(
            "Examples:\n  cl_status hbstatus\n  cl_status nodestatus b\n  \
             cl_status rscstatus -m\n  cl_status hbparameter -p deadtime",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let first = args.first().map(|a| a.to_string_lossy().into_owned());
    let code = match first.as_deref() {
        None | Some("-h") => {
            println!("{}", usage::TEXT);
            code::OK
        }
        Some("--help") => {
            command().print_help()?;
            code::OK
        }
        Some("hbstatus") => heartbeat_status::run(&args[1..]),
        Some(name) => match SUB_COMMANDS.iter().find(|s| s.0 == name) {
            Some(sub) => ask(sub, &args[1..]).unwrap_or_else(tell),
            None => {
                log_error(&format!("{name}: invalid sub-command."));
                code::PARAMETER
            }
        },
    };
    Ok(ExitCode::from(code))
}

/// Signs on, reads the options, runs the sub-command: in the original's order.
fn ask(sub: &SubCommand, args: &[OsString]) -> Result<u8, Stop> {
    let SubCommand(name, options, run) = sub;
    let session = match open() {
        Err(error @ (Error::Unreachable(_) | Error::Refused(_))) => {
            log_error("Cannot signon with heartbeat");
            log_error(&format!("REASON: {error}"));
            return Err(Stop::Exit(code::NEGATIVE));
        }
        other => other?,
    };
    let parsed = getopt::parse(options, args);
    let mut flags = Flags::default();
    for item in &parsed.items {
        // `test` has no options and doesn't look at them.
        if let Some(text) = item.complaint(name).filter(|_| *name != "test") {
            eprintln!("{text}");
            log_error(wrong_option(name));
            return Err(Stop::Exit(code::PARAMETER));
        }
        flags.set(item);
    }
    run(&mut Call {
        session,
        flags,
        operands: getopt::text(&parsed.operands),
    })
}

/// Tells of a failure and gives the exit code.
fn tell(stop: Stop) -> u8 {
    match stop {
        Stop::Exit(code) => code,
        Stop::Client(error @ Error::TimedOut) => {
            log_error(&error.to_string());
            code::TIMEOUT
        }
        Stop::Client(error) => {
            log_error(&format!("REASON: {error}"));
            code::OTHER
        }
    }
}

fn wrong_option(sub_command: &str) -> &'static str {
    match sub_command {
        "listnodes" | "listhblinks" | "hbparameter" => "Error: getopt returnedcharacter code ?.",
        _ => "Error: getopt returnedcharacter ?.",
    }
}

fn open() -> Result<Session, Error> {
    Session::open(Path::new(SOCKET), LIMIT)
}

fn log_error(text: &str) {
    stderr_log::line("cl_status", Severity::Error, text);
}
