//! The section `logging`.
//!
//! Source: spec corosync-conf.md 3.5; corosync 3.1.7, exec/mainconfig.c

use super::generation::Generation;
use super::model::{Debug, LogRoute, Logging};
use super::read::Reader;
use super::section::Merged;
use super::tree::Section;

/// Subsystems that corosync 3.1.7 has, and the CRM's, which is ours.
const SUBSYSTEMS: [&str; 15] = [
    "MAIN", "TOTEM", "QUORUM", "VOTEQ", "CPG", "CFG", "CMAP", "SYNC", "SERV", "QB", "WD", "MON",
    "PLOAD", "KNET", "CRM",
];

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Logging {
    let keys = reader.merged("logging");
    let timestamp = match reader.generation() {
        Generation::Three => "hires",
        _ => "off",
    };
    let all = route(&keys, &default());
    let logging = Logging {
        timestamp: keys.text("timestamp").unwrap_or(timestamp).to_owned(),
        fileline: keys.is("fileline", "on"),
        function_name: keys.is("function_name", "on"),
        subsystems: subsystems(reader, &keys, &all),
        all,
    };
    check(reader, &keys, &logging.all);
    logging
}

fn default() -> LogRoute {
    LogRoute {
        to_stderr: true,
        to_logfile: false,
        to_syslog: true,
        logfile: None,
        logfile_priority: "info".into(),
        syslog_priority: "info".into(),
        syslog_facility: "daemon".into(),
        debug: Debug::Off,
    }
}

/// What keys say, and what is not said as it is `otherwise`.
fn route(keys: &Merged<'_>, otherwise: &LogRoute) -> LogRoute {
    let to = |name: &str, default: bool| match keys.text(name) {
        Some("yes" | "on") => true,
        Some("no" | "off") => false,
        _ => default,
    };
    let text = |name: &str, default: &str| keys.text(name).unwrap_or(default).to_owned();
    let old_priority = text("syslog_level", &otherwise.syslog_priority);
    let logfile = keys.text("logfile").map(Into::into);
    LogRoute {
        to_stderr: to("to_stderr", otherwise.to_stderr),
        to_logfile: to("to_logfile", to("to_file", otherwise.to_logfile)),
        to_syslog: to("to_syslog", otherwise.to_syslog),
        logfile: logfile.or_else(|| otherwise.logfile.clone()),
        logfile_priority: text("logfile_priority", &otherwise.logfile_priority),
        syslog_priority: text("syslog_priority", &old_priority),
        syslog_facility: text("syslog_facility", &otherwise.syslog_facility),
        debug: match keys.text("debug") {
            Some("on") => Debug::On,
            Some("trace") => Debug::Trace,
            Some("off") => Debug::Off,
            _ => otherwise.debug,
        },
    }
}

fn subsystems(
    reader: &mut Reader<'_, '_>,
    keys: &Merged<'_>,
    all: &LogRoute,
) -> Vec<(String, LogRoute)> {
    let sections: Vec<&Section> = keys.all("logger_subsys").collect();
    let mut routes: Vec<(String, LogRoute)> = Vec::new();
    for section in sections {
        let Some(key) = section.key("subsys").filter(|k| !k.value.is_empty()) else {
            let help = "write subsys: and its name into it, such as subsys: TOTEM";
            reader.error(section.span, "which subsystem is not said", help);
            continue;
        };
        if !SUBSYSTEMS.contains(&key.value.as_str()) {
            let message = format!(
                "there is no subsystem {}: the section has no effect",
                key.value
            );
            let help = format!("subsystems are {}", SUBSYSTEMS.join(", "));
            reader.note(section.span.to(key.value_span), message, help);
        }
        // Two sections of one subsystem add up, as they do in cmap.
        let before = routes.iter().rfind(|(name, _)| *name == key.value);
        let before = before.map_or(all, |(_, route)| route);
        routes.push((key.value.clone(), route(&Merged::one(section), before)));
    }
    let unnamed = keys.all("logging_daemon").find(|s| s.key("name").is_none());
    if let Some(section) = unnamed {
        let help = "write name: and the daemon's name into it";
        reader.error(section.span, "which daemon is not said", help);
    }
    routes
}

fn check(reader: &mut Reader<'_, '_>, keys: &Merged<'_>, route: &LogRoute) {
    if let Some(key) = keys.key("to_file") {
        let message = "to_file is an old name";
        reader.warning(
            key.name_span,
            message,
            format!("write to_logfile: {}", key.value),
        );
    }
    if let Some(key) = keys.key("syslog_level") {
        let message = "syslog_level is an old name";
        let help = format!("write syslog_priority: {}", key.value);
        reader.note(key.name_span, message, help);
    }
    if route.to_logfile && route.logfile.is_none() {
        let key = keys.key("to_logfile").or(keys.key("to_file"));
        let span = key.map(super::tree::Key::span).unwrap_or_default();
        let message = "to_logfile without a logfile: no lines go to a file";
        reader.warning(
            span,
            message,
            "write logfile: /var/log/cluster/corosync.log",
        );
    }
}
