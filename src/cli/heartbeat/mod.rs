//! `heartbeat`: starts, stops, reloads the daemon and says whether it runs.
//!
//! Options, texts and exit codes are those of the original, since init scripts depend on them.
//!
//! Source: heartbeat 3.0.6, run on Debian 12; `spec/heartbeat-v1.md` section 4.
//! Differs: words behind the options are refused (the original ignores them, so that
//! `heartbeat stop` starts it); `-C` names a file; a pid file that names another program is
//! stale (the original kills that program); `--help` prints help and exits 0.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use super::applets::{self, Applet, Kind};
use super::getopt::{self, Item};
use crate::daemons::heartbeat::HBVERSION;

mod defaults;
mod running;
mod start;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "heartbeat",
    summary: "start, stop, reload the daemon; does it run?",
    kind: Kind::Tool,
    man: "heartbeat(8)",
    command,
    run,
};

/// Exit codes. Source: `spec/heartbeat-v1.md` section 4, and those of LSB init scripts.
mod code {
    pub const OK: u8 = 0;
    pub const FAILED: u8 = 1;
    pub const WRONG_USE: u8 = 2;
    pub const NOT_RUNNING: u8 = 3;
    pub const NOT_ALLOWED: u8 = 4;
}

const OPTIONS: &str = "dDkMrRsvWlVfC:";

const USAGE: &str = "
Usage: heartbeat [-dDkMrRsvWlVf] [-C state-file]
\t-C only valid with -R
\t-r is mutually exclusive with -R";

fn command() -> Command {
    let flag = |letter: char, help: &'static str| {
        Arg::new(letter.to_string())
            .short(letter)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("heartbeat")
        .about("Start, stop, reload the daemon; without options: start it")
        .arg(flag(
            'k',
            "stop it, and wait until it has handed over and ended",
        ))
        .arg(flag('r', "have it read the configuration again"))
        .arg(flag(
            's',
            "does it run? exit 0 yes, 3 no, 1 no but a pid file is left",
        ))
        .arg(flag('f', "start it in the foreground"))
        .arg(flag('d', "a debug level more; may be repeated"))
        .arg(flag('M', "start without managing resources"))
        .arg(flag(
            'l',
            "start without real-time scheduling and locked memory",
        ))
        .arg(flag('v', "print the configuration while starting"))
        .arg(flag(
            'R',
            "start and take up the resources of a daemon that was here before",
        ))
        .arg(
            flag('C', "with -R: file with that daemon's state")
                .value_name("FILE")
                .action(ArgAction::Set),
        )
        .arg(flag('D', "print directives of ha.cf that have defaults"))
        .arg(flag('W', "with -D: as a table for a wiki"))
        .arg(flag('V', "print the version"))
        .after_help(
            "Examples:\n  heartbeat -s || heartbeat   start it unless it runs\n  \
             heartbeat -k                give everything to the other node and end",
        )
}

/// What the options say.
#[derive(Debug, Default)]
struct Wanted {
    stop: bool,
    status: bool,
    reload: bool,
    defaults: bool,
    wiki: bool,
    start: Start,
}

/// How to start.
#[derive(Debug, Default)]
struct Start {
    foreground: bool,
    debug: u8,
    no_resources: bool,
    no_realtime: bool,
    show_configuration: bool,
    resume: bool,
    state_file: Option<PathBuf>,
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    if args.first().is_some_and(|a| a == "--help") {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let parsed = getopt::parse(OPTIONS, &args);
    if parsed.items.contains(&Item::Flag(b'V')) {
        println!("{HBVERSION}");
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = match read(&parsed.items, &parsed.operands) {
        Ok(wanted) => wanted,
        Err(complaints) => {
            eprintln!("{complaints}{USAGE}");
            return Ok(ExitCode::from(code::WRONG_USE));
        }
    };
    // The order is the original's: -s -k stops.
    if wanted.defaults {
        defaults::print(wanted.wiki);
        Ok(ExitCode::SUCCESS)
    } else if wanted.stop {
        running::stop()
    } else if wanted.status {
        running::status()
    } else if wanted.reload {
        start::reload(&wanted.start)
    } else {
        start::start(&wanted.start)
    }
}

fn read(items: &[Item], operands: &[OsString]) -> Result<Wanted, String> {
    let mut wanted = Wanted::default();
    let mut complaints = String::new();
    for item in items {
        if let Some(text) = item.complaint("heartbeat") {
            complaints += &text;
            complaints.push('\n');
        }
        match item {
            Item::Flag(b'k') => wanted.stop = true,
            Item::Flag(b's') => wanted.status = true,
            Item::Flag(b'r') => wanted.reload = true,
            Item::Flag(b'D') => wanted.defaults = true,
            Item::Flag(b'W') => wanted.wiki = true,
            Item::Flag(letter) => wanted.start.set(*letter),
            Item::Value(_, file) => wanted.start.state_file = Some(file.into()),
            Item::Invalid(_) | Item::Missing(_) => {}
        }
    }
    if let Some(word) = operands.first() {
        let word = word.to_string_lossy();
        complaints += &format!("heartbeat: {word:?} is no option; -k stops it, -s asks\n");
    }
    let alone = wanted.start.state_file.is_some() && !wanted.start.resume;
    if complaints.is_empty() && !alone && !(wanted.reload && wanted.start.resume) {
        Ok(wanted)
    } else {
        Err(complaints)
    }
}

impl Start {
    fn set(&mut self, letter: u8) {
        match letter {
            b'f' => self.foreground = true,
            b'd' => self.debug = self.debug.saturating_add(1),
            b'M' => self.no_resources = true,
            b'l' => self.no_realtime = true,
            b'v' => self.show_configuration = true,
            b'R' => self.resume = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(line: &str) -> Result<Wanted, String> {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        let parsed = getopt::parse(OPTIONS, &args);
        read(&parsed.items, &parsed.operands)
    }

    #[test]
    fn options_of_init_scripts() {
        assert!(wanted("-k").unwrap().stop);
        assert!(wanted("-s").unwrap().status);
        let start = wanted("-ddMl").unwrap().start;
        assert_eq!(
            (start.debug, start.no_resources, start.no_realtime),
            (2, true, true)
        );
        let resumed = wanted("-R -C /run/x").unwrap().start;
        assert_eq!(resumed.state_file, Some("/run/x".into()));
    }

    #[test]
    fn what_makes_no_sense_is_wrong_use() {
        for line in ["-h", "-C x", "-r -R", "-C", "stop", "-k stop", "--verbose"] {
            assert!(wanted(line).is_err(), "{line}");
        }
    }

    #[test]
    fn each_option_of_the_help_is_read_and_the_other_way() {
        let helped: Vec<char> = command()
            .get_arguments()
            .filter_map(Arg::get_short)
            .collect();
        let read: Vec<char> = OPTIONS.chars().filter(|c| *c != ':').collect();
        assert!(read.iter().all(|c| helped.contains(c)));
        assert_eq!(read.len(), helped.len());
    }
}
