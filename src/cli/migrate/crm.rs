//! The CRM that is to take the resources: its configuration, what it sees, what it would do.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::reach::{Reach, SHORT};
use crate::cib::{Document, NodeRef, reader, writer};

/// Id of the option that apply adds, and takes away.
const OPTION: &str = "migration-maintenance-mode";

/// Runs a tool of the CRM on the first node that can.
pub(super) fn tool(reach: &Reach, nodes: &[String], args: &[&str], input: &[u8]) -> Result<String> {
    let mut why = None;
    let here = |n: &&String| reach.local.as_deref() == Some(n.as_str());
    let local = nodes.iter().filter(here);
    for node in local.chain(nodes.iter().filter(|n| !here(n))) {
        match reach.run(node, args, input, SHORT) {
            Ok(text) => return Ok(text),
            Err(error) => why = Some(error),
        }
    }
    Err(why.unwrap_or_else(|| anyhow::anyhow!("no nodes")))
}

/// The whole CIB.
pub(super) fn query(reach: &Reach, nodes: &[String]) -> Result<Document> {
    let text = tool(reach, nodes, &["cibadmin", "--query"], b"")?;
    read(&text)
}

/// Reads a CIB.
pub(super) fn read(text: &str) -> Result<Document> {
    let doc = reader::read(text).context("the CIB")?;
    if doc.name(doc.root()) != "cib" {
        bail!("the CIB: its root element is <{}>", doc.name(doc.root()));
    }
    Ok(doc)
}

/// All elements of this name.
fn all<'a>(doc: &'a Document, name: &'a str) -> impl Iterator<Item = NodeRef> + 'a {
    all_below(doc, doc.root(), name)
}

fn all_below<'a>(
    doc: &'a Document,
    top: NodeRef,
    name: &'a str,
) -> impl Iterator<Item = NodeRef> + 'a {
    let mut waiting = vec![top];
    std::iter::from_fn(move || {
        loop {
            let node = waiting.pop()?;
            waiting.extend(doc.children(node));
            if doc.name(node) == name {
                return Some(node);
            }
        }
    })
}

fn maintenance(doc: &Document) -> Option<NodeRef> {
    all(doc, "nvpair").find(|n| {
        let of = |name: NodeRef| doc.parent(name).map(|p| doc.name(p).to_owned());
        doc.attr(*n, "name") == Some("maintenance-mode")
            && of(*n).as_deref() == Some("cluster_property_set")
    })
}

/// A configuration for the CRM that makes it leave everything as it is.
///
/// Errors: it has a maintenance-mode of its own.
pub(super) fn in_maintenance(text: &str) -> Result<String> {
    let mut doc = read(text)?;
    if maintenance(&doc).is_some() {
        bail!("cib.xml sets maintenance-mode: take that out, apply sets it while it needs it");
    }
    let set = all(&doc, "cluster_property_set").next();
    let set = match set {
        Some(set) => set,
        None => {
            let config = all(&doc, "crm_config").next();
            let config = config.context("cib.xml has no <crm_config>")?;
            doc.add_element(
                config,
                "cluster_property_set",
                &[("id", "cib-bootstrap-options")],
            )
        }
    };
    let pair = [
        ("id", OPTION),
        ("name", "maintenance-mode"),
        ("value", "true"),
    ];
    doc.add_element(set, "nvpair", &pair);
    Ok(writer::pretty(&doc, doc.root()))
}

/// Sets maintenance-mode, or takes it away.
pub(super) fn maintain(reach: &Reach, nodes: &[String], on: bool) -> Result<()> {
    let name = [
        "crm_attribute",
        "--type",
        "crm_config",
        "--name",
        "maintenance-mode",
    ];
    let what: &[&str] = if on {
        &["--update", "true"]
    } else {
        &["--delete"]
    };
    tool(reach, nodes, &[&name, what].concat(), b"").map(drop)
}

/// Whether the CRM has a configuration from [`in_maintenance`].
pub(super) fn is_loaded(doc: &Document) -> bool {
    all(doc, "nvpair").any(|n| doc.id(n) == Some(OPTION))
}

/// Makes the CRM forget what runs where, so that it looks again.
pub(super) fn forget(reach: &Reach, nodes: &[String]) -> Result<()> {
    let args = [
        "cibadmin",
        "--delete-all",
        "--force",
        "--xpath",
        "//lrm_resource",
    ];
    tool(reach, nodes, &args, b"").map(drop)
}

/// Whether each node that is online has looked for all that heartbeat had.
pub(super) fn is_probed(doc: &Document) -> bool {
    let online = online(doc);
    let had = heartbeats(doc);
    let seen = |state: NodeRef| {
        let below = all_below(doc, state, "lrm_resource");
        below.filter_map(|n| doc.id(n)).collect::<BTreeSet<_>>()
    };
    all(doc, "node_state")
        .filter(|n| doc.attr(*n, "uname").is_some_and(|u| online.contains(u)))
        .all(|n| {
            let seen = seen(n);
            had.iter().all(|id| seen.contains(&**id))
        })
}

/// Nodes that the CRM has for online.
pub(super) fn online(doc: &Document) -> BTreeSet<String> {
    let is = |node: NodeRef, name, values: &[&str]| {
        doc.attr(node, name).is_some_and(|v| values.contains(&v))
    };
    all(doc, "node_state")
        .filter(|n| is(*n, "crmd", &["online"]) && is(*n, "join", &["member"]))
        .filter_map(|n| doc.attr(n, "uname").map(str::to_owned))
        .collect()
}

/// What the CRM would do out of maintenance to resources that heartbeat had: a line each.
///
/// Clones and fence devices are new and don't count.
pub(super) fn actions(doc: &Document) -> Result<Vec<String>> {
    let mut doc = doc.clone();
    if let Some(option) = maintenance(&doc) {
        doc.detach(option);
    }
    let program = std::env::current_exe().context("can't find this program's own file")?;
    let mut child = Command::new(program)
        .args(["crm_simulate", "--simulate", "--xml-pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("can't run crm_simulate")?;
    let mut stdin = child.stdin.take().context("no pipe")?;
    let text = writer::pretty(&doc, doc.root());
    let writing = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().context("crm_simulate")?;
    let _ = writing.join();
    let had = heartbeats(&doc);
    let text = String::from_utf8_lossy(&output.stdout);
    let told = text
        .lines()
        .skip_while(|l| *l != "Transition Summary:")
        .skip(1);
    let told = told.take_while(|l| l.starts_with("  * "));
    let of_ours = |line: &&str| {
        let id = line.split_whitespace().nth(2).unwrap_or_default();
        had.contains(id)
    };
    let words = |line: &str| {
        line.split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
    };
    Ok(told.filter(of_ours).map(words).collect())
}

/// Resources that stand for a line of haresources: neither cloned nor fence devices.
fn heartbeats(doc: &Document) -> BTreeSet<String> {
    all(doc, "primitive")
        .filter(|n| doc.attr(*n, "class") != Some("stonith"))
        .filter(|n| {
            let parents = std::iter::successors(doc.parent(*n), |p| doc.parent(*p));
            parents
                .into_iter()
                .all(|p| !matches!(doc.name(p), "clone" | "master" | "lrm"))
        })
        .filter_map(|n| doc.id(n).map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CIB: &str = "<cib><configuration><crm_config/><nodes/><resources>\
        <group id=\"g\"><primitive id=\"ip\" class=\"ocf\" type=\"IPaddr2\"/></group>\
        <clone id=\"c\"><primitive id=\"ping\" class=\"ocf\" type=\"ping\"/></clone>\
        <primitive id=\"switch\" class=\"stonith\" type=\"x\"/></resources><constraints/>\
        </configuration><status><node_state id=\"1\" uname=\"a\" crmd=\"online\" \
        join=\"member\"/><node_state id=\"2\" uname=\"b\" crmd=\"offline\" join=\"down\"/>\
        </status></cib>";

    #[test]
    fn maintenance_is_added_once() {
        let text = in_maintenance(CIB).unwrap();
        let doc = read(&text).unwrap();
        assert_eq!(doc.attr(maintenance(&doc).unwrap(), "value"), Some("true"));
        let again = in_maintenance(&text).unwrap_err().to_string();
        assert!(again.contains("take that out"), "{again}");
    }

    #[test]
    fn only_what_heartbeat_had_counts() {
        let doc = read(CIB).unwrap();
        assert_eq!(heartbeats(&doc), BTreeSet::from(["ip".to_owned()]));
        assert_eq!(online(&doc), BTreeSet::from(["a".to_owned()]));
    }
}
