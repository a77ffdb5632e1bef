//! corosync's role: a node on a ring, with the services that stand on it.
//!
//! ```text
//! run ---> start: corosync.conf -> Loaded, Ring      (wrong files: exit 8, nothing touched)
//!            |
//!            v
//!          Daemon::run: wait -> Ring -> events, until a signal or a fault
//! ```

mod access;
mod clients;
mod cmap;
mod crm;
mod daemon;
mod groups;
mod log;
mod nets;
pub mod protocol;
mod refusals;
mod reload;
mod reread;
mod ring;
mod start;
mod store;
mod trackers;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

pub use ring::{Event, Ring};

use crate::proto::heartbeat::Severity;
use crate::runtime::log::Subsystem;
use crate::runtime::pidfile::PidFile;

/// How the daemon is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration.
    pub config: PathBuf,
    /// Stay in the foreground.
    pub foreground: bool,
    /// Log to stderr too.
    pub log_to_stderr: bool,
    /// Real-time scheduling and locked memory.
    pub realtime: bool,
    /// Manage resources, too.
    pub crm: bool,
    /// Only look whether the configuration can be used.
    pub test: bool,
}

/// Where the configuration is if nothing is said. Source: corosync 3.1.7.
pub const CONFIG: &str = "/etc/corosync/corosync.conf";

/// File with the number of the process. Source: corosync 3.1.7.
pub const PID_FILE: &str = "/run/corosync.pid";

/// Exit code of a configuration that can't be used. Source: corosync 3.1.7,
/// `COROSYNC_DONE_MAINCONFIGREAD`.
pub const EXIT_CONFIG: u8 = 8;

/// Exit code of a log that can't be opened. Source: corosync 3.1.7, `COROSYNC_DONE_LOGCONFIGREAD`.
const EXIT_LOGGING: u8 = 7;

/// The first line of a log; scripts look for its beginning.
const STARTING: &str = concat!(
    "Corosync Cluster Engine 3.1.7 (everbeat ",
    env!("CARGO_PKG_VERSION"),
    ") starting up"
);

/// Runs the daemon in this process until it ends; findings go to stderr and to the log.
///
/// Errors: the files are fine but the machine isn't: sockets, folders.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let Some(loaded) = start::load(options)? else {
        return Ok(ExitCode::from(EXIT_CONFIG));
    };
    if options.test {
        return Ok(ExitCode::SUCCESS);
    }
    let mut pid_file = PidFile::claim(std::path::Path::new(PID_FILE))?;
    nix::sys::prctl::set_name(c"corosync").context("can't name the process")?;
    let log = match log::start(&loaded.conf, options) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{}: {error:#}", loaded.path.display());
            return Ok(ExitCode::from(EXIT_LOGGING));
        }
    };
    log.logger().log(Severity::Notice, STARTING);
    if options.realtime {
        start::be_realtime(&loaded, &log.logger());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start the event loop")?;
    let logger = log.logger();
    let tasks = tokio::task::LocalSet::new();
    let ended = tasks.block_on(&runtime, async {
        let mut ring = start::ring(&loaded, logger.clone())?;
        let crm = match options.crm || crm::is_a_service(&loaded.conf) {
            true => Some(crm::start(&loaded, &mut ring, logger.of(Subsystem::Crm))?),
            false => None,
        };
        let to_stderr = options.foreground && options.log_to_stderr;
        let daemon = daemon::Daemon::new((ring, crm), loaded, (logger, to_stderr))?;
        pid_file.publish()?;
        anyhow::Ok(daemon.run().await?)
    });
    let last = match &ended {
        Ok(0) => "exiting normally".to_owned(),
        Ok(code) => format!("exiting with status {code} at {}:{}.", file!(), line!()),
        Err(error) => format!("exiting: {error:#}"),
    };
    let text = format!("Corosync Cluster Engine {last}");
    log.logger().log(Severity::Notice, text);
    // One that is left behind names a process that is gone.
    let _ = pid_file.remove();
    ended.map(ExitCode::from)
}
