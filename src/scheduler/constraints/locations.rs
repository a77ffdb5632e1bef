//! `rsc_location`: where resources may run, and where they would rather run.
//! Source: Pacemaker 2.1.5, `pcmk__unpack_location`, `pcmk__apply_location`.

use crate::cib::Element;
use crate::cib::boolean;
use crate::rules::{Captures, Context, Matched};
use crate::scheduler::constraints::Named;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::table::Discovery;
use crate::scheduler::model::*;
use crate::scheduler::score::{self, INFINITY};

/// What a location constraint is about.
struct Subject<'s> {
    resource: ResourceId,
    role: Option<&'s str>,
    score: Option<&'s str>,
    captures: Option<&'s Captures>,
}

impl<'a> Cluster<'a> {
    /// Reads one constraint.
    pub(in crate::scheduler) fn unpack_location(&mut self, element: Element<'a>) {
        let mut subjects: Vec<(ResourceId, Option<&'a str>, Option<&'a str>)> = Vec::new();
        let sets = self.resource_sets(element);
        for set in &sets {
            let (role, score) = (set.role, set.attr("score"));
            subjects.extend(set.members.iter().map(|&m| (m, role, score)));
            if set.broken {
                break;
            }
        }
        if let Some(id) = element.attr("rsc").filter(|_| sets.is_empty()) {
            match self.named(id) {
                Named::One(resource) => subjects.push((resource, None, None)),
                Named::Many(ids) => {
                    let found = ids.iter().filter_map(|id| self.constraint_resource(id));
                    subjects.extend(found.map(|r| (r, None, None)));
                }
                Named::Unknown => {}
            }
        }
        for (resource, role, score) in subjects {
            let subject = Subject {
                resource,
                role,
                score,
                captures: None,
            };
            self.locate_subject(element, &subject);
        }
        if let Some(pattern) = element.attr("rsc-pattern").filter(|_| sets.is_empty()) {
            self.locate_by_pattern(element, pattern);
        }
    }

    fn locate_by_pattern(&mut self, element: Element<'a>, pattern: &str) {
        let (pattern, inverted) = match pattern.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (pattern, false),
        };
        let Ok(pattern) = regex::Regex::new(pattern) else {
            return;
        };
        for resource in self.top.clone() {
            let id = self.resources[resource].id.clone();
            let found = pattern.captures(&id);
            if found.is_some() == inverted {
                continue;
            }
            let captures = found.map(|found| {
                let groups = found.iter();
                Captures::new(groups.map(|group| group.map(|g| g.as_str().to_owned())))
            });
            let subject = Subject {
                resource,
                role: None,
                score: None,
                captures: captures.as_ref(),
            };
            self.locate_subject(element, &subject);
        }
    }

    fn locate_subject(&mut self, element: Element<'a>, subject: &Subject<'_>) {
        let score = subject.score.or(element.attr("score"));
        let discovery = match element.attr("resource-discovery") {
            Some("never") => Discovery::Never,
            Some("exclusive") => Discovery::Exclusive,
            _ => Discovery::Always,
        };
        let (Some(node), Some(score)) = (element.attr("node"), score) else {
            for rule in element.children_named("rule") {
                self.locate_by_rule(self.follow(rule), subject, discovery);
            }
            return;
        };
        let Some(node) = self.node_named(node) else {
            return;
        };
        let role = match subject.role.or(element.attr("role")).map(Role::parse) {
            None | Some(Role::Unknown | Role::Started | Role::Unpromoted) => Role::Unknown,
            Some(role) => role,
        };
        let score = score::parse(Some(score), self.health.colours);
        let nodes = vec![(node, score)];
        self.add_location(element.id(), subject.resource, discovery, role, nodes);
    }

    /// Adds a constraint that is worked out.
    pub(in crate::scheduler) fn add_location(
        &mut self,
        id: Option<&str>,
        resource: ResourceId,
        discovery: Discovery,
        role: Role,
        nodes: Vec<(NodeId, i32)>,
    ) {
        if discovery == Discovery::Exclusive {
            self.resources[resource].exclusive_discover = true;
        }
        self.resources[resource]
            .locations
            .push(self.locations.len());
        self.locations.push(Location {
            id: id.unwrap_or("").into(),
            resource,
            role,
            discovery,
            nodes,
        });
    }

    fn locate_by_rule(&mut self, rule: Element<'a>, subject: &Subject<'_>, discovery: Discovery) {
        let resource = subject.resource;
        let role = rule.attr("role").map(Role::parse);
        if role == Some(Role::Unknown) {
            return;
        }
        let any = rule
            .attr("boolean-op")
            .is_some_and(|op| op.eq_ignore_ascii_case("or"));
        let mut nodes = Vec::new();
        for node in self.node_order.clone() {
            let params = self.params(resource, Some(node));
            let context = Context {
                node: Some(&self.nodes[node].attrs),
                matched: Some(Matched {
                    captures: subject.captures,
                    parameters: Some(&*params),
                    meta: Some(&self.resources[resource].meta),
                }),
                ..self.context()
            };
            if !self.rule_holds(rule, &context) {
                continue;
            }
            let score = self.rule_score(rule, node, subject);
            let own = if any { self.nodes[node].score } else { 0 };
            nodes.push((node, score::add(own, score)));
        }
        if !any {
            nodes.reverse();
        }
        // What is promoted was unpromoted before, so what is said of that is said of every role.
        let role = role.filter(|&r| r != Role::Unpromoted);
        let role = role.unwrap_or(Role::Unknown);
        self.add_location(rule.id(), resource, discovery, role, nodes);
    }

    fn rule_score(&self, rule: Element<'a>, node: NodeId, subject: &Subject<'_>) -> i32 {
        if let Some(score) = rule.attr("score") {
            return score::parse(Some(score), self.health.colours);
        }
        let Some(attribute) = rule.attr("score-attribute") else {
            return 0;
        };
        let attribute = match subject.captures {
            Some(captures) => captures.expand(attribute),
            None => attribute.to_owned(),
        };
        let target = self.meta(subject.resource, "container-attribute-target");
        match self.attr_for(node, &attribute, target.as_deref()) {
            Some(score) => score::parse(Some(score), self.health.colours),
            None => -INFINITY,
        }
    }

    /// Health of nodes as location constraints of everything.
    pub(in crate::scheduler) fn add_health(&mut self) {
        if !self.health.active {
            return;
        }
        for node in self.node_order.clone() {
            let attrs = self.nodes[node].attrs.iter();
            let values = attrs.filter(|(name, _)| name.starts_with("#health"));
            let sum = values.fold(self.health.base, |sum, (_, value)| {
                score::add(sum, score::parse(Some(value), self.health.colours))
            });
            if sum == 0 {
                continue;
            }
            for resource in self.top.clone() {
                let allowed = self.meta(resource, "allow-unhealthy-nodes");
                if sum < 0 && boolean::is_true(allowed.as_deref()) {
                    continue;
                }
                let nodes = vec![(node, sum)];
                let always = Discovery::Always;
                self.add_location(None, resource, always, Role::Unknown, nodes);
            }
        }
    }

    /// Applies all constraints, newest first.
    pub(in crate::scheduler) fn apply_locations(&mut self) {
        for i in (0..self.locations.len()).rev() {
            let location = self.locations[i].clone();
            self.apply_location(location.resource, &location, i);
        }
    }

    fn apply_location(&mut self, resource: ResourceId, location: &Location, number: usize) {
        self.apply_simply(resource, location);
        match &self.resources[resource].kind {
            Kind::Primitive => {}
            Kind::Group(body) => {
                let mut location = location.clone();
                let together = body.collocated;
                for member in self.resources[resource].children.clone() {
                    self.apply_location(member, &location, number);
                    if together {
                        for (_, score) in &mut location.nodes {
                            *score = 0;
                        }
                    }
                }
            }
            Kind::Clone(_) => {
                for child in self.resources[resource].children.clone() {
                    self.apply_location(child, location, number);
                }
            }
            Kind::Bundle(body) => {
                let (replicas, inner) = (body.replicas.clone(), body.inner);
                for replica in replicas {
                    self.apply_location(replica.container, location, number);
                    if let Some(ip) = replica.ip {
                        self.apply_location(ip, location, number);
                    }
                }
                let by_role = matches!(location.role, Role::Promoted | Role::Unpromoted);
                if let Some(inner) = inner.filter(|_| by_role) {
                    self.apply_location(inner, location, number);
                    self.resources[inner].locations.push(number);
                }
            }
        }
    }

    fn apply_simply(&mut self, resource: ResourceId, location: &Location) {
        let filtered =
            location.role > Role::Unknown && location.role != self.resources[resource].next_role;
        if filtered {
            return;
        }
        for &(node, score) in &location.nodes {
            let mut entry = self.entry_of(node);
            entry.score = score;
            let r = &mut self.resources[resource];
            if r.allowed.has(node) {
                r.allowed.add(node, score);
            } else {
                r.allowed.insert(node, entry);
            }
            if let Some(entry) = r.allowed.get_mut(node)
                && entry.discovery < location.discovery
            {
                entry.discovery = location.discovery;
                r.exclusive_discover |= location.discovery == Discovery::Exclusive;
            }
        }
    }
}
