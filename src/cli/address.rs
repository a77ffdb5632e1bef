//! `everbeat IPaddr2 …` and its kin: the built-in address resources for scripts and people.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use anyhow::{Context, anyhow};
use clap::{Arg, Command};

use super::applets::{self, Applet, Kind};
use crate::agents::Paths;
use crate::agents::address::{AddressArgument, AddressKind};
use crate::agents::builtin::{self, BuiltIn};
use crate::agents::state::State;

/// Exit code of `status` when the address is not here. Source: OCF, `OCF_NOT_RUNNING`.
const NOT_RUNNING: u8 = 7;
/// Exit code for an argument that is no address. Source: OCF, `OCF_ERR_ARGS`.
const WRONG_ARGUMENT: u8 = 2;

/// `everbeat IPaddr`.
pub const IPADDR: Applet = Applet {
    name: "IPaddr",
    summary: "add, remove or ask for an IPv4 address with an alias label",
    kind: Kind::Subcommand,
    man: "everbeat-resources(8)",
    command: || command(AddressKind::IpAddr),
    run: |args| run(AddressKind::IpAddr, args),
};

/// `everbeat IPaddr2`.
pub const IPADDR2: Applet = Applet {
    name: "IPaddr2",
    summary: "add, remove or ask for an address",
    command: || command(AddressKind::IpAddr2),
    run: |args| run(AddressKind::IpAddr2, args),
    ..IPADDR
};

/// `everbeat IPv6addr`.
pub const IPV6ADDR: Applet = Applet {
    name: "IPv6addr",
    summary: "add, remove or ask for an IPv6 address",
    command: || command(AddressKind::Ipv6Addr),
    run: |args| run(AddressKind::Ipv6Addr, args),
    ..IPADDR
};

/// `everbeat SendArp`.
pub const SENDARP: Applet = Applet {
    name: "SendArp",
    summary: "announce an address on an interface without adding it",
    command: || command(AddressKind::SendArp),
    run: |args| run(AddressKind::SendArp, args),
    ..IPADDR
};

fn command(kind: AddressKind) -> Command {
    let (value, example) = match kind {
        AddressKind::IpAddr | AddressKind::IpAddr2 => (
            "IP[/NETMASK[/INTERFACE[:LABEL]][/BROADCAST]]",
            "10.0.0.5/24/eth0",
        ),
        AddressKind::Ipv6Addr => ("IPV6[/PREFIX[/INTERFACE]]", "2001:db8::5/64/eth0"),
        AddressKind::SendArp => ("IP/INTERFACE", "10.0.0.5/eth0"),
    };
    let name = kind.name();
    Command::new(name)
        .about("One action of an address resource, as scripts in /etc/ha.d/resource.d have them")
        .arg(
            Arg::new("address")
                .value_name(value)
                .required(true)
                .help("what is not said is found from the networks of the interfaces"),
        )
        .arg(
            Arg::new("action")
                .value_name("ACTION")
                .required(true)
                .value_parser(["start", "stop", "status", "monitor", "announce"])
                .help("announce repeats the announcements of an address that is here"),
        )
        .after_help(format!(
            "Exit code: 0 done, or it is here; 7 it is not here; 1 it failed; 2 wrong use.\n\n\
             Example:\n  everbeat {name} {example} start"
        ))
}

fn run(kind: AddressKind, args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(kind), args);
    let text: &String = matches.get_one("address").expect("clap requires it");
    let action: &String = matches.get_one("action").expect("clap requires it");
    let wanted = match AddressArgument::parse(kind, text) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("{}: {error}", kind.name());
            return Ok(ExitCode::from(WRONG_ARGUMENT));
        }
    };
    let state_dir = match std::env::var_os("HA_RSCTMP") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => Paths::default().state_dir,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start")?;
    runtime
        .block_on(act(&BuiltIn::new(state_dir), &wanted, text, action))
        .map_err(|reason| anyhow!(reason))
}

async fn act(
    built_in: &BuiltIn,
    wanted: &AddressArgument,
    text: &str,
    action: &str,
) -> Result<ExitCode, String> {
    match action {
        "start" => {
            let started = built_in.start(wanted).await?;
            tell(&started.notes);
            if started.announcement.is_some() {
                announce_later(wanted, text, &built_in.state_dir);
            }
            println!("INFO:  Success");
            Ok(ExitCode::SUCCESS)
        }
        "stop" => {
            tell(&built_in.stop(wanted).await?);
            println!("INFO:  Success");
            Ok(ExitCode::SUCCESS)
        }
        "announce" => announce(built_in, wanted).await,
        _ => {
            let runs = built_in.status(wanted).await?;
            println!(
                "INFO:  {}",
                if runs {
                    "Running OK"
                } else {
                    "Resource is stopped"
                }
            );
            Ok(ExitCode::from(if runs { 0 } else { NOT_RUNNING }))
        }
    }
}

fn tell(notes: &[String]) {
    for note in notes {
        eprintln!("{note}");
    }
}

/// Sends the announcements again, all of them.
async fn announce(built_in: &BuiltIn, wanted: &AddressArgument) -> Result<ExitCode, String> {
    let Some(announcement) = built_in.announcement(wanted).await? else {
        let ip = wanted.ip;
        return Err(format!("{ip} is not here, or its link has no neighbours"));
    };
    let (count, interval) = builtin::repetition(wanted.kind);
    let announcer = &built_in.announcer;
    announcer
        .send(&announcement)
        .map_err(|e| format!("could not announce {}: {e}", wanted.ip))?;
    announcer.repeat(&announcement, count - 1, interval).await;
    State::new(&built_in.state_dir, wanted.ip).clear_announcer(std::process::id());
    Ok(ExitCode::SUCCESS)
}

/// Leaves the repetitions to a process of their own, so that `start` is done now. `stop` finds
/// it by its pid file.
fn announce_later(wanted: &AddressArgument, text: &str, state_dir: &std::path::Path) {
    let state = State::new(state_dir, wanted.ip);
    state.end_announcer();
    let started = std::env::current_exe().and_then(|program| {
        std::process::Command::new(program)
            .args([wanted.kind.name(), text, "announce"])
            .env("HA_RSCTMP", state_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
    });
    let written = started.and_then(|child| state.set_announcer(child.id()));
    if let Err(error) = written {
        eprintln!("can't repeat the announcements of {}: {error}", wanted.ip);
    }
}
