//! The files of the lab's hosts, made of those of the cluster.
//!
//! Nodes keep their names. Their interfaces become eth0, eth1 and so on, in the order in which
//! ha.cf names them, with addresses of 10.77.1.0/24, 10.77.2.0/24 and so on.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::cib::{Document, NodeRef, reader, writer};
use crate::config::corosync_conf;
use crate::config::ha_cf::{AutoFailback, HaCf, Medium};
use crate::config::haresources::{Haresources, Resource};
use crate::config::source::Source;
use crate::migrate::{NodeFiles, Plan};

/// A lab's hosts have so many interfaces at most.
const LINKS_MAX: usize = 8;
/// Node, pinged host and resource each have a range of the last number of an address.
const NODES_MAX: usize = 60;
const PINGED_FROM: usize = 200;
const FLOATING_FROM: usize = 100;
/// heartbeat wants ten seconds before it trusts the silence of others. Units: ms
const INITDEAD_MS: u128 = 10_000;
/// The script that stands in for all.
pub const STAND_IN: &str = "stand-in";

/// What starts and stops resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agents {
    /// A script that only writes down what it is told.
    StandIns,
    /// The agents of this machine.
    Real,
}

/// A resource of haresources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageResource {
    /// Its id in the CIB.
    pub id: String,
    /// Its word in haresources.
    pub word: String,
    /// Its word on the hosts of the lab.
    pub here: String,
}

/// What the hosts of a lab need.
#[derive(Debug, Clone, Default)]
pub struct Stage {
    /// The nodes and their interfaces' addresses, with the length of the network.
    pub hosts: Vec<(String, Vec<String>)>,
    /// Addresses of hosts that are pinged.
    pub pinged: Vec<String>,
    /// ha.cf.
    pub ha_cf: String,
    /// haresources.
    pub haresources: String,
    /// authkeys.
    pub authkeys: String,
    /// corosync.conf of the plan.
    pub corosync_conf: String,
    /// The CIB of the plan.
    pub cib: String,
    /// The resources, in the order of haresources.
    pub resources: Vec<StageResource>,
    /// What is different from the real cluster.
    pub notes: Vec<String>,
}

/// Makes the stage. `cib` is the plan's, or that as it was corrected.
///
/// Errors: what the files lack, for people.
pub fn stage(
    inputs: &[NodeFiles],
    plan: &Plan,
    cib: Option<&str>,
    agents: Agents,
) -> Result<Stage, String> {
    let ha_cf = inputs.iter().find_map(|i| i.ha_cf.as_ref()).map(|(m, _)| m);
    let ha_cf = ha_cf.ok_or("no ha.cf: only clusters of heartbeat can be rehearsed")?;
    let groups = inputs.iter().find_map(|i| i.haresources.as_ref());
    let groups = groups.map(|(m, _)| m).ok_or("no haresources")?;
    let planned = plan.cib.as_deref().ok_or("the plan has no CIB")?;
    let conf = plan
        .corosync_conf
        .as_deref()
        .ok_or("the plan has no corosync.conf")?;
    if plan.nodes.len() > NODES_MAX {
        return Err(format!("more than {NODES_MAX} nodes"));
    }
    let mut making = Making {
        ha_cf,
        agents,
        names: plan.nodes.iter().map(|n| n.name.clone()).collect(),
        links: links(ha_cf)?,
        mapped: BTreeMap::new(),
        stage: Stage::default(),
    };
    making.hosts();
    making.ha_cf();
    making.groups(groups, planned)?;
    making.stage.authkeys = "auth 1\n1 sha1 only-for-this-rehearsal\n".into();
    making.corosync_conf(conf)?;
    making.cib(cib.unwrap_or(planned))?;
    making.tell_mapped();
    Ok(making.stage)
}

/// The interfaces between nodes, in the order of ha.cf.
fn links(ha_cf: &HaCf) -> Result<Vec<String>, String> {
    let mut links: Vec<String> = Vec::new();
    for interface in ha_cf.node_media().filter_map(Medium::interface) {
        if !links.iter().any(|l| l == interface) {
            links.push(interface.to_owned());
        }
    }
    match links.len() {
        0 => Ok(vec!["serial".into()]),
        n if n <= LINKS_MAX => Ok(links),
        n => Err(format!(
            "{n} interfaces: a lab's hosts have {LINKS_MAX} at most"
        )),
    }
}

/// The address of a place in the network of a link.
fn address(link: usize, place: usize) -> String {
    format!("10.77.{}.{place}", link + 1)
}

struct Making<'a> {
    ha_cf: &'a HaCf,
    agents: Agents,
    names: Vec<String>,
    links: Vec<String>,
    /// Addresses of the cluster, and what stands for them.
    mapped: BTreeMap<String, String>,
    stage: Stage,
}

impl Making<'_> {
    fn note(&mut self, text: impl Into<String>) {
        self.stage.notes.push(text.into());
    }

    fn hosts(&mut self) {
        let links = self.links.len();
        let of = |place| {
            (0..links)
                .map(|l| format!("{}/24", address(l, place)))
                .collect()
        };
        let nodes = self.names.iter().zip(1..);
        self.stage.hosts = nodes.map(|(name, n)| (name.clone(), of(n))).collect();
    }

    /// An address for a host that is pinged.
    fn pinged(&mut self, host: &str) -> String {
        let next = address(0, PINGED_FROM + self.stage.pinged.len());
        if let Some(known) = self.mapped.get(host) {
            return known.clone();
        }
        self.stage.pinged.push(next.clone());
        self.mapped.insert(host.to_owned(), next.clone());
        next
    }

    fn ha_cf(&mut self) {
        let mut out = String::from("logfile /var/log/ha-log\n");
        let ha_cf = self.ha_cf;
        let initdead = ha_cf.deadtime.as_millis().max(INITDEAD_MS);
        if ha_cf.initdead.as_millis() > initdead {
            let was = ha_cf.initdead.as_millis();
            self.note(format!("initdead is {initdead} ms here, {was} ms in ha.cf"));
        }
        for (name, ms) in [
            ("keepalive", ha_cf.keepalive.as_millis()),
            ("deadtime", ha_cf.deadtime.as_millis()),
            ("warntime", ha_cf.warntime.as_millis()),
            ("initdead", initdead),
            ("deadping", ha_cf.deadping.as_millis()),
        ] {
            let _ = writeln!(out, "{name} {ms}ms");
        }
        let _ = writeln!(out, "udpport {}", ha_cf.udpport);
        out.push_str(&self.media());
        let failback = match ha_cf.auto_failback {
            AutoFailback::On => "on",
            AutoFailback::Off => "off",
            AutoFailback::Legacy => "legacy",
        };
        let _ = writeln!(
            out,
            "auto_failback {failback}\nnode {}",
            self.names.join(" ")
        );
        for child in &ha_cf.respawn {
            if child.name() == "ipfail" {
                let _ = writeln!(out, "respawn {} {}", child.user, child.command);
            } else {
                self.note(format!("{} isn't started here", child.program()));
            }
        }
        if ha_cf.watchdog.is_some() {
            self.note("there is no watchdog here");
        }
        if ha_cf.stonith.is_some() || !ha_cf.stonith_hosts.is_empty() {
            self.note("there is no fencing here: a node that is switched off is dead");
        }
        self.stage.ha_cf = out;
    }

    fn media(&mut self) -> String {
        let mut out = String::new();
        for medium in &self.ha_cf.media {
            let link = medium.interface();
            let link = self
                .links
                .iter()
                .position(|l| Some(l.as_str()) == link)
                .unwrap_or(0);
            match medium {
                Medium::Bcast { .. } => out += &format!("bcast eth{link}\n"),
                Medium::Mcast {
                    group, port, ttl, ..
                } => {
                    out += &format!("mcast eth{link} {group} {port} {} 0\n", (*ttl).max(1));
                }
                Medium::Ucast { .. } => out += &self.ucast(link),
                Medium::Ucast6 { .. } | Medium::Mcast6 { .. } => {
                    self.note(format!("{} is ucast here", medium.directive()));
                    out += &self.ucast(link);
                }
                Medium::Serial { device, .. } => {
                    self.note(format!("the serial line {} isn't here", device.display()));
                }
                Medium::Ping { host } | Medium::Ping6 { host } => {
                    out += &format!("ping {}\n", self.pinged(host));
                }
                Medium::PingGroup { name, hosts } => {
                    let hosts: Vec<_> = hosts.iter().map(|h| self.pinged(h)).collect();
                    out += &format!("ping_group {name} {}\n", hosts.join(" "));
                }
            }
        }
        if !self.ha_cf.node_media().any(|m| m.interface().is_some()) {
            out.push_str("bcast eth0\n");
        }
        unique_lines(&out)
    }

    /// A line for each node; heartbeat leaves out its own.
    fn ucast(&self, link: usize) -> String {
        let places = 1..=self.names.len();
        places
            .map(|n| format!("ucast eth{link} {}\n", address(link, n)))
            .collect()
    }

    /// The groups, with the ids that the plan gives their resources.
    fn groups(&mut self, groups: &Haresources, planned: &str) -> Result<(), String> {
        let doc = reader::read(planned).map_err(|e| format!("the plan's CIB: {e}"))?;
        let mut ids = of_groups(&doc).into_iter();
        for group in &groups.groups {
            let _ = write!(self.stage.haresources, "{}", group.node);
            for resource in &group.resources {
                let id = ids
                    .next()
                    .ok_or("the plan's CIB lacks a resource of haresources")?;
                let here = match self.agents {
                    Agents::StandIns => format!("{STAND_IN}::{id}"),
                    Agents::Real => self.floating(resource),
                };
                let _ = write!(self.stage.haresources, " {here}");
                self.stage.resources.push(StageResource {
                    id,
                    word: resource.as_written.clone(),
                    here,
                });
            }
            self.stage.haresources.push('\n');
        }
        match self.stage.resources.is_empty() {
            true => Err("haresources has no groups: there is nothing to see".into()),
            false => Ok(()),
        }
    }

    /// The word of an address that is one of the lab's.
    fn floating(&mut self, resource: &Resource) -> String {
        if !matches!(resource.script.as_str(), "IPaddr" | "IPaddr2") {
            return resource.as_written.clone();
        }
        let argument = resource.args.first().map_or("", String::as_str);
        let ip = argument.split('/').next().unwrap_or("").to_owned();
        let next = address(0, FLOATING_FROM + self.mapped.len());
        let here = self.mapped.entry(ip).or_insert(next);
        format!("{}::{here}/24/eth0", resource.script)
    }

    /// The plan's, with addresses of the lab.
    fn corosync_conf(&mut self, text: &str) -> Result<(), String> {
        let source = Source::new("corosync.conf", text);
        let (model, _) = corosync_conf::read_all(&source);
        let mut changes = Vec::new();
        for (at, node) in model.nodes.iter().enumerate() {
            let by_name = self
                .names
                .iter()
                .position(|n| node.name.as_ref() == Some(n));
            let place = by_name.unwrap_or(at) + 1;
            let rings = node.addresses.iter().enumerate();
            for (ring, known) in rings.filter_map(|(r, a)| Some((r, a.as_ref()?))) {
                if ring >= self.links.len() {
                    return Err(format!(
                        "corosync.conf has ring {ring}, ha.cf no such interface"
                    ));
                }
                changes.push((known.span, address(ring, place)));
            }
        }
        let mut out = text.to_owned();
        changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        for (span, new) in changes {
            out.replace_range(span.range(), &new);
        }
        if model.interfaces.iter().any(|i| i.bindnetaddr.is_some()) {
            return Err("corosync.conf has bindnetaddr: write a nodelist into the plan".into());
        }
        self.stage.corosync_conf = out;
        Ok(())
    }

    fn cib(&mut self, text: &str) -> Result<(), String> {
        let mut doc = reader::read(text).map_err(|e| format!("the plan's CIB: {e}"))?;
        let mut gone = Vec::new();
        let all: Vec<NodeRef> = doc.descendants(doc.root()).collect();
        for node in all {
            match doc.name(node) {
                "primitive" if doc.attr(node, "class") == Some("stonith") => gone.push(node),
                "primitive" if is_cloned(&doc, node) => self.cloned(&mut doc, node, &mut gone),
                "primitive" => self.agent(&mut doc, node),
                "nvpair" if doc.attr(node, "name") == Some("stonith-enabled") => {
                    doc.set_attr(node, "value", "false");
                }
                _ => {}
            }
        }
        let ids: Vec<_> = gone
            .iter()
            .filter_map(|n| doc.id(*n).map(str::to_owned))
            .collect();
        let about = |doc: &Document, node: NodeRef| {
            let names = ["rsc", "with-rsc", "first", "then"];
            let is = |name: &&str| {
                doc.attr(node, name)
                    .is_some_and(|v| ids.iter().any(|i| i == v))
            };
            doc.name(node).starts_with("rsc_") && names.iter().any(is)
        };
        let told: Vec<_> = doc
            .descendants(doc.root())
            .filter(|n| about(&doc, *n))
            .collect();
        for node in told.into_iter().chain(gone) {
            doc.detach(node);
        }
        self.stage.cib = writer::pretty(&doc, doc.root());
        Ok(())
    }

    /// Pings stay, with addresses of the lab; other programs aren't started.
    fn cloned(&mut self, doc: &mut Document, primitive: NodeRef, gone: &mut Vec<NodeRef>) {
        let clone = doc.ancestors(primitive).find(|n| doc.name(*n) == "clone");
        if doc.attr(primitive, "type") != Some("ping") {
            gone.extend(clone);
            let id = doc.id(primitive).unwrap_or_default().to_owned();
            return self.note(format!("the clone of {id} isn't started here"));
        }
        let pairs: Vec<_> = doc.descendants(primitive).collect();
        for pair in pairs {
            if doc.attr(pair, "name") == Some("host_list") {
                let hosts = doc.attr(pair, "value").unwrap_or_default().to_owned();
                let hosts: Vec<_> = hosts.split_whitespace().map(|h| self.pinged(h)).collect();
                doc.set_attr(pair, "value", &hosts.join(" "));
            }
        }
    }

    fn agent(&mut self, doc: &mut Document, primitive: NodeRef) {
        match self.agents {
            Agents::StandIns => stand_in(doc, primitive),
            Agents::Real => {
                let pairs: Vec<_> = doc.descendants(primitive).collect();
                let pair = |doc: &Document, name: &str| {
                    pairs
                        .iter()
                        .copied()
                        .find(|p| doc.attr(*p, "name") == Some(name))
                };
                let Some(ip) = pair(doc, "ip") else { return };
                let known = doc
                    .attr(ip, "value")
                    .and_then(|v| self.mapped.get(v))
                    .cloned();
                let Some(here) = known else { return };
                doc.set_attr(ip, "value", &here);
                let Some(set) = doc.parent(ip) else { return };
                let id = doc.id(primitive).unwrap_or_default().to_owned();
                for (name, value) in [("cidr_netmask", "24"), ("nic", "eth0")] {
                    match pair(doc, name) {
                        Some(pair) => doc.set_attr(pair, "value", value),
                        None => {
                            let id = format!("{id}-here-{name}");
                            let attrs = [("id", &*id), ("name", name), ("value", value)];
                            doc.add_element(set, "nvpair", &attrs);
                        }
                    }
                }
                if let Some(broadcast) = pair(doc, "broadcast") {
                    doc.detach(broadcast);
                }
            }
        }
    }

    fn tell_mapped(&mut self) {
        let links: Vec<_> = self.links.iter().enumerate().collect();
        let links = links.iter().map(|(n, l)| format!("{l} is eth{n}"));
        let mut all: Vec<_> = links.collect();
        all.extend(
            self.mapped
                .iter()
                .map(|(was, here)| format!("{was} is {here}")),
        );
        self.note(format!("on the hosts of the lab {}", all.join(", ")));
    }
}

/// The same line twice has no meaning.
fn unique_lines(text: &str) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let lines = text.lines().filter(|l| seen.insert(*l));
    lines.map(|l| format!("{l}\n")).collect()
}

fn is_cloned(doc: &Document, node: NodeRef) -> bool {
    doc.ancestors(node)
        .any(|n| matches!(doc.name(n), "clone" | "master"))
}

/// Primitives of groups, in order: those of haresources.
fn of_groups(doc: &Document) -> Vec<String> {
    let of_group = |n: &NodeRef| {
        doc.name(*n) == "primitive" && doc.parent(*n).is_some_and(|p| doc.name(p) == "group")
    };
    let all = doc.descendants(doc.root()).filter(of_group);
    all.filter_map(|n| doc.id(n).map(str::to_owned)).collect()
}

/// The script of resource.d in place of the agent; ids and operations stay.
fn stand_in(doc: &mut Document, primitive: NodeRef) {
    let id = doc.id(primitive).unwrap_or_default().to_owned();
    doc.set_attr(primitive, "class", "heartbeat");
    doc.set_attr(primitive, "type", STAND_IN);
    doc.remove_attr(primitive, "provider");
    let old: Vec<_> = doc
        .children_named(primitive, "instance_attributes")
        .collect();
    for old in old {
        doc.detach(old);
    }
    let set = doc.new_element("instance_attributes");
    doc.set_attr(set, "id", &format!("{id}-instance_attributes"));
    let first = doc.first_node(primitive);
    doc.insert_before(primitive, set, first);
    let pair = [("id", &*format!("{id}-1")), ("name", "1"), ("value", &*id)];
    doc.add_element(set, "nvpair", &pair);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::DistantHost;
    use crate::ids::NodeName;

    const HA_CF: &str = "keepalive 1\ndeadtime 10\ninitdead 120\nudpport 694\nbcast bond0\n\
        ucast eth3 192.168.1.2\nserial /dev/ttyS0\nping 192.168.1.254\nauto_failback on\n\
        node alpha beta\nrespawn hacluster /usr/lib/heartbeat/ipfail\n\
        respawn root /usr/bin/other\n";

    fn staged(agents: Agents) -> Stage {
        let host = DistantHost::default();
        let files = NodeFiles {
            name: Some(NodeName::new("alpha").unwrap()),
            ..NodeFiles::default()
        };
        let files = files
            .with_ha_cf(Source::new("ha.cf", HA_CF), &host)
            .with_haresources(Source::new(
                "haresources",
                "alpha 192.168.1.10/24/bond0 Filesystem::/dev/sdb1::/data::ext4 web\n",
            ));
        let inputs = [files];
        let plan = crate::migrate::plan(&inputs, &host);
        stage(&inputs, &plan, None, agents).unwrap()
    }

    #[test]
    fn stand_ins_have_the_ids_of_the_plan_in_both_worlds() {
        let stage = staged(Agents::StandIns);
        let ids: Vec<_> = stage.resources.iter().map(|r| r.id.as_str()).collect();
        assert_eq!(ids, ["ip-192.168.1.10", "fs-data", "web"]);
        assert_eq!(
            stage.haresources,
            "alpha stand-in::ip-192.168.1.10 stand-in::fs-data stand-in::web\n"
        );
        let doc = reader::read(&stage.cib).unwrap();
        let scripts = doc
            .descendants(doc.root())
            .filter(|n| doc.attr(*n, "type") == Some(STAND_IN));
        assert_eq!(scripts.count(), 3, "{}", stage.cib);
        assert!(stage.cib.contains("value=\"fs-data\""), "{}", stage.cib);
        assert!(!stage.cib.contains("other"), "{}", stage.cib);
    }

    #[test]
    fn addresses_and_interfaces_are_those_of_the_lab() {
        let stage = staged(Agents::Real);
        let hosts: Vec<_> = stage
            .hosts
            .iter()
            .map(|(n, a)| (n.as_str(), a.join(",")))
            .collect();
        assert_eq!(
            hosts,
            [
                ("alpha", "10.77.1.1/24,10.77.2.1/24".to_owned()),
                ("beta", "10.77.1.2/24,10.77.2.2/24".to_owned())
            ]
        );
        for line in [
            "bcast eth0",
            "ucast eth1 10.77.2.2",
            "ping 10.77.1.200",
            "initdead 10000ms",
        ] {
            assert!(
                stage.ha_cf.lines().any(|l| l == line),
                "{line}: {}",
                stage.ha_cf
            );
        }
        assert_eq!(stage.pinged, ["10.77.1.200"]);
        let word = &stage.resources[0].here;
        assert!(
            word.starts_with("IPaddr::10.77.1.1") && word.ends_with("/24/eth0"),
            "{word}"
        );
        assert!(
            !stage.cib.contains("value=\"192.168.1.10\""),
            "{}",
            stage.cib
        );
        for address in ["ring0_addr: 10.77.1.1\n", "ring0_addr: 10.77.1.2\n"] {
            assert!(
                stage.corosync_conf.contains(address),
                "{}",
                stage.corosync_conf
            );
        }
        let notes = stage.notes.join("\n");
        for part in ["initdead is", "ttyS0", "/usr/bin/other", "bond0 is eth0"] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
    }
}
