//! The plan: what to write, and what became of each line.

use std::collections::BTreeSet;

use serde::Serialize;

use super::directives::{self, Context};
use super::inputs::NodeFiles;
use super::names::Names;
use super::resources::{self, Scripts};
use super::ring::{self, Ring, RingNode};
use super::wanted::{self, Wanted};
use super::{crm_shell, fencing, kept_cib, older_ring, shell};
use crate::config::check::{Understood, compare};
use crate::config::corosync_conf;
use crate::config::diagnostic::Severity;
use crate::config::ha_cf::{AutoFailback, CrmMode, HaCf};
use crate::config::haresources::Haresources;
use crate::config::host::{DEFAULT_PORT, Host};
use crate::config::source::{Source, Span};
use crate::ids::NodeName;

/// What became of a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The line as it is; keys are masked.
    pub text: String,
    /// What stands for it from now on.
    pub became: String,
    /// What is different from before.
    pub changes: Vec<String>,
    /// What a person must decide.
    pub decide: Vec<String>,
}

/// What to write, and why.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Plan {
    /// The nodes of the ring.
    pub nodes: Vec<RingNode>,
    /// corosync.conf; none if no nodes are known.
    pub corosync_conf: Option<String>,
    /// The CIB.
    pub cib: Option<String>,
    /// The same configuration for the crm shell; none if the CIB is kept.
    pub crm: Option<String>,
    /// Each line of each file that says something.
    pub lines: Vec<Line>,
    /// What is different from before for the cluster as a whole.
    pub changes: Vec<String>,
    /// What a person must decide about the cluster as a whole.
    pub decide: Vec<String>,
}

impl Plan {
    /// The number of decisions that are open.
    pub fn open(&self) -> usize {
        self.decide.len() + self.lines.iter().map(|l| l.decide.len()).sum::<usize>()
    }
}

/// What a part of ha.cf became, by its place.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) input: usize,
    pub(super) span: Span,
    pub(super) became: String,
    pub(super) changes: Vec<String>,
    pub(super) decide: Vec<String>,
}

/// Makes the plan of a cluster from the files of its nodes, one or several.
pub fn plan(inputs: &[NodeFiles], host: &dyn Host) -> Plan {
    let mut making = Making::new(inputs, host);
    making.errors();
    making.differences();
    if making.ha_cf.is_some() || making.haresources.is_some() {
        making.of_heartbeat();
    }
    making.kept();
    making.tell_other_files();
    making.plan
}

struct Making<'a> {
    inputs: &'a [NodeFiles],
    host: &'a dyn Host,
    ha_cf: Option<&'a HaCf>,
    haresources: Option<&'a Haresources>,
    plan: Plan,
    wanted: Wanted,
    names: Names,
    parts: Vec<Part>,
    /// What became of the lines of a corosync.conf that isn't kept.
    ring_lines: Option<Vec<Line>>,
    /// What became of the first CIB.
    cib_line: Option<Line>,
    /// What became of each statement for the crm shell.
    crm_lines: Vec<Line>,
}

impl<'a> Making<'a> {
    fn new(inputs: &'a [NodeFiles], host: &'a dyn Host) -> Self {
        let first = |i: &'a NodeFiles| i.ha_cf.as_ref().map(|(m, _)| m);
        let groups = |i: &'a NodeFiles| i.haresources.as_ref().map(|(m, _)| m);
        Self {
            inputs,
            host,
            ha_cf: inputs.iter().find_map(first),
            haresources: inputs.iter().find_map(groups),
            plan: Plan::default(),
            wanted: Wanted::default(),
            names: Names::default(),
            parts: Vec::new(),
            ring_lines: None,
            cib_line: None,
            crm_lines: Vec::new(),
        }
    }

    fn errors(&mut self) {
        for error in self.inputs.iter().flat_map(|i| &i.errors) {
            let message = format!("{error}: correct it, then plan again");
            self.plan.decide.push(message);
        }
    }

    /// What differs between the nodes' files: the first node's count.
    fn differences(&mut self) {
        let sets: Vec<_> = self
            .inputs
            .iter()
            .map(|input| Understood {
                ha_cf: input.ha_cf.clone(),
                haresources: input.haresources.clone(),
                ..Understood::default()
            })
            .collect();
        let found = compare(&sets);
        let matters = found.iter().filter(|d| d.severity > Severity::Note);
        let found = matters.map(|d| format!("{d}: the first node's file was followed"));
        self.plan.decide.extend(found);
    }

    fn of_heartbeat(&mut self) {
        let defaults = HaCf::defaults(DEFAULT_PORT);
        let ha_cf = self.ha_cf.unwrap_or(&defaults);
        let nodes = self.nodes(ha_cf);
        if nodes.is_empty() {
            let message = "no file names the nodes: give an ha.cf with node lines, or --from \
                           NAME=DIR for each node";
            self.plan.decide.push(message.into());
        }
        self.names_of_nodes(&nodes);
        let ring = ring::ring(ha_cf, &nodes, self.inputs, self.host);
        let numbered = ring.nodes.iter().zip(&nodes);
        self.wanted.nodes = numbered.map(|(r, n)| (r.id, n.clone())).collect();
        self.children(&nodes);
        self.fencing(ha_cf, &nodes);
        if ha_cf.crm == CrmMode::Off {
            self.pings(ha_cf);
            self.groups(&nodes);
            self.options(ha_cf);
            self.plan.cib = Some(wanted::text(&self.wanted.cib()));
            self.plan.crm = Some(shell::text(&self.wanted));
        }
        self.tell_ha_cf(&ring);
        self.plan.decide.extend(ring.decide);
        if !nodes.is_empty() {
            self.plan.corosync_conf = Some(ring.text);
        }
        self.plan.nodes = ring.nodes;
    }

    /// Names of nodes are ids, too: nothing else may have them.
    fn names_of_nodes(&mut self, nodes: &[NodeName]) {
        for node in nodes {
            self.names.unique(node.as_str());
        }
    }

    /// The nodes in the order of the first ha.cf; without one, as other files name them.
    fn nodes(&self, ha_cf: &HaCf) -> Vec<NodeName> {
        let mut nodes = ha_cf.nodes.clone();
        let of_dirs = self.inputs.iter().filter_map(|i| i.name.clone());
        let of_groups = self.haresources.iter().flat_map(|h| &h.groups);
        let of_groups = of_groups.map(|g| g.node.clone());
        let more: Vec<_> = match nodes.is_empty() {
            true => of_dirs.chain(of_groups).collect(),
            false => of_dirs.collect(),
        };
        for node in more {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        nodes
    }

    fn groups(&mut self, nodes: &[NodeName]) {
        let scripts = Scripts {
            inputs: self.inputs,
            host: self.host,
        };
        let mut told = BTreeSet::new();
        for input in self.inputs {
            let Some((model, source)) = &input.haresources else {
                continue;
            };
            if !told.insert(source.text()) {
                self.plan.lines.push(same_file(source));
                continue;
            }
            let counts = Some(model) == self.haresources;
            for line in &model.groups {
                if !counts {
                    let mut told = at(source, line.span);
                    told.became = "compared with the first node's file".into();
                    self.plan.lines.push(told);
                    continue;
                }
                let made = resources::group(line, nodes, &scripts, &mut self.names);
                let mut told = at(source, line.span);
                told.became = made.became;
                told.changes = made.changes;
                told.decide = made.decide;
                self.plan.lines.push(told);
                self.wanted.groups.push(made.group);
            }
        }
    }

    /// `ipfail` with ping lines: hosts pinged on all nodes, and a preference for nodes that reach
    /// more of them.
    fn pings(&mut self, ha_cf: &HaCf) {
        let ipfail = ha_cf.respawn.iter().any(|c| c.name() == "ipfail");
        if !ipfail {
            return;
        }
        for (primitive, rule) in directives::pings(ha_cf, &mut self.names) {
            self.wanted.clones.push(primitive);
            self.wanted.pings.push(rule);
        }
    }

    fn children(&mut self, nodes: &[NodeName]) {
        let mut seen = BTreeSet::new();
        for (input, files) in self.inputs.iter().enumerate() {
            let Some((ha_cf, _)) = &files.ha_cf else {
                continue;
            };
            for child in &ha_cf.respawn {
                let mut made = directives::child(child, ha_cf);
                if let Some(wish) = made.clone_of.take()
                    && seen.insert(child.command.clone())
                    && !nodes.is_empty()
                {
                    let id = self.names.unique(&wish.id);
                    self.wanted.clones.push(wanted::Primitive { id, ..wish });
                }
                self.parts.push(Part {
                    input,
                    span: child.span,
                    became: made.became,
                    changes: made.changes,
                    decide: made.decide,
                });
            }
        }
    }

    fn fencing(&mut self, ha_cf: &HaCf, nodes: &[NodeName]) {
        let mut seen = BTreeSet::new();
        for (input, files) in self.inputs.iter().enumerate() {
            let Some((model, _)) = &files.ha_cf else {
                continue;
            };
            for line in &model.stonith_hosts {
                let key = (&line.host, &line.plugin, &line.parameters);
                let mut part = Part {
                    input,
                    span: line.span,
                    became: "the same as on another node".into(),
                    changes: Vec::new(),
                    decide: Vec::new(),
                };
                if seen.insert(key) {
                    self.device(line, nodes, &mut part);
                }
                self.parts.push(part);
            }
        }
        if self.wanted.devices.is_empty() && ha_cf.crm == CrmMode::Off {
            let message = "fencing: there is no device, so stonith-enabled is false. A node that \
                           is only silent can't be told from a dead one, and both may run the \
                           same resources. Add a device, or accept that risk as before";
            self.plan.decide.push(message.into());
        }
    }

    fn device(
        &mut self,
        line: &crate::config::ha_cf::StonithHost,
        nodes: &[NodeName],
        part: &mut Part,
    ) {
        let Some(device) = fencing::device(line, nodes, &mut self.names) else {
            part.became = "nothing".into();
            part.decide.push(format!(
                "the plugin {} isn't known here: add a fence device by hand",
                line.plugin
            ));
            return;
        };
        part.became = format!("fence device {}", device.primitive.id);
        part.changes
            .push("the device is asked every hour whether it answers".into());
        part.decide.extend(device.decide);
        self.wanted.devices.push((device.primitive, device.node));
    }

    fn options(&mut self, ha_cf: &HaCf) {
        let fencing = !self.wanted.devices.is_empty();
        self.wanted.options = vec![
            ("stonith-enabled", fencing.to_string()),
            ("cluster-name", ha_cf.cluster.clone()),
        ];
        self.wanted.stickiness = match ha_cf.auto_failback {
            AutoFailback::Off => 2 * wanted::PREFERENCE,
            AutoFailback::On | AutoFailback::Legacy => 0,
        };
        let changes = &mut self.plan.changes;
        if self.wanted.nodes.len() > 2 {
            let message = "quorum: of more than two nodes a minority stops its resources; \
                           heartbeat knew no quorum";
            changes.push(message.into());
        }
        let monitored = self.wanted.groups.iter().flat_map(|g| &g.members);
        if monitored.into_iter().any(|m| m.monitor.is_some()) {
            let message = "resources of OCF agents are asked every 10 seconds whether they run, \
                           and started again or moved if not; heartbeat never asked";
            changes.push(message.into());
        }
        changes.push(format!(
            "an action that takes longer than {} seconds counts as failed; heartbeat waited \
             without end",
            wanted::TIMEOUT_S
        ));
        if self.wanted.groups.len() > 1 {
            let message = "groups start side by side; ResourceManager started one after the other";
            changes.push(message.into());
        }
    }

    /// A corosync.conf and a CIB that are there already stay.
    fn kept(&mut self) {
        let conf = self.inputs.iter().find_map(|i| i.corosync_conf.as_ref());
        if let Some(source) = conf {
            if self.plan.corosync_conf.is_some() {
                let message = format!(
                    "there is a corosync.conf beside ha.cf: {} is kept; take one of them away",
                    source.path().display()
                );
                self.plan.decide.push(message);
            }
            self.keep_ring(source);
        }
        let cib = self.inputs.iter().find_map(|i| i.cib.as_ref());
        if let Some(source) = cib {
            if self.haresources.is_some_and(|h| !h.groups.is_empty()) && self.plan.cib.is_some() {
                let message = "there is a CIB beside haresources: the CIB is kept, and the groups \
                               of haresources are not in it";
                self.plan.decide.push(message.into());
            }
            let kept = kept_cib::keep(source, &self.plan.nodes);
            self.plan.cib = kept.text;
            self.plan.crm = None;
            self.plan.decide.extend(kept.decide);
            self.cib_line = Some(kept.line);
        }
        if self.plan.cib.is_none()
            && let Some(source) = self.inputs.iter().find_map(|i| i.crm.as_ref())
        {
            self.of_crm_shell(source);
        }
        if self.ha_cf.is_some_and(|h| h.crm != CrmMode::Off) && self.plan.cib.is_none() {
            let message = "the cluster has a CRM, and its CIB isn't among the files: add cib.xml \
                           (cibadmin -Q > cib.xml)";
            self.plan.decide.push(message.into());
        }
    }

    /// Text for the crm shell, statement by statement.
    fn of_crm_shell(&mut self, source: &Source) {
        let (doc, told) = crm_shell::read(source);
        let kept = kept_cib::keep_made(source, &doc, &self.plan.nodes);
        self.plan.cib = kept.text;
        self.plan.crm = Some(source.text().to_owned());
        self.plan.changes.extend(kept.line.changes);
        self.plan.decide.extend(kept.line.decide);
        self.plan.decide.extend(kept.decide);
        for told in told {
            let mut line = at(source, told.span);
            match told.became {
                Ok(became) => line.became = became,
                Err(why) => {
                    line.became = "nothing".into();
                    line.decide.push(why);
                }
            }
            self.crm_lines.push(line);
        }
    }

    /// A corosync.conf stays, or becomes one that everbeat takes.
    fn keep_ring(&mut self, source: &Source) {
        let (model, _) = corosync_conf::read_all(source);
        let mut names: Vec<_> = self.plan.nodes.iter().map(|n| n.name.clone()).collect();
        if names.is_empty() {
            names = self
                .inputs
                .iter()
                .find_map(|i| i.cib.as_ref())
                .map(nodes_of_cib)
                .unwrap_or_default();
        }
        if !older_ring::is_older(&model) {
            self.plan.corosync_conf = Some(source.text().to_owned());
            let nodes = model.nodes.iter().map(|n| RingNode {
                id: n.nodeid,
                name: n.label().to_owned(),
                address: n.ring0().map(|a| a.text.clone()).unwrap_or_default(),
                second: n
                    .addresses
                    .get(1)
                    .and_then(|a| Some(a.as_ref()?.text.clone())),
            });
            self.plan.nodes = nodes.collect();
            return;
        }
        let made = older_ring::modern(&model, source, &names);
        self.plan.corosync_conf = (!made.nodes.is_empty()).then_some(made.text);
        self.plan.nodes = made.nodes;
        self.plan.changes.extend(made.changes);
        self.plan.decide.extend(made.decide);
        self.ring_lines = Some(made.lines);
    }

    fn tell_ha_cf(&mut self, ring: &Ring) {
        let mut lines = Vec::new();
        let mut told = BTreeSet::new();
        for (input, files) in self.inputs.iter().enumerate() {
            let Some((ha_cf, source)) = &files.ha_cf else {
                continue;
            };
            if !told.insert(source.text()) {
                lines.push(same_file(source));
                continue;
            }
            let context = Context {
                ha_cf,
                ring,
                input,
                parts: &self.parts,
            };
            lines.extend(directives::lines(&context, source));
        }
        lines.append(&mut self.plan.lines);
        self.plan.lines = lines;
    }

    /// authkeys, corosync.conf and the CIB, line by line where lines have fates of their own.
    fn tell_other_files(&mut self) {
        self.plan.lines.append(&mut self.crm_lines);
        for input in self.inputs {
            if let Some(source) = &input.authkeys {
                self.plan.lines.extend(authkeys(source));
            }
            if let (Some(_), Some(lines)) = (&input.corosync_conf, self.ring_lines.take()) {
                self.plan.lines.extend(lines);
            } else if let Some(source) = &input.corosync_conf {
                let kept = says_something(source).map(|span| {
                    let mut line = at(source, span);
                    line.became = "stays as it is".into();
                    line
                });
                self.plan.lines.extend(kept);
            }
            if let Some(source) = &input.cib {
                let line = self.cib_line.take().unwrap_or_else(|| {
                    let mut line = at(source, Span::default());
                    line.text = "the whole file".into();
                    line.became = "the first node's file was followed".into();
                    line
                });
                self.plan.lines.push(line);
            }
        }
    }
}

/// The nodes that a CIB names.
fn nodes_of_cib(source: &Source) -> Vec<String> {
    let Ok(doc) = crate::cib::reader::read(source.text()) else {
        return Vec::new();
    };
    let nodes = doc.find(doc.root(), &["configuration", "nodes"]);
    let nodes = nodes.into_iter().flat_map(|n| doc.children(n));
    nodes
        .filter_map(|n| doc.attr(n, "uname").map(str::to_owned))
        .collect()
}

/// A key signed packets; the ring has a key of its own.
fn authkeys(source: &Source) -> Vec<Line> {
    let line = |span| {
        let mut line = at(source, span);
        let words: Vec<_> = line.text.split_whitespace().collect();
        let crc = words.get(1).is_some_and(|w| w.eq_ignore_ascii_case("crc"));
        let auth = words.first() == Some(&"auth");
        line.became = "authkey: 128 random bytes, the same file on all nodes".into();
        if crc {
            let message = "crc was a checksum: from now on packets are signed and encrypted";
            line.changes.push(message.into());
        } else if !auth {
            line.changes
                .push("the old key is used no more; packets are encrypted, too".into());
        }
        if !auth {
            let shown = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            line.text = if crc {
                shown
            } else {
                format!("{shown} (key not shown)")
            };
        }
        line
    };
    says_something(source).map(line).collect()
}

/// Lines that are neither blank nor a comment.
pub(super) fn says_something(source: &Source) -> impl Iterator<Item = Span> {
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    source.lines().filter(move |(_, l)| says(l)).map(|(s, _)| s)
}

/// The line of a place, with nothing said of it yet.
pub(super) fn at(source: &Source, span: Span) -> Line {
    Line {
        file: source.path().display().to_string(),
        line: source.position(span.start).0,
        text: source.slice(span).trim().to_owned(),
        became: String::new(),
        changes: Vec::new(),
        decide: Vec::new(),
    }
}

fn same_file(source: &Source) -> Line {
    let mut line = at(source, Span::default());
    line.text = "the whole file".into();
    line.became = "the same text as on the first node".into();
    line
}
