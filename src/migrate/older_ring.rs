//! A corosync.conf of 1.x or 2.x, or one with knet, to one that everbeat's ring takes.
//!
//! What today's form has no word for is told at its line; what it has is kept as it is written.

use std::fmt::Write;

use super::plan::{Line, at};
use super::ring::{LINKS_MAX, RingNode, nodelist, port};
use crate::config::corosync_conf::{
    Cipher, CorosyncConf, Crypto, Generation, Hash, Key, Node, RrpMode, Section, Transport,
    sections,
};
use crate::config::source::Source;

/// What became of a corosync.conf.
pub(super) struct Modern {
    pub(super) text: String,
    pub(super) nodes: Vec<RingNode>,
    pub(super) lines: Vec<Line>,
    pub(super) changes: Vec<String>,
    pub(super) decide: Vec<String>,
}

/// Keys of totem that have gone without a trace.
const GONE: &[(&str, &str)] = &[
    ("threads", "nothing: there is one thread"),
    ("vsftype", "nothing: quorum is told by votequorum"),
    ("nodeid", "nodeid of the nodelist"),
    ("clear_node_high_bit", "nothing: ids are in the nodelist"),
    ("knet_transport", "nothing: the ring goes over UDP"),
    (
        "knet_compression_model",
        "nothing: the ring doesn't compress",
    ),
    (
        "knet_pmtud_interval",
        "nothing: the ring has a fixed size of packets, netmtu",
    ),
];

/// Whether everbeat should get another file than this one.
pub(super) fn is_older(model: &CorosyncConf) -> bool {
    let one = model.told.generation == Generation::One;
    let foreign = matches!(model.totem.transport, Transport::Knet | Transport::Iba);
    one || foreign || model.nodes.is_empty()
}

/// Makes today's file; `names` are the nodes as a CIB or ha.cf names them.
pub(super) fn modern(model: &CorosyncConf, source: &Source, names: &[String]) -> Modern {
    let tree = sections(source);
    let mut making = Making {
        model,
        source,
        tree: &tree,
        made: Modern {
            text: String::new(),
            nodes: Vec::new(),
            lines: Vec::new(),
            changes: Vec::new(),
            decide: Vec::new(),
        },
    };
    making.nodes(names);
    making.text();
    making.rings();
    making.lines();
    making.made
}

struct Making<'a> {
    model: &'a CorosyncConf,
    source: &'a Source,
    tree: &'a Section,
    made: Modern,
}

impl Making<'_> {
    /// Nodes of the nodelist, else the members of the first interface, else those that are named
    /// elsewhere.
    fn nodes(&mut self, names: &[String]) {
        let model = self.model;
        let mut nodes: Vec<(Option<String>, Option<String>, u32)> = Vec::new();
        let seconds = self.seconds();
        for node in &model.nodes {
            let address = node.ring0().map(|a| a.text.clone());
            nodes.push((node.name.clone(), address, node.nodeid));
        }
        let members = model.interfaces.first().map(|i| i.members.as_slice());
        if nodes.is_empty() {
            let members = members.unwrap_or_default().iter();
            nodes.extend(members.map(|m| (None, Some(m.clone()), 0)));
        }
        if nodes.is_empty() {
            nodes.extend(names.iter().map(|n| (Some(n.clone()), None, 0)));
        }
        if nodes.is_empty() {
            self.made.decide.push(
                "the file doesn't tell the nodes: multicast found them. Write a node { } with \
                 ring0_addr, name and nodeid into the nodelist for each"
                    .into(),
            );
        }
        let known: Vec<u32> = nodes.iter().map(|n| n.2).collect();
        let mut free = (1..).filter(|id| !known.contains(id));
        for (at, (name, address, id)) in nodes.into_iter().enumerate() {
            let id = if id == 0 {
                free.next().unwrap_or(1)
            } else {
                id
            };
            if address.is_none() {
                let who = name.clone().unwrap_or_default();
                self.made.decide.push(format!(
                    "the files don't tell the address of {who}: ring0_addr is the name; better \
                     write the address"
                ));
            }
            let called = name.or_else(|| {
                names
                    .get(at)
                    .filter(|_| names.len() == known.len())
                    .cloned()
            });
            if called.is_none() {
                let address = address.clone().unwrap_or_default();
                self.made.decide.push(format!(
                    "the name of the node {address} isn't told: write name: as uname -n prints it \
                     there"
                ));
            }
            let name = called.or_else(|| address.clone()).unwrap_or_default();
            let address = address.unwrap_or_else(|| name.clone());
            self.made.nodes.push(RingNode {
                id,
                name,
                address,
                second: seconds.get(at).cloned(),
            });
        }
    }

    /// The nodes' addresses on a second link: all are told, or there is none.
    fn seconds(&self) -> Vec<String> {
        let model = self.model;
        if self.links() != LINKS_MAX {
            return Vec::new();
        }
        let of_node = |n: &Node| Some(n.addresses.get(1)?.as_ref()?.text.clone());
        let named: Option<Vec<_>> = model.nodes.iter().map(of_node).collect();
        if !model.nodes.is_empty() {
            return named.unwrap_or_default();
        }
        let members = |ring: usize| model.interfaces.get(ring).map_or(&[][..], |i| &i.members);
        match members(0).len() == members(1).len() {
            true => members(1).to_vec(),
            false => Vec::new(),
        }
    }

    /// How many links the file has.
    fn links(&self) -> usize {
        let interfaces = self.model.interfaces.iter();
        let rings = interfaces.map(|i| usize::from(i.number) + 1);
        let addresses = self.model.nodes.iter().map(|n| n.addresses.len());
        rings.chain(addresses).max().unwrap_or(1)
    }

    /// Whether the ring that is made has two links.
    fn is_redundant(&self) -> bool {
        self.made.nodes.iter().any(|n| n.second.is_some())
    }

    fn text(&mut self) {
        let model = self.model;
        let mut out = String::from(
            "# Written by everbeat migrate plan. The same file on all nodes.\neverbeat {\n\
             \t# Keys and transports as in corosync 2.x, where udp and udpu have encryption.\n\
             \tgeneration: 2\n}\ntotem {\n\tversion: 2\n",
        );
        let (cipher, hash) = self.protection();
        let _ = write!(out, "\tcrypto_cipher: {cipher}\n\tcrypto_hash: {hash}\n");
        for section in self.tree.all("totem") {
            let one = !self.is_redundant();
            let of_two = |k: &Key| one && k.name.starts_with("rrp_");
            for key in section.keys.iter().filter(|k| is_kept(k) && !of_two(k)) {
                let _ = writeln!(out, "\t{}: {}", key.name, key.value);
            }
        }
        if self.is_redundant() {
            let _ = writeln!(out, "\trrp_mode: {}", self.rrp_mode());
        }
        match model.totem.transport {
            Transport::Udp => self.multicast(&mut out),
            _ => self.unicast(&mut out),
        }
        out.push_str("}\n");
        out.push_str(&nodelist(&self.made.nodes));
        out.push_str("quorum {\n");
        let mut said = false;
        for section in self.tree.all("quorum") {
            for key in &section.keys {
                said |= key.name == "provider";
                let _ = writeln!(out, "\t{}: {}", key.name, key.value);
            }
        }
        if !said {
            out.push_str("\tprovider: corosync_votequorum\n");
            if self.made.nodes.len() == 2 {
                out.push_str("\ttwo_node: 1\n");
            }
            self.made
                .changes
                .push("quorum: the ring counts votes; before, only the CRM did, if at all".into());
        }
        out.push_str("}\n");
        self.logging(&mut out);
        self.made.text = out;
    }

    /// Cipher and hash; with knet those that the file names.
    fn protection(&self) -> (&str, &str) {
        if self.model.totem.transport != Transport::Knet {
            return protection(self.model.totem.crypto);
        }
        let said = |name| self.tree.key_of("totem", name).map(|k| k.value.as_str());
        let secauth = said("secauth") == Some("on");
        (
            said("crypto_cipher").unwrap_or(if secauth { "aes256" } else { "none" }),
            said("crypto_hash").unwrap_or(if secauth { "sha256" } else { "none" }),
        )
    }

    fn multicast(&self, out: &mut String) {
        out.push_str("\ttransport: udp\n");
        let links = if self.is_redundant() { LINKS_MAX } else { 1 };
        for interface in self.model.interfaces.iter().take(links) {
            let _ = writeln!(out, "\tinterface {{\n\t\tringnumber: {}", interface.number);
            match interface.mcastaddr {
                _ if interface.broadcast => out.push_str("\t\tbroadcast: yes\n"),
                Some(group) => *out += &format!("\t\tmcastaddr: {group}\n"),
                None => {}
            }
            let (port, ttl) = (interface.mcastport, interface.ttl.max(1));
            let _ = write!(out, "\t\tmcastport: {port}\n\t\tttl: {ttl}\n\t}}\n");
        }
    }

    /// Each link has ports of its own.
    fn unicast(&self, out: &mut String) {
        out.push_str("\ttransport: udpu\n");
        for link in (0..LINKS_MAX).filter(|_| self.is_redundant()) {
            let port = port(link);
            let _ = write!(
                out,
                "\tinterface {{\n\t\tringnumber: {link}\n\t\tmcastport: {port}\n\t}}\n"
            );
        }
    }

    /// As it was; knet's way of using its links otherwise.
    fn rrp_mode(&self) -> &'static str {
        let link_mode = self.tree.key_of("totem", "link_mode");
        match self.model.totem.rrp_mode {
            RrpMode::Active => "active",
            RrpMode::None if link_mode.is_some_and(|k| k.value == "active") => "active",
            RrpMode::None | RrpMode::Passive => "passive",
        }
    }

    fn logging(&self, out: &mut String) {
        for section in self.tree.all("logging") {
            out.push_str("logging {\n");
            for key in &section.keys {
                let name = match key.name.as_str() {
                    "to_file" => "to_logfile",
                    name => name,
                };
                let _ = writeln!(out, "\t{name}: {}", key.value);
            }
            for inner in &section.sections {
                let _ = writeln!(out, "\t{} {{", inner.name);
                for key in inner.keys.iter().filter(|k| k.name != "tags") {
                    let _ = writeln!(out, "\t\t{}: {}", key.name, key.value);
                }
                out.push_str("\t}\n");
            }
            out.push_str("}\n");
        }
    }

    fn rings(&mut self) {
        let links = self.links();
        if links > LINKS_MAX {
            self.made.decide.push(format!(
                "the file has {links} links, a ring has two at most: the first alone is used. \
                 Write the one that is to be its second as ring1_addr of each node, with \
                 rrp_mode: passive"
            ));
        } else if links > 1 && !self.is_redundant() {
            self.made.decide.push(
                "the file doesn't tell the addresses on the second link: the first alone is used. \
                 Write ring1_addr of each node, and rrp_mode: passive"
                    .into(),
            );
        }
        if self.model.totem.transport == Transport::Knet {
            self.made.changes.push(
                "transport: kronosnet isn't spoken; datagrams go by UDP to each node. All nodes \
                 must change at the same time"
                    .into(),
            );
        }
        if let Crypto::Sober { .. } = self.model.totem.crypto {
            self.made.changes.push(
                "packets are encrypted by AES-256 and signed by SHA-256, with a new authkey; \
                 nodes of corosync 1.x don't understand them"
                    .into(),
            );
        }
    }

    /// Each line: a key, the beginning of a section, or its end.
    fn lines(&mut self) {
        let mut fates = Vec::new();
        walk(self.tree, "", &mut |path, key| {
            let line = self.source.position(key.name_span.start).0;
            fates.push((line, self.fate(path, key)));
        });
        let mut sections = Vec::new();
        walk_sections(self.tree, &mut |section| {
            sections.push((
                self.source.position(section.span.start).0,
                section.name.clone(),
            ));
        });
        for span in super::plan::says_something(self.source) {
            let mut line = at(self.source, span);
            let key = fates.iter().find(|(n, _)| *n == line.line);
            let section = sections.iter().find(|(n, _)| *n == line.line);
            line.became = match (key, section) {
                (Some((_, fate)), _) => fate.clone(),
                (None, Some((_, name))) => format!("what is in {name}, key by key"),
                (None, None) if line.text.starts_with('}') => "the end of the section".into(),
                (None, None) => "nothing: no key of corosync".into(),
            };
            self.made.lines.push(line);
        }
    }

    fn fate(&self, path: &str, key: &Key) -> String {
        let name = key.name.as_str();
        let kept = || format!("{name}: {}", key.value);
        match (path, name) {
            ("totem", "secauth" | "crypto_type" | "crypto_cipher" | "crypto_hash") => {
                let (cipher, hash) = self.protection();
                format!("crypto_cipher: {cipher}, crypto_hash: {hash}")
            }
            ("totem", "transport") => match self.model.totem.transport {
                Transport::Udp => "transport: udp".into(),
                _ => "transport: udpu".into(),
            },
            ("totem", "version") => kept(),
            ("totem", "rrp_mode" | "link_mode") if self.is_redundant() => {
                format!("rrp_mode: {}", self.rrp_mode())
            }
            ("totem", "rrp_mode" | "link_mode") => "nothing: one link is used".into(),
            ("totem", name) if name.starts_with("rrp_") && !self.is_redundant() => {
                "nothing: one link is used".into()
            }
            ("totem", _) => match GONE.iter().find(|(n, _)| *n == name) {
                Some((_, fate)) => (*fate).into(),
                None => kept(),
            },
            ("totem.interface", "bindnetaddr") if self.is_redundant() => {
                "ring0_addr and ring1_addr of each node in the nodelist".into()
            }
            ("totem.interface", "bindnetaddr") => "ring0_addr of each node in the nodelist".into(),
            ("totem.interface", "mcastaddr" | "mcastport" | "ttl" | "broadcast")
                if self.model.totem.transport == Transport::Udp =>
            {
                kept()
            }
            ("totem.interface", "mcastport") if self.is_redundant() => {
                "nothing: the links use UDP ports 5405 and 5407".into()
            }
            ("totem.interface", "mcastport") => "nothing: the ring uses UDP port 5405".into(),
            ("totem.interface", _) => "nothing: the nodelist tells the addresses".into(),
            ("totem.interface.member", _) => "a node of the nodelist".into(),
            ("nodelist.node", "ring0_addr" | "name" | "nodeid") => kept(),
            ("nodelist.node", "ring1_addr") if self.is_redundant() => kept(),
            ("nodelist.node", _) => "nothing: one link is used".into(),
            ("logging", "to_file") => format!("to_logfile: {}", key.value),
            (path, _) if path.starts_with("logging") || path.starts_with("quorum") => kept(),
            (path, _) if path.starts_with("service") => {
                "nothing: the CRM is a part of everbeatd".into()
            }
            ("aisexec", _) => "nothing: everbeatd runs as root".into(),
            ("", "compatibility") => "nothing: it was for openais".into(),
            (path, _) if path.starts_with("uidgid") => {
                "nothing: put it into a file of uidgid.d".into()
            }
            _ => "nothing: today's form has no such key".into(),
        }
    }
}

/// Keys of totem that are written as they are.
fn is_kept(key: &Key) -> bool {
    const MADE: [&str; 9] = [
        "version",
        "secauth",
        "crypto_type",
        "crypto_cipher",
        "crypto_hash",
        "crypto_accept",
        "transport",
        "rrp_mode",
        "link_mode",
    ];
    let name = key.name.as_str();
    key.colon && !MADE.contains(&name) && !GONE.iter().any(|(n, _)| *n == name)
}

/// Cipher and hash in corosync's words.
fn protection(crypto: Crypto) -> (&'static str, &'static str) {
    match crypto {
        Crypto::Bare => ("none", "none"),
        Crypto::Sober { .. } => ("aes256", "sha256"),
        Crypto::Wrapped { cipher, hash } => (
            match cipher {
                Cipher::None => "none",
                Cipher::Aes128 => "aes128",
                Cipher::Aes192 => "aes192",
                Cipher::TripleDes => "3des",
                Cipher::Aes256 => "aes256",
            },
            match hash {
                Hash::None => "none",
                Hash::Md5 => "md5",
                Hash::Sha1 => "sha1",
                Hash::Sha384 => "sha384",
                Hash::Sha512 => "sha512",
                Hash::Sha256 => "sha256",
            },
        ),
    }
}

fn walk(section: &Section, path: &str, see: &mut impl FnMut(&str, &Key)) {
    section.keys.iter().for_each(|k| see(path, k));
    for inner in &section.sections {
        let path = match path {
            "" => inner.name.clone(),
            path => format!("{path}.{}", inner.name),
        };
        walk(inner, &path, see);
    }
}

fn walk_sections(section: &Section, see: &mut impl FnMut(&Section)) {
    for inner in &section.sections {
        see(inner);
        walk_sections(inner, see);
    }
}
