//! Where a resource may be, and with what.

use super::perform::{Done, Job, outermost};
use crate::cib::NodeRef;
use crate::scheduler::model::arena::{ColocationId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::{Colocation, Role};
use crate::score;

/// Which end of a colocation is looked at from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// What a resource is placed with.
    Primary,
    /// What is placed with a resource.
    Dependent,
}

/// A walk along colocations.
struct Walk<'j, 'o, 'c, 'd> {
    job: &'j mut Job<'o>,
    cluster: &'c Cluster<'d>,
    deep: bool,
    list: Option<NodeRef>,
    seen: Vec<ResourceId>,
}

/// Tells locations and colocations; of the whole collective, unless forced.
pub(super) fn tell(
    job: &mut Job<'_>,
    cluster: &mut Cluster<'_>,
    resource: ResourceId,
    deep: bool,
) -> Done {
    cluster.unpack_constraints();
    let resource = match job.force() {
        true => resource,
        false => outermost(cluster, resource),
    };
    let list = job.output.element("constraints", &[]);
    let mut walk = Walk {
        job,
        cluster,
        deep,
        list,
        seen: Vec::new(),
    };
    walk.locations(resource, 0);
    walk.colocations(resource, End::Dependent, 0);
    walk.seen.clear();
    walk.colocations(resource, End::Primary, 0);
    Ok(())
}

impl Walk<'_, '_, '_, '_> {
    fn item(&mut self, level: usize, text: std::fmt::Arguments<'_>) {
        let bullet = if level == 0 { "" } else { "* " };
        let indent = "  ".repeat(level);
        self.job.output.text(format_args!("{indent}{bullet}{text}"));
    }

    fn element(&mut self, name: &str, attrs: &[(&str, &str)]) {
        if let (Some(list), Some(doc)) = (self.list, self.job.output.document()) {
            doc.add_element(list, name, attrs);
        }
    }

    fn locations(&mut self, resource: ResourceId, level: usize) {
        let cluster = self.cluster;
        let r = &cluster.resources[resource];
        let mut first = true;
        for location in r.locations.iter().rev() {
            let Some(location) = cluster.locations.get(*location) else {
                continue;
            };
            for &(node, value) in &location.nodes {
                if std::mem::take(&mut first) {
                    self.item(level, format_args!("Locations:"));
                }
                let (node, value) = (&cluster.nodes[node].name, score::text(value));
                let (constraint, id) = (&location.id, &r.id);
                self.item(
                    level + 1,
                    format_args!("Node {node} (score={value}, id={constraint}, rsc={id})"),
                );
                let attrs = [
                    ("node", &**node),
                    ("rsc", id),
                    ("id", constraint),
                    ("score", &value),
                ];
                self.element("rsc_location", &attrs);
            }
        }
    }

    fn colocations(&mut self, resource: ResourceId, end: End, level: usize) {
        let cluster = self.cluster;
        let r = &cluster.resources[resource];
        self.seen.push(resource);
        let (all, title): (&[ColocationId], _) = match end {
            End::Primary => (
                &r.this_with,
                format!("Resources {} is colocated with:", r.id),
            ),
            End::Dependent => (&r.with_this, format!("Resources colocated with {}:", r.id)),
        };
        if !all.is_empty() {
            self.item(level, format_args!("{title}"));
        }
        for &colocation in all {
            let colocation = &cluster.colocations[colocation];
            let other = match end {
                End::Primary => colocation.primary,
                End::Dependent => colocation.dependent,
            };
            let id = &cluster.resources[other].id;
            let known = self.seen.contains(&other);
            match known {
                true => self.item(
                    level + 1,
                    format_args!("{id} (id={} - loop)", colocation.id),
                ),
                false => self.item(level + 1, format_args!("{id} {}", details(colocation, end))),
            }
            self.colocation(colocation);
            if known {
                continue;
            }
            self.locations(other, level + 2);
            if self.deep {
                self.colocations(other, end, level + 2);
            }
        }
    }

    fn colocation(&mut self, colocation: &Colocation) {
        let cluster = self.cluster;
        let value = score::text(colocation.score);
        let mut attrs = vec![
            ("id", &*colocation.id),
            ("rsc", &*cluster.resources[colocation.dependent].id),
            ("with-rsc", &*cluster.resources[colocation.primary].id),
            ("score", &value),
        ];
        let attribute = colocation.attribute.as_deref();
        attrs.extend(attribute.map(|name| ("node-attribute", name)));
        for (name, role) in [
            ("rsc-role", colocation.dependent_role),
            ("with-rsc-role", colocation.primary_role),
        ] {
            if role != Role::Unknown {
                attrs.push((name, role.text()));
            }
        }
        self.element("rsc_colocation", &attrs);
    }
}

fn details(colocation: &Colocation, end: End) -> String {
    let (value, id) = (score::text(colocation.score), &colocation.id);
    if colocation.primary_role <= Role::Started {
        return format!("(score={value}, id={id})");
    }
    let word = match end {
        End::Primary => "with",
        End::Dependent => "needs",
    };
    let role = colocation.primary_role.text();
    format!("(score={value}, {word} role={role}, id={id})")
}
