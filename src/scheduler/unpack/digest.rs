//! Digests of parameters: whether an operation was done with those that are configured now.

use md5::{Digest, Md5};

use crate::cib::{Element, writer};
use crate::rules::Context;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::simulation::shown::Score;
use crate::scheduler::unpack::history_op::interval_of;
use crate::scheduler::unpack::sets::Reading;

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changed.
    Match,
    /// A parameter changed for which the resource restarts.
    Restart,
    /// Something changed.
    All,
    /// The history has no digest.
    Unknown,
}

/// Digests of an operation, and the verdict.
#[derive(Debug, Clone)]
pub struct Digests {
    /// The verdict.
    pub verdict: Verdict,
    /// Of all parameters.
    pub all: String,
    /// Of those that aren't private.
    pub secure: Option<String>,
}

/// Parameters of which the digests of an operation are made.
#[derive(Debug, Clone)]
pub struct Digested {
    /// All.
    pub all: Values,
    /// Those that aren't private.
    pub open: Values,
    /// Those for which the resource restarts, if the history tells which they are.
    pub restarting: Option<Values>,
}

/// What a late check is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// An entry of the history that is active.
    Active,
    /// The last failure.
    LastFailure,
}

/// A check that needs to know where a container will be.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct LateCheck<'a> {
    pub op: Element<'a>,
    pub resource: ResourceId,
    pub node: NodeId,
    pub kind: CheckKind,
}

/// Parameters of fence devices that agents don't know.
fn is_fence_parameter(name: &str) -> bool {
    let special = [
        "pcmk_host_argument",
        "pcmk_host_map",
        "pcmk_host_list",
        "pcmk_host_check",
    ];
    special.contains(&name)
        || name.starts_with("pcmk_delay")
        || ["off", "on", "reboot", "list", "monitor", "status"]
            .iter()
            .any(|action| name.starts_with(&format!("pcmk_{action}_")))
        || matches!(name, "provides" | "stonith-timeout" | "pcmk_action_limit")
}

/// MD5 of parameters as an element.
pub fn digest_of(params: &Values) -> String {
    let mut text = String::from(" <parameters");
    for (name, value) in params {
        text.push(' ');
        text.push_str(name);
        text.push_str("=\"");
        writer::escape_into(&mut text, value);
        text.push('"');
    }
    text.push_str("/>\n");
    let digest = Md5::digest(text.as_bytes());
    let digits = digest.iter().flat_map(|b| [b >> 4, b & 15]);
    let digits = digits.filter_map(|d| char::from_digit(d.into(), 16));
    digits.collect()
}

/// Digest of the parameters of an operation as they stand in a graph.
pub fn digest_of_operation(params: &Values) -> String {
    let mut params = params.clone();
    filter(&mut params);
    digest_of(&params)
}

/// What no digest is made of goes; recurring operations keep their timeout.
fn filter(params: &mut Values) {
    let recurring = params.get("CRM_meta_interval").is_some_and(|i| &**i != "0");
    params.retain(|name, _| {
        let meta = name.starts_with("CRM_meta_");
        let kept = recurring && &**name == "CRM_meta_timeout";
        let dropped = [
            "id",
            "crm_feature_set",
            "op-digest",
            "on_node",
            "on_node_uuid",
            "pcmk_external_ip",
        ];
        kept || (!meta && !dropped.contains(&&**name))
    });
}

fn in_list(list: &str, name: &str) -> bool {
    list.split(' ').any(|n| n == name)
}

impl<'a> Cluster<'a> {
    /// Whether the address of a connection is that of its container's host.
    pub fn needs_container_address(&mut self, resource: ResourceId) -> bool {
        let r = &self.resources[resource];
        if !r.is_connection || r.container.is_none() || !self.is_bundled(resource) {
            return false;
        }
        let params = self.params(resource, None);
        params.get("addr").is_some_and(|a| &**a == "#uname")
    }

    /// The host of the container of a connection: where it will be, else where it is.
    pub fn container_host(&self, resource: ResourceId) -> Option<Text> {
        let container = self.resources[resource].container?;
        let node = self.resources[container].assigned;
        let node = node.or_else(|| self.current_node(container))?;
        Some(self.nodes[node].name.clone())
    }

    /// All that the digest of an operation is made of.
    fn digest_values(
        &mut self,
        resource: ResourceId,
        task: &str,
        interval: u32,
        node: NodeId,
    ) -> (Values, bool) {
        let mut values: Values = (*self.params(resource, Some(node))).clone();
        if self.needs_container_address(resource)
            && let Some(host) = self.container_host(resource)
        {
            values.insert("addr".into(), host);
        }
        let key = self.key_of(resource, task, interval);
        let operation = self.operation(resource, &key, task);
        let mut extra = Values::new();
        if let Some(op) = operation.element {
            let context = Context {
                node: Some(&self.nodes[node].attrs),
                ..self.context()
            };
            let sets = "instance_attributes";
            self.read_sets(op, sets, &context, Reading::default(), &mut extra);
        }
        let has_extra = !extra.is_empty();
        values.extend(extra);
        // Of what the operation is told besides, digests are made of no more.
        for (name, full) in [
            ("interval", "CRM_meta_interval"),
            ("timeout", "CRM_meta_timeout"),
        ] {
            if let Some(value) = operation.meta.get(name) {
                values.insert(full.into(), value.clone());
            }
        }
        filter(&mut values);
        (values, has_extra)
    }

    fn secure_digest(
        &mut self,
        resource: ResourceId,
        op: Option<Element<'a>>,
        node: NodeId,
        all: &Values,
    ) -> String {
        let list = match op {
            None => Some(" passwd password user "),
            Some(op) => op.attr("op-secure-params"),
        };
        let told = op.and_then(|op| op.attr("crm_feature_set"));
        let told = told.or_else(|| self.root().attr("crm_feature_set"));
        let old = told
            .is_some_and(|v| crate::scheduler::model::text::compare_versions(v, "3.16.0").is_lt());
        // Controllers before 3.16.0 took only parameters, and none that agents don't know.
        let mut values = match old {
            true => (*self.params(resource, Some(node))).clone(),
            false => all.clone(),
        };
        let fence = self.resources[resource].fence_device;
        values.retain(|name, _| {
            let private = list.is_some_and(|l| in_list(l, name));
            let of_fencing = old && fence && is_fence_parameter(name);
            !private && !of_fencing
        });
        if old {
            filter(&mut values);
        }
        // Not even for a recurring operation the timeout is one of them.
        values.remove("CRM_meta_timeout");
        digest_of(&values)
    }

    /// What the digests of an operation are made of, other values going over those configured.
    /// `op` is the entry of the history that they would be compared with, if there is one.
    pub fn digested(
        &mut self,
        (resource, node): (ResourceId, NodeId),
        (task, interval): (&str, u32),
        op: Option<Element<'a>>,
        overrides: &Values,
    ) -> Digested {
        let (mut all, _) = self.digest_values(resource, task, interval, node);
        let timeout = all.get("CRM_meta_timeout").cloned();
        all.extend(overrides.clone());
        all.insert("CRM_meta_interval".into(), interval.to_string().into());
        filter(&mut all);
        if interval > 0 {
            all.extend(timeout.map(|timeout| ("CRM_meta_timeout".into(), timeout)));
        }
        let list = match op {
            None => Some(" passwd password user "),
            Some(op) => op.attr("op-secure-params"),
        };
        let told = op.and_then(|op| op.attr("crm_feature_set"));
        let old = told
            .is_some_and(|v| crate::scheduler::model::text::compare_versions(v, "3.16.0").is_lt());
        let fence = old && self.resources[resource].fence_device;
        let mut open = all.clone();
        open.retain(|name, _| {
            let private = list.is_some_and(|list| in_list(list, name));
            let of_fencing = fence && is_fence_parameter(name);
            !private && !of_fencing && &**name != "CRM_meta_timeout"
        });
        let told = op.filter(|op| op.attr("op-restart-digest").is_some());
        let restarting = told.map(|op| {
            let mut restarting = all.clone();
            if let Some(list) = op.attr("op-force-restart") {
                restarting.retain(|name, _| in_list(list, name));
            }
            restarting
        });
        Digested {
            all,
            open,
            restarting,
        }
    }

    /// Compares the parameters of an entry of the history with those configured.
    pub fn compare_digests(
        &mut self,
        resource: ResourceId,
        op: Element<'a>,
        node: NodeId,
    ) -> Digests {
        let task = op.attr("operation").unwrap_or("");
        let interval = interval_of(op);
        self.compare_digests_as(resource, op, node, task, interval)
    }

    /// [`Self::compare_digests`], the entry counting as one of another task.
    pub fn compare_digests_as(
        &mut self,
        resource: ResourceId,
        op: Element<'a>,
        node: NodeId,
        task: &str,
        interval: u32,
    ) -> Digests {
        let (values, has_extra) = self.digest_values(resource, task, interval, node);
        let all = digest_of(&values);
        let forced = self.forced_restarts.contains(&op.node());
        let restart_changed = forced
            || op.attr("op-restart-digest").is_some_and(|known| {
                let mut restart = values.clone();
                if let Some(list) = op.attr("op-force-restart") {
                    restart.retain(|name, _| in_list(list, name));
                }
                digest_of(&restart) != known
            });
        let verdict = if restart_changed {
            Verdict::Restart
        } else {
            match op.attr("op-digest") {
                None => Verdict::Unknown,
                Some(known) if known == all => Verdict::Match,
                Some(_) if interval == 0 && has_extra => Verdict::Restart,
                Some(_) => Verdict::All,
            }
        };
        let secure = (verdict != Verdict::Match && self.simulation)
            .then(|| self.secure_digest(resource, Some(op), node, &values));
        Digests {
            verdict,
            all,
            secure,
        }
    }

    /// Digest of a fence device's parameters, compared with what the node was unfenced with.
    pub fn fencing_digest(&mut self, device: ResourceId, node: NodeId) -> Digests {
        let (values, _) = self.digest_values(device, "stonith-on", 0, node);
        let all = digest_of(&values);
        let secure = self.secure_digest(device, None, node, &values);
        let (id, agent) = (
            self.resources[device].id.clone(),
            self.resources[device].agent,
        );
        let listed = |summary: Option<&str>, digest: &str| {
            let wanted = format!("{id}:{agent}:{digest},");
            summary.is_some_and(|s| s.contains(&wanted))
        };
        let verdict = match self.node_attr(node, "#digests-all") {
            None => Verdict::Unknown,
            known if listed(known, &all) => Verdict::Match,
            _ if listed(self.node_attr(node, "#digests-secure"), &secure) => {
                let name = &self.nodes[node].name;
                let note =
                    format!("Only 'private' parameters to {id} for unfencing {name} changed");
                self.scores.borrow_mut().push(Score::Note(note));
                Verdict::Match
            }
            _ => {
                let name = &self.nodes[node].name;
                let note = format!(
                    "Parameters to {id} for unfencing {name} changed, try '{id}:{agent}:{secure}'"
                );
                self.scores.borrow_mut().push(Score::Note(note));
                Verdict::All
            }
        };
        Digests {
            verdict,
            all,
            secure: Some(secure),
        }
    }
}
