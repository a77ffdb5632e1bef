//! The status of a cluster: a page of text or HTML, or XML.
//!
//! ```text
//!  Cluster, Show --page--> Page --text, html--> what people read
//!  Cluster, Show --xml---> Xml                  what programs read
//! ```
//!
//! Source: Pacemaker 2.1.5, `lib/pengine/{pe_output,clone,native,group,bundle}.c`.

mod attributes;
mod bans;
mod brief;
mod clones;
mod failures;
pub mod fencing;
mod listing;
mod nodes;
mod operations;
pub mod page;
mod resources;
pub mod show;
mod summary;
pub(super) mod transition;
mod xml;
mod xml_history;
mod xml_resources;
mod xml_writer;

pub use fencing::FenceEvent;
pub use listing::{primitive, resource, resources};
pub use show::{Section, Show};
pub use summary::Times;
pub use xml_writer::Xml;

use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::*;
use page::Page;

/// The status as `crm_simulate` shows it.
pub fn status(cluster: &Cluster<'_>, title: &str) -> String {
    let show = simulated();
    let mut out = format!("{title}:\n");
    let nodes = cluster.node_entries(&show);
    if !cluster.node_order.is_empty() {
        out.push_str("  * Node List:\n");
        page::lines(&mut out, &nodes, 2);
        out.push('\n');
    }
    out.push_str("  * Full List of Resources:\n");
    page::lines(&mut out, &cluster.resource_list(&show), 2);
    out
}

/// What `crm_simulate` shows if nothing else is asked for.
pub fn simulated() -> Show {
    Show {
        sections: [Section::Nodes, Section::Resources].into(),
        inactive: true,
        ..Show::default()
    }
}

/// What follows [`status`] if it is asked for: attributes and failures.
pub fn additions(cluster: &mut Cluster<'_>, show: &Show, times: &Times<'_>) -> String {
    let mut out = String::new();
    if show.has(Section::Attributes) {
        let entries = cluster.attribute_entries(show);
        if !entries.is_empty() {
            out.push_str("\n  * Node Attributes:\n");
            page::lines(&mut out, &entries, 2);
        }
    }
    if show.has(Section::Failcounts)
        && let Some(entries) = cluster.migration_entries(show, times)
    {
        out.push_str("\n  * Migration Summary:\n");
        page::lines(&mut out, &entries, 2);
    }
    if show.has(Section::Failures) {
        let entries = cluster.failure_entries(show, times);
        if !entries.is_empty() {
            out.push_str("\n  * Failed Resource Actions:\n");
            page::lines(&mut out, &entries, 2);
        }
    }
    out
}

/// The same as XML, into the element that is begun.
pub fn simulated_xml(cluster: &mut Cluster<'_>, show: &Show, times: &Times<'_>, out: &mut Xml) {
    cluster.xml_nodes(out, show);
    cluster.xml_resource_list(out, show);
    if show.has(Section::Attributes) {
        cluster.xml_attributes(out, show);
    }
    if show.has(Section::Failcounts) {
        cluster.xml_history(out, show, times);
    }
    if show.has(Section::Failures) {
        cluster.xml_failures(out, show, times);
    }
}

/// What comes before the status: all of it is off, or some resources are.
pub fn notes(cluster: &Cluster<'_>) -> String {
    let mut out = String::new();
    if cluster.options.maintenance {
        out.push_str("\n              *** Resource management is DISABLED ***\n");
        out.push_str("  The cluster will not attempt to start, stop or recover services\n\n");
    }
    let counts = cluster.counts();
    if counts.disabled > 0 || counts.blocked > 0 {
        let Counts {
            all,
            disabled,
            blocked,
        } = counts;
        out.push_str(&format!(
            "{disabled} of {all} resource instances DISABLED and {blocked} BLOCKED from further \
             action due to failure\n\n"
        ));
    }
    out
}

/// The status as a page; the history of fencing is sorted.
pub fn page(
    cluster: &mut Cluster<'_>,
    show: &Show,
    times: &Times<'_>,
    fencing: &[FenceEvent],
) -> Page {
    let mut page = Page::default();
    cluster.summary_parts(&mut page, show, times);
    let some_nodes = show.nodes.as_ref().is_none_or(|names| !names.is_empty());
    if show.has(Section::Nodes) && some_nodes && !cluster.node_order.is_empty() {
        page.history("Node List", Some(cluster.node_entries(show)));
    }
    if show.has(Section::Resources) && (!show.by_node || show.inactive) {
        let title = match (show.by_node, show.inactive) {
            (true, _) => "Inactive Resources",
            (_, true) => "Full List of Resources",
            _ => "Active Resources",
        };
        page.section(title, cluster.resource_list(show));
    }
    if show.has(Section::Attributes) {
        page.section("Node Attributes", cluster.attribute_entries(show));
    }
    if show.has(Section::Operations) {
        let entries = cluster.operation_entries(show, times);
        page.history("Operations", entries);
    } else if show.has(Section::Failcounts) {
        let entries = cluster.migration_entries(show, times);
        page.history("Migration Summary", entries);
    }
    if show.has(Section::Failures) {
        page.section(
            "Failed Resource Actions",
            cluster.failure_entries(show, times),
        );
    }
    fencing::failed(&mut page, fencing, show, times);
    if show.has(Section::Tickets) {
        page.section("Tickets", cluster.ticket_entries(show, times));
    }
    if show.has(Section::Bans) {
        page.section("Negative Location Constraints", cluster.ban_entries(show));
    }
    fencing::others(&mut page, fencing, show, times);
    page
}

/// The status as XML; the history of fencing is sorted.
pub fn xml(
    cluster: &mut Cluster<'_>,
    show: &Show,
    times: &Times<'_>,
    (fencing, out): (&[FenceEvent], &mut Xml),
) {
    cluster.xml_summary(out, show, times);
    if show.has(Section::Nodes) {
        cluster.xml_nodes(out, show);
    }
    if show.has(Section::Resources) && (!show.by_node || show.inactive) {
        cluster.xml_resource_list(out, show);
    }
    if show.has(Section::Attributes) {
        cluster.xml_attributes(out, show);
    }
    if show.has(Section::Operations) || show.has(Section::Failcounts) {
        cluster.xml_history(out, show, times);
    }
    if show.has(Section::Failures) {
        cluster.xml_failures(out, show, times);
    }
    fencing::xml(out, fencing, show, times);
    if show.has(Section::Tickets) {
        cluster.xml_tickets(out, times);
    }
    if show.has(Section::Bans) {
        cluster.xml_bans(out, show);
    }
}

/// How many resources there are, and how many of them don't do what they could.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All instances.
    pub all: usize,
    /// Those that the configuration keeps from running or from their highest role.
    pub disabled: usize,
    /// Those that nothing is done with after a failure.
    pub blocked: usize,
}

/// What a result code means, in words.
pub(super) fn result_text(rc: i64) -> &'static str {
    match rc {
        0 => "ok",
        1 => "error",
        2 => "invalid parameter",
        3 => "unimplemented feature",
        4 => "insufficient privileges",
        5 => "not installed",
        6 => "not configured",
        7 => "not running",
        8 => "promoted",
        9 => "promoted (failed)",
        190 => "OCF_DEGRADED",
        191 => "promoted (degraded)",
        _ => "unknown",
    }
}

impl Cluster<'_> {
    /// Counts resources.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for &top in &self.top {
            self.count_instances(top, &mut counts);
        }
        counts
    }

    fn count_instances(&self, resource: ResourceId, counts: &mut Counts) {
        let r = &self.resources[resource];
        if let Kind::Bundle(bundle) = &r.kind {
            for replica in &bundle.replicas {
                let parts = [
                    replica.ip,
                    replica.child,
                    Some(replica.container),
                    replica.remote,
                ];
                for part in parts.into_iter().flatten() {
                    self.count_instances(part, counts);
                }
            }
        } else if !r.is_primitive() {
            for &child in &r.children {
                self.count_instances(child, counts);
            }
        } else if !r.orphan || r.role > Role::Stopped {
            counts.all += 1;
            counts.disabled += usize::from(self.is_disabled(resource));
            counts.blocked += usize::from(r.blocked);
        }
    }

    /// Whether the configuration keeps a resource from its highest role.
    pub fn is_disabled(&self, resource: ResourceId) -> bool {
        let target = self.meta(resource, "target-role");
        match target.as_deref().map(Role::parse) {
            Some(Role::Stopped) => true,
            Some(Role::Unpromoted) => self.in_promotable(resource),
            _ => false,
        }
    }
}

/// Flags in brackets; nothing if there are none.
pub(super) fn list_of(flags: &[String]) -> String {
    if flags.is_empty() {
        return String::new();
    }
    format!(" ({})", flags.join(", "))
}
