//! Tickets, and constraints that keep resources from nodes.

use super::page::Entry;
use super::show::Show;
use super::summary::Times;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::glib_order;
use crate::scheduler::model::{Role, Ticket};

/// A resource that a constraint keeps from a node.
pub(super) struct Ban {
    /// Id of the constraint.
    pub id: String,
    /// The resource.
    pub resource: ResourceId,
    /// The node.
    pub node: NodeId,
    /// How much it is kept from it, below 0.
    pub score: i32,
    /// Whether it may run there, and only not be promoted.
    pub promoted_only: bool,
}

impl Cluster<'_> {
    /// Reads the constraints that the report shows.
    pub fn read_bans(&mut self) {
        self.unpack_constraints();
    }

    /// Bans that are shown.
    pub(super) fn bans(&self, show: &Show) -> Vec<Ban> {
        let mut out = Vec::new();
        for location in self.locations.iter().rev() {
            let prefix = show.ban_prefix.as_deref().unwrap_or("");
            let resource = location.resource;
            let top = self.top_of(resource);
            let named =
                show.named(&self.resources[resource].id) || show.named(self.printable_id(top));
            if location.id.is_empty() || !location.id.starts_with(prefix) || !named {
                continue;
            }
            let nodes = location.nodes.iter().copied();
            for (node, score) in nodes.filter(|(_, score)| *score < 0) {
                out.push(Ban {
                    id: location.id.to_string(),
                    resource,
                    node,
                    score,
                    promoted_only: location.role == Role::Promoted,
                });
            }
        }
        out
    }

    /// Bans, a line each.
    pub(super) fn ban_entries(&self, show: &Show) -> Vec<Entry> {
        let line = |ban: &Ban| {
            let doing = match ban.promoted_only {
                true => "running in Promoted role",
                false => "running",
            };
            let resource = &self.resources[ban.resource].id;
            let node = self.display_name(show, ban.node);
            Entry::Line(format!(
                "{}\tprevents {resource} from {doing} on {node}",
                ban.id
            ))
        };
        self.bans(show).iter().map(line).collect()
    }

    /// Tickets in the order of the original's table.
    pub(super) fn shown_tickets(&self) -> Vec<&Ticket> {
        let ids: Vec<&str> = self
            .tickets
            .iter()
            .filter_map(|t| t.id.as_deref())
            .collect();
        let order = glib_order::order_of_names(&ids);
        order
            .into_iter()
            .filter_map(|i| self.tickets.get(i))
            .collect()
    }

    /// Tickets, a line each.
    pub(super) fn ticket_entries(&self, show: &Show, times: &Times<'_>) -> Vec<Entry> {
        let line = |ticket: &&Ticket| {
            let id = ticket.id.as_deref().unwrap_or("");
            let state = if ticket.granted { "granted" } else { "revoked" };
            let standby = if ticket.standby { " [standby]" } else { "" };
            let colon = if show.html { ":\t" } else { ": " };
            let mut text = format!("{id}{colon}{state}{standby}");
            let last = ticket.state.get("last-granted").map(|v| &**v);
            if let Some(last) = times.of(last) {
                text.push_str(&format!(" last-granted=\"{last}\""));
            }
            Entry::Line(text)
        };
        self.shown_tickets().iter().map(line).collect()
    }
}
