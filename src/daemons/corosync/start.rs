//! From corosync.conf to a node on its ring.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use super::ring::{Parts, Ring, Settings};
use super::store::Store;
use super::{Options, nets};
use crate::config::corosync_conf::cmap::Value;
use crate::config::corosync_conf::{
    self, CorosyncConf, Generation, Interface, Local, LocalNode, RrpMode, Transport,
    find_local_node,
};
use crate::config::diagnostic::Diagnostic;
use crate::config::host::{Host, ThisHost};
use crate::config::{Plain, authkey, load_corosync, render};
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::proto::quorum;
use crate::proto::services::Services;
use crate::proto::totem::{Config, Flow, Timing, rings};
use crate::runtime::clock;
use crate::runtime::log::{Logger, Subsystem};
use crate::runtime::totem::{Plan, Way};
use crate::sys::realtime;
use crate::wire::totem::crypto_frame::Protection;
use crate::wire::totem::{Dialect, Processor, RingAddress};

/// Folder of the key.
const KEY_FILE: &str = "/etc/corosync/authkey";

/// Everything that was read.
#[derive(Debug)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// The configuration.
    pub conf: CorosyncConf,
    /// This node in it.
    pub local: LocalNode,
    /// Its number.
    pub node: NodeId,
    /// The address of its ring, of ring 0 if there are two.
    pub address: IpAddr,
    /// Its addresses on all rings.
    pub addresses: Vec<IpAddr>,
}

/// Reads the configuration; none if it can't be used, which stands on stderr then.
pub fn load(options: &Options) -> anyhow::Result<Option<Loaded>> {
    read(&options.config, show)
}

/// The same; what was found is handed to `say`.
pub(super) fn read(path: &Path, say: impl FnOnce(&[Diagnostic])) -> anyhow::Result<Option<Loaded>> {
    let host = ThisHost::new(Path::new("/etc/ha.d"));
    let (conf, findings) = load_corosync(path, &host, Plain::Taken);
    say(&findings);
    let Some(conf) = conf else {
        return Ok(None);
    };
    refuse_transport(&conf)?;
    let local = match find_local_node(&conf, &host) {
        Local::Found(local) => local,
        Local::Missing | Local::Unknown => bail!(
            "{}: no entry of the nodelist is this host's ({}): write its name or one of its \
             addresses there",
            path.display(),
            host.host_name().unwrap_or_default(),
        ),
    };
    let Some(node) = local.nodeid.filter(|id| *id != 0) else {
        bail!(
            "{}: this node has no id: write `nodeid: N` into its entry of the nodelist",
            path.display()
        );
    };
    let address = local
        .address
        .context("the own address of ring 0 stands for nothing")?;
    let addresses = own_addresses(path, &conf, &host, &local)?;
    Ok(Some(Loaded {
        path: path.to_owned(),
        conf,
        node: NodeId(node),
        address,
        addresses,
        local,
    }))
}

/// This node's addresses on all rings. Errors: one of redundant rings can't be served, which
/// must not go unseen.
fn own_addresses(
    path: &Path,
    conf: &CorosyncConf,
    host: &ThisHost,
    local: &LocalNode,
) -> anyhow::Result<Vec<IpAddr>> {
    let rings = conf.interfaces.len().max(1);
    let missing = |node: &&corosync_conf::Node| {
        (1..rings).any(|ring| node.addresses.get(ring).is_none_or(Option::is_none))
    };
    if let Some(node) = conf.nodes.iter().find(missing) {
        bail!(
            "{}: node {} has no address on one of the {rings} rings: write its ring0_addr and \
             ring1_addr, or take the second ring out",
            path.display(),
            node.label()
        );
    }
    let own = |ring: usize| {
        let address = corosync_conf::address_on(conf, host, (local.position, ring));
        address.with_context(|| {
            format!(
                "{}: no address of this host is on ring {ring}: correct its ring{ring}_addr, or \
                 the bindnetaddr of interface {ring}",
                path.display()
            )
        })
    };
    (0..rings).map(own).collect()
}

fn show(findings: &[Diagnostic]) {
    let styled = std::io::stderr().is_terminal();
    for finding in findings {
        eprintln!("{}", render::text(finding, styled));
    }
}

fn refuse_transport(conf: &CorosyncConf) -> anyhow::Result<()> {
    match conf.totem.transport {
        Transport::Udp | Transport::Udpu => Ok(()),
        other => bail!(
            "transport {} isn't spoken here. Write `transport: udpu` into the section totem on all \
             nodes (over udp and udpu 3.x has no encryption: `crypto_cipher: none`, \
             `crypto_hash: none`), and start them all again: rings of two transports don't meet.",
            other.as_str()
        ),
    }
}

/// Takes a place before ordinary processes, as `system` wants it, and keeps our memory from being
/// paged out; what isn't permitted is said, and done without.
///
/// Source: corosync 3.1.7, exec/main.c, `set_priority`: the highest there is
pub fn be_realtime(loaded: &Loaded, log: &Logger) {
    let wanted = |name: &str| {
        let mut keys = loaded.conf.keys.iter();
        keys.find_map(|(key, value)| match value {
            Value::Text(text) if key == name => Some(text.as_str()),
            _ => None,
        })
    };
    if wanted("system.sched_rr") != Some("no") {
        let priority = match wanted("system.priority") {
            Some("min") => realtime::LOWEST,
            Some(number) if number != "max" => number.parse().unwrap_or(realtime::HIGHEST),
            _ => realtime::HIGHEST,
        };
        if let Err(why) = realtime::set_round_robin(Some(priority)) {
            log.log(Severity::Warning, format!("no real-time scheduling: {why}"));
        }
    }
    if let Err(why) = realtime::lock_memory() {
        log.log(Severity::Warning, format!("memory is not locked: {why}"));
    }
}

/// What of the configuration a ring may be told while it runs. `addresses` are those of its
/// nodes, by ring.
pub(super) fn settings(
    loaded: &Loaded,
    addresses: Vec<BTreeMap<NodeId, IpAddr>>,
    remembered: u32,
) -> anyhow::Result<Settings> {
    let conf = &loaded.conf;
    let votes = conf.quorum.provider;
    Ok(Settings {
        limits: limits(conf),
        timing: timing(conf),
        flow: flow(conf),
        downcheck: Duration::from_millis(conf.totem.timing.downcheck.into()),
        plans: plans(loaded, &addresses)?,
        addresses,
        config_version: conf.totem.config_version,
        quorum: votes
            .then(|| quorum::Config::of(conf, loaded.node, loaded.local.position, remembered)),
    })
}

/// Opens the ring.
pub fn ring(loaded: &Loaded, log: Logger) -> anyhow::Result<Ring> {
    let conf = &loaded.conf;
    let generation = conf.told.generation;
    let dialect = match generation {
        Generation::One => Dialect::V1,
        Generation::Two => Dialect::V2,
        Generation::Three => Dialect::V3,
    };
    let name = match dialect {
        Dialect::V3 => loaded.node.to_string(),
        Dialect::V1 | Dialect::V2 => loaded.address.to_string(),
    };
    let store = Store::open(&conf.state_dir, &name)
        .with_context(|| format!("can't make {}", conf.state_dir.display()))?;
    let remembered = store.expected_votes();
    let votes = conf.quorum.provider.then(|| {
        let config = quorum::Config::of(conf, loaded.node, loaded.local.position, remembered);
        quorum::Machine::new(config, remembered)
    });
    let rings = u32::try_from(conf.interfaces.len()).unwrap_or(1);
    let packet = conf
        .totem
        .packet_bytes(generation, rings, loaded.address.is_ipv6());
    let packet = usize::try_from(packet).unwrap_or(1408);
    let config_version = conf.totem.config_version;
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|e| anyhow::anyhow!("no random numbers: {e}"))?;
    let addresses = addresses(conf);
    let redundancy = redundancy(loaded, dialect);
    announce(loaded, &log, redundancy.as_ref().map(|rings| rings.mode));
    let parts = Parts {
        srp: Config {
            me: processor(loaded, dialect),
            dialect,
            ring_seq: store.ring_seq(),
            timing: timing(conf),
            flow: flow(conf),
        },
        seed: u64::from_ne_bytes(seed),
        services: Services::new(loaded.node, dialect, packet, config_version, votes),
        protection: protection(conf)?,
        nets: nets::Parts {
            plans: plans(loaded, &addresses)?,
            redundancy,
            downcheck: Duration::from_millis(conf.totem.timing.downcheck.into()),
            log: log.of(Subsystem::Totem),
        },
        addresses,
        store,
        log,
    };
    Ring::start(parts, clock::mono()).context("can't open the ring")
}

/// Says what is about to be opened.
fn announce(loaded: &Loaded, log: &Logger, mode: Option<rings::Mode>) {
    let text = format!("This node is {} at {}", loaded.node, loaded.address);
    log.log(Severity::Notice, text);
    let totem = log.of(Subsystem::Totem);
    let how = match loaded.conf.totem.transport {
        Transport::Udpu => "UDP/IP Unicast",
        _ => "UDP/IP Multicast",
    };
    totem.log(Severity::Notice, format!("Initializing transport ({how})."));
    if let Some(mode) = mode {
        let mode = match mode {
            rings::Mode::Active => "active",
            rings::Mode::Passive => "passive",
        };
        totem.log(Severity::Debug, format!("RRP mode set to {mode}."));
    }
    if loaded.conf.quorum.provider {
        let text = "Using quorum provider corosync_votequorum";
        log.of(Subsystem::Quorum).log(Severity::Notice, text);
    }
}

fn processor(loaded: &Loaded, dialect: Dialect) -> Processor {
    match dialect {
        Dialect::V3 => Processor::of_node(loaded.node),
        Dialect::V1 | Dialect::V2 => {
            let on = |ring: usize| {
                let address = loaded.addresses.get(ring);
                address.map_or_else(RingAddress::default, |a| RingAddress::new(loaded.node, *a))
            };
            Processor {
                addresses: [on(0), on(1)],
            }
        }
    }
}

/// How two rings are used; absent with one.
fn redundancy(loaded: &Loaded, dialect: Dialect) -> Option<rings::Config> {
    let mode = match loaded.conf.totem.rrp_mode {
        _ if loaded.addresses.len() < 2 => return None,
        RrpMode::None => return None,
        RrpMode::Active => rings::Mode::Active,
        RrpMode::Passive => rings::Mode::Passive,
    };
    Some(rings::Config {
        mode,
        me: loaded.node,
        dialect,
        addresses: loaded.addresses.clone(),
        limits: limits(&loaded.conf),
    })
}

fn limits(conf: &CorosyncConf) -> rings::Limits {
    let t = &conf.totem.timing;
    let ms = |value: u32| Duration::from_millis(value.into());
    rings::Limits {
        token: ms(t.token),
        problem_count_timeout: ms(t.rrp_problem_count_timeout),
        problem_count_threshold: t.rrp_problem_count_threshold,
        problem_count_mcast_threshold: t.rrp_problem_count_mcast_threshold,
        token_expired_timeout: ms(t.rrp_token_expired_timeout),
        autorecovery_check_timeout: ms(t.rrp_autorecovery_check_timeout),
    }
}

fn protection(conf: &CorosyncConf) -> anyhow::Result<Protection> {
    let key = match (&conf.totem.key, conf.totem.crypto.needs_key()) {
        (_, false) => zeroize::Zeroizing::default(),
        (Some(key), true) => key.clone(),
        (None, true) => {
            let path = conf
                .totem
                .keyfile
                .clone()
                .unwrap_or_else(|| KEY_FILE.into());
            authkey::read(&path, conf.told.generation)
                .with_context(|| format!("{}", path.display()))?
        }
    };
    Ok(conf.totem.crypto.with_key(&key)?)
}

fn timing(conf: &CorosyncConf) -> Timing {
    let t = &conf.totem.timing;
    let ms = |value: u32| Duration::from_millis(value.into());
    let heartbeat = match t.heartbeat_failures_allowed {
        0 => Duration::ZERO,
        allowed => ms(t.token_retransmit) * allowed + ms(t.max_network_delay),
    };
    Timing {
        token: ms(t.token),
        token_warning: ms(t.token) * t.token_warning / 100,
        token_retransmit: ms(t.token_retransmit),
        hold: ms(t.hold),
        join: ms(t.join),
        send_join: ms(t.send_join),
        consensus: ms(t.consensus),
        merge: ms(t.merge),
        heartbeat,
    }
}

fn flow(conf: &CorosyncConf) -> Flow {
    let t = &conf.totem.timing;
    Flow {
        window_size: t.window_size,
        max_messages: t.max_messages,
        miss_count_const: t.miss_count_const,
        fail_recv_const: t.fail_recv_const,
        seqno_unchanged_const: t.seqno_unchanged_const,
        cancel_token_hold_on_retransmit: conf.totem.cancel_token_hold_on_retransmit,
    }
}

/// Addresses of the nodelist, by ring and node. Names are looked up: that may take long.
pub(super) fn addresses(conf: &CorosyncConf) -> Vec<BTreeMap<NodeId, IpAddr>> {
    let host = ThisHost::new(Path::new("/etc/ha.d"));
    let resolve = |text: &str| {
        let plain = text.parse().ok();
        plain.or_else(|| host.resolve(text)?.into_iter().next())
    };
    let mut rings = vec![BTreeMap::new(); conf.interfaces.len().max(1)];
    for node in &conf.nodes {
        let on = |ring: usize| resolve(&node.addresses.get(ring)?.as_ref()?.text);
        let id = match (node.nodeid, on(0)) {
            (0, Some(IpAddr::V4(v4))) => {
                let clear = conf.totem.clear_node_high_bit;
                corosync_conf::address::nodeid(v4, conf.told.generation, clear)
            }
            (0, _) => continue,
            (id, _) => id,
        };
        for (number, ring) in rings.iter_mut().enumerate() {
            ring.extend(on(number).map(|address| (NodeId(id), address)));
        }
    }
    rings
}

/// What the sockets of each ring are made of.
fn plans(loaded: &Loaded, addresses: &[BTreeMap<NodeId, IpAddr>]) -> anyhow::Result<Vec<Plan>> {
    let rings = loaded.addresses.iter().zip(&loaded.conf.interfaces);
    let plans = rings.enumerate().map(|(ring, (own, interface))| {
        let listed = addresses.get(ring).into_iter().flat_map(BTreeMap::values);
        plan(&loaded.conf, interface, (*own, listed.copied().collect()))
    });
    let plans: Vec<Plan> = plans.collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(!plans.is_empty(), "there is no ring 0");
    Ok(plans)
}

fn plan(
    conf: &CorosyncConf,
    interface: &Interface,
    (own, listed): (IpAddr, Vec<IpAddr>),
) -> anyhow::Result<Plan> {
    let way = match conf.totem.transport {
        Transport::Udpu => Way::Unicast {
            members: members((own, listed), &interface.members),
            only_members: conf.totem.block_unlisted_ips,
        },
        _ if interface.broadcast => Way::Broadcast,
        _ => Way::Multicast {
            group: interface
                .mcastaddr
                .with_context(|| format!("ring {} has no multicast address", interface.number))?,
            ttl: interface.ttl,
        },
    };
    Ok(Plan {
        address: own,
        port: interface.mcastport,
        way,
        buffer_bytes: match conf.told.generation {
            Generation::Three => 16 * 65_536,
            Generation::One | Generation::Two => 16 * 10_000,
        },
    })
}

/// Members of udpu: those of the nodelist, else the `member` sections.
fn members((own, mut members): (IpAddr, Vec<IpAddr>), given: &[String]) -> Vec<IpAddr> {
    members.extend(given.iter().filter_map(|text| text.parse::<IpAddr>().ok()));
    members.push(own);
    members.sort_unstable();
    members.dedup();
    members
}
