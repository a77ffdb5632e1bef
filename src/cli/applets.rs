//! The table of tools and the way from `argv` to one of them.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, Command};

/// Arguments of a tool, without its name.
pub type Args = Vec<OsString>;

/// How a tool is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Under its own name (a link) and as `everbeat NAME`.
    Tool,
    /// As `everbeat NAME` only.
    Subcommand,
}

/// One tool.
#[derive(Clone, Copy)]
pub struct Applet {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for `everbeat --list`.
    pub summary: &'static str,
    /// How it is called.
    pub kind: Kind,
    /// Its man page, `name(section)`.
    pub man: &'static str,
    /// Its options as data: `--help` and the man page are checked against it.
    pub command: fn() -> Command,
    /// Runs it; an error is printed as `NAME: error` and exits 1.
    pub run: fn(Args) -> anyhow::Result<ExitCode>,
}

/// Every tool, in the order `everbeat --list` names them.
pub fn all() -> impl Iterator<Item = &'static Applet> {
    APPLETS.iter()
}

const APPLETS: &[Applet] = &[
    super::status::APPLET,
    super::members::APPLET,
    super::everbeatd::APPLET,
    super::check::APPLET,
    super::migrate::APPLET,
    super::demo::APPLET,
    super::ping::APPLET,
    super::lab::APPLET,
    super::decode::APPLET,
    super::links::APPLET,
    super::units::APPLET,
    super::simulate_ring::APPLET,
    super::explain::APPLET,
    super::history::APPLET,
    super::heartbeat::APPLET,
    super::cl_status::APPLET,
    super::hb::STANDBY,
    super::hb::TAKEOVER,
    super::hb::ADDNODE,
    super::hb::DELNODE,
    super::hb::SETWEIGHT,
    super::hb::SETSITE,
    super::address::IPADDR,
    super::address::IPADDR2,
    super::address::IPV6ADDR,
    super::address::SENDARP,
    super::meatclient::APPLET,
    super::corosync::APPLET,
    super::corosync_keygen::APPLET,
    super::corosync_tools::quorumtool::APPLET,
    super::corosync_tools::cfgtool::APPLET,
    super::corosync_tools::cmapctl::APPLET,
    super::corosync_tools::cpgtool::APPLET,
    super::cpg::APPLET,
    super::resource_manager::APPLET,
    super::pacemaker_metadata::SCHEDULERD,
    super::pacemaker_metadata::CONTROLD,
    super::pacemaker_metadata::BASED,
    super::pacemaker_metadata::FENCED_APPLET,
    super::cibadmin::APPLET,
    super::crm_diff::APPLET,
    super::crm_shadow::APPLET,
    super::iso8601::APPLET,
    super::crm_error::APPLET,
    super::crm_rule::APPLET,
    super::crm_attribute::APPLET,
    super::crm_attribute::STANDBY,
    super::crm_attribute::MASTER,
    super::attrd_updater::APPLET,
    super::crm_failcount::APPLET,
    super::crm_resource::APPLET,
    super::crm_mon::APPLET,
    super::crm_node::APPLET,
    super::crm_simulate::APPLET,
    super::crm_ticket::APPLET,
    super::crm_verify::APPLET,
    super::crmadmin::APPLET,
    super::stonith_admin::APPLET,
];

/// Parses a tool's arguments; on a wrong one prints clap's text and exits 2 (help: 0).
pub fn parse(command: Command, args: Args) -> ArgMatches {
    let name = OsString::from(command.get_name().to_owned());
    command.get_matches_from(std::iter::once(name).chain(args))
}

/// Entry of the program.
pub fn main() -> ExitCode {
    restore_sigpipe();
    let mut args = std::env::args_os();
    let called = args.next().unwrap_or_default();
    let called = Path::new(&called)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut args: Args = args.collect();
    if called != "everbeat"
        && let Some(applet) = find(&called, Some(Kind::Tool))
    {
        return run(applet, args);
    }
    match args
        .first()
        .map(|a| a.to_string_lossy().into_owned())
        .as_deref()
    {
        None | Some("-h" | "--help" | "help") => help(args.is_empty()),
        Some("--list") => list(),
        Some("-V" | "--version") => {
            println!("everbeat {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Some(name) => match find(name, None) {
            Some(applet) => {
                args.remove(0);
                run(applet, args)
            }
            None => {
                eprintln!("everbeat: there is no tool named {name:?}; everbeat --list names them");
                ExitCode::from(2)
            }
        },
    }
}

fn find(name: &str, kind: Option<Kind>) -> Option<&'static Applet> {
    all().find(|a| a.name == name && kind.is_none_or(|k| a.kind == k))
}

fn run(applet: &Applet, args: Args) -> ExitCode {
    match (applet.run)(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}: {error:#}", applet.name);
            ExitCode::FAILURE
        }
    }
}

fn list() -> ExitCode {
    let width = all().map(|a| a.name.len()).max().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    for applet in all() {
        if writeln!(out, "{:width$}  {}", applet.name, applet.summary).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn help(wrong_use: bool) -> ExitCode {
    let text = "\
everbeat: high availability in one program

Usage: everbeat TOOL [ARGUMENTS]
       everbeat --list       name the tools, a line each
       everbeat --version

Every tool has --help and a man page. Called under a tool's own name (a link made by
`everbeat links DIR`), the program is that tool.

Examples:
  everbeat check /etc/ha.d      what is wrong with this machine's configuration
  everbeat demo                 two hosts on this machine, a take-over before your eyes
  everbeat status               nodes, media, and who holds which resource since when
";
    if wrong_use {
        eprint!("{text}");
        return ExitCode::from(2);
    }
    print!("{text}");
    ExitCode::SUCCESS
}

/// Rust programs ignore SIGPIPE; tools whose output is piped to `head` must end by it.
fn restore_sigpipe() {
    use nix::sys::signal::{SigHandler, Signal};
    crate::sys::signal::set_handler(Signal::SIGPIPE, SigHandler::SigDfl);
}
