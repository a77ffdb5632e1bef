//! Log lines of the small tools on stderr, in the form of cluster-glue's log.

use std::time::SystemTime;

use crate::proto::heartbeat::Severity;
use crate::runtime::log::format::{Origin, syslog_like};
use crate::sys::local_time::LocalTime;

/// Prints `Nov 25 23:03:18 HOST ENTITY: [PID]: ERROR: TEXT`.
pub fn line(entity: &str, severity: Severity, text: &str) {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let origin = Origin {
        host: &host.to_string_lossy(),
        entity,
        pid: std::process::id(),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = LocalTime::at(now.map_or(0, |d| d.as_secs()));
    eprint!("{}", syslog_like(origin, now, severity, text));
}
