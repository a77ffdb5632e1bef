//! The section `logging`.
//!
//! Source: spec corosync-conf.md 3.5; corosync 3.1.7, exec/mainconfig.c

use super::generation::Generation;
use super::model::{Debug, Logging};
use super::read::Reader;
use super::section::Merged;
use super::tree::Section;

/// Subsystems that corosync 3.1.7 has.
const SUBSYSTEMS: [&str; 14] = [
    "MAIN", "TOTEM", "QUORUM", "VOTEQ", "CPG", "CFG", "CMAP", "SYNC", "SERV", "QB", "WD", "MON",
    "PLOAD", "KNET",
];

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Logging {
    let keys = reader.merged("logging");
    let to = |name: &str, default: bool| match keys.text(name) {
        Some("yes" | "on") => true,
        Some("no" | "off") => false,
        _ => default,
    };
    let text = |name: &str, default: &str| keys.text(name).unwrap_or(default).to_owned();
    let timestamp = match reader.generation() {
        Generation::Three => "hires",
        _ => "off",
    };
    let old_priority = text("syslog_level", "info");
    let logging = Logging {
        to_stderr: to("to_stderr", true),
        to_logfile: to("to_logfile", to("to_file", false)),
        to_syslog: to("to_syslog", true),
        logfile: keys.text("logfile").map(Into::into),
        logfile_priority: text("logfile_priority", "info"),
        syslog_priority: text("syslog_priority", &old_priority),
        syslog_facility: text("syslog_facility", "daemon"),
        debug: debug(&keys),
        timestamp: text("timestamp", timestamp),
        fileline: keys.is("fileline", "on"),
        function_name: keys.is("function_name", "on"),
        subsystems: subsystems(reader, &keys),
    };
    check(reader, &keys, &logging);
    logging
}

fn debug(keys: &Merged<'_>) -> Debug {
    match keys.text("debug") {
        Some("on") => Debug::On,
        Some("trace") => Debug::Trace,
        _ => Debug::Off,
    }
}

fn subsystems(reader: &mut Reader<'_, '_>, keys: &Merged<'_>) -> Vec<(String, Debug)> {
    let sections: Vec<&Section> = keys.all("logger_subsys").collect();
    let mut all = Vec::new();
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
        all.push((key.value.clone(), debug(&Merged::one(section))));
    }
    let unnamed = keys.all("logging_daemon").find(|s| s.key("name").is_none());
    if let Some(section) = unnamed {
        let help = "write name: and the daemon's name into it";
        reader.error(section.span, "which daemon is not said", help);
    }
    all
}

fn check(reader: &mut Reader<'_, '_>, keys: &Merged<'_>, logging: &Logging) {
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
    if logging.to_logfile && logging.logfile.is_none() {
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
