//! heartbeat's role: the node protocol, and the haresources manager or the CRM, on their drivers.
//!
//! ```text
//! run ---> start: files -> Node, Daemon       (wrong files: exit 6, nothing touched)
//!            |
//!            v
//!          Daemon::run: wait -> Node -> settle, until Phase::Over
//!            |
//!            v
//!          exit, or execute itself again (SIGHUP with a changed ha.cf)
//! ```

mod answers;
mod children;
mod clients;
mod crm;
mod daemon;
mod environment;
mod membership;
mod membership_clients;
mod node;
mod phase;
mod picture;
mod rc_scripts;
mod refusals;
mod reload;
mod serve;
mod setup;
mod start;
mod store;
mod talk;
mod work;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

/// How the daemon is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of ha.cf, haresources and authkeys.
    pub config_dir: PathBuf,
    /// Log to stderr too.
    pub log_to_stderr: bool,
    /// Added to ha.cf's debug level.
    pub debug: u8,
    /// Manage resources (`-M` doesn't).
    pub resources: bool,
    /// Real-time scheduling, unless ha.cf says no (`-l` doesn't).
    pub realtime: bool,
    /// A restart that keeps resources (`-R`): the state that the daemon before left.
    pub resume: bool,
    /// Where that state is (`-C`), if not at the usual place.
    pub state_file: Option<PathBuf>,
    /// Only guards a cluster that has left heartbeat.
    pub guard: Option<Guarding>,
}

/// What a guard begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarding {
    /// Nodes that are of heartbeat still.
    pub absent: Vec<crate::ids::NodeName>,
    /// The CRM here may have resources already.
    pub claims: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config_dir: "/etc/ha.d".into(),
            log_to_stderr: false,
            debug: 0,
            resources: true,
            realtime: true,
            resume: false,
            state_file: None,
            guard: None,
        }
    }
}

/// What `ps` shows of the daemon in the background, since people grep for it.
/// Source: heartbeat 3.0.6.
pub const TITLE: &str = "heartbeat: master control process";

/// Exit code of a configuration that can't be used. Source: heartbeat 3.0.6.
pub const EXIT_CONFIG: u8 = 6;

/// Runs the daemon in this process until it ends; findings go to stderr and to the log.
///
/// Errors: the files are fine but the machine isn't: folders that can't be written, sockets.
pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    // For pgrep and killall; the name of our file would be shown else.
    nix::sys::prctl::set_name(c"heartbeat").context("can't name the process")?;
    let Some(running) = start::start(options)? else {
        return Ok(ExitCode::from(EXIT_CONFIG));
    };
    match running.run()? {
        phase::End::Exit | phase::End::Leave => Ok(ExitCode::SUCCESS),
        phase::End::Restart => restart(options),
        phase::End::Fenced => Ok(ExitCode::from(crate::daemons::crm::EXIT_FENCED)),
    }
}

/// Executes the same program again, with the state that was left.
fn restart(options: &Options) -> anyhow::Result<ExitCode> {
    let mut command = std::process::Command::new("/proc/self/exe");
    if !options.log_to_stderr {
        command.arg0(TITLE).arg("everbeatd").arg("--quiet");
    } else {
        command.arg("everbeatd");
    }
    command
        .arg("--resume")
        .arg("--config-dir")
        .arg(&options.config_dir);
    if !options.resources {
        command.arg("--no-resources");
    }
    if !options.realtime {
        command.arg("--no-realtime");
    }
    command.args(std::iter::repeat_n("--debug", options.debug.into()));
    Err(command.exec().into())
}

/// What `heartbeat -V` and the log say. Source: heartbeat 3.0.6 speaks this protocol.
pub const VERSION: &str = concat!("everbeat ", env!("CARGO_PKG_VERSION"), " (heartbeat 3.0.6)");

/// What clients of the API are told: they look at the number.
/// Source: heartbeat 3.0.6, `hbversion`.
pub const HBVERSION: &str = concat!("3.0.6 (node: everbeat ", env!("CARGO_PKG_VERSION"), ")");
