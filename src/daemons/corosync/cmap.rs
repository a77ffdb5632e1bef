//! Keys and values of a running node, as corosync's cmap has them.
//!
//! Keys of the configuration and of the running node can be read; those that users made up can
//! be set and deleted, too, and live as long as the daemon.
//!
//! Source: corosync 3.1.7, exec/icmap.c; spec corosync-conf.md 3 and 4; the list of a real node
//! in `vectors/totem/tools-3.1.7.txt`

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::protocol::{Entry, Map};
use super::ring::Ring;
use super::start::Loaded;
use crate::config::corosync_conf::cmap::Value;
use crate::config::corosync_conf::{CorosyncConf, Generation, TieBreaker};
use crate::ids::NodeId;
use crate::limits;

/// Sections whose keys are the daemon's own.
const OWN: [&str; 11] = [
    "config",
    "internal_configuration",
    "logging",
    "nodelist",
    "quorum",
    "resources",
    "runtime",
    "service",
    "stats",
    "totem",
    "uidgid",
];

/// Types of values. Source: corosync 3.1.7, corosync-cmapctl(8)
pub const TYPES: [&str; 12] = [
    "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "flt", "dbl", "str", "bin",
];

/// The keys.
#[derive(Debug)]
pub(super) struct Cmap {
    configured: Vec<Entry>,
    made_up: BTreeMap<String, Entry>,
    /// How often each node joined the ring, and whether it is there.
    joins: BTreeMap<NodeId, (u32, bool)>,
    /// What counters said when they were cleared, by key.
    cleared: BTreeMap<&'static str, u64>,
}

impl Cmap {
    pub(super) fn new(loaded: &Loaded) -> Self {
        Self {
            configured: configured(loaded),
            made_up: BTreeMap::new(),
            joins: BTreeMap::new(),
            cleared: BTreeMap::new(),
        }
    }

    /// Counters begin at 0 again.
    pub(super) fn clear_counters(&mut self, ring: &Ring) {
        self.cleared = counters(ring).into_iter().collect();
    }

    /// The configuration was read again.
    pub(super) fn reread(&mut self, loaded: &Loaded) {
        self.configured = configured(loaded);
    }

    /// The ring has these members now.
    pub(super) fn ring_changed(&mut self, members: &[NodeId]) {
        for (node, (_, is_there)) in &mut self.joins {
            *is_there &= members.contains(node);
        }
        for member in members {
            let (count, is_there) = self.joins.entry(*member).or_default();
            *count += u32::from(!*is_there);
            *is_there = true;
        }
    }

    /// All keys that begin so, in order.
    pub(super) fn list(&self, map: Map, prefix: &str, ring: &Ring) -> Vec<Entry> {
        let mut all = match map {
            Map::Icmap => self.icmap(ring),
            Map::Stats => self.stats(ring),
        };
        all.retain(|entry| entry.key.starts_with(prefix));
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }

    fn stats(&self, ring: &Ring) -> Vec<Entry> {
        let since = |(name, value): (&'static str, u64)| {
            let value = value.saturating_sub(self.cleared.get(name).copied().unwrap_or_default());
            entry(format!("stats.srp.{name}"), "u64", value)
        };
        counters(ring).into_iter().map(since).collect()
    }

    fn icmap(&self, ring: &Ring) -> Vec<Entry> {
        let mut all = self.configured.clone();
        all.extend(self.made_up.values().cloned());
        for (node, (count, is_there)) in &self.joins {
            let at = |name: &str| format!("runtime.members.{node}.{name}");
            let addresses = ring.addresses_of(*node);
            if !addresses.is_empty() {
                let one = |(ring, ip): (usize, &IpAddr)| format!("r({ring}) ip({ip}) ");
                let ip: String = addresses.iter().enumerate().map(one).collect();
                all.push(entry(at("ip"), "str", ip));
            }
            if let Some(version) = ring.services().config_version_of(*node) {
                all.push(entry(at("config_version"), "u64", version));
            }
            let status = if *is_there { "joined" } else { "left" };
            all.push(entry(at("join_count"), "u32", count));
            all.push(entry(at("status"), "str", status));
        }
        for (number, faulty) in ring.faulty().into_iter().enumerate() {
            let at = format!("runtime.totem.pg.mrp.rrp.{number}.faulty");
            all.push(entry(at, "u8", u8::from(faulty)));
        }
        if let Some(votes) = ring.services().votequorum() {
            let at = |name: &str| format!("runtime.votequorum.{name}");
            let config = votes.config();
            all.push(entry(at("ev_barrier"), "u32", votes.barrier()));
            all.push(entry(at("two_node"), "u8", u8::from(config.two_node)));
            let breaker = match &config.tie_breaker {
                None => 0,
                Some(TieBreaker::Lowest) => 1,
                Some(TieBreaker::Highest) => 2,
                Some(TieBreaker::List(_)) => 3,
            };
            all.push(entry(at("atb_type"), "u32", breaker));
            if config.wait_for_all {
                let waits = u8::from(votes.is_waiting_for_all());
                all.push(entry(at("wait_for_all_status"), "u8", waits));
            }
            let members = votes.members().iter();
            if let (Some(low), Some(high)) = (members.clone().min(), members.max()) {
                all.push(entry(at("lowest_node_id"), "u32", low));
                all.push(entry(at("highest_node_id"), "u32", high));
            }
        }
        all
    }

    /// Sets a key that a user made up. Errors: by corosync's name.
    pub(super) fn set(&mut self, entry: Entry) -> Result<(), &'static str> {
        check(&entry.key)?;
        let room = self.made_up.len() < limits::CMAP_KEYS_MAX;
        let short = entry.value.len() <= limits::CMAP_VALUE_BYTES_MAX;
        if !TYPES.contains(&entry.kind.as_str()) || !short {
            return Err("CS_ERR_INVALID_PARAM");
        }
        if !room && !self.made_up.contains_key(&entry.key) {
            return Err("CS_ERR_NO_MEMORY");
        }
        self.made_up.insert(entry.key.clone(), entry);
        Ok(())
    }

    /// Deletes one. Errors: by corosync's name.
    pub(super) fn delete(&mut self, key: &str) -> Result<(), &'static str> {
        check(key)?;
        self.made_up.remove(key).map(drop).ok_or("CS_ERR_NOT_EXIST")
    }
}

/// May a user have a key of this name?
///
/// Source: corosync 3.1.7, `icmap_is_valid_name_char`, `ICMAP_KEYNAME_MINLEN`
fn check(key: &str) -> Result<(), &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
    if !(3..=255).contains(&key.len()) || !key.chars().all(fits) {
        return Err("CS_ERR_NAME_TOO_LONG");
    }
    match key.split('.').next() {
        Some(section) if OWN.contains(&section) => Err("CS_ERR_ACCESS"),
        _ => Ok(()),
    }
}

fn entry(key: impl Into<String>, kind: &str, value: impl ToString) -> Entry {
    Entry {
        key: key.into(),
        kind: kind.to_owned(),
        value: value.to_string(),
    }
}

/// Keys that don't change while the node runs.
fn configured(loaded: &Loaded) -> Vec<Entry> {
    let conf = &loaded.conf;
    // Secrets stay where they are.
    let shown = conf.keys.iter().filter(|(key, _)| key != "totem.key");
    let mut all: Vec<Entry> = shown.map(of_configuration).collect();
    // The real one derives it where it isn't given.
    let network = "totem.interface.0.bindnetaddr";
    if !all.iter().any(|entry| entry.key == network) {
        all.push(entry(network, "str", loaded.address));
    }
    if let Some(position) = loaded.local.position {
        all.push(entry("nodelist.local_node_pos", "u32", position));
    }
    let mut services = vec!["cmap", "cfg", "cpg", "quorum"];
    services.extend(conf.quorum.provider.then_some("votequorum"));
    for name in services {
        // 4 is the load generator, which isn't here.
        let number = match name {
            "cmap" => 0,
            "cfg" => 1,
            "cpg" => 2,
            "quorum" => 3,
            _ => 5,
        };
        let at = format!("internal_configuration.service.{number}");
        all.push(entry(
            format!("{at}.name"),
            "str",
            format!("corosync_{name}"),
        ));
        all.push(entry(format!("{at}.ver"), "u32", 0));
        let at = format!("runtime.services.{name}.service_id");
        all.push(entry(at, "u16", number));
    }
    if conf.quorum.provider {
        let at = "runtime.votequorum.this_node_id";
        all.push(entry(at, "u32", loaded.node));
    }
    all.extend(computed(conf));
    all
}

fn of_configuration((key, value): &(String, Value)) -> Entry {
    match value {
        Value::U8(v) => entry(key, "u8", v),
        Value::U16(v) => entry(key, "u16", v),
        Value::U32(v) => entry(key, "u32", v),
        Value::U64(v) => entry(key, "u64", v),
        Value::I32(v) => entry(key, "i32", v),
        Value::Text(v) => entry(key, "str", v),
    }
}

/// What the daemon computed of the section totem.
fn computed(conf: &CorosyncConf) -> impl Iterator<Item = Entry> {
    let t = &conf.totem.timing;
    let values = [
        (
            "block_unlisted_ips",
            u32::from(conf.totem.block_unlisted_ips),
        ),
        (
            "cancel_token_hold_on_retransmit",
            u32::from(conf.totem.cancel_token_hold_on_retransmit),
        ),
        ("consensus", t.consensus),
        ("downcheck", t.downcheck),
        ("fail_recv_const", t.fail_recv_const),
        ("heartbeat_failures_allowed", t.heartbeat_failures_allowed),
        ("hold", t.hold),
        ("join", t.join),
        ("max_messages", t.max_messages),
        ("max_network_delay", t.max_network_delay),
        ("merge", t.merge),
        ("miss_count_const", t.miss_count_const),
        ("send_join", t.send_join),
        ("seqno_unchanged_const", t.seqno_unchanged_const),
        ("token", t.token),
        ("token_retransmit", t.token_retransmit),
        (
            "token_retransmits_before_loss_const",
            t.token_retransmits_before_loss_const,
        ),
        ("token_warning", t.token_warning),
        ("window_size", t.window_size),
    ];
    let redundant = [
        (
            "rrp_autorecovery_check_timeout",
            t.rrp_autorecovery_check_timeout,
        ),
        (
            "rrp_problem_count_mcast_threshold",
            t.rrp_problem_count_mcast_threshold,
        ),
        ("rrp_problem_count_threshold", t.rrp_problem_count_threshold),
        ("rrp_problem_count_timeout", t.rrp_problem_count_timeout),
        ("rrp_token_expired_timeout", t.rrp_token_expired_timeout),
    ];
    let redundant = redundant
        .into_iter()
        .filter(|_| conf.told.generation != Generation::Three);
    let at = |name: &str| format!("runtime.config.totem.{name}");
    values
        .into_iter()
        .chain(redundant)
        .map(move |(name, value)| entry(at(name), "u32", value))
}

fn counters(ring: &Ring) -> [(&'static str, u64); 11] {
    let stats = ring.srp().stats();
    [
        ("consensus_timeouts", stats.consensus_timeouts),
        ("mcast_retx", stats.mcast_retx),
        ("mcast_rx", stats.mcast_rx),
        ("mcast_tx", stats.mcast_tx),
        ("memb_join_rx", stats.memb_join_rx),
        ("memb_join_tx", stats.memb_join_tx),
        ("operational_entered", stats.rings),
        ("operational_token_lost", stats.token_lost),
        ("orf_token_rx", stats.orf_token_rx),
        ("orf_token_tx", stats.orf_token_tx),
        ("rx_msg_dropped", stats.rx_msg_dropped),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Cmap {
        Cmap {
            configured: Vec::new(),
            made_up: BTreeMap::new(),
            joins: BTreeMap::new(),
            cleared: BTreeMap::new(),
        }
    }

    #[test]
    fn users_have_their_own_keys_only() {
        let mut cmap = empty();
        assert_eq!(cmap.set(entry("test.a", "u8", 5)), Ok(()));
        let own = cmap.set(entry("totem.version", "u32", 3));
        assert_eq!(own, Err("CS_ERR_ACCESS"));
        assert_eq!(
            cmap.set(entry("te st", "u8", 5)),
            Err("CS_ERR_NAME_TOO_LONG")
        );
        assert_eq!(
            cmap.set(entry("test.b", "u7", 5)),
            Err("CS_ERR_INVALID_PARAM")
        );
        assert_eq!(cmap.delete("test.a"), Ok(()));
        assert_eq!(cmap.delete("test.a"), Err("CS_ERR_NOT_EXIST"));
        assert_eq!(cmap.delete("runtime.x"), Err("CS_ERR_ACCESS"));
    }

    #[test]
    fn each_return_to_the_ring_counts() {
        let mut cmap = empty();
        let (a, b) = (NodeId(1), NodeId(2));
        for members in [&[a][..], &[a, b], &[a], &[a, b]] {
            cmap.ring_changed(members);
        }
        assert_eq!(cmap.joins[&a], (1, true));
        assert_eq!(cmap.joins[&b], (2, true));
        cmap.ring_changed(&[b]);
        assert_eq!(cmap.joins[&a], (1, false));
    }

    #[test]
    fn no_more_keys_than_there_is_room_for() {
        let mut cmap = empty();
        for number in 0..limits::CMAP_KEYS_MAX {
            cmap.set(entry(format!("key.{number}"), "u8", 1)).unwrap();
        }
        let more = cmap.set(entry("one.more", "u8", 1));
        assert_eq!(more, Err("CS_ERR_NO_MEMORY"));
        assert_eq!(cmap.set(entry("key.0", "u8", 2)), Ok(()));
        let long = "x".repeat(limits::CMAP_VALUE_BYTES_MAX + 1);
        let long = cmap.set(entry("key.0", "str", long));
        assert_eq!(long, Err("CS_ERR_INVALID_PARAM"));
    }
}
