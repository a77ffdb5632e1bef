//! Whether an action is required and runnable: its own flags, or those of what it stands for.
//! Source: Pacemaker 2.1.5, `pcmk__group_action_flags`, `summary_action_flags`.

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;

/// What orderings look at of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scheduler) struct Flags {
    /// It needn't be done.
    pub optional: bool,
    /// It can be done.
    pub runnable: bool,
    /// It may be replaced by a migration.
    pub migratable: bool,
}

impl Flags {
    /// Only whether it is optional counts.
    pub(in crate::scheduler) fn only_optional(self) -> Self {
        Self {
            optional: self.optional,
            runnable: false,
            migratable: false,
        }
    }
}

/// The task that is done where another one is completed, and the other way round.
pub(in crate::scheduler) fn completion(task: &str) -> Option<&'static str> {
    Some(match task {
        "start" | "running" | "started" => "running",
        "stop" | "stopped" => "stopped",
        "promote" | "promoted" => "promoted",
        "demote" | "demoted" => "demoted",
        "notify" | "notified" => "notified",
        _ => return None,
    })
}

/// A completed task as the one that completes it.
pub(in crate::scheduler) fn atomic(task: &str) -> &str {
    match task {
        "running" => "start",
        "stopped" => "stop",
        "promoted" => "promote",
        "demoted" => "demote",
        other => other,
    }
}

impl Cluster<'_> {
    /// Flags of an action for an ordering; a node narrows actions of collectives down.
    pub(in crate::scheduler) fn flags_of(
        &mut self,
        action: ActionId,
        node: Option<NodeId>,
    ) -> Flags {
        let a = &self.actions[action];
        let own = Flags {
            optional: a.optional,
            runnable: a.runnable,
            migratable: a.migratable,
        };
        let Some(resource) = a.resource else {
            return own;
        };
        match &self.resources[resource].kind {
            Kind::Primitive => own,
            Kind::Group(_) => self.group_flags(action, resource, node),
            Kind::Clone(_) => {
                let children = self.resources[resource].children.clone();
                self.summary_flags(action, &children, node)
            }
            Kind::Bundle(_) => self.bundle_flags(action, resource, node),
        }
    }

    /// Flags of an action in an ordering with one on a node: for clones, runnable anywhere counts.
    pub(in crate::scheduler) fn flags_for_ordering(
        &mut self,
        action: ActionId,
        node: Option<NodeId>,
    ) -> Flags {
        let everywhere = self.flags_of(action, None);
        let is_clone = self.actions[action]
            .resource
            .is_some_and(|r| self.resources[r].is_clone());
        if node.is_none() || !is_clone {
            return everywhere;
        }
        let here = self.flags_of(action, node);
        Flags {
            runnable: here.runnable || everywhere.runnable,
            ..here
        }
    }

    /// The task as a resource in a collective has it: primitives know only the atomic ones.
    pub(in crate::scheduler) fn task_in<'t>(&self, resource: ResourceId, task: &'t str) -> &'t str {
        if self.resources[resource].is_primitive() {
            atomic(task)
        } else {
            task
        }
    }

    fn group_flags(&mut self, action: ActionId, group: ResourceId, node: Option<NodeId>) -> Flags {
        let mut flags = Flags {
            optional: true,
            runnable: true,
            migratable: false,
        };
        let own_task = self.actions[action].task.clone();
        for i in 0..self.resources[group].children.len() {
            let member = self.resources[group].children[i];
            let task = self.task_in(member, &own_task);
            let Some(found) = self.newest(member, task, node) else {
                if !matches!(task, "stop" | "demote") {
                    flags.runnable = false;
                }
                continue;
            };
            let of_member = self.flags_of(found, node);
            if flags.optional && !of_member.optional {
                flags.optional = false;
                self.actions[action].optional = false;
            }
            if *task != *own_task && flags.runnable && !of_member.runnable {
                flags.runnable = false;
                self.actions[action].runnable = false;
            }
        }
        flags
    }

    fn bundle_flags(
        &mut self,
        action: ActionId,
        bundle: ResourceId,
        node: Option<NodeId>,
    ) -> Flags {
        let inner = self.resources[bundle].bundle().and_then(|b| b.inner);
        let task = self.actions[action].task.clone();
        let inside = matches!(
            &*task,
            "notify" | "notified" | "promote" | "promoted" | "demote" | "demoted"
        );
        let parts = match inner {
            Some(inner) if inside => self.resources[inner].children.clone(),
            _ => self.parts(bundle),
        };
        self.summary_flags(action, &parts, node)
    }

    /// Instances of a clone, containers of a bundle.
    pub(in crate::scheduler) fn parts(&self, resource: ResourceId) -> Vec<ResourceId> {
        match &self.resources[resource].kind {
            Kind::Bundle(bundle) => bundle.replicas.iter().map(|r| r.container).collect(),
            _ => self.resources[resource].children.clone(),
        }
    }

    /// The task that instances do for an action of their clone.
    pub(in crate::scheduler) fn instance_task(&self, action: ActionId) -> Text {
        let a = &self.actions[action];
        let child = a.resource.and_then(|r| {
            let children = &self.resources[r].children;
            children.first().copied()
        });
        let task: Text = if matches!(&*a.task, "notify" | "notified") {
            let key = a.key.rsplit_once('_').map_or(&*a.key, |(k, _)| k);
            key.rsplit_once('_').map_or(key, |(_, task)| task).into()
        } else {
            a.task.clone()
        };
        match child {
            Some(child) => self.task_in(child, &task).into(),
            None => task,
        }
    }

    fn summary_flags(
        &mut self,
        action: ActionId,
        parts: &[ResourceId],
        node: Option<NodeId>,
    ) -> Flags {
        let task = self.instance_task(action);
        let mut flags = Flags {
            optional: true,
            runnable: true,
            migratable: false,
        };
        let mut any_runnable = false;
        for &part in parts {
            let simple = self.resources[part].children.is_empty();
            let Some(found) = self.newest(part, &task, node.filter(|_| simple)) else {
                continue;
            };
            let of_part = self.flags_of(found, node);
            if flags.optional && !of_part.optional {
                flags.optional = false;
                self.actions[action].optional = false;
            }
            any_runnable |= of_part.runnable;
        }
        if !any_runnable {
            flags.runnable = false;
            if node.is_none() {
                self.actions[action].runnable = false;
            }
        }
        flags
    }
}
