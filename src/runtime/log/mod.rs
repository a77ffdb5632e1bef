//! The log: lines in heartbeat's form or in corosync's, to files, syslog and the terminal, written
//! by a thread of their own, so that a slow disk never holds up the protocol.
//!
//! Called by everything that runs; must not wait. A line that finds the queue full is dropped
//! and counted, and the count is logged when there is room again.
//!
//! Source: `spec/heartbeat-v1.md` section 3.1; `spec/corosync-conf.md` section 3.5.

use std::io::Write;
use std::panic::Location;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::proto::heartbeat::Severity;

pub mod corosync;
pub mod format;
mod heartbeat;
mod rate;
mod sinks;
mod subsystem;

pub use heartbeat::{LogConfig, cluster_user};
pub use rate::RateLimit;
pub use subsystem::Subsystem;

/// Lines that wait for the thread at most.
const QUEUE_LINES_MAX: usize = 1024;

/// How long the end of the log may take.
const END_WAIT: Duration = Duration::from_secs(3);

/// How lines look, and where they go.
#[derive(Debug, Clone)]
pub enum Form {
    /// As heartbeat writes them.
    Heartbeat(LogConfig),
    /// As corosync does.
    Corosync(Box<corosync::Config>),
}

impl From<LogConfig> for Form {
    fn from(config: LogConfig) -> Self {
        Self::Heartbeat(config)
    }
}

impl From<corosync::Config> for Form {
    fn from(config: corosync::Config) -> Self {
        Self::Corosync(Box::new(config))
    }
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
    subsystem: Subsystem,
}

#[derive(Debug, Default)]
struct Shared {
    dropped: AtomicU64,
    debug: AtomicU8,
    /// Subsystems whose debug lines are wanted whatever the level is, by their bits.
    debugged: AtomicU32,
    /// Another form from the next line on.
    next: Mutex<Option<Form>>,
}

impl Shared {
    fn of(form: &Form) -> Self {
        let shared = Self::default();
        match form {
            Form::Heartbeat(config) => shared.debug.store(config.debug, Ordering::Relaxed),
            Form::Corosync(config) => shared.debugged.store(config.debugged(), Ordering::Relaxed),
        }
        shared
    }

    fn wants_debug(&self, subsystem: Subsystem) -> bool {
        self.debug.load(Ordering::Relaxed) > 0
            || self.debugged.load(Ordering::Relaxed) & subsystem.bit() != 0
    }

    fn take_next(&self) -> Option<Form> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.take()
    }
}

#[derive(Debug)]
enum Order {
    Line(Entry),
    Reopen,
    End,
}

#[derive(Debug)]
struct Entry {
    unix_ms: u64,
    severity: Severity,
    subsystem: Subsystem,
    /// Place in the source that wrote it.
    place: &'static Location<'static>,
    /// Tag and process of a script; none: the daemon itself.
    script: Option<(String, u32)>,
    text: String,
}

impl Entry {
    /// A line of now.
    #[track_caller]
    fn new(severity: Severity, subsystem: Subsystem, text: String) -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            unix_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            severity,
            subsystem,
            place: Location::caller(),
            script: None,
            text,
        }
    }
}

impl Log {
    /// Starts the thread.
    pub fn start(form: impl Into<Form>) -> std::io::Result<Self> {
        let (queue, orders) = sync_channel(QUEUE_LINES_MAX);
        let form = form.into();
        let shared = Arc::new(Shared::of(&form));
        let thread = Thread {
            writer: Writer::new(form),
            shared: Arc::clone(&shared),
            lost: 0,
        };
        let thread = std::thread::Builder::new()
            .name("log".into())
            .stack_size(128 * 1024)
            .spawn(move || thread.run(&orders))?;
        let logger = Logger {
            queue,
            shared,
            subsystem: Subsystem::Main,
        };
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
        let logger = Self {
            queue,
            shared,
            subsystem: Subsystem::Main,
        };
        (logger, Collected(orders))
    }

    /// The same log, for the lines of a subsystem.
    #[must_use]
    pub fn of(&self, subsystem: Subsystem) -> Self {
        Self {
            subsystem,
            ..self.clone()
        }
    }

    /// Lines look otherwise, or go elsewhere, from the next one on; never waits for a disk.
    pub fn change(&self, form: Form) {
        let new = Shared::of(&form);
        let debugged = new.debugged.into_inner();
        let next = self.shared.next.lock();
        *next.unwrap_or_else(PoisonError::into_inner) = Some(form);
        self.shared.debugged.store(debugged, Ordering::Relaxed);
    }

    /// Writes a line; never waits.
    #[track_caller]
    pub fn log(&self, severity: Severity, text: impl AsRef<str>) {
        self.put(severity, None, text.as_ref());
    }

    /// Writes a line of a script or of a built-in agent, in the form of scripts: `tag` is
    /// `NAME(INSTANCE)`.
    #[track_caller]
    pub fn script(&self, tag: &str, pid: u32, line: (Severity, &str)) {
        let (severity, text) = line;
        self.put(severity, Some((tag.to_owned(), pid)), text);
    }

    #[track_caller]
    fn put(&self, severity: Severity, script: Option<(String, u32)>, text: &str) {
        if severity == Severity::Debug && !self.shared.wants_debug(self.subsystem) {
            return;
        }
        let entry = Entry {
            script,
            ..Entry::new(severity, self.subsystem, format::one_line(text))
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
struct Thread {
    writer: Writer,
    shared: Arc<Shared>,
    lost: u64,
}

#[derive(Debug)]
enum Writer {
    Heartbeat(heartbeat::Writer),
    Corosync(corosync::Writer),
}

impl Writer {
    fn new(form: Form) -> Self {
        match form {
            Form::Heartbeat(config) => Self::Heartbeat(heartbeat::Writer::new(config)),
            Form::Corosync(config) => Self::Corosync(corosync::Writer::new(*config)),
        }
    }

    /// True if all places took the line.
    fn write(&mut self, entry: &Entry) -> bool {
        match self {
            Self::Heartbeat(writer) => writer.write(entry),
            Self::Corosync(writer) => writer.write(entry),
        }
    }

    fn reopen(&mut self) {
        match self {
            Self::Heartbeat(writer) => writer.reopen(),
            Self::Corosync(writer) => writer.reopen(),
        }
    }
}

impl Thread {
    fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(order) = orders.recv() {
            if let Some(form) = self.shared.take_next() {
                self.writer = Writer::new(form);
            }
            match order {
                Order::Line(entry) => {
                    let taken = self.writer.write(&entry);
                    // A debug line that is lost waits for the next other line to be told.
                    match entry.severity {
                        Severity::Debug => self.lost += u64::from(!taken),
                        _ => self.count(taken),
                    }
                }
                Order::Reopen => self.writer.reopen(),
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
        let entry = Entry::new(Severity::Warning, Subsystem::Main, text);
        self.writer.write(&entry);
    }

    /// Tells once when all destinations take lines again how many they missed.
    fn count(&mut self, taken: bool) {
        if !taken {
            self.lost += 1;
        } else if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            self.own(format!(
                "{lost} log lines could not be written to all places"
            ));
        }
    }
}

/// Writes to standard error; nobody need listen there.
fn to_stderr(line: &str) {
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests;
