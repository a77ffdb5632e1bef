//! The summary, nodes, tickets and bans as XML.

use super::show::{Section, Show};
use super::summary::Times;
use super::xml_writer::Xml;
use crate::rules;
use crate::scheduler::model::NodeKind;
use crate::scheduler::model::arena::NodeId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::unpack::options::QuorumPolicy;

impl Cluster<'_> {
    /// What is said of the cluster as a whole.
    pub(super) fn xml_summary(&self, out: &mut Xml, show: &Show, times: &Times<'_>) {
        let all = [
            Section::Stack,
            Section::Dc,
            Section::Times,
            Section::Counts,
            Section::Options,
        ];
        if self.dc.is_some() && !all.iter().any(|&s| show.has(s)) {
            return;
        }
        out.start("summary");
        if show.has(Section::Stack) {
            out.start("stack").attr("type", self.stack()).end();
        }
        if show.has(Section::Dc) || self.dc.is_none() {
            self.xml_dc(out);
        }
        let root = self.root();
        if show.has(Section::Times) {
            out.start("last_update")
                .attr("time", (times.ctime)(times.now))
                .end();
            let of = |name| root.attr(name).unwrap_or("");
            let change = out
                .start("last_change")
                .attr("time", of("cib-last-written"));
            let change = change.attr("user", of("update-user"));
            change
                .attr("client", of("update-client"))
                .attr("origin", of("update-origin"));
            out.end();
        }
        if show.has(Section::Counts) {
            out.start("nodes_configured")
                .attr("number", self.node_order.len())
                .end();
            let counts = self.counts();
            let element = out.start("resources_configured").attr("number", counts.all);
            element
                .attr("disabled", counts.disabled)
                .attr("blocked", counts.blocked)
                .end();
        }
        if show.has(Section::Options) {
            self.xml_options(out);
        }
        out.end();
    }

    fn xml_dc(&self, out: &mut Xml) {
        let element = out.start("current_dc").attr("present", self.dc.is_some());
        if let Some(dc) = self.dc {
            let n = &self.nodes[dc];
            element.attr("version", self.property("dc-version").unwrap_or(""));
            element.attr("name", &n.name).attr("id", &n.id);
            element.attr("with_quorum", self.have_quorum);
            element.attr("mixed_version", self.mixed_versions());
        }
        out.end();
    }

    fn xml_options(&self, out: &mut Xml) {
        let o = &self.options;
        let policy = match o.quorum_policy {
            QuorumPolicy::Freeze => "freeze",
            QuorumPolicy::Stop => "stop",
            QuorumPolicy::Demote => "demote",
            QuorumPolicy::Ignore => "ignore",
            QuorumPolicy::Suicide => "suicide",
        };
        let element = out.start("cluster_options");
        element.attr("stonith-enabled", o.stonith_enabled);
        element.attr("symmetric-cluster", o.symmetric);
        element.attr("no-quorum-policy", policy);
        element.attr("maintenance-mode", o.maintenance);
        element.attr("stop-all-resources", o.stop_all);
        element.attr(
            "stonith-timeout-ms",
            rules::interval_ms(&o.stonith_timeout).unwrap_or(0),
        );
        element.attr("priority-fencing-delay-ms", o.priority_fencing_delay * 1000);
        out.end();
    }

    /// All nodes that are shown.
    pub(super) fn xml_nodes(&self, out: &mut Xml, show: &Show) {
        out.start("nodes");
        for &node in &self.node_order {
            if show.node(&self.nodes[node].name) {
                self.xml_node(out, show, node);
            }
        }
        out.end();
    }

    fn xml_node(&self, out: &mut Xml, show: &Show, node: NodeId) {
        let n = &self.nodes[node];
        let health = match self.health_sign(node) {
            -1 => "red",
            0 => "yellow",
            _ => "green",
        };
        let kind = match n.kind {
            NodeKind::Member => "member",
            NodeKind::Remote => "remote",
            NodeKind::Ping => "ping",
        };
        let guest = self.container_of(node).filter(|_| self.is_guest(node));
        out.start("node").attr("name", &n.name).attr("id", &n.id);
        out.attr("online", n.online).attr("standby", n.standby);
        out.attr("standby_onfail", n.standby_on_fail);
        out.attr("maintenance", n.maintenance)
            .attr("pending", n.pending);
        out.attr("unclean", n.unclean).attr("health", health);
        out.maybe("feature_set", self.feature_set(node));
        out.attr("shutdown", n.shutdown)
            .attr("expected_up", n.expected_up);
        out.attr("is_dc", n.is_dc)
            .attr("resources_running", n.running.len());
        out.attr("type", kind);
        out.maybe(
            "id_as_resource",
            guest.map(|c| self.resources[c].id.clone()),
        );
        if show.by_node {
            for &resource in &n.running {
                self.xml_resource(out, show, resource);
            }
        }
        out.end();
    }

    /// Attributes of nodes.
    pub(super) fn xml_attributes(&mut self, out: &mut Xml, show: &Show) {
        let mut begun = false;
        for node in self.node_order.clone() {
            let name = self.nodes[node].name.clone();
            if !self.nodes[node].online || !show.node(&name) {
                continue;
            }
            let attributes = self.shown_attributes(node);
            if attributes.is_empty() {
                continue;
            }
            if !begun {
                out.start("node_attributes");
                begun = true;
            }
            out.start("node").attr("name", &name);
            for a in &attributes {
                let element = out.start("attribute").attr("name", &a.name);
                element
                    .attr("value", &a.value)
                    .maybe("expected", a.expected)
                    .end();
            }
            out.end();
        }
        if begun {
            out.end();
        }
    }

    /// Tickets.
    pub(super) fn xml_tickets(&self, out: &mut Xml, times: &Times<'_>) {
        let tickets = self.shown_tickets();
        if tickets.is_empty() {
            return;
        }
        out.start("tickets");
        for ticket in tickets {
            let status = if ticket.granted { "granted" } else { "revoked" };
            let last = ticket.state.get("last-granted").map(|v| &**v);
            out.start("ticket")
                .attr("id", ticket.id.as_deref().unwrap_or(""));
            out.attr("status", status).attr("standby", ticket.standby);
            out.maybe("last-granted", times.of(last)).end();
        }
        out.end();
    }

    /// Bans.
    pub(super) fn xml_bans(&self, out: &mut Xml, show: &Show) {
        let bans = self.bans(show);
        if bans.is_empty() {
            return;
        }
        out.start("bans");
        for ban in bans {
            out.start("ban").attr("id", &ban.id);
            out.attr("resource", &self.resources[ban.resource].id);
            out.attr("node", &self.nodes[ban.node].name)
                .attr("weight", ban.score);
            out.attr("promoted-only", ban.promoted_only);
            out.attr("master_only", ban.promoted_only).end();
        }
        out.end();
    }
}
