//! What an ha.cf says, typed.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::source::Span;
use crate::ids::{LinkName, NodeName};

/// Everything in an ha.cf, defaults filled in. Fields carry the names of the directives.
///
/// Source: heartbeat 3.0.6, spec heartbeat-v1.md section 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HaCf {
    /// Name of the cluster; informative.
    pub cluster: String,
    /// Configured nodes, in the order of the file, without ping nodes.
    pub nodes: Vec<NodeName>,
    /// Nodes and ping nodes in the order of their lines: the node table.
    pub node_table: Vec<TableNode>,
    /// Interval of status messages.
    pub keepalive: Duration,
    /// Silence after which a node is dead.
    pub deadtime: Duration,
    /// Silence after which a node is late.
    pub warntime: Duration,
    /// Dead time while communication is starting.
    pub initdead: Duration,
    /// Dead time of ping nodes.
    pub deadping: Duration,
    /// Interval of retransmission requests.
    pub max_rexmit_delay: Duration,
    /// Hops allowed beyond the number of nodes.
    pub hopfudge: u8,
    /// Speed of serial media that follow the last `baud` line.
    pub baud: u32,
    /// UDP port of media that follow the last `udpport` line.
    pub udpport: u16,
    /// Media in the order of their lines.
    pub media: Vec<Medium>,
    /// What happens when the preferred node of a group returns.
    pub auto_failback: AutoFailback,
    /// Log file.
    pub logfile: Option<PathBuf>,
    /// Log file that takes debug lines too.
    pub debugfile: Option<PathBuf>,
    /// Syslog facility.
    pub logfacility: Option<Facility>,
    /// Whether the logging daemon is used; absent: not said.
    pub use_logd: Option<bool>,
    /// Interval of new attempts to reach the logging daemon.
    pub conn_logd_time: Duration,
    /// Log files in syslog's format.
    pub syslogmsgfmt: bool,
    /// Log packets that don't authenticate or parse.
    pub log_badpack: bool,
    /// Debug level.
    pub debug: u8,
    /// Watchdog device.
    pub watchdog: Option<PathBuf>,
    /// `stonith TYPE FILE`.
    pub stonith: Option<StonithFile>,
    /// `stonith_host` lines, all hosts', in order; the last that applies is used.
    pub stonith_hosts: Vec<StonithHost>,
    /// `respawn` and `failfast` children, in order.
    pub respawn: Vec<ClientChild>,
    /// Who may use the API under which client name: lines of the file, then built-in ones of
    /// clients the file doesn't name.
    pub apiauth: Vec<ApiAuth>,
    /// Real-time priority; absent: the default one.
    pub rtprio: Option<u8>,
    /// Real-time scheduling and locked memory.
    pub realtime: bool,
    /// Memory to reserve. Units: KiB
    pub memreserve: u32,
    /// Where the generation comes from.
    pub hbgenmethod: GenerationMethod,
    /// Where the node's uuid comes from.
    pub uuidfrom: UuidFrom,
    /// Whether nodes not in the file may join.
    pub autojoin: AutoJoin,
    /// Form of messages on datagram media.
    pub msgfmt: MessageFormat,
    /// Algorithm for messages that are compressed.
    pub compression: Compression,
    /// Size above which a message is compressed. Units: KiB
    pub compression_threshold: u32,
    /// Compress whole messages instead of fields.
    pub traditional_compression: bool,
    /// `env` lines: environment of scripts, without the prefix `HA_`.
    pub env: Vec<(String, String)>,
    /// Whether core files are wanted.
    pub coredumps: bool,
    /// Where core files go.
    pub coreroot: Option<PathBuf>,
    /// Register with the application heartbeat daemon.
    pub use_apphbd: bool,
    /// The cluster resource manager; anything but off turns haresources off.
    pub crm: CrmMode,
    /// Directive and value as written, defaults included, in heartbeat's order: the answers to
    /// `cl_status hbparameter` and the `HA_*` environment of scripts.
    pub parameters: Vec<(String, String)>,
    /// Where in the file things are said.
    pub places: Places,
}

impl HaCf {
    /// What holds where nothing is written, with that UDP port.
    ///
    /// Source: heartbeat 3.0.6, `heartbeat -D`
    pub fn defaults(udpport: u16) -> Self {
        Self {
            cluster: "linux-ha".into(),
            nodes: Vec::new(),
            node_table: Vec::new(),
            keepalive: Duration::from_secs(1),
            deadtime: Duration::from_secs(30),
            warntime: Duration::from_secs(15),
            initdead: Duration::from_secs(30),
            deadping: Duration::from_secs(30),
            max_rexmit_delay: Duration::from_millis(250),
            hopfudge: 1,
            baud: 19200,
            udpport,
            media: Vec::new(),
            auto_failback: AutoFailback::Legacy,
            logfile: None,
            debugfile: None,
            logfacility: None,
            use_logd: None,
            conn_logd_time: Duration::from_secs(60),
            syslogmsgfmt: true,
            log_badpack: true,
            debug: 0,
            watchdog: None,
            stonith: None,
            stonith_hosts: Vec::new(),
            respawn: Vec::new(),
            apiauth: Vec::new(),
            rtprio: None,
            realtime: true,
            memreserve: 6500,
            hbgenmethod: GenerationMethod::File,
            uuidfrom: UuidFrom::File,
            autojoin: AutoJoin::None,
            msgfmt: MessageFormat::Classic,
            compression: Compression::Zlib,
            compression_threshold: 2,
            traditional_compression: false,
            env: Vec::new(),
            coredumps: true,
            coreroot: None,
            use_apphbd: false,
            crm: CrmMode::Off,
            parameters: Vec::new(),
            places: Places::default(),
        }
    }

    /// True when `name` is one of the nodes; case counts (names here are lowered).
    pub fn has_node(&self, name: &NodeName) -> bool {
        self.nodes.contains(name)
    }

    /// Value of a directive as written, or its default.
    pub fn parameter(&self, directive: &str) -> Option<&str> {
        let entry = self.parameters.iter().find(|(name, _)| name == directive)?;
        Some(&entry.1)
    }

    /// True when at least one ping node or ping group is configured.
    pub fn has_ping_nodes(&self) -> bool {
        self.media.iter().any(Medium::is_ping)
    }

    /// Media that carry messages between nodes.
    pub fn node_media(&self) -> impl Iterator<Item = &Medium> {
        self.media.iter().filter(|m| !m.is_ping())
    }
}

/// An entry of the node table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNode {
    /// Its name: lowered for nodes, as written for ping nodes and groups.
    pub name: NodeName,
    /// True for ping nodes and ping groups.
    pub ping: bool,
}

/// Where in the file things are said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// One for each of [`HaCf::nodes`].
    pub nodes: Vec<Span>,
    /// One for each of [`HaCf::media`]; several of one line have each their own word.
    pub media: Vec<Span>,
    /// Directive and its last line, without the line's end.
    pub directives: Vec<(String, Span)>,
}

impl Places {
    /// The last line of a directive.
    pub fn directive(&self, name: &str) -> Option<Span> {
        let entry = self.directives.iter().find(|(n, _)| n == name)?;
        Some(entry.1)
    }
}

/// A way to reach nodes, or a pinged host. Port and speed are those in effect at its line.
///
/// Source: heartbeat 3.0.6, spec heartbeat-wire.md section 12.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medium {
    /// UDP broadcast on an interface.
    Bcast {
        /// The interface.
        interface: String,
        /// UDP port.
        port: u16,
    },
    /// UDP to one peer.
    Ucast {
        /// The interface.
        interface: String,
        /// Address or host name, as written.
        peer: String,
        /// UDP port.
        port: u16,
    },
    /// UDP to an IPv4 group.
    Mcast {
        /// The interface.
        interface: String,
        /// The group's address, as written.
        group: String,
        /// UDP port, from the line itself.
        port: u16,
        /// Hops. Bounds: 0..=4
        ttl: u8,
        /// Whether the host hears itself.
        loopback: bool,
    },
    /// UDP to an IPv6 group.
    Mcast6 {
        /// The interface.
        interface: String,
        /// The group's address.
        group: Ipv6Addr,
        /// UDP port, from the line itself.
        port: u16,
        /// Hops. Bounds: 0..=4
        hops: u8,
        /// Whether the host hears itself.
        loopback: bool,
    },
    /// UDP over IPv6 to one peer.
    Ucast6 {
        /// The interface.
        interface: String,
        /// Address, as written, with `%SCOPE` if there is one.
        peer: String,
        /// UDP port.
        port: u16,
    },
    /// A serial line.
    Serial {
        /// Full path of the tty.
        device: PathBuf,
        /// Speed. Units: bit/s
        baud: u32,
    },
    /// A pinged host: a node that says nothing but that it is there.
    Ping {
        /// Address or host name, as written; the pseudo node's name.
        host: String,
    },
    /// Several pinged hosts, alive as long as one of them is.
    PingGroup {
        /// The pseudo node's name.
        name: String,
        /// Addresses or host names.
        hosts: Vec<String>,
    },
    /// A host pinged over IPv6.
    Ping6 {
        /// Address or host name, as written; the pseudo node's name.
        host: String,
    },
}

impl Medium {
    /// The directive that makes it.
    pub fn directive(&self) -> &'static str {
        match self {
            Self::Bcast { .. } => "bcast",
            Self::Ucast { .. } => "ucast",
            Self::Mcast { .. } => "mcast",
            Self::Mcast6 { .. } => "mcast6",
            Self::Ucast6 { .. } => "ucast6",
            Self::Serial { .. } => "serial",
            Self::Ping { .. } => "ping",
            Self::PingGroup { .. } => "ping_group",
            Self::Ping6 { .. } => "ping6",
        }
    }

    /// Name of the link it belongs to: interface, device, or pseudo node.
    pub fn link(&self) -> LinkName {
        match self {
            Self::Bcast { interface, .. }
            | Self::Ucast { interface, .. }
            | Self::Mcast { interface, .. }
            | Self::Mcast6 { interface, .. }
            | Self::Ucast6 { interface, .. } => LinkName::new(interface),
            Self::Serial { device, .. } => LinkName::new(&device.to_string_lossy()),
            Self::Ping { host } | Self::Ping6 { host } => LinkName::new(host),
            Self::PingGroup { name, .. } => LinkName::new(name),
        }
    }

    /// The network interface, if it has one.
    pub fn interface(&self) -> Option<&str> {
        match self {
            Self::Bcast { interface, .. }
            | Self::Ucast { interface, .. }
            | Self::Mcast { interface, .. }
            | Self::Mcast6 { interface, .. }
            | Self::Ucast6 { interface, .. } => Some(interface),
            _ => None,
        }
    }

    /// The UDP port, if it has one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Bcast { port, .. }
            | Self::Ucast { port, .. }
            | Self::Mcast { port, .. }
            | Self::Mcast6 { port, .. }
            | Self::Ucast6 { port, .. } => Some(*port),
            _ => None,
        }
    }

    /// True for ping nodes and groups: no message passes there.
    pub fn is_ping(&self) -> bool {
        matches!(
            self,
            Self::Ping { .. } | Self::PingGroup { .. } | Self::Ping6 { .. }
        )
    }
}

/// What happens when the preferred node of a group returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoFailback {
    /// The group goes back.
    On,
    /// It stays.
    Off,
    /// heartbeat's old protocol: a starting node demands its groups; no standby.
    Legacy,
}

impl AutoFailback {
    /// True for on and off: the protocol with `starting` and `resource` messages.
    pub fn is_nice(self) -> bool {
        self != Self::Legacy
    }
}

/// A syslog facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility {
    /// Its name, as written in ha.cf.
    pub name: &'static str,
    /// Its number. Source: RFC 3164, table 1
    pub code: u8,
}

impl Facility {
    /// Every facility by the names that syslog.h has for them.
    pub const ALL: &[Self] = &[
        Self::of("kern", 0),
        Self::of("user", 1),
        Self::of("mail", 2),
        Self::of("daemon", 3),
        Self::of("auth", 4),
        Self::of("security", 4),
        Self::of("syslog", 5),
        Self::of("lpr", 6),
        Self::of("news", 7),
        Self::of("uucp", 8),
        Self::of("cron", 9),
        Self::of("authpriv", 10),
        Self::of("ftp", 11),
        Self::of("local0", 16),
        Self::of("local1", 17),
        Self::of("local2", 18),
        Self::of("local3", 19),
        Self::of("local4", 20),
        Self::of("local5", 21),
        Self::of("local6", 22),
        Self::of("local7", 23),
    ];

    const fn of(name: &'static str, code: u8) -> Self {
        Self { name, code }
    }

    /// The facility of that name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.name == word)
    }
}

/// `stonith TYPE FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StonithFile {
    /// Name of the plugin.
    pub plugin: String,
    /// File with its parameters.
    pub file: PathBuf,
    /// Its line.
    pub span: Span,
}

/// `stonith_host HOST TYPE PARAMETERS…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StonithHost {
    /// The host that can use the device, or `*`.
    pub host: String,
    /// Name of the plugin.
    pub plugin: String,
    /// The rest of the line.
    pub parameters: String,
    /// Its line.
    pub span: Span,
}

impl StonithHost {
    /// True when `node` has this device.
    pub fn applies_to(&self, node: &NodeName) -> bool {
        self.host == "*" || self.host.eq_ignore_ascii_case(node.as_str())
    }
}

/// A `respawn` or `failfast` line: a child that runs while the node is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientChild {
    /// User it runs as.
    pub user: String,
    /// Command line, for `/bin/sh -c "exec COMMAND"`.
    pub command: String,
    /// True for `failfast`: the node reboots when it dies.
    pub failfast: bool,
    /// Its line.
    pub span: Span,
}

impl ClientChild {
    /// The program: first word of the command.
    pub fn program(&self) -> &str {
        self.command.split_whitespace().next().unwrap_or("")
    }

    /// The program's name without its folder.
    pub fn name(&self) -> &str {
        let program = self.program();
        program.rsplit('/').next().unwrap_or(program)
    }
}

/// `apiauth CLIENT uid=… gid=…`: who may sign on under a client's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAuth {
    /// Client name; `default` for those not named.
    pub client: String,
    /// User names or numbers.
    pub uids: Vec<String>,
    /// Group names or numbers.
    pub gids: Vec<String>,
    /// Its line; absent for a built-in one.
    pub span: Option<Span>,
}

/// `hbgenmethod`: where the generation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationMethod {
    /// The file hb_generation, one more at each start.
    File,
    /// The clock.
    Time,
}

/// `uuidfrom`: where the node's uuid comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UuidFrom {
    /// The file hb_uuid.
    File,
    /// Made from the node's name.
    NodeName,
}

/// `autojoin`: whether nodes that aren't in the file may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoJoin {
    /// Only nodes of the file.
    None,
    /// Others may join; this node must be in the file.
    Other,
    /// Others may join; this node needn't be in the file.
    Any,
}

/// `msgfmt`: form of messages on datagram media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFormat {
    /// Netstring form with an inner authentication field made from the text form.
    Classic,
    /// Netstring form without it.
    Netstring,
}

/// `compression`: algorithm of messages that are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1950.
    Zlib,
    /// bzip2.
    Bz2,
}

/// `crm` or `pacemaker`: whether a cluster resource manager runs instead of haresources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrmMode {
    /// haresources.
    Off,
    /// The manager's daemons; a node whose daemon dies reboots.
    On,
    /// The manager's daemons, restarted when they die.
    Respawn,
    /// Nothing is started; the operator says what, by `respawn`.
    Manual,
    /// As respawn, under valgrind.
    Valgrind,
    /// Only the membership daemon.
    CcmOnly,
}
