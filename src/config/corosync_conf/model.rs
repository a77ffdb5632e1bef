//! What a corosync.conf says, typed, with the defaults of its generation filled in.

use std::net::IpAddr;
use std::path::PathBuf;

use super::generation::Told;
use super::timing::Timing;
use crate::config::source::Span;
use crate::wire::totem::crypto_frame::{Protection, SetupError};

/// Everything in a corosync.conf that a node needs to know.
#[derive(Debug, Clone)]
pub struct CorosyncConf {
    /// The generation whose rules hold, and what told it.
    pub told: Told,
    /// The section `totem`.
    pub totem: Totem,
    /// The sections `totem.interface`, by number.
    pub interfaces: Vec<Interface>,
    /// The sections `nodelist.node`, in order.
    pub nodes: Vec<Node>,
    /// The section `quorum`.
    pub quorum: Quorum,
    /// The section `logging`.
    pub logging: Logging,
    /// The sections `uidgid`: who may use the local sockets besides root.
    pub access: Vec<Access>,
    /// The sections `service`: what is to run beside the messaging layer.
    pub services: Vec<Service>,
    /// Folder of the ring id and other state. Source: corosync 3.1.7, `system.state_dir`
    pub state_dir: PathBuf,
    /// All keys as cmap has them, by name.
    pub keys: Vec<(String, super::cmap::Value)>,
}

impl CorosyncConf {
    /// True if no other machine can be reached: its nodes, if it has any, are at loopback
    /// addresses. So is the example that the packages of Debian install.
    pub fn is_an_example(&self) -> bool {
        let loopback = |address: &Address| {
            let parsed = address.text.parse::<IpAddr>();
            address.text == "localhost" || parsed.is_ok_and(|ip| ip.is_loopback())
        };
        let mut addresses = self.nodes.iter().flat_map(|n| n.addresses.iter().flatten());
        !self.nodes.is_empty() && addresses.all(loopback)
    }
}

/// How datagrams travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP multicast, or broadcast.
    Udp,
    /// UDP to each member.
    Udpu,
    /// kronosnet, which everbeat doesn't speak.
    Knet,
    /// InfiniBand, which everbeat doesn't speak.
    Iba,
}

impl Transport {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Udpu => "udpu",
            Self::Knet => "knet",
            Self::Iba => "iba",
        }
    }
}

/// How datagrams are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crypto {
    /// Bare messages: 1.x with `secauth: off`, and 3.x over udp and udpu.
    Bare,
    /// 1.x with `secauth: on`.
    Sober {
        /// Sends in NSS form (`crypto_type: nss` and `crypto_accept: new`).
        sends_nss: bool,
        /// Takes the NSS form from others (`crypto_accept: new`).
        takes_nss: bool,
    },
    /// 2.x: wrapped, with or without a cipher and a hash.
    Wrapped {
        /// The cipher.
        cipher: Cipher,
        /// The hash.
        hash: Hash,
    },
}

impl Crypto {
    /// True when a key is needed.
    pub fn needs_key(self) -> bool {
        match self {
            Self::Bare => false,
            Self::Sober { .. } => true,
            Self::Wrapped { hash, .. } => hash != Hash::None,
        }
    }

    /// The protection itself, with the key, which may be empty where none is needed.
    ///
    /// Errors: as of [`Protection`]
    pub fn with_key(self, key: &[u8]) -> Result<Protection, SetupError> {
        match self {
            Self::Bare => Ok(Protection::bare()),
            Self::Sober {
                sends_nss,
                takes_nss,
            } => Protection::secauth(key, sends_nss, takes_nss),
            Self::Wrapped { cipher, hash } => Protection::wrapped(key, cipher, hash),
        }
    }
}

pub use crate::wire::totem::crypto_frame::{Cipher, Hash};

/// `rrp_mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RrpMode {
    None,
    Active,
    Passive,
}

/// The section `totem`.
#[derive(Debug, Clone)]
pub struct Totem {
    /// Name of the cluster.
    pub cluster_name: Option<String>,
    /// How datagrams travel.
    pub transport: Transport,
    /// The local node's id, 0: from its address or the nodelist.
    pub nodeid: u32,
    /// Generated ids lose bit 31.
    pub clear_node_high_bit: bool,
    /// How datagrams are protected.
    pub crypto: Crypto,
    /// A key in the file itself.
    pub key: Option<zeroize::Zeroizing<Vec<u8>>>,
    /// Where the key is, if not in /etc/corosync/authkey.
    pub keyfile: Option<PathBuf>,
    /// How two rings are used.
    pub rrp_mode: RrpMode,
    /// Version of the configuration, 0: none.
    pub config_version: u64,
    /// Which family names are resolved to.
    pub ip_version: IpVersion,
    /// Datagrams of addresses that are no member's are dropped.
    pub block_unlisted_ips: bool,
    /// A hold of the token ends when something must be sent again.
    pub cancel_token_hold_on_retransmit: bool,
    /// Times and constants.
    pub timing: Timing,
}

/// `ip_version`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IpVersion {
    V4,
    V6,
    V6BeforeV4,
    V4BeforeV6,
}

/// One `interface`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Ring or link.
    pub number: u8,
    /// Its place.
    pub span: Span,
    /// Own address or its network.
    pub bindnetaddr: Option<IpAddr>,
    /// Group that is sent to.
    pub mcastaddr: Option<IpAddr>,
    /// Sends to 255.255.255.255.
    pub broadcast: bool,
    /// UDP port of messages; port − 1 sends.
    pub mcastport: u16,
    /// Hops of multicasts.
    pub ttl: u8,
    /// Addresses of members, where no nodelist has them.
    pub members: Vec<String>,
}

/// One node of the nodelist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its place in the file.
    pub span: Span,
    /// Addresses by ring.
    pub addresses: Vec<Option<Address>>,
    /// Its id, 0 or absent: from its address.
    pub nodeid: u32,
    /// Its name.
    pub name: Option<String>,
    /// Its votes.
    pub votes: u32,
}

impl Node {
    /// The address on ring 0.
    pub fn ring0(&self) -> Option<&Address> {
        self.addresses.first().and_then(Option::as_ref)
    }

    /// Its name, else its address.
    pub fn label(&self) -> &str {
        let address = self.ring0().map(|a| a.text.as_str());
        self.name.as_deref().or(address).unwrap_or("?")
    }
}

/// An address or a name that stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As written.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// The section `quorum`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quorum {
    /// True for corosync_votequorum; without a provider the cluster always is quorate.
    pub provider: bool,
    /// Votes to count with, if said.
    pub expected_votes: Option<u32>,
    /// Own votes without a nodelist.
    pub votes: u32,
    /// Two nodes are quorate alone.
    pub two_node: bool,
    /// Not quorate until all were seen once, if said.
    pub wait_for_all: Option<bool>,
    /// Expected votes follow the members down.
    pub last_man_standing: bool,
    /// Milliseconds after which they do.
    pub last_man_standing_window: u32,
    /// Half of the nodes may be quorate.
    pub auto_tie_breaker: Option<TieBreaker>,
    /// A clean leave lowers expected votes.
    pub allow_downscale: bool,
    /// Expected votes are remembered on disk.
    pub expected_votes_tracking: bool,
    /// The quorum device.
    pub device: Option<Device>,
}

/// `auto_tie_breaker_node`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TieBreaker {
    /// The lowest node id.
    Lowest,
    /// The highest node id.
    Highest,
    /// The first of these that is a member.
    List(Vec<u32>),
}

/// The section `quorum.device`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// `net`
    pub model: String,
    /// Its votes, if said.
    pub votes: Option<u32>,
    /// Milliseconds between polls.
    pub timeout: u32,
    /// Milliseconds it may take during a change of members.
    pub sync_timeout: u32,
    /// Its partition wins without a majority.
    pub master_wins: bool,
}

/// The section `logging`.
#[derive(Debug, Clone)]
pub struct Logging {
    /// Where lines go.
    pub all: LogRoute,
    /// `on`, `off`, `hires`
    pub timestamp: String,
    /// File and line of the source in each line.
    pub fileline: bool,
    /// Name of the function in each line.
    pub function_name: bool,
    /// Where those of some subsystems go, by name; a later entry of the same name counts.
    pub subsystems: Vec<(String, LogRoute)>,
}

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRoute {
    /// To standard error.
    pub to_stderr: bool,
    /// To `logfile`.
    pub to_logfile: bool,
    /// To syslog.
    pub to_syslog: bool,
    /// The file.
    pub logfile: Option<PathBuf>,
    /// Least priority of lines in the file.
    pub logfile_priority: String,
    /// Least priority of lines to syslog.
    pub syslog_priority: String,
    /// Facility of lines to syslog.
    pub syslog_facility: String,
    /// How much detail there is.
    pub debug: Debug,
}

/// `debug`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Debug {
    Off,
    On,
    Trace,
}

/// Who may use the local sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// A user, by name or number.
    User(String),
    /// A group, by name or number.
    Group(String),
}

/// A plugin of 1.x.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// `ver`; for pacemaker 0: started with corosync, 1: by its own script.
    pub ver: i64,
    /// Its place, in corosync.conf.
    pub span: Span,
}
