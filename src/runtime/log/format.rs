//! The forms of a log line. Pure.
//!
//! Source: heartbeat 3.0.6 with cluster-glue 1.0.12, seen with `syslogmsgfmt` true and false.

use std::fmt::Write;

use crate::proto::heartbeat::Severity;
use crate::sys::local_time::LocalTime;

/// Longest text of a line, bytes; the rest is cut. Ours: three lines of a dumped packet.
pub const TEXT_BYTES_MAX: usize = 4096;

/// Where a line comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// Name of the machine.
    pub host: &'a str,
    /// Name of the program.
    pub entity: &'a str,
    /// Its process.
    pub pid: u32,
}

/// The word of a level.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Notice => "notice",
        Severity::Warning => "WARN",
        Severity::Error => "ERROR",
        Severity::Critical => "CRIT",
    }
}

/// `Nov 22 11:20:58 a heartbeat: [23]: info: TEXT`, the form of log files by default.
pub fn syslog_like(origin: Origin<'_>, at: LocalTime, severity: Severity, text: &str) -> String {
    let Origin { host, entity, pid } = origin;
    let level = word(severity);
    format!("{} {host} {entity}: [{pid}]: {level}: {text}\n", stamp(at))
}

/// `heartbeat[23]: 2026/11/25_22:58:37 info: TEXT`: with `syslogmsgfmt false`, and on stderr.
pub fn plain(origin: Origin<'_>, at: LocalTime, severity: Severity, text: &str) -> String {
    let Origin { entity, pid, .. } = origin;
    let level = word(severity);
    format!("{entity}[{pid}]: {} {level}: {text}\n", script_stamp(at))
}

/// `2026/11/22_11:21:09  NAME(INSTANCE)[PID]:    info: TEXT`, as resource scripts write.
pub fn script(tag: &str, pid: u32, at: LocalTime, line: (Severity, &str)) -> String {
    let (severity, text) = line;
    let level = match severity {
        Severity::Info => "INFO",
        other => word(other),
    };
    format!("{}  {tag}[{pid}]:    {level}: {text}\n", script_stamp(at))
}

/// The datagram for `/dev/log`. Source: RFC 3164 section 4.1.
pub fn rfc3164(facility: u8, origin: Origin<'_>, at: LocalTime, line: (Severity, &str)) -> String {
    let (severity, text) = line;
    let priority = u32::from(facility) * 8 + u32::from(syslog_level(severity));
    let Origin { entity, pid, .. } = origin;
    let level = word(severity);
    format!(
        "<{priority}>{} {entity}: [{pid}]: {level}: {text}",
        stamp(at)
    )
}

/// The number of a priority. Source: syslog(3)
pub(super) fn syslog_level(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::Error => 3,
        Severity::Warning => 4,
        Severity::Notice => 5,
        Severity::Info => 6,
        Severity::Debug => 7,
    }
}

/// `Nov 02 01:20:08`
pub(super) fn stamp(at: LocalTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS[usize::from(at.month.clamp(1, 12) - 1)];
    let LocalTime {
        day,
        hour,
        minute,
        second,
        ..
    } = at;
    format!("{month} {day:02} {hour:02}:{minute:02}:{second:02}")
}

fn script_stamp(at: LocalTime) -> String {
    let LocalTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = at;
    format!("{year:04}/{month:02}/{day:02}_{hour:02}:{minute:02}:{second:02}")
}

/// Text as one line: control characters escaped, length held under [`TEXT_BYTES_MAX`].
///
/// What comes from the network gets into logs; a newline there must not forge a line.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(TEXT_BYTES_MAX));
    for c in text.trim_end_matches('\n').chars() {
        if line.len() + 12 > TEXT_BYTES_MAX {
            line.push_str("...");
            break;
        }
        match c {
            '\t' => line.push(c),
            c if c.is_control() => write!(line, "{}", c.escape_default())
                .expect("invariant: a String takes all that is written"),
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: LocalTime = LocalTime {
        year: 2026,
        month: 11,
        day: 2,
        hour: 1,
        minute: 20,
        second: 8,
    };
    const ORIGIN: Origin<'_> = Origin {
        host: "a",
        entity: "heartbeat",
        pid: 23,
    };

    #[test]
    fn lines_are_those_of_heartbeat() {
        let text = "Link b:eth0 up.";
        assert_eq!(
            syslog_like(ORIGIN, AT, Severity::Info, text),
            "Nov 02 01:20:08 a heartbeat: [23]: info: Link b:eth0 up.\n"
        );
        assert_eq!(
            plain(ORIGIN, AT, Severity::Warning, text),
            "heartbeat[23]: 2026/11/02_01:20:08 WARN: Link b:eth0 up.\n"
        );
        assert_eq!(
            script("IPaddr2(x)", 7, AT, (Severity::Info, text)),
            "2026/11/02_01:20:08  IPaddr2(x)[7]:    INFO: Link b:eth0 up.\n"
        );
        assert_eq!(
            rfc3164(3, ORIGIN, AT, (Severity::Error, text)),
            "<27>Nov 02 01:20:08 heartbeat: [23]: ERROR: Link b:eth0 up."
        );
    }

    #[test]
    fn text_from_outside_stays_one_short_line() {
        assert_eq!(
            one_line("a\nNov 22 forged\u{1b}[2J\n"),
            "a\\nNov 22 forged\\u{1b}[2J"
        );
        let long = one_line(&"ü".repeat(9000));
        assert!(long.len() <= TEXT_BYTES_MAX && long.ends_with("..."));
    }
}
