//! Live migration: two actions in place of a stop and a start.
//! Source: Pacemaker 2.1.5, `pcmk__create_migration_actions`, `pcmk__rsc_can_migrate`.

use crate::scheduler::model::arena::{ActionId, NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;

impl Cluster<'_> {
    /// Whether a resource can move without being stopped.
    pub(in crate::scheduler) fn can_migrate(
        &self,
        resource: ResourceId,
        current: Option<NodeId>,
    ) -> bool {
        let r = &self.resources[resource];
        let clean = |node: Option<NodeId>| node.is_some_and(|n| !self.nodes[n].unclean);
        r.allow_migrate
            && r.managed
            && !r.failed
            && !r.start_pending
            && clean(current)
            && clean(r.assigned)
    }

    /// Makes the actions of a migration.
    pub(in crate::scheduler) fn plan_migration(&mut self, resource: ResourceId, source: NodeId) {
        let Some(target) = self.resources[resource].assigned else {
            return;
        };
        let start = self.action(resource, "start", 0, Some(target), true);
        let stop = self.stop_action(resource, source, true);
        let partial = self.resources[resource].partial.target.is_some();
        let to = (!partial).then(|| self.action(resource, "migrate_to", 0, Some(source), true));
        let from = self.action(resource, "migrate_from", 0, Some(target), true);
        for action in [Some(start), Some(stop), Some(from), to]
            .into_iter()
            .flatten()
        {
            self.actions[action].migratable = true;
        }
        self.actions[start].pseudo = true;
        let needs = self.actions[start].needs;
        let (to_key, from_key) = ((resource, "migrate_to"), (resource, "migrate_from"));
        let (both, probe) = (Order::OPT | Order::IFM, (resource, "monitor"));
        match to {
            Some(to) => {
                self.actions[to].needs = needs;
                self.order_tasks(probe, to_key, Order::OPT);
                self.order_tasks(to_key, from_key, both);
            }
            None => {
                self.actions[from].needs = needs;
                self.order_tasks(probe, from_key, Order::OPT);
            }
        }
        self.order_tasks(from_key, (resource, "stop"), both);
        self.order_tasks(from_key, (resource, "start"), both | Order::PL);
        if let Some(to) = to {
            self.set_places(to, source, target);
            let said = self.actions[to].meta.contains_key("record-pending");
            if !said && !self.resources[resource].is_connection {
                self.set_meta(to, "record-pending", "true");
            }
        }
        self.set_places(from, source, target);
    }

    fn set_places(&mut self, action: ActionId, source: NodeId, target: NodeId) {
        let (source, target) = (
            self.nodes[source].name.clone(),
            self.nodes[target].name.clone(),
        );
        self.set_meta(action, "migrate_source", &source);
        self.set_meta(action, "migrate_target", &target);
    }
}
