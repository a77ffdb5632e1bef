//! `corosync`: the messaging layer alone, as a node on a ring.
//!
//! Source: corosync 3.1.7, `corosync -h`, corosync(8). Differs: `--help` prints help and exits 0.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode, Stdio};

use anyhow::Context;
use clap::{Arg, ArgAction, Command};

use super::applets::{self, Applet, Kind};
use super::background::{self, Begun};
use super::getopt::{self, Item};
use super::migrate::guard;
use crate::daemons::corosync::{self, CONFIG, Options, PID_FILE};
use crate::sys::child::new_session;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "corosync",
    summary: "take part in a ring of corosync nodes",
    kind: Kind::Tool,
    man: "corosync(8)",
    command,
    run,
};

/// Exit code of wrong use. Source: corosync 3.1.7.
const WRONG_USE: u8 = 1;

const OPTIONS: &str = "c:fP:prtv";

const USAGE: &str = "\
usage:
        -c     : Corosync config file path.
        -f     : Start application in foreground.
        -p     : Do not set realtime scheduling.
        -t     : Test configuration and exit.
        -v     : Display version and exit.";

fn command() -> Command {
    let flag = |letter: char, help: &'static str| {
        let arg = Arg::new(letter.to_string()).short(letter).help(help);
        arg.action(ArgAction::SetTrue)
    };
    Command::new("corosync")
        .about("Take part in the ring that corosync.conf describes; in the background without -f")
        .arg(
            flag('c', "file to read instead of /etc/corosync/corosync.conf")
                .value_name("FILE")
                .action(ArgAction::Set),
        )
        .arg(flag('f', "stay in the foreground"))
        .arg(flag('p', "no real-time scheduling and no locked memory"))
        .arg(flag('r', "real-time scheduling, which is the default"))
        .arg(
            flag('P', "priority; only its presence counts, as with -p")
                .value_name("NUMBER")
                .action(ArgAction::Set),
        )
        .arg(flag('t', "only look whether the configuration can be used"))
        .arg(flag('v', "print the version"))
        .after_help(
            "Exit status: 0 ended in order, 1 wrong use, 7 a log file can't be opened, 8 the\n\
             configuration can't be used, 21 the ring can't go on.\n\n\
             Examples:\n  corosync -t              is /etc/corosync/corosync.conf all right?\n  \
             corosync -f              join the ring, log to this terminal too",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let parsed = getopt::parse(OPTIONS, &args);
    let mut options = Options {
        config: std::env::var_os("COROSYNC_MAIN_CONFIG_FILE")
            .unwrap_or_else(|| OsString::from(CONFIG))
            .into(),
        foreground: false,
        log_to_stderr: true,
        realtime: true,
        crm: false,
        test: false,
    };
    for item in &parsed.items {
        match item {
            Item::Flag(b'f') => options.foreground = true,
            Item::Flag(b'p') => options.realtime = false,
            Item::Flag(b'r') => options.realtime = true,
            Item::Flag(b't') => options.test = true,
            Item::Flag(b'v') => {
                println!(
                    "Corosync Cluster Engine, version '3.1.7' (everbeat {})",
                    VERSION
                );
                return Ok(ExitCode::SUCCESS);
            }
            Item::Value(b'c', file) => options.config = PathBuf::from(file),
            Item::Value(b'P', _) => options.realtime = false,
            other => {
                let complaint = other.complaint("corosync").unwrap_or_default();
                eprintln!("{complaint}\n{USAGE}");
                return Ok(ExitCode::from(WRONG_USE));
            }
        }
    }
    match options.foreground || options.test {
        true => {
            if !options.test {
                guard::before_ring()?;
            }
            corosync::run(&options)
        }
        false => in_background(&options),
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Starts the daemon as a process of its own and waits until it is on its ring.
fn in_background(options: &Options) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("can't find this program's own file")?;
    let mut command = Process::new(program);
    command
        .arg("corosync")
        .arg("-f")
        .arg("-c")
        .arg(&options.config);
    if !options.realtime {
        command.arg("-p");
    }
    command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = new_session(&mut command)
        .spawn()
        .context("can't start the daemon")?;
    Ok(match background::await_ready(child, Path::new(PID_FILE))? {
        Begun::Ready(_) => ExitCode::SUCCESS,
        Begun::Ended(code) => ExitCode::from(code),
    })
}
