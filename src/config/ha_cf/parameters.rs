//! Directives with their values as written: `cl_status hbparameter` and the `HA_*` environment.

use std::time::Duration;

use super::model::HaCf;
use super::reader::Reader;

/// Defaults that are recorded as if written.
///
/// Source: heartbeat 3.0.6, `heartbeat -D`
const DEFAULTS: &[(&str, &str)] = &[
    ("cluster", "linux-ha"),
    ("hopfudge", "1"),
    ("keepalive", "1000ms"),
    ("deadtime", "30000ms"),
    ("baud", "19200"),
    ("auto_failback", "legacy"),
    ("hbgenmethod", "file"),
    ("realtime", "true"),
    ("msgfmt", "classic"),
    ("conn_logd_time", "60"),
    ("log_badpack", "true"),
    ("syslogmsgfmt", "true"),
    ("coredumps", "true"),
    ("pacemaker", "false"),
    ("autojoin", "none"),
    ("uuidfrom", "file"),
    ("compression", "zlib"),
    ("compression_threshold", "2"),
    ("traditional_compression", "no"),
    ("max_rexmit_delay", "250"),
    ("record_config_changes", "on"),
    ("record_pengine_inputs", "on"),
    ("enable_config_writes", "on"),
    ("memreserve", "6500"),
    ("debug", "0"),
];

/// Directives that are not recorded: those of media and lists.
///
/// Source: heartbeat 3.0.6 [tried with `cl_status hbparameter`]
const NOT_RECORDED: &[&str] = &[
    "node",
    "bcast",
    "udp",
    "serial",
    "ping",
    "ping6",
    "env",
    "use_apphbd",
    "nice_failback",
];

/// The recorded directives, defaults first.
pub(super) fn parameters(reader: &Reader<'_, '_>) -> Vec<(String, String)> {
    let model = &reader.model;
    let mut all: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| match all.iter_mut().find(|(n, _)| n == name) {
        Some(entry) => entry.1 = value,
        None => all.push((name.to_owned(), value)),
    };
    for (name, value) in DEFAULTS {
        set(name, (*value).to_owned());
    }
    set("udpport", model.udpport.to_string());
    set("warntime", milliseconds(model.warntime));
    set("initdead", milliseconds(model.initdead));
    set("deadping", milliseconds(model.deadping));
    if without_log_files(model) {
        set("logfile", "/dev/null".into());
        set("debugfile", "/dev/null".into());
    }
    for (name, value) in &reader.given {
        if NOT_RECORDED.contains(name) {
            continue;
        }
        let name = if *name == "crm" { "pacemaker" } else { name };
        set(name, value.clone());
    }
    let crm = all.iter().find(|(name, _)| name == "pacemaker").cloned();
    all.extend(crm.map(|(_, value)| ("crm".to_owned(), value)));
    all
}

fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// A facility without files: heartbeat sets both files to /dev/null.
fn without_log_files(model: &HaCf) -> bool {
    model.logfacility.is_some() && model.logfile.is_none() && model.debugfile.is_none()
}
