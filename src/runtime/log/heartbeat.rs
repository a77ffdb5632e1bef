//! The log of a node on heartbeat's media.

use std::path::PathBuf;

use super::format::{self, Origin};
use super::sinks::{LogFile, Syslog};
use super::{Entry, to_stderr};
use crate::proto::heartbeat::Severity;
use crate::sys::local_time::LocalTime;

/// Where the log goes and how it looks.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// Name of the program in each line: `heartbeat`.
    pub entity: String,
    /// Name of the machine in each line.
    pub host: String,
    /// Takes all but debug lines.
    pub logfile: Option<PathBuf>,
    /// Takes all lines.
    pub debugfile: Option<PathBuf>,
    /// Facility for syslog, by number; absent: no syslog.
    pub facility: Option<u8>,
    /// Socket of syslog.
    pub syslog: PathBuf,
    /// Files in syslog's form (`syslogmsgfmt`).
    pub syslog_format: bool,
    /// All lines on stderr too: the daemon runs in the foreground.
    pub stderr: bool,
    /// Owner of new log files, user and group.
    pub owner: Option<(u32, u32)>,
    /// Debug level: 0 drops debug lines.
    pub debug: u8,
}

impl LogConfig {
    /// A log that goes nowhere but, if wanted, to stderr.
    pub fn quiet(entity: &str, host: &str) -> Self {
        Self {
            entity: entity.into(),
            host: host.into(),
            logfile: None,
            debugfile: None,
            facility: None,
            syslog: "/dev/log".into(),
            syslog_format: true,
            stderr: false,
            owner: None,
            debug: 0,
        }
    }
}

/// User and group of heartbeat's files, `hacluster` and its group, if the machine knows them.
pub fn cluster_user() -> Option<(u32, u32)> {
    let user = nix::unistd::User::from_name("hacluster").ok()??;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// Writes lines to files, syslog and the terminal.
#[derive(Debug)]
pub(super) struct Writer {
    config: LogConfig,
    pid: u32,
    logfile: Option<LogFile>,
    debugfile: Option<LogFile>,
    syslog: Syslog,
}

impl Writer {
    pub(super) fn new(config: LogConfig) -> Self {
        let file = |path: &Option<PathBuf>| path.clone().map(|p| LogFile::new(p, config.owner));
        // One file named twice gets its lines once.
        let logfile = file(&config.logfile).filter(|_| config.logfile != config.debugfile);
        Self {
            pid: std::process::id(),
            logfile,
            debugfile: file(&config.debugfile),
            syslog: Syslog::new(config.syslog.clone()),
            config,
        }
    }

    /// Opens the files anew with their next lines.
    pub(super) fn reopen(&mut self) {
        let files = self.logfile.iter_mut().chain(&mut self.debugfile);
        files.for_each(LogFile::reopen);
    }

    /// True if all places took the line.
    pub(super) fn write(&mut self, entry: &Entry) -> bool {
        let at = LocalTime::at(entry.unix_ms / 1000);
        let severity = entry.severity;
        let origin = Origin {
            host: &self.config.host,
            entity: &self.config.entity,
            pid: self.pid,
        };
        let line = match &entry.script {
            Some((tag, pid)) => format::script(tag, *pid, at, (severity, &entry.text)),
            None if self.config.syslog_format => {
                format::syslog_like(origin, at, severity, &entry.text)
            }
            None => format::plain(origin, at, severity, &entry.text),
        };
        let mut failed = false;
        if let Some(file) = &mut self.debugfile {
            failed |= file.write(&line).is_err();
        }
        if severity != Severity::Debug {
            if let Some(file) = &mut self.logfile {
                failed |= file.write(&line).is_err();
            }
            if let Some(facility) = self.config.facility {
                let line = (severity, entry.text.as_str());
                let datagram = format::rfc3164(facility, origin, at, line);
                failed |= self.syslog.send(&datagram).is_err();
            }
        }
        if self.config.stderr {
            to_stderr(&line);
        }
        !failed
    }
}
