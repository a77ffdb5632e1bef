//! Constraints: read in the order of the document.
//! Source: Pacemaker 2.1.5, `pcmk__unpack_constraints`.

pub(super) mod colocations;
pub(super) mod locations;
pub(super) mod orders;
pub(super) mod tickets;

use crate::cib::Element;
use crate::cib::boolean;
use crate::scheduler::model::Text;
use crate::scheduler::model::arena::ResourceId;
use crate::scheduler::model::cluster::Cluster;

/// A list of resources in a constraint.
#[derive(Debug, Clone, Default)]
pub(in crate::scheduler) struct ResourceSet<'a> {
    /// Its id.
    pub id: Text,
    /// The element, if it isn't made from a tag.
    pub element: Option<Element<'a>>,
    /// The resources; they end where an unknown one is named.
    pub members: Vec<ResourceId>,
    /// All names in it, with what they are of; none where an unknown one is named.
    pub refs: Vec<(Text, Option<ResourceId>)>,
    /// Whether one of them is unknown.
    pub broken: bool,
    /// Whether their order counts, if that is said.
    pub sequential: Option<bool>,
    /// What is done with them.
    pub action: Option<&'a str>,
    /// Their role.
    pub role: Option<&'a str>,
}

impl<'a> ResourceSet<'a> {
    /// An attribute of the set.
    pub(in crate::scheduler) fn attr(&self, name: &str) -> Option<&'a str> {
        self.element.and_then(|e| e.attr(name))
    }

    /// Adds what a reference is to; none if nothing has that name.
    fn add(&mut self, name: &str, resource: Option<ResourceId>) {
        self.refs.push((name.into(), resource));
        self.broken |= resource.is_none();
        if !self.broken {
            self.members.extend(resource);
        }
    }
}

/// What a name in a constraint stands for.
#[derive(Debug, Clone)]
pub(in crate::scheduler) enum Named {
    /// A resource.
    One(ResourceId),
    /// A tag or template that something has: all of these.
    Many(Vec<String>),
    /// Nothing.
    Unknown,
}

impl<'a> Cluster<'a> {
    /// Reads all constraints.
    pub fn unpack_constraints(&mut self) {
        self.read_tags();
        self.add_health();
        let Some(section) = self.configuration("constraints") else {
            return;
        };
        for element in section.children() {
            if element.id().is_none() || !self.is_in_force(element) {
                continue;
            }
            match element.name() {
                "rsc_location" => self.unpack_location(element),
                "rsc_colocation" => self.unpack_colocation(element),
                "rsc_order" => self.unpack_order(element),
                "rsc_ticket" => self.unpack_ticket_constraint(element),
                _ => {}
            }
        }
    }

    fn is_in_force(&self, element: Element<'a>) -> bool {
        let context = self.context();
        element
            .child("lifetime")
            .is_none_or(|lifetime| self.any_rule_holds(lifetime, &context))
    }

    fn read_tags(&mut self) {
        for (template, users) in &self.input.templates {
            self.tags.insert(template.clone(), users.clone());
        }
        let Some(section) = self.configuration("tags") else {
            return;
        };
        for tag in section.children_named("tag") {
            let Some(id) = tag.id() else { continue };
            let refs = tag.children_named("obj_ref").filter_map(|r| r.id());
            let refs: Vec<String> = refs.map(str::to_owned).collect();
            self.tags.entry(id.to_owned()).or_default().extend(refs);
        }
    }

    /// The resource that a constraint names; an instance stands for its clone.
    pub(in crate::scheduler) fn constraint_resource(&self, id: &str) -> Option<ResourceId> {
        let list = self.names.get(id)?;
        let own = list.iter().find(|&&r| &*self.resources[r].id == id);
        if let Some(&own) = own {
            return Some(own);
        }
        let named = |r: &&ResourceId| self.resources[**r].alt_name.as_deref() == Some(id);
        list.iter().find(named).map(|&r| self.top_of(r))
    }

    /// A resource, or what a tag or template names.
    pub(in crate::scheduler) fn named(&self, id: &str) -> Named {
        if let Some(resource) = self.constraint_resource(id) {
            return Named::One(resource);
        }
        match self.tags.get(id).filter(|list| !list.is_empty()) {
            Some(list) => Named::Many(list.clone()),
            None => Named::Unknown,
        }
    }

    /// The sets of a constraint, tags in them replaced by what they name. Where one name in any of
    /// them is unknown, tags stay, and are as unknown; also in a set that is only referred to.
    pub(in crate::scheduler) fn resource_sets(
        &self,
        constraint: Element<'a>,
    ) -> Vec<ResourceSet<'a>> {
        let sets = || constraint.children_named("resource_set");
        let mut refs = sets().flat_map(|set| set.children_named("resource_ref"));
        let known = refs.all(|r| !matches!(self.named(r.id().unwrap_or("")), Named::Unknown));
        sets()
            .map(|set| {
                let tags = known && set.attr("id-ref").is_none();
                self.resource_set(self.follow(set), tags)
            })
            .collect()
    }

    fn resource_set(&self, element: Element<'a>, tags: bool) -> ResourceSet<'a> {
        let mut set = ResourceSet {
            id: element.id().unwrap_or("").into(),
            element: Some(element),
            sequential: element
                .attr("sequential")
                .map(|s| boolean::is_true(Some(s))),
            action: element.attr("action"),
            role: element.attr("role"),
            ..ResourceSet::default()
        };
        for reference in element.children_named("resource_ref") {
            let name = reference.id().unwrap_or("");
            match self.named(name) {
                Named::One(resource) => set.add(name, Some(resource)),
                Named::Many(ids) if tags => self.add_members(&mut set, &ids),
                Named::Many(_) | Named::Unknown => set.add(name, None),
            }
        }
        set
    }

    fn add_members(&self, set: &mut ResourceSet<'a>, ids: &[String]) {
        for id in ids {
            set.add(id, self.constraint_resource(id));
        }
    }

    /// One side of a simple constraint as a set, for when the other side is a tag.
    pub(in crate::scheduler) fn side_as_set(&self, id: &str, named: &Named) -> ResourceSet<'a> {
        let mut set = ResourceSet {
            id: id.into(),
            ..ResourceSet::default()
        };
        match named {
            Named::One(resource) => set.add(id, Some(*resource)),
            Named::Many(ids) => {
                set.sequential = Some(false);
                self.add_members(&mut set, ids);
            }
            Named::Unknown => set.add(id, None),
        }
        set
    }
}
