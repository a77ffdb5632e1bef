//! On a host of a rehearsal with real agents: asks them, and writes down what changes.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use clap::{Arg, ArgMatches, Command};

/// Where starts and stops are written down, by stand-ins, too.
pub(super) const LOG: &str = "/var/log/rehearsal.log";
/// Time between two rounds.
const PAUSE: Duration = Duration::from_millis(10);

/// The hidden command.
pub(super) fn command() -> Command {
    Command::new("watch")
        .hide(true)
        .about("On a host: write down when resources run")
        .arg(Arg::new("resource").value_name("ID=WORD").num_args(1..))
}

/// Watches until it is killed.
///
/// A resource counts as held from the first to the last answer that it runs, so that two holders
/// are told only if there were two.
pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode> {
    let words = matches.get_many::<String>("resource").into_iter().flatten();
    let mut all: Vec<_> = words
        .filter_map(|w| w.split_once('='))
        .map(|(id, word)| (id, word, None))
        .collect();
    let program = std::env::current_exe().context("can't find this program's own file")?;
    loop {
        for (id, word, last) in &mut all {
            let asked = SystemTime::now();
            let runs = runs(&program, word)?;
            match (runs, *last) {
                (true, None) => tell(SystemTime::now(), "start", id)?,
                (false, Some(seen)) => tell(seen, "stop", id)?,
                _ => {}
            }
            *last = runs.then_some(asked);
        }
        std::thread::sleep(PAUSE);
    }
}

fn runs(program: &Path, word: &str) -> Result<bool> {
    let mut status = std::process::Command::new(program);
    status
        .args(["ResourceManager", "status", word])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(status.status().context("ResourceManager")?.success())
}

fn tell(at: SystemTime, what: &str, id: &str) -> Result<()> {
    let ns = at.duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    let mut log = OpenOptions::new().create(true).append(true).open(LOG)?;
    writeln!(log, "{ns} {what} {id}").context(LOG)
}
