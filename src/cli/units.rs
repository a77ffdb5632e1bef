//! `everbeat units DIR`: units for systemd that start this program.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, Command, value_parser};

use super::applets::{self, Applet, Kind};
use crate::config::identity::write_atomically;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "units",
    summary: "write the units that start this program into a folder",
    kind: Kind::Subcommand,
    man: "everbeat(8)",
    command,
    run,
};

/// A unit of systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// heartbeat's, in place of the package's.
    Heartbeat,
    /// The CRM on a ring.
    Ring,
}

impl Unit {
    const ALL: [Self; 2] = [Self::Heartbeat, Self::Ring];

    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat.service",
            Self::Ring => "everbeatd.service",
        }
    }

    /// Writes it into a folder, for this program where it stands now.
    pub(super) fn write(self, dir: &Path) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("can't find this program's own file")?;
        let installed = match self {
            Self::Heartbeat => include_str!("../../compat/systemd/heartbeat.service"),
            Self::Ring => include_str!("../../compat/systemd/everbeatd.service"),
        };
        let text = installed.replace("/usr/sbin/everbeat", &program.display().to_string());
        let file = dir.join(self.file());
        write_atomically(&file, text.as_bytes(), 0o644)
            .with_context(|| format!("can't write {}", file.display()))
    }
}

fn command() -> Command {
    Command::new("units")
        .about("Write heartbeat.service and everbeatd.service, which start this program, into DIR")
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("an existing folder; units of these names that stand there are replaced"),
        )
        .after_help("Example:\n  everbeat units /etc/systemd/system && systemctl daemon-reload")
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let dir: &PathBuf = matches.get_one("dir").expect("clap requires DIR");
    for unit in Unit::ALL {
        unit.write(dir)?;
    }
    Ok(ExitCode::SUCCESS)
}
