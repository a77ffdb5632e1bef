//! The log of a node on a ring, in the forms of corosync.
//!
//! ```text
//!  3.x, 2.x   Nov 27 08:17:51.213 [60] a corosync warning [TOTEM ] FILE:FUNCTION:LINE TEXT
//!  1.x        Nov 22 11:42:08 corosync [TOTEM ] TEXT
//! ```
//!
//! Source: seen with corosync 3.1.7 and each of `timestamp`, `fileline`, `function_name`; 1.4.10's
//! in `vectors/totem/c14-*.log`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::Location;
use std::path::PathBuf;

use super::format::{stamp, syslog_level};
use super::sinks::{LogFile, Syslog};
use super::{Entry, Subsystem, to_stderr};
use crate::proto::heartbeat::Severity;
use crate::sys::local_time::LocalTime;

/// How lines look, and where those of each subsystem go.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of the machine.
    pub host: String,
    /// Socket of syslog.
    pub syslog: PathBuf,
    /// How they look.
    pub style: Style,
    /// Where they go, in the order of [`Subsystem::ALL`].
    pub routes: [Route; Subsystem::ALL.len()],
}

impl Config {
    /// Subsystems whose debug lines are wanted, by their bits.
    pub(super) fn debugged(&self) -> u32 {
        let all = Subsystem::ALL.into_iter().zip(&self.routes);
        let wanted = all.filter(|(_, route)| route.wants_debug());
        wanted.fold(0, |bits, (subsystem, _)| bits | subsystem.bit())
    }
}

/// The time in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Timestamp {
    Off,
    Seconds,
    Milliseconds,
}

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// As 1.x has them: without process, host and priority.
    pub short: bool,
    /// With the time.
    pub timestamp: Timestamp,
    /// With file and line of the source.
    pub fileline: bool,
    /// With the module of the source. Differs: corosync has the function, which Rust knows not.
    pub function_name: bool,
}

/// Where lines of a subsystem go. Priorities are syslog's numbers: a line of a higher one is
/// left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// To syslog, with this facility.
    pub facility: Option<u8>,
    /// Of these priorities.
    pub syslog_priority: u8,
    /// To this file.
    pub file: Option<PathBuf>,
    /// Of these priorities; stderr too.
    pub file_priority: u8,
    /// To standard error.
    pub stderr: bool,
    /// All lines, whatever the priorities say.
    pub debug: bool,
}

impl Route {
    /// True if lines of debugging go anywhere.
    fn wants_debug(&self) -> bool {
        let to_syslog = self.facility.is_some() && self.syslog_priority >= DEBUG;
        self.debug || to_syslog || self.file_priority >= DEBUG
    }
}

/// Writes lines to files, syslog and the terminal.
#[derive(Debug)]
pub(super) struct Writer {
    config: Config,
    pid: u32,
    files: BTreeMap<PathBuf, LogFile>,
    syslog: Syslog,
}

impl Writer {
    pub(super) fn new(config: Config) -> Self {
        let paths = config.routes.iter().filter_map(|route| route.file.clone());
        Self {
            pid: std::process::id(),
            files: paths.map(|p| (p.clone(), LogFile::new(p, None))).collect(),
            syslog: Syslog::new(config.syslog.clone()),
            config,
        }
    }

    /// Opens the files anew with their next lines.
    pub(super) fn reopen(&mut self) {
        self.files.values_mut().for_each(LogFile::reopen);
    }

    /// True if all places took the line.
    pub(super) fn write(&mut self, entry: &Entry) -> bool {
        let at = LocalTime::at(entry.unix_ms / 1000);
        let text = tagged(entry, self.config.style);
        let Some(route) = self.config.routes.get(entry.subsystem as usize) else {
            return true;
        };
        let level = syslog_level(entry.severity);
        // A signal asked for it.
        let asked_for = level == DEBUG && !route.wants_debug();
        let goes = |priority: u8| level <= priority || route.debug || asked_for;
        let mut taken = true;
        if let Some(facility) = route.facility
            && goes(route.syslog_priority)
        {
            let priority = u32::from(facility) * 8 + u32::from(level);
            let (at, pid) = (stamp(at), self.pid);
            let datagram = format!("<{priority}>{at} corosync[{pid}]:   {text}");
            taken &= self.syslog.send(&datagram).is_ok();
        }
        if !goes(route.file_priority) {
            return taken;
        }
        let time = self.time(at, entry);
        let word = word(entry.severity);
        let short = self.config.style.short;
        if let Some(file) = route.file.as_ref().and_then(|f| self.files.get_mut(f)) {
            let (pid, host) = (self.pid, &self.config.host);
            // Without a time the original leaves out the blank behind its own name.
            let blank = if time.is_empty() { "" } else { " " };
            let line = match short {
                true => format!("{time}corosync {text}\n"),
                false => format!("{time}[{pid}] {host} corosync{blank}{word:<7} {text}\n"),
            };
            taken &= file.write(&line).is_ok();
        }
        if route.stderr {
            to_stderr(&match short {
                true => format!("{time}corosync {text}\n"),
                false => format!("{time}{word:<7} {text}\n"),
            });
        }
        taken
    }

    fn time(&self, at: LocalTime, entry: &Entry) -> String {
        match self.config.style.timestamp {
            Timestamp::Off => String::new(),
            Timestamp::Seconds => format!("{} ", stamp(at)),
            Timestamp::Milliseconds => format!("{}.{:03} ", stamp(at), entry.unix_ms % 1000),
        }
    }
}

/// Priority of debug lines. Source: syslog(3)
const DEBUG: u8 = 7;

/// `[TOTEM ] FILE:FUNCTION:LINE TEXT`
fn tagged(entry: &Entry, style: Style) -> String {
    let mut text = format!("[{:<6}] ", entry.subsystem.name());
    let (file, module) = place(entry.place);
    let line = entry.place.line();
    let written = match (style.fileline, style.function_name) {
        (true, true) => write!(text, "{file}:{module}:{line} "),
        (true, false) => write!(text, "{file}:{line} "),
        (false, true) => write!(text, "{module} "),
        (false, false) => Ok(()),
    };
    written.expect("invariant: a String takes all that is written");
    if let Some((tag, pid)) = &entry.script {
        let written = write!(text, "{tag}[{pid}]: ");
        written.expect("invariant: a String takes all that is written");
    }
    text.push_str(&entry.text);
    text
}

/// Name of the file, and of the module in it.
fn place(at: &Location<'static>) -> (&'static str, String) {
    let path: &'static str = at.file();
    let file = path.rsplit('/').next().unwrap_or(path);
    let inside = path.rsplit_once("src/").map_or(path, |(_, inside)| inside);
    let module = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    (file, module.replace('/', "::"))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Notice => "notice",
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Critical => "crit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(place: &'static Location<'static>) -> Entry {
        Entry {
            unix_ms: 1_795_767_471_213,
            severity: Severity::Warning,
            subsystem: Subsystem::Totem,
            place,
            script: None,
            text: "FAILED TO RECEIVE".into(),
        }
    }

    fn written(style: Style, priority: u8, debug: bool) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let route = Route {
            facility: None,
            syslog_priority: 6,
            file: Some(file.clone()),
            file_priority: priority,
            stderr: false,
            debug,
        };
        let mut writer = Writer::new(Config {
            host: "a".into(),
            syslog: "/dev/log".into(),
            style,
            routes: std::array::from_fn(|_| route.clone()),
        });
        writer.pid = 60;
        assert!(writer.write(&entry(Location::caller())));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    const STYLE: Style = Style {
        short: false,
        timestamp: Timestamp::Off,
        fileline: false,
        function_name: false,
    };

    #[test]
    fn lines_are_those_of_corosync() {
        let text = "warning [TOTEM ] FAILED TO RECEIVE";
        assert_eq!(written(STYLE, 6, false), [format!("[60] a corosync{text}")]);
        let stamped = |timestamp| Style { timestamp, ..STYLE };
        let [line] = &written(stamped(Timestamp::Milliseconds), 6, false)[..] else {
            panic!("one line");
        };
        let end = format!(".213 [60] a corosync {text}");
        assert!(
            line.ends_with(&end) && line.len() == end.len() + 15,
            "{line}"
        );
        let short = Style {
            short: true,
            ..STYLE
        };
        let line = "corosync [TOTEM ] FAILED TO RECEIVE";
        assert_eq!(written(short, 6, false), [line]);
    }

    #[test]
    fn places_stand_before_the_text() {
        let with = |fileline, function_name| {
            let style = Style {
                fileline,
                function_name,
                ..STYLE
            };
            let lines = written(style, 6, false);
            let (_, rest) = lines[0].split_once("[TOTEM ] ").unwrap();
            rest.replace(|c: char| c.is_ascii_digit(), "")
        };
        let text = "FAILED TO RECEIVE";
        assert_eq!(with(true, false), format!("corosync.rs: {text}"));
        assert_eq!(with(false, true), format!("runtime::log::corosync {text}"));
        let both = format!("corosync.rs:runtime::log::corosync: {text}");
        assert_eq!(with(true, true), both);
    }

    #[test]
    fn priorities_hold_lines_back_but_not_those_of_debugging() {
        assert_eq!(written(STYLE, 3, false).len(), 0, "only errors");
        assert_eq!(written(STYLE, 4, false).len(), 1);
        assert_eq!(written(STYLE, 3, true).len(), 1, "debug: on");
    }
}
