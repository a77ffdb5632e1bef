//! What a valid CIB makes a cluster do that its owner hardly wants.

use super::{Finding, Page};
use crate::cib::{Document, Element};
use crate::config::diagnostic::Severity;
use crate::rules::iso8601::Clock;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::unpack::options::QuorumPolicy;
use crate::scheduler::{self, unpack::expand};
use crate::verify::{self, Weight};

/// Looks at a document through its form of the newest edition.
pub(super) fn check(page: &Page<'_>, newest: &Document, now: Clock) -> Vec<Finding> {
    let expanded = expand::expand(newest);
    let cluster = scheduler::read(&expanded, now);
    let mut found: Vec<_> = fencing(page, &cluster).into_iter().collect();
    found.extend(quorum(page, &cluster));
    found.extend(maintenance(page, &cluster));
    found.extend(unwatched(page));
    found.extend(remarks(page, newest, now));
    found
}

fn fencing(page: &Page<'_>, cluster: &Cluster<'_>) -> Option<Finding> {
    let mut primitives = configured(page.doc, "primitive").peekable();
    primitives.peek()?;
    let devices = configured(page.doc, "primitive").any(|e| e.attr("class") == Some("stonith"));
    let option = option(page.doc, "stonith-enabled");
    let at = option.map_or(page.doc.root(), Element::node);
    if !cluster.options.stonith_enabled {
        let message = "fencing is off: a node that the others have lost sight of keeps its \
                       resources, and they are started once more elsewhere";
        let help = "configure a device (stonith_admin --list-installed) and set \
                    stonith-enabled=true; without fencing, two nodes can write the same disk";
        let found = page.finding(Severity::Warning, at, message.to_owned());
        return Some(found.help(help));
    }
    if devices || cluster.options.have_watchdog {
        return None;
    }
    let message = "no resource will start: fencing is required, and there is no device";
    let help = "configure a primitive of class stonith for the nodes, or set \
                stonith-enabled=false if no two nodes can harm the same data";
    let found = page.finding(Severity::Error, at, message.to_owned());
    Some(found.help(help))
}

fn quorum(page: &Page<'_>, cluster: &Cluster<'_>) -> Option<Finding> {
    let option = option(page.doc, "no-quorum-policy")?;
    let (message, help) = match (cluster.options.quorum_policy, option.attr("value")) {
        (QuorumPolicy::Ignore, _) if !cluster.options.stonith_enabled => (
            "quorum is ignored and fencing is off: when the nodes lose sight of each other, \
             each half runs everything",
            "remove no-quorum-policy (stop is what it is then), or configure fencing",
        ),
        (QuorumPolicy::Stop, Some("suicide")) => (
            "no-quorum-policy=suicide needs fencing: without it, it is stop",
            "set stonith-enabled=true with a device, or write stop",
        ),
        (QuorumPolicy::Stop, Some(value)) if value != "stop" => (
            "this value of no-quorum-policy is none that is known: it counts as stop",
            "write stop, freeze, ignore, demote or suicide",
        ),
        _ => return None,
    };
    let found = page.finding(Severity::Warning, option.node(), message.to_owned());
    Some(found.help(help))
}

fn maintenance(page: &Page<'_>, cluster: &Cluster<'_>) -> Vec<Finding> {
    let all = [
        (
            cluster.options.maintenance,
            "maintenance-mode",
            "the whole cluster is in maintenance: nothing is started, stopped or watched",
        ),
        (
            cluster.options.stop_all,
            "stop-all-resources",
            "every resource is to be stopped",
        ),
    ];
    let set = all.into_iter().filter(|(is_set, _, _)| *is_set);
    set.filter_map(|(_, name, what)| {
        let option = option(page.doc, name)?;
        let help = format!("crm_attribute --name {name} --delete ends it");
        let found = page.finding(Severity::Note, option.node(), what.to_owned());
        Some(found.help(help))
    })
    .collect()
}

/// Resources whose failure nobody would notice.
fn unwatched(page: &Page<'_>) -> Vec<Finding> {
    let templates: Vec<_> = configured(page.doc, "template").collect();
    let watched = |e: Element<'_>| e.descendants().any(is_recurring);
    let primitives =
        configured(page.doc, "primitive").filter(|e| e.attr("class") != Some("stonith"));
    let unwatched = primitives.filter(|e| {
        let template = e.attr("template");
        let template = templates
            .iter()
            .find(|t| t.attr("id") == template && template.is_some());
        !watched(*e) && !template.is_some_and(|t| watched(*t))
    });
    unwatched
        .map(|e| {
            let id = e.id().unwrap_or_default();
            let message = format!("{id} has no recurring monitor: its failure isn't noticed");
            let help = format!(
                "add <op id=\"{id}-monitor-10s\" name=\"monitor\" interval=\"10s\" \
                 timeout=\"20s\"/> to its operations"
            );
            page.finding(Severity::Note, e.node(), message).help(help)
        })
        .collect()
}

/// What this file says in words of its own, by a word of the original's.
const SAID_BETTER: [&str; 2] = ["STONITH", "no-quorum-policy"];

/// What the original's scheduler complains about, each at the first element that it names: by its
/// id, or as an option of the cluster.
fn remarks(page: &Page<'_>, newest: &Document, now: Clock) -> Vec<Finding> {
    let told = verify::check(newest, now).into_iter();
    let told = told.filter(|r| !SAID_BETTER.iter().any(|word| r.text.contains(word)));
    told.filter_map(|remark| {
        let severity = match remark.weight {
            Weight::Error => Severity::Warning,
            Weight::Warning => Severity::Note,
            Weight::Aside => return None,
        };
        let words = remark
            .text
            .split(|c: char| c.is_whitespace() || "'\",".contains(c));
        let mut named = words.filter_map(|word| {
            let option = || option(page.doc, word).map(Element::node);
            page.ids.get(word).copied().or_else(option)
        });
        let node = named.next().unwrap_or(page.doc.root());
        Some(page.finding(severity, node, remark.text.clone()))
    })
    .collect()
}

fn is_recurring(op: Element<'_>) -> bool {
    // One that is taken over from elsewhere has its interval there.
    op.name() == "op"
        && (op.attr("id-ref").is_some()
            || op.attr("name") == Some("monitor")
                && op
                    .attr("interval")
                    .is_some_and(|i| i.bytes().any(|b| (b'1'..=b'9').contains(&b))))
        || op.name() == "operations" && op.attr("id-ref").is_some()
}

/// Elements of that name in the configuration of resources.
fn configured<'a>(doc: &'a Document, name: &'a str) -> impl Iterator<Item = Element<'a>> {
    let section = doc.root_element().find(&["configuration", "resources"]);
    let all = section.into_iter().flat_map(Element::descendants);
    all.filter(move |e| e.name() == name)
}

/// The first setting of an option of the cluster.
fn option<'a>(doc: &'a Document, name: &str) -> Option<Element<'a>> {
    let section = doc.root_element().find(&["configuration", "crm_config"])?;
    let mut all = section.descendants();
    let said = |e: &Element<'_>| e.attr("name").map(|said| said.replace('_', "-"));
    all.find(|e| e.name() == "nvpair" && said(e).as_deref() == Some(name))
}
