//! Causes, changes and whole answers in words.

use std::fmt::Write;

use super::cause::Cause;
use super::change::{Change, prefer_id};
use super::{AtNode, Explanation, Finding, Related, Remedy};
use crate::scheduler::score;

/// A cause as a sentence about a resource, and a node if it is about one.
pub fn cause(cause: &Cause, resource: &str, node: Option<&str>) -> String {
    let node = node.unwrap_or("the node");
    if let Some(text) = of_node(cause, node) {
        return text;
    }
    match cause {
        Cause::TargetRole { owner } => format!("{owner} is to be stopped (target-role=Stopped)"),
        Cause::StopAll => "all resources are to be stopped (stop-all-resources=true)".into(),
        Cause::Unmanaged { owner } => {
            let owner = owner.as_deref().unwrap_or(resource);
            format!("{owner} is left alone (is-managed=false)")
        }
        Cause::Maintenance => "the cluster leaves everything alone (maintenance-mode=true)".into(),
        Cause::Blocked { resource } => format!(
            "{resource} is blocked: an operation failed after which nothing more is done until \
             it is cleaned up"
        ),
        Cause::Orphan => format!("{resource} isn't configured any more; only its history is there"),
        Cause::NoQuorum { policy } => {
            format!("this partition has no quorum (no-quorum-policy={policy})")
        }
        Cause::NoFenceDevice => "fencing is switched on (stonith-enabled), but no fence device \
                                 is configured, so nothing is started"
            .into(),
        Cause::Ticket {
            ticket,
            constraint,
            standby,
        } => {
            let state = if *standby {
                "in standby"
            } else {
                "not granted"
            };
            let by = constraint
                .as_ref()
                .map_or(String::new(), |c| format!(" ({c})"));
            format!("it needs ticket {ticket}{by}, which is {state}")
        }
        Cause::Waits {
            resource,
            action,
            constraints,
        } => waits(resource.as_deref(), action, constraints),
        Cause::Colocation { .. } => colocation(cause),
        Cause::Companions { resources, score } => format!(
            "{} from what wants to be with it ({})",
            signed(*score),
            resources.join(", ")
        ),
        Cause::Instances { max } => {
            format!("all {max} instances (clone-max) have their places elsewhere")
        }
        _ => String::new(),
    }
}

fn of_node(cause: &Cause, node: &str) -> Option<String> {
    Some(match cause {
        Cause::Offline => format!("{node} is offline"),
        Cause::Unclean => format!("{node} failed and has to be fenced first"),
        Cause::Pending => format!("{node} is joining and can't run resources yet"),
        Cause::Standby { failure: false } => format!("{node} is in standby"),
        Cause::Standby { failure: true } => {
            format!("{node} is in standby because an operation failed (on-fail=standby)")
        }
        Cause::NodeMaintenance => format!("{node} is in maintenance"),
        Cause::ShuttingDown => format!("{node} is shutting down"),
        Cause::Disconnected { connection } => {
            format!("{node} can't be reached: its connection {connection} isn't up")
        }
        Cause::OptIn => format!(
            "no constraint allows {node}, and without one nothing runs (symmetric-cluster=false)"
        ),
        Cause::ExclusiveDiscovery => {
            format!("a constraint with resource-discovery=exclusive names other nodes, not {node}")
        }
        Cause::Location { constraint, score } if *score <= -score::INFINITY => {
            format!("location constraint {constraint} forbids it (-INFINITY)")
        }
        Cause::Location { constraint, score } => {
            format!("{} from location constraint {constraint}", signed(*score))
        }
        Cause::Health { score } => format!("{} from the health of {node}", signed(*score)),
        Cause::Stickiness { score } => format!(
            "{} because it runs there already (resource-stickiness)",
            signed(*score)
        ),
        Cause::Failures {
            count,
            threshold,
            banned,
        } => failures(*count, *threshold, *banned),
        Cause::Capacity {
            attribute,
            needs,
            free,
        } => format!("it needs {needs} of {attribute}, and {node} has {free} left"),
        Cause::ShutdownLock { node } => {
            format!("it waits for {node}, which was shut down cleanly (shutdown-lock)")
        }
        Cause::LowerScore { here, best, node } => format!(
            "its score is {}, and {node} has {}",
            score::text(*here),
            score::text(*best)
        ),
        Cause::Tie { node } => format!(
            "its score is that of {node}; then the node with fewer resources gets it, then the \
             one where it runs, then the first by name"
        ),
        _ => return None,
    })
}

fn failures(count: i32, threshold: i32, banned: bool) -> String {
    let times = match count {
        1 => "once".to_owned(),
        score::INFINITY.. => "for good (fail count INFINITY)".to_owned(),
        _ => format!("{count} times"),
    };
    match (banned, threshold) {
        (true, score::INFINITY..) => format!("it failed there {times}"),
        (true, _) => format!("it failed there {times}; migration-threshold is {threshold}"),
        (false, _) => format!("it failed there {times}, which doesn't forbid the node yet"),
    }
}

fn waits(resource: Option<&str>, action: &str, constraints: &[String]) -> String {
    let by = match constraints.is_empty() {
        true => String::new(),
        false => format!(" ({})", constraints.join(", ")),
    };
    match resource {
        Some(first) => format!("it waits for the {action} of {first}{by}, which can't be done"),
        None => format!("it waits for {action}{by}, which can't be done"),
    }
}

fn colocation(cause: &Cause) -> String {
    let Cause::Colocation {
        constraint,
        with,
        score,
        at,
        effect,
    } = cause
    else {
        return String::new();
    };
    let places = match at.as_slice() {
        [] => format!("{with} runs nowhere"),
        nodes => format!("{with} is on {}", nodes.join(", ")),
    };
    let name = match constraint.as_str() {
        "group:internal_colocation" => "the group's order".to_owned(),
        "ip-with-docker" | "resource-with-container" => "the container".to_owned(),
        id => format!("colocation {id}"),
    };
    if *effect <= -score::INFINITY && *score > 0 {
        format!("it has to be with {with} ({name}), and {places}")
    } else if *effect <= -score::INFINITY {
        format!("it must not be with {with} ({name}), and {places}")
    } else {
        format!("{} from {name}: {places}", signed(*effect))
    }
}

fn signed(value: i32) -> String {
    let text = score::text(value);
    if value > 0 { format!("+{text}") } else { text }
}

/// A change as an order, without a full stop.
pub fn change(change: &Change) -> String {
    match change {
        Change::CleanUp { resource, node } => match node {
            Some(node) => format!("clean up {resource} on {node}"),
            None => format!("clean up {resource}"),
        },
        Change::SetMeta {
            resource,
            name,
            value,
        } => format!("set {name}={value} for {resource}"),
        Change::StartNode { node } => format!("bring {node} online"),
        Change::EndStandby { node } => format!("end the standby of {node}"),
        Change::EndMaintenance { node } => format!("end the maintenance of {node}"),
        Change::GrantTicket { ticket } => format!("grant ticket {ticket}"),
        Change::GainQuorum => "get quorum back: bring more nodes online".into(),
        Change::AddFenceDevice => "configure a fence device".into(),
        Change::SetOption { name, value } => format!("set the option {name}={value}"),
        Change::Prefer {
            resource,
            node,
            score,
        } => format!(
            "prefer {node} for {resource} with a score of {}",
            score::text(*score)
        ),
        Change::RemoveConstraint {
            constraint,
            element,
        } => format!("remove {constraint} ({element})"),
        Change::SetCapacity {
            node,
            attribute,
            value,
        } => format!("raise {attribute} of {node} to {value}, or free some"),
    }
}

/// The command that makes a change; none where it isn't one of the configuration.
pub fn command(change: &Change) -> Option<String> {
    Some(match change {
        Change::CleanUp { resource, node } => match node {
            Some(node) => format!("crm_resource --cleanup --resource {resource} --node {node}"),
            None => format!("crm_resource --cleanup --resource {resource}"),
        },
        Change::SetMeta {
            resource,
            name,
            value,
        } => format!(
            "crm_resource --resource {resource} --meta --set-parameter {name} \
             --parameter-value {value}"
        ),
        Change::EndStandby { node } => format!("crm_standby --node {node} --update off"),
        Change::EndMaintenance { node } => {
            format!("crm_attribute --node {node} --name maintenance --delete")
        }
        Change::SetOption { name, value } => {
            format!("crm_attribute --name {name} --update {value}")
        }
        Change::Prefer {
            resource,
            node,
            score,
        } => format!(
            "cibadmin --create --scope constraints --xml-text '<rsc_location id=\"{}\" \
             rsc=\"{resource}\" node=\"{node}\" score=\"{}\"/>'",
            prefer_id(resource, node),
            score::text(*score)
        ),
        Change::RemoveConstraint {
            constraint,
            element,
        } => format!("cibadmin --delete --xml-text '<{element} id=\"{constraint}\"/>'"),
        Change::SetCapacity {
            node,
            attribute,
            value,
        } => {
            format!("crm_attribute --node {node} --utilization --name {attribute} --update {value}")
        }
        Change::GrantTicket { ticket } => format!("crm_ticket --ticket {ticket} --grant"),
        Change::StartNode { .. } | Change::GainQuorum | Change::AddFenceDevice => return None,
    })
}

/// The whole answer.
pub fn explanation(answer: &Explanation) -> String {
    let mut out = String::new();
    let name = &answer.resource;
    let _ = writeln!(out, "{}", headline(answer));
    if !answer.members.is_empty() {
        let _ = writeln!(out, "It consists of {}.", answer.members.join(", "));
    }
    if !answer.place.promoted.is_empty() {
        let _ = writeln!(
            out,
            "It is promoted on {}.",
            answer.place.promoted.join(", ")
        );
    }
    if !answer.general.is_empty() {
        let _ = writeln!(out, "\nWhat counts on every node");
        list(&mut out, &answer.general);
    }
    tell_related(&mut out, &answer.related);
    for at in &answer.here {
        let _ = writeln!(out, "\nWhy it is on {}{}", at.node, scored(at.score));
        list(&mut out, &at.findings);
        if at.findings.is_empty() {
            let _ = writeln!(out, "  * nothing asks for it: it has to be somewhere");
        }
    }
    for at in &answer.elsewhere {
        let _ = writeln!(out, "\nWhy it isn't on {}{}", at.node, scored(at.score));
        tell_absence(&mut out, answer, at);
    }
    match &answer.smallest {
        Some(remedy) => {
            let _ = writeln!(out, "\nThe smallest change that would alter it");
            tell_remedy(&mut out, name, remedy);
        }
        None if answer.elsewhere.is_empty() => {}
        None => {
            let _ = writeln!(out, "\nNo change that was tried would alter it.");
        }
    }
    let _ = writeln!(
        out,
        "\nThe scheduler ran {} to find this.",
        match answer.runs {
            1 => "once".to_owned(),
            n => format!("{n} times"),
        }
    );
    out
}

fn headline(answer: &Explanation) -> String {
    let (name, place) = (&answer.resource, &answer.place);
    let list = |nodes: &[String]| nodes.join(", ");
    match (place.now.as_slice(), place.next.as_slice()) {
        ([], []) if !place.waiting.is_empty() => format!(
            "{name} is stopped; its place is {}, but it can't be started there yet.",
            list(&place.waiting)
        ),
        ([], []) => format!("{name} is stopped, and stays so."),
        ([], next) => format!("{name} is stopped, and will be started on {}.", list(next)),
        (now, []) => format!("{name} is on {}, and will be stopped.", list(now)),
        (now, next) if now == next => format!("{name} is on {}, and stays there.", list(now)),
        (now, next) => format!("{name} is on {}, and will be on {}.", list(now), list(next)),
    }
}

fn scored(value: Option<i32>) -> String {
    value.map_or(String::new(), |s| format!(" (score {})", score::text(s)))
}

fn list(out: &mut String, findings: &[Finding]) {
    for finding in findings {
        let mark = if finding.decisive { "  [decides]" } else { "" };
        let _ = writeln!(out, "  * {}{mark}", finding.text);
    }
}

fn tell_related(out: &mut String, related: &[Related]) {
    for other in related.iter().filter(|other| !other.findings.is_empty()) {
        let _ = writeln!(out, "  {}:", other.resource);
        for finding in &other.findings {
            let _ = writeln!(out, "    * {}", finding.text);
        }
    }
}

fn tell_absence(out: &mut String, answer: &Explanation, at: &AtNode) {
    list(out, &at.findings);
    if at.findings.is_empty() {
        let text = match answer.place.waiting.contains(&at.node) {
            true => "this is its place; what counts on every node keeps it from being started",
            false => "nothing forbids the node itself",
        };
        let _ = writeln!(out, "  * {text}");
    }
    tell_related(out, &at.related);
    if let Some(remedy) = &at.remedy {
        tell_steps(out, "  To have it there: ", remedy);
    }
}

fn tell_steps(out: &mut String, lead: &str, remedy: &Remedy) {
    let steps: Vec<&str> = remedy.steps.iter().map(|s| s.text.as_str()).collect();
    let _ = writeln!(out, "{lead}{}.", steps.join(", and "));
}

fn tell_remedy(out: &mut String, name: &str, remedy: &Remedy) {
    for step in &remedy.steps {
        let _ = writeln!(out, "  * {}", step.text);
        if let Some(command) = &step.command {
            let _ = writeln!(out, "      {command}");
        }
    }
    let _ = match remedy.then.as_slice() {
        [] => writeln!(out, "  Then {name} is stopped."),
        nodes => writeln!(out, "  Then {name} is on {}.", nodes.join(", ")),
    };
    if !remedy.others.is_empty() {
        let shown: Vec<&str> = remedy.others.iter().take(8).map(String::as_str).collect();
        let more = match remedy.others.len() - shown.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let _ = writeln!(out, "  Others change with it: {}{more}.", shown.join(", "));
    }
}
