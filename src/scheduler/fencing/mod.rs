//! Fence actions: who can be fenced, and why someone is.

pub(super) mod orders;

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use crate::scheduler::unpack::options::QuorumPolicy;

impl Cluster<'_> {
    /// Whether a node can be fenced.
    pub fn can_fence(&self, node: NodeId) -> bool {
        if self.is_guest(node) {
            let Some(container) = self.container_of(node) else {
                return false;
            };
            let hosts = &self.resources[container].running_on;
            return hosts
                .iter()
                .all(|&h| self.nodes[h].online || self.can_fence(h));
        }
        self.options.stonith_enabled
            && self.has_fence_device
            && (self.have_quorum
                || self.options.quorum_policy == QuorumPolicy::Ignore
                || self.nodes[node].online)
    }

    /// A node has to be fenced, for a reason.
    pub fn fence_node(&mut self, node: NodeId, reason: &str, delay: bool) {
        let connection = self.nodes[node].connection;
        if self.is_guest(node) {
            if let Some(container) = self.container_of(node) {
                let c = &mut self.resources[container];
                if !c.failed && c.managed {
                    c.failed = true;
                    c.failed_stop = true;
                    self.nodes[node].requires_reset = true;
                }
            }
        } else if let Some(dangling) = connection.filter(|&c| self.is_dangling_guest(c)) {
            self.resources[dangling].failed = true;
            self.resources[dangling].failed_stop = true;
        } else if self.is_remote(node) {
            if connection.is_none_or(|c| self.resources[c].managed) {
                self.nodes[node].requires_reset = true;
            }
            self.nodes[node].unclean = true;
            self.fence_action(node, None, true, Some(reason), false);
        } else if !self.nodes[node].unclean {
            self.nodes[node].unclean = true;
            self.fence_action(node, None, true, Some(reason), delay);
        }
    }

    fn is_dangling_guest(&self, connection: ResourceId) -> bool {
        let r = &self.resources[connection];
        r.orphan && r.container.is_none() && r.meta.contains_key("container")
    }

    /// The fence action of a node; required unless `optional` or it can't be fenced.
    pub fn fence_action(
        &mut self,
        node: NodeId,
        operation: Option<&str>,
        optional: bool,
        reason: Option<&str>,
        delay: bool,
    ) -> ActionId {
        let operation = operation.unwrap_or(&self.options.stonith_action).to_owned();
        let name = self.nodes[node].name.clone();
        let key: Text = format!("stonith-{name}-{operation}").into();
        let known = self.free_actions.contains_key(&key);
        let id = self.free_action(key, "stonith", Some(node), true);
        let mut optional = optional;
        if !known {
            let uuid = self.nodes[node].id.clone();
            self.set_meta(id, "on_node", &name);
            self.set_meta(id, "on_node_uuid", &uuid);
            self.set_meta(id, "stonith_action", &operation);
            if self.options.unfencing && self.add_device_digests(id, node) {
                optional = false;
            }
        }
        let name = "priority-fencing-delay";
        let asked = delay || self.actions[id].meta.contains_key(name);
        if self.options.priority_fencing_delay > 0 && asked {
            let seconds = self.fencing_delay(node).to_string();
            self.set_meta(id, name, &seconds);
        }
        if !optional && self.can_fence(node) {
            self.actions[id].optional = false;
            if let Some(reason) = reason {
                self.set_reason(id, reason, false);
            }
        } else if let Some(reason) = reason {
            self.set_reason(id, reason, false);
        }
        id
    }

    /// The delay gives the node with more important resources the time to win.
    fn fencing_delay(&self, node: NodeId) -> i64 {
        let n = &self.nodes[node];
        if n.kind != NodeKind::Member || n.online {
            return 0;
        }
        let (mut members, mut online) = (0, 0);
        let (mut top, mut low) = (i32::MIN, i32::MAX);
        for other in self.nodes.iter().filter(|n| n.kind == NodeKind::Member) {
            members += 1;
            online += i32::from(other.online);
            top = top.max(other.priority);
            low = low.min(other.priority);
        }
        if online > members / 2 || top == low || n.priority < top {
            return 0;
        }
        self.options.priority_fencing_delay
    }

    /// Fence devices that take part in unfencing.
    pub fn unfencing_devices(&self) -> Vec<ResourceId> {
        let mut found = Vec::new();
        for &top in &self.top {
            for primitive in self.primitives(top) {
                let r = &self.resources[primitive];
                let provides = r
                    .meta
                    .get("provides")
                    .is_some_and(|p| p.eq_ignore_ascii_case("unfencing"));
                if r.fence_device && (r.needs_unfencing || provides) {
                    found.insert(0, primitive);
                }
            }
        }
        found
    }

    fn add_device_digests(&mut self, fence: ActionId, node: NodeId) -> bool {
        let (mut all, mut secure) = (String::new(), String::new());
        let mut changed = false;
        for device in self.unfencing_devices() {
            let digests = self.fencing_digest(device, node);
            let agent = self.resources[device].agent;
            let id = self.resources[device].id.clone();
            changed |= digests.verdict == crate::scheduler::unpack::digest::Verdict::All;
            all.push_str(&format!("{id}:{agent}:{},", digests.all));
            let secure_digest = digests.secure.unwrap_or_else(|| "(null)".to_owned());
            secure.push_str(&format!("{id}:{agent}:{secure_digest},"));
        }
        self.set_meta(fence, "digests-all", &all);
        self.set_meta(fence, "digests-secure", &secure);
        changed
    }
}
