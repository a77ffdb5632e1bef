//! Constraints: what they name, and what of them is ignored.

use super::{Remarks, orders};
use crate::cib::boolean;
use crate::cib::{Document, Element};
use crate::scheduler::model::Role;
use crate::scheduler::model::cluster::Cluster;

pub(super) fn check(cib: &Document, cluster: &Cluster<'_>, remarks: &mut Remarks) {
    let named = Named { cluster };
    for element in super::section(cib, "constraints") {
        let Some(id) = element.id() else {
            let name = element.name();
            let text = format!("Ignoring <{name}> constraint without id");
            remarks.error("pcmk__unpack_constraints", text);
            continue;
        };
        if element.child("lifetime").is_some() {
            let text = format!(
                "Support for 'lifetime' attribute (in {id}) is deprecated (the rules it contains \
                 should instead be direct descendents of the constraint object)"
            );
            remarks.warn("pcmk__unpack_constraints", text);
        }
        match element.name() {
            "rsc_location" => location(&named, element, id, remarks),
            "rsc_colocation" => colocation(&named, element, id, remarks),
            "rsc_order" => orders::check(&named, element, id, remarks),
            "rsc_ticket" => ticket(&named, element, id, remarks),
            other => {
                let text = format!("Unsupported constraint type: {other}");
                remarks.error("pcmk__unpack_constraints", text);
            }
        }
    }
}

/// What names in constraints stand for.
pub(super) struct Named<'a, 'b> {
    pub(super) cluster: &'b Cluster<'a>,
}

impl Named<'_, '_> {
    fn is_resource(&self, name: &str) -> bool {
        self.cluster.names.contains_key(name)
    }

    fn is_tag(&self, name: &str) -> bool {
        self.cluster.tags.contains_key(name)
    }

    /// Complains if any of these names nothing; whether all name something.
    pub(super) fn all_known(
        &self,
        (function, id): (&'static str, &str),
        names: &[Option<&str>],
        remarks: &mut Remarks,
    ) -> bool {
        let unknown = |name: &&str| !self.is_resource(name) && !self.is_tag(name);
        let Some(name) = names.iter().flatten().copied().find(unknown) else {
            return true;
        };
        let text =
            format!("Ignoring constraint '{id}' because '{name}' is not a valid resource or tag");
        remarks.error(function, text);
        false
    }

    /// Complains about sets of a constraint; whether it has any.
    pub(super) fn sets(&self, element: Element<'_>, id: &str, remarks: &mut Remarks) -> bool {
        let sets = || element.children_named("resource_set");
        let names = sets().flat_map(|set| set.children_named("resource_ref"));
        for name in names.filter_map(Element::id) {
            if !self.is_resource(name) && !self.is_tag(name) {
                let text = format!(
                    "Ignoring resource sets for constraint '{id}' because '{name}' is not a valid \
                     resource or tag"
                );
                remarks.error("pcmk__expand_tags_in_sets", text);
            }
        }
        sets().next().is_some()
    }

    /// Complains about an instance of what has none.
    pub(super) fn instance(
        &self,
        (function, id): (&'static str, &str),
        resource: Option<&str>,
        instance: Option<&str>,
        remarks: &mut Remarks,
    ) {
        let (Some(resource), Some(instance)) = (resource, instance) else {
            return;
        };
        let found = self.cluster.names.get(resource).and_then(|all| all.first());
        if found.is_some_and(|at| self.cluster.resources[*at].is_clone()) {
            return;
        }
        let text = format!(
            "Ignoring constraint '{id}' because resource '{resource}' is not a clone but instance \
             '{instance}' was requested"
        );
        remarks.error(function, text);
    }
}

fn location(named: &Named<'_, '_>, element: Element<'_>, id: &str, remarks: &mut Remarks) {
    named.sets(element, id, remarks);
    if element.attr("rsc").is_some_and(|rsc| named.is_tag(rsc))
        && let Some(rsc) = element.attr("rsc")
        && let Some(members) = named.cluster.tags.get(rsc)
        && let Some(unknown) = members.iter().find(|name| !named.is_resource(name))
    {
        let text = format!("{rsc}: No resource found for {unknown}");
        remarks.error("unpack_location_set", text);
    }
    if let Some(pattern) = element.attr("rsc-pattern")
        && regex::Regex::new(pattern.trim_start_matches('!')).is_err()
    {
        let text =
            format!("Ignoring constraint '{id}' because rsc-pattern has invalid value '{pattern}'");
        remarks.error("unpack_simple_location", text);
    }
    let rules: Vec<_> = element.children_named("rule").collect();
    let by_score = element.attr("node").is_some() && element.attr("score").is_some();
    let with_lifetime = element.child("lifetime").is_some();
    if !by_score && rules.is_empty() && !with_lifetime {
        let text = format!("Ignoring constraint '{id}' because it contains no rules");
        remarks.error("unpack_rsc_location", text);
    }
    if let Some(role) = element.attr("role")
        && by_score
        && Role::parse(role) == Role::Unknown
    {
        let text = format!("Invalid constraint {id}: Bad role {role}");
        remarks.error("unpack_rsc_location", text);
    }
    if let Some(discovery) = element.attr("resource-discovery")
        && !matches!(discovery, "always" | "never" | "exclusive")
    {
        let text = format!("Invalid resource-discovery value {discovery} in location constraint");
        remarks.error("pcmk__new_location", text);
    }
    for rule in rules {
        location_rule(rule, remarks);
    }
}

fn location_rule(rule: Element<'_>, remarks: &mut Remarks) {
    let id = rule.id().unwrap_or_default();
    if let Some(role) = rule.attr("role")
        && Role::parse(role) == Role::Unknown
    {
        let text = format!("Bad role specified for {id}: {role}");
        remarks.error("generate_location_rule", text);
    }
    if rule.attr("score").is_none() && rule.attr("score-attribute").is_none() {
        let text = format!("Rule {id}: no score specified.  Assuming 0.");
        remarks.error("get_node_score", text);
    }
    for expression in rule.descendants().filter(|e| e.name() == "expression") {
        let id = expression.id().unwrap_or_default();
        for name in ["attribute", "operation"] {
            if expression.attr(name).is_none() {
                let text = format!("Expression {id} invalid: {name} not specified");
                remarks.error("pe__eval_attr_expr", text);
            }
        }
    }
}

fn colocation(named: &Named<'_, '_>, element: Element<'_>, id: &str, remarks: &mut Remarks) {
    if let Some(influence) = element.attr("influence")
        && boolean::parse(influence).is_none()
    {
        let text = format!("Constraint '{id}' has invalid value for influence (using default)");
        remarks.error("unpack_influence", text);
    }
    if named.sets(element, id, remarks) {
        return;
    }
    let ends = [element.attr("rsc"), element.attr("with-rsc")];
    if !named.all_known(("unpack_colocation_tags", id), &ends, remarks) {
        return;
    }
    let is_list = |name: &Option<&str>| {
        name.is_some_and(|name| named.is_tag(name) && !named.is_resource(name))
    };
    if ends.iter().all(is_list) {
        let text =
            format!("Ignoring constraint '{id}' because two templates or tags cannot be colocated");
        return remarks.error("unpack_colocation_tags", text);
    }
    let function = "unpack_simple_colocation";
    if ends.iter().any(Option::is_none) {
        let text = format!("Ignoring constraint '{id}' because resource '(null)' does not exist");
        return remarks.error(function, text);
    }
    for (end, name) in ends.iter().zip(["rsc-instance", "with-rsc-instance"]) {
        if element.attr(name).is_some() {
            let text = format!(
                "Support for {name} is deprecated and will be removed in a future release."
            );
            remarks.warn(function, text);
        }
        named.instance((function, id), *end, element.attr(name), remarks);
    }
}

fn ticket(named: &Named<'_, '_>, element: Element<'_>, id: &str, remarks: &mut Remarks) {
    let Some(ticket) = element.attr("ticket") else {
        let text = format!("Ignoring constraint '{id}' without ticket");
        return remarks.error("pcmk__unpack_rsc_ticket", text);
    };
    let has_sets = named.sets(element, id, remarks);
    let resource = element.attr("rsc");
    if !named.all_known(("unpack_rsc_ticket_tags", id), &[resource], remarks) {
        return;
    }
    if resource.is_none() && !has_sets {
        let text = format!("Ignoring constraint '{id}' without resource");
        return remarks.error("unpack_simple_rsc_ticket", text);
    }
    if element.attr("loss-policy") == Some("fence") && !super::can_fence(named.cluster) {
        let text = format!(
            "Resetting 'loss-policy' for ticket '{ticket}' to 'stop' because fencing is not \
             configured"
        );
        remarks.error("rsc_ticket_new", text);
    }
}
