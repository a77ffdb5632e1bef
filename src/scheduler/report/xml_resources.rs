//! Resources as XML.

use super::show::Show;
use super::xml_writer::Xml;
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;

impl Cluster<'_> {
    /// The list of all resources.
    pub(super) fn xml_resource_list(&self, out: &mut Xml, show: &Show) {
        let show = Show {
            brief: false,
            ..show.clone()
        };
        let shown = self.top.iter().copied();
        let shown = shown.filter(|&r| self.listed(&show, r));
        let shown: Vec<ResourceId> = shown.collect();
        if shown.is_empty() {
            return;
        }
        out.start("resources");
        for resource in shown {
            self.xml_resource(out, &show, resource);
        }
        out.end();
    }

    /// A resource with all in it.
    pub(super) fn xml_resource(&self, out: &mut Xml, show: &Show, resource: ResourceId) {
        if self.filtered(show, resource, true) {
            return;
        }
        match &self.resources[resource].kind {
            Kind::Primitive => self.xml_primitive(out, resource),
            Kind::Group(_) => self.xml_group(out, show, resource),
            Kind::Clone(_) => self.xml_clone(out, show, resource),
            Kind::Bundle(bundle) => self.xml_bundle(out, show, resource, bundle),
        }
    }

    fn xml_primitive(&self, out: &mut Xml, resource: ResourceId) {
        let r = &self.resources[resource];
        let provider = r.provider.map(|p| format!("{p}:")).unwrap_or_default();
        out.start("resource")
            .attr("id", self.printable_id(resource));
        out.attr(
            "resource_agent",
            format!("{}:{provider}{}", r.class, r.agent),
        );
        out.attr("role", self.state_text(resource));
        out.maybe("target_role", self.meta(resource, "target-role"));
        out.attr("active", self.active(resource, true));
        out.attr("orphaned", r.orphan).attr("blocked", r.blocked);
        out.attr("managed", r.managed).attr("failed", r.failed);
        out.attr("failure_ignored", r.failure_ignored);
        out.attr("nodes_running_on", r.running_on.len());
        let monitored = r.pending.task.as_deref() == Some("monitor");
        out.maybe("pending", monitored.then_some("Monitoring"));
        let locked = r.lock.node.map(|n| self.nodes[n].name.clone());
        out.maybe("locked_to", locked);
        for &node in &r.running_on {
            let n = &self.nodes[node];
            out.start("node").attr("name", &n.name).attr("id", &n.id);
            out.attr("cached", n.online).end();
        }
        out.end();
    }

    fn xml_group(&self, out: &mut Xml, show: &Show, resource: ResourceId) {
        let r = &self.resources[resource];
        let passes = self.passes(show, resource);
        let members = r.children.iter().copied();
        let members = members.filter(|&m| !self.member_skipped(show, m, passes));
        let members: Vec<ResourceId> = members.collect();
        if members.is_empty() {
            return;
        }
        out.start("group")
            .attr("id", &r.id)
            .attr("number_resources", r.children.len());
        out.attr("managed", r.managed)
            .attr("disabled", self.is_disabled(resource));
        for member in members {
            self.xml_resource(out, show, member);
        }
        out.end();
    }

    fn xml_clone(&self, out: &mut Xml, show: &Show, clone: ResourceId) {
        let r = &self.resources[clone];
        let whole = self.passes(show, clone);
        let all = show.all_resources();
        let children = r.children.iter().copied();
        let shown = children.filter(|&c| {
            let elsewhere = self.active(c, false) && !self.on_shown_node(show, c);
            !elsewhere && (whole || !self.filtered(show, c, false))
        });
        let shown: Vec<ResourceId> = shown.collect();
        if shown.is_empty() {
            return;
        }
        out.start("clone").attr("id", &r.id);
        out.attr("multi_state", r.is_promotable())
            .attr("unique", r.unique);
        out.attr("managed", r.managed)
            .attr("disabled", self.is_disabled(clone));
        out.attr("failed", r.failed)
            .attr("failure_ignored", r.failure_ignored);
        out.maybe("target_role", self.configured_text(clone));
        for child in shown {
            self.xml_resource(out, &all, child);
        }
        out.end();
    }

    fn xml_bundle(&self, out: &mut Xml, show: &Show, resource: ResourceId, bundle: &BundleBody) {
        let r = &self.resources[resource];
        let whole = show.named(&r.id);
        let inside = match whole {
            true => show.all_resources(),
            false => show.clone(),
        };
        let kind = ["docker", "rkt", "podman"].into_iter();
        let kind = kind.into_iter().find(|k| r.xml.child(k).is_some());
        out.start("bundle")
            .attr("id", &r.id)
            .attr("type", kind.unwrap_or("unknown"));
        out.attr("image", bundle.image.as_deref().unwrap_or(""));
        out.attr("unique", r.unique)
            .attr("managed", r.managed)
            .attr("failed", r.failed);
        for (number, replica) in bundle.replicas.iter().enumerate() {
            let parts = [
                replica.ip,
                replica.child,
                Some(replica.container),
                replica.remote,
            ];
            let parts = parts.into_iter().flatten();
            let parts: Vec<_> = parts
                .filter(|&p| whole || !self.filtered(show, p, false))
                .collect();
            if parts.is_empty() {
                continue;
            }
            out.start("replica").attr("id", number);
            for part in parts {
                self.xml_resource(out, &inside, part);
            }
            out.end();
        }
        out.end();
    }
}
