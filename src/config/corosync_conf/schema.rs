//! The table of sections and keys: what a value is, and which generations of corosync heed it.
//!
//! Source: corosync 1.4.10, 2.4.6 and 3.1.7, exec/coroparse.c and exec/totemconfig.c; spec
//! corosync-conf.md section 3

use super::generation::Generation;

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An unsigned number up to this.
    Number(u64),
    /// A signed number of 32 bits.
    Signed,
    /// One of these words; corosync does not start with another.
    Strict(&'static [&'static str]),
    /// One of these words; with another corosync takes its default.
    Lax(&'static [&'static str]),
    /// Any text that is one word: an address, a name, a path.
    Word,
    /// Any text; what follows a `#` belongs to it, on every node alike.
    Text,
}

/// Heeded by 1.x.
pub const V1: u8 = 1;
/// Heeded by 2.x.
pub const V2: u8 = 2;
/// Heeded by 3.x.
pub const V3: u8 = 4;
const V12: u8 = V1 | V2;
const V23: u8 = V2 | V3;
const ALL: u8 = V1 | V2 | V3;
/// Accepted by all, heeded by none.
const NONE: u8 = 0;

/// A key of a section.
#[derive(Debug, Clone, Copy)]
pub struct Directive {
    /// Path of its section, with dots; empty for the file itself.
    pub section: &'static str,
    /// Its name; `ringX_addr` stands for all of them.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    versions: u8,
}

impl Directive {
    /// True when that generation heeds it.
    pub fn heeded_by(&self, generation: Generation) -> bool {
        self.versions & bit(generation) != 0
    }

    /// The only generation that heeds it, if there is just one.
    pub fn only_of(&self) -> Option<Generation> {
        let mut all = Generation::ALL.into_iter().filter(|g| self.heeded_by(*g));
        all.next().filter(|_| all.next().is_none())
    }
}

fn bit(generation: Generation) -> u8 {
    match generation {
        Generation::One => V1,
        Generation::Two => V2,
        Generation::Three => V3,
    }
}

const U8: Kind = Kind::Number(u8::MAX as u64);
const U16: Kind = Kind::Number(u16::MAX as u64);
const U32: Kind = Kind::Number(u32::MAX as u64);
const U64: Kind = Kind::Number(u64::MAX);
const YES_NO: Kind = Kind::Lax(&["yes", "no"]);
const SWITCH: Kind = Kind::Strict(&["on", "off"]);
const TO: Kind = Kind::Strict(&["yes", "on", "no", "off"]);
const PRIORITY: Kind = Kind::Strict(&[
    "emerg", "alert", "crit", "err", "error", "warning", "notice", "info", "debug",
]);
const FACILITY: Kind = Kind::Strict(&[
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "syslog", "user",
    "uucp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]);
const DEBUG: Kind = Kind::Strict(&["on", "off", "trace"]);
const CIPHER: Kind = Kind::Strict(&["none", "aes256", "aes192", "aes128", "3des"]);
const HASH: Kind = Kind::Strict(&["none", "md5", "sha1", "sha256", "sha384", "sha512"]);
const COMPRESSION: Kind = Kind::Strict(&[
    "none", "zlib", "lz4", "lz4hc", "lzo2", "lzma", "bzip2", "zstd",
]);
const IPC: Kind = Kind::Strict(&["native", "shm", "socket"]);
const IP_VERSION: Kind = Kind::Strict(&["ipv4", "ipv6", "ipv6-4", "ipv4-6"]);

const fn key(section: &'static str, name: &'static str, kind: Kind, versions: u8) -> Directive {
    Directive {
        section,
        name,
        kind,
        versions,
    }
}

static TABLE: &[Directive] = &[
    key(
        "",
        "compatibility",
        Kind::Strict(&["whitetank", "none"]),
        V1,
    ),
    key(
        "everbeat",
        "generation",
        Kind::Strict(&["1", "2", "3"]),
        ALL,
    ),
    key("totem", "version", U32, ALL),
    key("totem", "cluster_name", Kind::Text, V23),
    key(
        "totem",
        "transport",
        Kind::Strict(&["udp", "udpu", "knet", "iba"]),
        ALL,
    ),
    key("totem", "nodeid", U32, V12),
    key("totem", "clear_node_high_bit", YES_NO, ALL),
    key("totem", "secauth", Kind::Lax(&["on", "off"]), ALL),
    key("totem", "crypto_cipher", CIPHER, V23),
    key("totem", "crypto_hash", HASH, V23),
    key(
        "totem",
        "crypto_model",
        Kind::Strict(&["nss", "openssl"]),
        V3,
    ),
    key(
        "totem",
        "crypto_type",
        Kind::Strict(&["sober", "nss", "aes256", "aes192", "aes128", "3des"]),
        V1,
    ),
    key("totem", "crypto_accept", Kind::Strict(&["old", "new"]), V1),
    key("totem", "keyfile", Kind::Word, V23),
    key("totem", "key", Kind::Text, V23),
    key(
        "totem",
        "rrp_mode",
        Kind::Strict(&["none", "active", "passive"]),
        V12,
    ),
    key(
        "totem",
        "link_mode",
        Kind::Strict(&["passive", "active", "rr"]),
        V3,
    ),
    key("totem", "netmtu", U32, ALL),
    key("totem", "threads", U32, V1),
    key("totem", "vsftype", Kind::Lax(&["ykd", "none"]), V1),
    key("totem", "config_version", U64, V23),
    key("totem", "ip_version", IP_VERSION, V23),
    key("totem", "token", U32, ALL),
    key("totem", "token_coefficient", U32, V23),
    key("totem", "token_retransmit", U32, ALL),
    key("totem", "token_retransmits_before_loss_const", U32, ALL),
    key("totem", "token_warning", U32, V3),
    key("totem", "hold", U32, ALL),
    key("totem", "join", U32, ALL),
    key("totem", "send_join", U32, ALL),
    key("totem", "consensus", U32, ALL),
    key("totem", "merge", U32, ALL),
    key("totem", "downcheck", U32, ALL),
    key("totem", "fail_recv_const", U32, ALL),
    key("totem", "seqno_unchanged_const", U32, ALL),
    key("totem", "heartbeat_failures_allowed", U32, ALL),
    key("totem", "max_network_delay", U32, ALL),
    key("totem", "window_size", U32, ALL),
    key("totem", "max_messages", U32, ALL),
    key("totem", "miss_count_const", U32, ALL),
    key("totem", "block_unlisted_ips", YES_NO, V23),
    key("totem", "cancel_token_hold_on_retransmit", YES_NO, V23),
    key("totem", "rrp_problem_count_timeout", U32, V12),
    key("totem", "rrp_problem_count_threshold", U32, V12),
    key("totem", "rrp_problem_count_mcast_threshold", U32, V12),
    key("totem", "rrp_token_expired_timeout", U32, V12),
    key("totem", "rrp_autorecovery_check_timeout", U32, V12),
    key("totem", "knet_pmtud_interval", U32, V3),
    key("totem", "knet_mtu", U32, V3),
    key("totem", "knet_compression_model", COMPRESSION, V3),
    key("totem", "knet_compression_threshold", U32, V3),
    key("totem", "knet_compression_level", Kind::Signed, V3),
    key("totem.interface", "ringnumber", U8, V12),
    key("totem.interface", "linknumber", U8, V3),
    key("totem.interface", "bindnetaddr", Kind::Word, ALL),
    key("totem.interface", "mcastaddr", Kind::Word, ALL),
    key("totem.interface", "broadcast", YES_NO, ALL),
    key("totem.interface", "mcastport", U16, ALL),
    key("totem.interface", "ttl", U8, ALL),
    key("totem.interface", "knet_link_priority", U8, V3),
    key("totem.interface", "knet_ping_interval", U32, V3),
    key("totem.interface", "knet_ping_timeout", U32, V3),
    key("totem.interface", "knet_ping_precision", U32, V3),
    key("totem.interface", "knet_pong_count", U32, V3),
    key(
        "totem.interface",
        "knet_transport",
        Kind::Strict(&["udp", "sctp"]),
        V3,
    ),
    key("totem.interface.member", "memberaddr", Kind::Word, ALL),
    key("nodelist.node", "ringX_addr", Kind::Word, V23),
    key("nodelist.node", "nodeid", U32, V23),
    key("nodelist.node", "name", Kind::Word, V23),
    key("nodelist.node", "quorum_votes", U32, V23),
    key(
        "quorum",
        "provider",
        Kind::Strict(&["corosync_votequorum", "testquorum"]),
        ALL,
    ),
    key("quorum", "expected_votes", U32, ALL),
    key("quorum", "votes", U32, ALL),
    key("quorum", "two_node", U8, ALL),
    key("quorum", "wait_for_all", U8, V23),
    key("quorum", "last_man_standing", U8, V23),
    key("quorum", "last_man_standing_window", U32, V23),
    key("quorum", "auto_tie_breaker", U8, V23),
    key("quorum", "auto_tie_breaker_node", Kind::Text, V23),
    key("quorum", "allow_downscale", U8, V23),
    key("quorum", "expected_votes_tracking", U8, V23),
    key("quorum", "leaving_timeout", U32, V12),
    key("quorum", "quorumdev_poll", U32, V1),
    key("quorum", "disallowed", Kind::Text, V1),
    key("quorum.device", "model", Kind::Word, V23),
    key("quorum.device", "votes", U32, V23),
    key("quorum.device", "timeout", U32, V23),
    key("quorum.device", "sync_timeout", U32, V23),
    key("quorum.device", "master_wins", U8, V23),
    key("logging", "to_stderr", TO, ALL),
    key("logging", "to_logfile", TO, ALL),
    key("logging", "to_file", TO, ALL),
    key("logging", "to_syslog", TO, ALL),
    key("logging", "logfile", Kind::Word, ALL),
    key("logging", "logfile_priority", PRIORITY, ALL),
    key("logging", "syslog_priority", PRIORITY, ALL),
    key("logging", "syslog_level", PRIORITY, ALL),
    key("logging", "syslog_facility", FACILITY, ALL),
    key("logging", "debug", DEBUG, ALL),
    key(
        "logging",
        "timestamp",
        Kind::Strict(&["on", "off", "hires"]),
        ALL,
    ),
    key("logging", "fileline", SWITCH, ALL),
    key("logging", "function_name", SWITCH, ALL),
    key("logging", "blackbox", SWITCH, V23),
    key("logging", "tags", Kind::Text, NONE),
    key("logging.logger_subsys", "subsys", Kind::Word, ALL),
    key("logging.logger_subsys", "tags", Kind::Text, NONE),
    key("logging.logging_daemon", "name", Kind::Word, ALL),
    key("logging.logging_daemon", "subsys", Kind::Word, ALL),
    key("system", "qb_ipc_type", IPC, V3),
    key("system", "sched_rr", Kind::Strict(&["yes", "no"]), V3),
    key("system", "priority", Kind::Word, V3),
    key(
        "system",
        "move_to_root_cgroup",
        Kind::Strict(&["yes", "no", "auto"]),
        V3,
    ),
    key(
        "system",
        "allow_knet_handle_fallback",
        Kind::Strict(&["yes", "no"]),
        V3,
    ),
    key("system", "state_dir", Kind::Word, V3),
    key("qb", "ipc_type", IPC, V2),
    key("uidgid", "uid", Kind::Word, ALL),
    key("uidgid", "gid", Kind::Word, ALL),
    key("resources", "watchdog_device", Kind::Word, V23),
    key("resources", "watchdog_timeout", U32, V23),
    key("resources.*.*", "poll_period", U64, V23),
    key("resources.*.*", "max", Kind::Word, V23),
    key("resources.*.*", "recovery", Kind::Word, V23),
    key("pload", "count", Kind::Word, V23),
    key("pload", "size", Kind::Word, V23),
    key("nozzle", "name", Kind::Word, V3),
    key("nozzle", "ipaddr", Kind::Word, V3),
    key("nozzle", "ipprefix", Kind::Word, V3),
    key("nozzle", "macaddr", Kind::Word, V3),
    key("service", "name", Kind::Word, V1),
    key("service", "ver", Kind::Word, V1),
    key("service", "use_logd", Kind::Word, V1),
    key("service", "use_mgmtd", Kind::Word, V1),
    key("service", "clustername", Kind::Text, V1),
    key("aisexec", "defaultservices", YES_NO, V1),
    key("aisexec", "user", Kind::Word, NONE),
    key("aisexec", "group", Kind::Word, NONE),
    key("amf", "mode", Kind::Word, NONE),
];

/// Sections whose keys are another program's: all are taken.
static FREE: &[&str] = &[
    "quorum.device.net",
    "quorum.device.heuristics",
    "quorum.device.disk",
    "event",
    "amf",
    "clm",
    "ckpt",
    "lck",
    "evt",
    "msg",
];

/// Keys of `logging` that don't stand in its subsections.
static LOGGING_ONLY: &[&str] = &["timestamp", "fileline", "function_name", "blackbox"];

/// The path whose keys a section has: `network` is an old name, subsystems have most keys of
/// `logging`, and limits of `resources` are alike.
fn paths(section: &str) -> [&str; 2] {
    if let Some(rest) = section.strip_prefix("network") {
        return if rest.is_empty() {
            ["totem", ""]
        } else if rest.starts_with(".interface.member") {
            ["totem.interface.member", ""]
        } else {
            ["totem.interface", ""]
        };
    }
    if section.starts_with("resources.") && section.matches('.').count() == 2 {
        return ["resources.*.*", ""];
    }
    let in_logging = section.strip_prefix("logging.");
    match in_logging.and_then(|s| s.rsplit('.').next()) {
        Some("logger_subsys") => ["logging.logger_subsys", "logging"],
        Some("logging_daemon") => ["logging.logging_daemon", "logging"],
        _ => [section, ""],
    }
}

fn has(section: &str, directive: &Directive) -> bool {
    let [own, shared] = paths(section);
    directive.section == own
        || (!shared.is_empty()
            && directive.section == shared
            && !LOGGING_ONLY.contains(&directive.name))
}

/// The key of that name in that section.
pub fn find(section: &str, name: &str) -> Option<&'static Directive> {
    let plain = if is_ring_address(name) {
        "ringX_addr"
    } else {
        name
    };
    TABLE.iter().find(|d| d.name == plain && has(section, d))
}

/// Names of the keys of a section.
pub fn names(section: &str) -> impl Iterator<Item = &'static str> {
    let section = section.to_owned();
    let all = TABLE.iter().filter(move |d| has(&section, d));
    all.map(|d| match d.name {
        "ringX_addr" => "ring0_addr",
        name => name,
    })
}

/// Paths of the sections in which a key of that name means something.
pub fn homes(name: &str) -> impl Iterator<Item = &'static str> {
    let name = if is_ring_address(name) {
        "ringX_addr"
    } else {
        name
    }
    .to_owned();
    TABLE
        .iter()
        .filter(move |d| d.name == name)
        .map(|d| d.section)
}

/// `ring0_addr` … `ring7_addr`
fn is_ring_address(name: &str) -> bool {
    ring_of(name).is_some()
}

/// The number of the ring of `ringN_addr`.
pub fn ring_of(name: &str) -> Option<u8> {
    let digit = name.strip_prefix("ring")?.strip_suffix("_addr")?;
    digit.parse().ok().filter(|n| *n < 8 && digit.len() == 1)
}

/// True when a section of that path means something to a generation of corosync.
pub fn is_section(path: &str) -> bool {
    is_free(path)
        || path == "nodelist"
        || path == "network"
        || path.starts_with("network.interface")
        || matches!(path, "resources.system" | "resources.process" | "resources")
        || path == "logging.logging_daemon.logger_subsys"
        || TABLE.iter().any(|d| d.section == paths(path)[0])
}

/// True for a section whose keys are not corosync's.
pub fn is_free(path: &str) -> bool {
    FREE.contains(&path)
}

/// Names of the sections that may stand directly in the section of that path.
pub fn sections_in(path: &str) -> impl Iterator<Item = &'static str> {
    let prefix = if path.is_empty() {
        String::new()
    } else {
        format!("{path}.")
    };
    let all = TABLE.iter().map(|d| d.section).chain(FREE.iter().copied());
    all.filter_map(move |s| s.strip_prefix(prefix.as_str()))
        .filter_map(|rest| rest.split('.').next())
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_they_belong() {
        assert!(find("totem", "token").is_some());
        assert!(find("quorum", "token").is_none());
        assert!(find("nodelist.node", "ring7_addr").is_some());
        assert!(find("nodelist.node", "ring8_addr").is_none());
        assert!(find("logging.logger_subsys", "debug").is_some());
        assert!(find("logging.logger_subsys", "fileline").is_none());
        assert!(find("network.interface", "mcastport").is_some());
        assert!(find("resources.system.memory_used", "max").is_some());
        assert_eq!(homes("memberaddr").next(), Some("totem.interface.member"));
        assert!(is_section("nodelist") && is_section("amf") && !is_section("logging.logger"));
        assert!(sections_in("logging").any(|s| s == "logger_subsys"));
    }

    #[test]
    fn some_keys_tell_the_generation() {
        let only = |section, name| find(section, name).unwrap().only_of();
        assert_eq!(only("totem", "link_mode"), Some(Generation::Three));
        assert_eq!(only("totem", "vsftype"), Some(Generation::One));
        assert_eq!(only("totem", "token"), None);
    }
}
