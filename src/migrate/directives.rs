//! The lines of ha.cf: what stands for each.

use super::names::Names;
use super::plan::{Line, Part, at, says_something};
use super::ring::{self, Ring, TOKEN_MS_MIN};
use super::wanted::{Agent, PING_SCORE, PREFERENCE, PingRule, Primitive};
use crate::config::ha_cf::{AutoFailback, ClientChild, CrmMode, HaCf, Medium};
use crate::config::source::{Source, Span};

/// What the lines of one ha.cf are judged by.
pub(super) struct Context<'a> {
    pub(super) ha_cf: &'a HaCf,
    pub(super) ring: &'a Ring,
    /// The node whose file it is.
    pub(super) input: usize,
    /// What was decided about single lines.
    pub(super) parts: &'a [Part],
}

/// What stands for a directive, what is different, what must be decided.
#[derive(Default)]
struct Fate {
    became: String,
    changes: Option<String>,
    decide: Option<String>,
}

impl Fate {
    fn of(became: impl Into<String>) -> Self {
        Self {
            became: became.into(),
            ..Self::default()
        }
    }

    fn changes(mut self, text: impl Into<String>) -> Self {
        self.changes = Some(text.into());
        self
    }

    fn decide(mut self, text: impl Into<String>) -> Self {
        self.decide = Some(text.into());
        self
    }
}

/// Directives without a counterpart that needs none.
const WITHOUT: &[(&str, &str)] = &[
    (
        "warntime",
        "nothing: a late token is logged at 75 % of token",
    ),
    (
        "deadping",
        "nothing: the ping resource has a timeout of its own",
    ),
    ("udpport", "nothing: the ring uses UDP port 5405"),
    ("udp", "nothing: no directive of heartbeat"),
    ("baud", "nothing: the ring needs no serial line"),
    ("hopfudge", "nothing: a token has no hops"),
    (
        "max_rexmit_delay",
        "nothing: the token carries the requests",
    ),
    (
        "hbgenmethod",
        "nothing: the ring's own sequence is kept on disk",
    ),
    ("uuidfrom", "nothing: nodes have the ids of the nodelist"),
    ("msgfmt", "nothing: the ring has one format"),
    ("compression", "nothing: the ring doesn't compress"),
    (
        "compression_threshold",
        "nothing: the ring doesn't compress",
    ),
    (
        "traditional_compression",
        "nothing: the ring doesn't compress",
    ),
    (
        "rtprio",
        "nothing: the messaging thread has its own priority",
    ),
    (
        "realtime",
        "nothing: the messaging thread has its own priority",
    ),
    ("memreserve", "nothing: memory is locked as needed"),
    (
        "coredumps",
        "nothing: the limits of the service manager count",
    ),
    (
        "coreroot",
        "nothing: the limits of the service manager count",
    ),
    ("cluster", "cluster_name of corosync.conf"),
    ("conn_logd_time", "nothing: there is no logging daemon"),
    ("use_logd", "nothing: logs go to syslog and the logfile"),
    ("use_apphbd", "nothing: apphbd isn't used"),
    ("syslogmsgfmt", "nothing: the format of log files is one"),
    ("log_badpack", "nothing: bad packets are counted and logged"),
    ("logfile", "logging: logfile of corosync.conf"),
    ("logfacility", "logging: syslog_facility of corosync.conf"),
    (
        "debugfile",
        "nothing: debug lines go where the others go, if they are on",
    ),
    (
        "debug",
        "nothing: write `debug: on` into logging when it is needed",
    ),
    (
        "apiauth",
        "nothing: who may do what is said by the group haclient and by ACLs",
    ),
];

/// The lines of an ha.cf that say something.
pub(super) fn lines(context: &Context<'_>, source: &Source) -> Vec<Line> {
    let told = |span: Span| {
        let mut line = at(source, span);
        let text = source.slice(span);
        if let Some(part) = context.part(span) {
            line.became.clone_from(&part.became);
            line.changes.clone_from(&part.changes);
            line.decide.clone_from(&part.decide);
            return line;
        }
        let said = text.split('#').next().unwrap_or("");
        let (word, rest) = said
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((said.trim(), ""));
        let fate = context.fate(&word.to_ascii_lowercase(), rest.trim(), span);
        line.became = fate.became;
        line.changes.extend(fate.changes);
        line.decide.extend(fate.decide);
        line
    };
    says_something(source).map(told).collect()
}

impl Context<'_> {
    /// What was decided about this very line.
    fn part(&self, line: Span) -> Option<&Part> {
        let inside = |p: &&Part| p.span.start >= line.start && p.span.start < line.end;
        self.parts
            .iter()
            .filter(|p| p.input == self.input)
            .find(inside)
    }

    fn fate(&self, word: &str, rest: &str, line: Span) -> Fate {
        if let Some((_, became)) = WITHOUT.iter().find(|(name, _)| *name == word) {
            return Fate::of(*became);
        }
        match word {
            "node" => Fate::of(format!("nodelist of corosync.conf: {}", self.ids(rest))),
            "keepalive" => Fate::of("nothing: the token itself goes round all the time"),
            "deadtime" => self.deadtime(),
            "initdead" => Fate::of("nothing").changes(
                "a node that starts waits for quorum (of two nodes: for the other, once), not for \
                 a time",
            ),
            "auto_failback" | "nice_failback" => self.auto_failback(),
            "bcast" | "ucast" | "mcast" | "ucast6" | "mcast6" | "serial" => self.medium(line),
            "ping" | "ping_group" | "ping6" => self.ping(),
            "watchdog" => Fate::of("nothing").decide(format!(
                "heartbeat itself fed {rest}: to keep it, write SBD_WATCHDOG_DEV={rest} into \
                 /etc/default/sbd on each node and set the property stonith-watchdog-timeout; \
                 of use from three nodes on, see everbeatd(8)"
            )),
            "crm" | "pacemaker" => self.crm(),
            "autojoin" => Fate::of("nothing")
                .changes("only nodes of the nodelist may join: add a node to it, then reload"),
            "env" => Fate::of("nothing").decide(format!(
                "scripts get no environment from here: write {rest} into /etc/default/pacemaker"
            )),
            "stonith" => stonith(rest),
            _ => Fate::of("nothing").decide(format!("{word:?} is no directive of ha.cf")),
        }
    }

    fn ids(&self, names: &str) -> String {
        let id = |name: &str| {
            let mut nodes = self.ring.nodes.iter();
            let node = nodes.find(|n| n.name.eq_ignore_ascii_case(name))?;
            Some(format!(
                "{} is node {}, {}",
                node.name, node.id, node.address
            ))
        };
        let all: Vec<_> = names.split_whitespace().filter_map(id).collect();
        all.join("; ")
    }

    fn deadtime(&self) -> Fate {
        let token = self.ring.token_ms;
        let fate = Fate::of(format!(
            "token: {token}, so that token + consensus is the deadtime"
        ));
        if token == TOKEN_MS_MIN {
            return fate.changes("the ring can't be as fast: a node is dead after 484 ms");
        }
        fate
    }

    fn auto_failback(&self) -> Fate {
        let preference = format!("a preference of {PREFERENCE} for the first node of each line");
        match self.ha_cf.auto_failback {
            AutoFailback::Off => {
                let sticky = 2 * PREFERENCE;
                Fate::of(format!(
                    "{preference}, and resource-stickiness {sticky}: they stay"
                ))
            }
            AutoFailback::On => {
                Fate::of(format!("{preference}, resource-stickiness 0: they go back"))
            }
            AutoFailback::Legacy => {
                Fate::of(format!("{preference}, resource-stickiness 0: they go back"))
                    .changes("legacy demanded resources at start; now they are moved in order")
            }
        }
    }

    fn medium(&self, line: Span) -> Fate {
        let places = self.ha_cf.places.media.iter();
        let at = places
            .zip(&self.ha_cf.media)
            .position(|(p, _)| p.start >= line.start && p.start < line.end);
        let Some(medium) = at.and_then(|at| self.ha_cf.media.get(at)) else {
            return Fate::of("nothing: heartbeat didn't take it either");
        };
        if matches!(medium, Medium::Serial { .. }) {
            return Fate::of("nothing").decide(
                "a ring doesn't go over a serial line: if it was the second way, make one with \
                 bonded network interfaces",
            );
        }
        let links = self
            .ring
            .links
            .iter()
            .filter_map(|at| self.ha_cf.media.get(*at));
        let mut links = links.enumerate();
        let Some((link, first)) = links.find(|(_, m)| m.interface() == medium.interface()) else {
            return Fate::of("nothing").decide(format!(
                "a third network: the ring has two links. Bond {} with another interface",
                medium.interface().unwrap_or("it")
            ));
        };
        let port = ring::port(link);
        let of = match self.ring.links.len() {
            1 => String::new(),
            _ => format!("link {link} of a redundant ring, "),
        };
        let firewall = format!(
            "UDP ports {} and {port} must be open between the nodes",
            port - 1
        );
        match first {
            Medium::Mcast { group, .. } if self.ring.multicast => {
                Fate::of(format!("{of}transport: udp, to {group} port {port}")).changes(firewall)
            }
            _ => Fate::of(format!("{of}transport: udpu, from each node to each")).changes(firewall),
        }
    }

    fn ping(&self) -> Fate {
        if self.ha_cf.respawn.iter().any(|c| c.name() == "ipfail") {
            return Fate::of(format!(
                "a ping resource on all nodes; each group prefers by {PING_SCORE} for each a node \
                 that reaches it"
            ));
        }
        Fate::of("nothing: without ipfail heartbeat only noted whether it answers")
    }

    fn crm(&self) -> Fate {
        if self.ha_cf.crm == CrmMode::Off {
            return Fate::of("nothing: haresources was used, and becomes a CIB");
        }
        Fate::of("the CRM runs on the ring; its CIB stays")
            .changes("membership comes from the ring, not from ccm; node ids are new")
    }
}

/// Ports of the ring. Source: spec corosync-conf.md, mcastport
/// A `stonith` line: its plugin, and the file that has the plugin's parameters.
fn stonith(rest: &str) -> Fate {
    let mut words = rest.split_whitespace();
    let (plugin, file) = (words.next().unwrap_or("?"), words.next());
    let there = file.map_or("on this line".to_owned(), |file| {
        format!("in the file {file}")
    });
    Fate::of("nothing").decide(format!(
        "fencing: the parameters of {plugin} are {there}; add them as a fence device of the class \
         stonith (stonith -t {plugin} -n names them)"
    ))
}

/// A child of heartbeat.
#[derive(Default)]
pub(super) struct Child {
    pub(super) became: String,
    pub(super) changes: Vec<String>,
    pub(super) decide: Vec<String>,
    /// It runs on all nodes by this.
    pub(super) clone_of: Option<Primitive>,
}

/// Programs that were part of heartbeat and its CRM.
const OWN_CHILDREN: [&str; 9] = [
    "ccm",
    "cib",
    "lrmd",
    "stonithd",
    "attrd",
    "crmd",
    "pingd",
    "mgmtd",
    "cl_status",
];

/// What a `respawn` or `failfast` line becomes.
pub(super) fn child(child: &ClientChild, ha_cf: &HaCf) -> Child {
    let name = child.name();
    if name == "ipfail" {
        return ipfail(ha_cf);
    }
    if name == "dopd" {
        let decide = "dopd told DRBD which peer is outdated: set fence-peer \
                      \"/usr/lib/drbd/crm-fence-peer.sh\" in drbd.conf";
        return Child {
            became: "nothing".into(),
            decide: vec![decide.into()],
            ..Child::default()
        };
    }
    if OWN_CHILDREN.contains(&name) {
        return Child {
            became: format!("nothing: {name} was a part of the old cluster"),
            ..Child::default()
        };
    }
    let mut words = child.command.splitn(2, char::is_whitespace);
    let mut params = vec![("binfile".to_owned(), words.next().unwrap_or("").to_owned())];
    let options = words.next().map(str::trim).filter(|o| !o.is_empty());
    params.extend(options.map(|o| ("cmdline_options".to_owned(), o.to_owned())));
    params.push(("user".to_owned(), child.user.clone()));
    let mut made = Child {
        became: format!("a clone of ocf:heartbeat:anything that runs {name} on all nodes"),
        clone_of: Some(Primitive {
            id: name.to_owned(),
            agent: Agent::ocf("heartbeat", "anything"),
            params,
            monitor: Some((10, 30)),
        }),
        ..Child::default()
    };
    if child.failfast {
        let decide = format!("a node rebooted when {name} died: say on-fail=fence for its monitor");
        made.decide.push(decide);
    }
    made
}

fn ipfail(ha_cf: &HaCf) -> Child {
    if !ha_cf.has_ping_nodes() {
        let changes = "without ping lines ipfail had nothing to decide by";
        return Child {
            became: "nothing".into(),
            changes: vec![changes.into()],
            ..Child::default()
        };
    }
    let changes = "a group also moves when only its own node lost a pinged host, without asking \
                   the other first; the ping resource waits 5 seconds before it tells";
    Child {
        became: "ping resources on all nodes, and a location rule for each group".into(),
        changes: vec![changes.into()],
        ..Child::default()
    }
}

/// The ping resources: one for all single hosts, and one for each group of hosts, which counts as
/// one.
pub(super) fn pings(ha_cf: &HaCf, names: &mut Names) -> Vec<(Primitive, PingRule)> {
    let single = ha_cf.media.iter().filter_map(|m| match m {
        Medium::Ping { host } | Medium::Ping6 { host } => Some(host.as_str()),
        _ => None,
    });
    let single: Vec<_> = single.collect();
    let mut made = Vec::new();
    if !single.is_empty() {
        let rule = PingRule::Value("pingd".into());
        made.push((pinger("ping", "pingd", &single.join(" "), names), rule));
    }
    for medium in &ha_cf.media {
        if let Medium::PingGroup { name, hosts } = medium {
            let id = format!("ping-{name}");
            let attribute = format!("pingd-{name}");
            let primitive = pinger(&id, &attribute, &hosts.join(" "), names);
            made.push((primitive, PingRule::Positive(attribute)));
        }
    }
    made
}

fn pinger(id: &str, attribute: &str, hosts: &str, names: &mut Names) -> Primitive {
    let multiplier = PING_SCORE.to_string();
    let params = [
        ("name", attribute),
        ("host_list", hosts),
        ("multiplier", &multiplier),
        ("dampen", "5s"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Primitive {
        id: names.unique(id),
        agent: Agent::ocf("pacemaker", "ping"),
        params: params.map(owned).to_vec(),
        monitor: Some((10, 60)),
    }
}
