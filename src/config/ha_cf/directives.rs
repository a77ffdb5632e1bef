//! The table of directives.

use super::lines::{Line, Word};
use super::reader::Reader;
use super::{children, fencing, logging, media, options, timing};

/// How a directive takes what follows it.
#[derive(Clone, Copy)]
pub(super) enum Apply {
    /// The whole line.
    Line(fn(&mut Reader<'_, '_>, &Line<'_>)),
    /// Each argument by itself.
    Each(fn(&mut Reader<'_, '_>, Word<'_>)),
}

/// A directive.
pub(super) struct Directive {
    /// Its name.
    pub name: &'static str,
    /// True when several arguments have each their own effect.
    pub takes_many: bool,
    /// What reads it.
    pub apply: Apply,
}

const fn one(name: &'static str, apply: fn(&mut Reader<'_, '_>, Word<'_>)) -> Directive {
    Directive {
        name,
        takes_many: false,
        apply: Apply::Each(apply),
    }
}

const fn many(name: &'static str, apply: fn(&mut Reader<'_, '_>, Word<'_>)) -> Directive {
    Directive {
        name,
        takes_many: true,
        apply: Apply::Each(apply),
    }
}

const fn line(name: &'static str, apply: fn(&mut Reader<'_, '_>, &Line<'_>)) -> Directive {
    Directive {
        name,
        takes_many: true,
        apply: Apply::Line(apply),
    }
}

/// Every directive of heartbeat 3.0.6 as Debian 12 builds it.
///
/// Source: heartbeat 3.0.6, lib/hbclient and heartbeat/config.c, `Directives`, `WLdirectives`
static TABLE: &[Directive] = &[
    one("cluster", options::cluster),
    many("node", options::node),
    one("keepalive", timing::keepalive),
    one("deadtime", timing::deadtime),
    one("warntime", timing::warntime),
    one("initdead", timing::initdead),
    one("deadping", timing::deadping),
    one("max_rexmit_delay", timing::max_rexmit_delay),
    one("conn_logd_time", timing::conn_logd_time),
    one("hopfudge", options::hopfudge),
    one("baud", media::baud),
    one("udpport", media::udpport),
    many("bcast", media::bcast),
    many("udp", media::udp),
    line("ucast", media::ucast),
    line("mcast", media::mcast),
    line("mcast6", media::mcast6),
    line("ucast6", media::ucast6),
    many("serial", media::serial),
    many("ping", media::ping),
    line("ping_group", media::ping_group),
    many("ping6", media::ping6),
    one("auto_failback", options::auto_failback),
    one("nice_failback", options::nice_failback),
    one("logfile", logging::logfile),
    one("debugfile", logging::debugfile),
    one("logfacility", logging::logfacility),
    one("use_logd", logging::use_logd),
    one("syslogmsgfmt", logging::syslogmsgfmt),
    one("log_badpack", logging::log_badpack),
    one("debug", logging::debug),
    one("watchdog", fencing::watchdog),
    line("stonith", fencing::stonith),
    line("stonith_host", fencing::stonith_host),
    line("respawn", children::respawn),
    line("failfast", children::failfast),
    line("apiauth", children::apiauth),
    one("rtprio", options::rtprio),
    one("realtime", options::realtime),
    one("memreserve", options::memreserve),
    one("hbgenmethod", options::hbgenmethod),
    one("uuidfrom", options::uuidfrom),
    one("autojoin", options::autojoin),
    one("msgfmt", options::msgfmt),
    one("compression", options::compression),
    one("compression_threshold", options::compression_threshold),
    one("traditional_compression", options::traditional_compression),
    many("env", options::env),
    one("coredumps", options::coredumps),
    one("coreroot", options::coreroot),
    one("use_apphbd", options::use_apphbd),
    one("crm", options::crm),
    one("pacemaker", options::crm),
    one("crm_daemon_dir", options::crm_daemon_dir),
    one("crmd_spawns_pengine", options::of_the_crm),
    one("record_config_changes", options::of_the_crm),
    one("record_pengine_inputs", options::of_the_crm),
    one("enable_config_writes", options::of_the_crm),
    one("quorum_server", options::quorum_server),
];

/// The directive of that name.
pub(super) fn find(name: &str) -> Option<&'static Directive> {
    TABLE.iter().find(|d| d.name == name)
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|d| d.name)
}

/// True for directives whose value is a length of time with a unit.
pub(super) fn is_time(name: &str) -> bool {
    matches!(
        name,
        "keepalive" | "deadtime" | "warntime" | "initdead" | "deadping" | "conn_logd_time"
    )
}

/// True for directives whose value is any word, so that heartbeat takes one with quotes in it.
pub(super) fn is_free(name: &str) -> bool {
    matches!(
        name,
        "cluster" | "node" | "env" | "logfile" | "debugfile" | "watchdog" | "coreroot"
    )
}
