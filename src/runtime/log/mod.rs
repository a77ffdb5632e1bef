//! The log: lines in heartbeat's form to files, syslog and the terminal, written by a thread of
//! their own, so that a slow disk never holds up the protocol.
//!
//! Called by everything that runs; must not wait. A line that finds the queue full is dropped
//! and counted, and the count is logged when there is room again.
//!
//! Source: `spec/heartbeat-v1.md` section 3.1.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::ha_cf::HaCf;
use crate::proto::heartbeat::Severity;
use crate::sys::local_time::LocalTime;

pub mod format;
mod rate;
mod sinks;

pub use rate::RateLimit;

use format::Origin;
use sinks::{LogFile, Syslog};

/// Lines that wait for the thread at most.
const QUEUE_LINES_MAX: usize = 1024;

/// How long the end of the log may take.
const END_WAIT: Duration = Duration::from_secs(3);

/// Facility `daemon`. Source: RFC 3164 section 4.1.1.
const FACILITY_DAEMON: u8 = 3;

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

impl LogConfig {
    /// The daemon's log, as ha.cf wants it.
    ///
    /// Without any directive heartbeat hands its lines to a logging daemon, which by default
    /// gives them to syslog, facility daemon: that's where they go here.
    pub fn of_daemon(config: &HaCf, host: &str, stderr: bool) -> Self {
        let mut facility = config.logfacility.map(|f| f.code);
        let files = config.logfile.is_some() || config.debugfile.is_some();
        if facility.is_none() && !files && config.use_logd != Some(false) {
            facility = Some(FACILITY_DAEMON);
        }
        Self {
            logfile: config.logfile.clone(),
            debugfile: config.debugfile.clone(),
            facility,
            syslog_format: config.syslogmsgfmt,
            stderr,
            owner: cluster_user(),
            debug: config.debug,
            ..Self::quiet("heartbeat", host)
        }
    }
}

/// User and group of heartbeat's files, `hacluster` and its group, if the machine knows them.
pub fn cluster_user() -> Option<(u32, u32)> {
    let user = nix::unistd::User::from_name("hacluster").ok()??;
    Some((user.uid.as_raw(), user.gid.as_raw()))
}

/// The running log: dropping it writes what is queued and ends the thread.
#[derive(Debug)]
pub struct Log {
    logger: Logger,
    thread: Option<JoinHandle<()>>,
}

/// A handle to write lines with; clones are cheap.
#[derive(Debug, Clone)]
pub struct Logger {
    queue: SyncSender<Order>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    dropped: AtomicU64,
    debug: AtomicU8,
}

#[derive(Debug)]
enum Order {
    Line(Entry),
    Reopen,
    End,
}

#[derive(Debug)]
struct Entry {
    unix_s: u64,
    severity: Severity,
    /// Tag and process of a script; none: the daemon itself.
    script: Option<(String, u32)>,
    text: String,
}

impl Log {
    /// Starts the thread.
    pub fn start(config: LogConfig) -> std::io::Result<Self> {
        let (queue, orders) = sync_channel(QUEUE_LINES_MAX);
        let shared = Arc::new(Shared::default());
        shared.debug.store(config.debug, Ordering::Relaxed);
        let writer = Writer::new(config, Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("log".into())
            .stack_size(128 * 1024)
            .spawn(move || writer.run(&orders))?;
        let logger = Logger { queue, shared };
        Ok(Self {
            logger,
            thread: Some(thread),
        })
    }

    /// A handle for those who write lines.
    pub fn logger(&self) -> Logger {
        self.logger.clone()
    }
}

impl Drop for Log {
    /// Waits until the queue is written, but not longer than [`END_WAIT`]: a disk that hangs
    /// must not keep the program from ending.
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        let start = std::time::Instant::now();
        let mut told = false;
        while !thread.is_finished() && start.elapsed() < END_WAIT {
            told = told || self.logger.queue.try_send(Order::End).is_ok();
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Logger {
    /// A logger whose lines come out of the receiver; for tests and tools without a log.
    pub fn collecting() -> (Self, Collected) {
        let (queue, orders) = sync_channel(QUEUE_LINES_MAX);
        let shared = Arc::new(Shared::default());
        shared.debug.store(1, Ordering::Relaxed);
        (Self { queue, shared }, Collected(orders))
    }

    /// Writes a line; never waits.
    pub fn log(&self, severity: Severity, text: impl AsRef<str>) {
        self.put(severity, None, text.as_ref());
    }

    /// Writes a line of a script or of a built-in agent, in the form of scripts: `tag` is
    /// `NAME(INSTANCE)`.
    pub fn script(&self, tag: &str, pid: u32, line: (Severity, &str)) {
        let (severity, text) = line;
        self.put(severity, Some((tag.to_owned(), pid)), text);
    }

    fn put(&self, severity: Severity, script: Option<(String, u32)>, text: &str) {
        if severity == Severity::Debug && self.debug_level() == 0 {
            return;
        }
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let entry = Entry {
            unix_s: since_1970.as_secs(),
            severity,
            script,
            text: format::one_line(text),
        };
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Order::Line(entry)) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Opens the files anew; never waits. Done by itself within a second when a file was moved.
    pub fn reopen(&self) {
        let _ = self.queue.try_send(Order::Reopen);
    }

    /// Current debug level.
    pub fn debug_level(&self) -> u8 {
        self.shared.debug.load(Ordering::Relaxed)
    }

    /// Sets the debug level (SIGUSR1, SIGUSR2).
    pub fn set_debug_level(&self, level: u8) {
        self.shared.debug.store(level, Ordering::Relaxed);
    }
}

/// Lines that went into [`Logger::collecting`].
#[derive(Debug)]
pub struct Collected(Receiver<Order>);

impl Collected {
    /// Takes what was written since the last call, `LEVEL: TEXT` each.
    pub fn take(&self) -> Vec<String> {
        let lines = self.0.try_iter().filter_map(|order| match order {
            Order::Line(e) => Some(format!("{}: {}", format::word(e.severity), e.text)),
            _ => None,
        });
        lines.collect()
    }
}

/// What the thread owns.
#[derive(Debug)]
struct Writer {
    config: LogConfig,
    shared: Arc<Shared>,
    pid: u32,
    logfile: Option<LogFile>,
    debugfile: Option<LogFile>,
    syslog: Syslog,
    lost: u64,
}

impl Writer {
    fn new(config: LogConfig, shared: Arc<Shared>) -> Self {
        let file = |path: &Option<PathBuf>| path.clone().map(|p| LogFile::new(p, config.owner));
        // One file named twice gets its lines once.
        let logfile = file(&config.logfile).filter(|_| config.logfile != config.debugfile);
        Self {
            pid: std::process::id(),
            logfile,
            debugfile: file(&config.debugfile),
            syslog: Syslog::new(config.syslog.clone()),
            lost: 0,
            config,
            shared,
        }
    }

    fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Line(entry) => self.write(&entry),
                Order::Reopen => {
                    self.logfile
                        .iter_mut()
                        .chain(&mut self.debugfile)
                        .for_each(LogFile::reopen);
                }
                Order::End => break,
            }
            self.report_losses();
        }
    }

    fn report_losses(&mut self) {
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            self.own(format!(
                "{dropped} log lines were dropped: they came faster than they can be written"
            ));
        }
    }

    fn own(&mut self, text: String) {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let unix_s = since_1970.as_secs();
        self.write(&Entry {
            unix_s,
            severity: Severity::Warning,
            script: None,
            text,
        });
    }

    fn write(&mut self, entry: &Entry) {
        let at = LocalTime::at(entry.unix_s);
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
        if severity == Severity::Debug {
            self.lost += u64::from(failed);
            return self.to_stderr(&line);
        }
        if let Some(file) = &mut self.logfile {
            failed |= file.write(&line).is_err();
        }
        if let Some(facility) = self.config.facility {
            let line = (severity, entry.text.as_str());
            failed |= self
                .syslog
                .send(&format::rfc3164(facility, origin, at, line))
                .is_err();
        }
        self.to_stderr(&line);
        self.count(failed);
    }

    /// Tells once when a destination takes lines again how many it missed.
    fn count(&mut self, failed: bool) {
        if failed {
            self.lost += 1;
        } else if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            self.own(format!(
                "{lost} log lines could not be written to all places"
            ));
        }
    }

    fn to_stderr(&self, line: &str) {
        if self.config.stderr {
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
