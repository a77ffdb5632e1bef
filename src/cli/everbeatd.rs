//! `everbeatd`: the daemon in the foreground.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command, value_parser};

use super::applets::{self, Applet, Kind};
use crate::daemons::heartbeat::{self, Options};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "everbeatd",
    summary: "the daemon, in the foreground",
    kind: Kind::Tool,
    man: "everbeatd(8)",
    command,
    run,
};

fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let file = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_parser(value_parser!(PathBuf))
    };
    Command::new("everbeatd")
        .about("Take part in the cluster that the configuration describes, in the foreground")
        .arg(
            file("config-dir")
                .value_name("DIR")
                .default_value("/etc/ha.d")
                .help("folder of ha.cf, haresources and authkeys"),
        )
        .arg(
            Arg::new("debug")
                .short('d')
                .long("debug")
                .action(ArgAction::Count)
                .help("one level of debug lines more; may be given several times"),
        )
        .arg(
            flag("no-resources")
                .short('M')
                .help("don't manage resources"),
        )
        .arg(
            flag("no-realtime")
                .short('l')
                .help("no real-time scheduling, no locked memory"),
        )
        .arg(flag("resume").help("take up the resources that a daemon before this one left"))
        .arg(
            file("state")
                .value_name("FILE")
                .requires("resume")
                .help("what that daemon left, if not at its usual place"),
        )
        .arg(
            flag("quiet")
                .short('q')
                .help("log only where ha.cf says, not to stderr"),
        )
        .after_help(
            "Examples:\n  everbeatd                        as /etc/ha.d says\n  \
             everbeatd --config-dir /srv/try  with other files\n",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let dir: &PathBuf = matches.get_one("config-dir").expect("it has a default");
    heartbeat::run(&Options {
        config_dir: dir.clone(),
        log_to_stderr: !matches.get_flag("quiet"),
        debug: matches.get_count("debug"),
        resources: !matches.get_flag("no-resources"),
        realtime: !matches.get_flag("no-realtime"),
        resume: matches.get_flag("resume"),
        state_file: matches.get_one("state").cloned(),
    })
}
