//! `crm_node`: the nodes of the cluster, as its messaging layer sees them.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_node.c`; the installed tool beside a running cluster.

use std::process::ExitCode;

use clap::Command;

use super::applets::{self, Applet, Kind};
use super::crm::arguments::{self, Line, flag, value};
use super::crm::live::Live;
use super::crm::{code, exit};
use crate::cib::Document;
use crate::cib::operation::{Operation, Request};
use crate::daemons::crm::protocol::{Peer, Reply};
use crate::rules::leading_int;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_node",
    summary: "name the nodes of the cluster, its members and whether it has quorum",
    kind: Kind::Tool,
    man: "crm_node(8)",
    command,
    run,
};

/// What an agent gets told where its node isn't the one it runs on, as in a container.
const ON_NODE: &str = "OCF_RESKEY_CRM_meta_on_node";

/// What can be asked; the last one on the command line counts.
const QUESTIONS: [&str; 7] = [
    "cluster-id",
    "list",
    "name",
    "partition",
    "quorum",
    "name-for-id",
    "remove",
];

fn command() -> Command {
    let name = value("name-for-id", "ID").short('N');
    let remove = value("remove", "NAME").short('R');
    arguments::command(
        "crm_node",
        "Name the nodes of the cluster, its members and whether it has quorum",
    )
    .arg(flag("cluster-id", 'i').help("print this node's id"))
    .arg(flag("list", 'l').help("print all nodes, with their ids and whether they are there"))
    .arg(flag("name", 'n').help("print this node's name"))
    .arg(flag("partition", 'p').help("print the members that see each other"))
    .arg(flag("quorum", 'q').help("print 1 if there is quorum, else 0"))
    .arg(name.help("print the name of the node with that id"))
    .arg(remove.help("forget a node that has left the cluster for good; needs --force"))
    .arg(flag("force", 'f').help("do what may harm"))
    .arg(flag("quiet", 'Q').help("say less"))
    .after_help(
        "All but --name in an agent's environment need a running cluster.\n\
         Exit status: 0 done; 64 wrong use; 68 there is no such node; 102 there is no cluster.\n\n\
         Examples:\n  \
         crm_node -l                  all nodes\n  \
         crm_node -q                  is there quorum?\n  \
         crm_node -R node3 --force    node3 won't come back",
    )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let line = match arguments::parse(command(), &args) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    if line.has("version") {
        println!("{}", arguments::version_text());
        return Ok(exit(code::OK));
    }
    let Some(question) = line.last(&QUESTIONS) else {
        eprint!("{}", command().render_long_help());
        return Ok(exit(code::USAGE));
    };
    Ok(exit(answer(&line, question)))
}

fn answer(line: &Line, question: &str) -> u8 {
    if let ("name", Some(name)) = (question, std::env::var_os(ON_NODE)) {
        println!("{}", name.to_string_lossy());
        return code::OK;
    }
    if question == "remove" && !line.has("force") {
        eprintln!(
            "The supplied command is considered dangerous.  To prevent accidental destruction \
             of the cluster, the --force flag is required in order to proceed."
        );
        return code::USAGE;
    }
    let cluster = Live::open().and_then(|mut live| Some((Cluster::of(live.status()?)?, live)));
    let Some((cluster, mut live)) = cluster else {
        eprintln!("error: Could not connect to controller: Connection refused");
        return code::DISCONNECT;
    };
    match question {
        "name" => println!("{}", cluster.local.name),
        "cluster-id" => println!("{}", cluster.local.id),
        "quorum" => println!("{}", u8::from(cluster.is_quorate)),
        "partition" => {
            let names = cluster.members.iter().map(|peer| format!("{} ", peer.name));
            println!("{}", names.collect::<String>());
        }
        "name-for-id" => return name_of(line.value(question), &cluster, &mut live),
        "list" => list(&cluster, &mut live),
        _ => return remove(line.value(question), &cluster, &mut live),
    }
    code::OK
}

/// What the daemon of this node says.
struct Cluster {
    local: Peer,
    members: Vec<Peer>,
    is_quorate: bool,
}

impl Cluster {
    fn of(reply: Reply) -> Option<Self> {
        let Reply::Status {
            local,
            mut members,
            quorate: is_quorate,
            ..
        } = reply
        else {
            return None;
        };
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let local = members.iter().find(|peer| peer.name == local)?.clone();
        Some(Self {
            local,
            members,
            is_quorate,
        })
    }

    /// Members, and nodes that only the CIB knows: id, name, whether it is a member.
    fn nodes(&self, cib: &Document) -> Vec<(String, String, bool)> {
        let member = |peer: &Peer| (peer.id.to_string(), peer.name.clone(), true);
        let mut nodes: Vec<_> = self.members.iter().map(member).collect();
        let known = cib.root_element().find(&["configuration", "nodes"]);
        for node in known.iter().flat_map(|n| n.children_named("node")) {
            let (Some(id), Some(name)) = (node.id(), node.attr("uname")) else {
                continue;
            };
            let is_cluster_node = !matches!(node.attr("type"), Some("remote" | "ping"));
            if is_cluster_node && self.members.iter().all(|peer| peer.name != name) {
                nodes.push((id.to_owned(), name.to_owned(), false));
            }
        }
        nodes.sort_by(|a, b| a.1.cmp(&b.1));
        nodes
    }
}

fn list(cluster: &Cluster, live: &mut Live) {
    let cib = live.cib(None).unwrap_or_else(|_| Document::new("cib"));
    for (id, name, is_member) in cluster.nodes(&cib) {
        let state = if is_member { "member" } else { "lost" };
        println!("{id} {name} {state}");
    }
}

/// An id of 0, or one that is no number, is this node's.
fn name_of(id: Option<&str>, cluster: &Cluster, live: &mut Live) -> u8 {
    let id = id.and_then(|text| leading_int(text).ok());
    let id = id.map_or(0, |(number, _)| number);
    if id == 0 {
        println!("{}", cluster.local.name);
        return code::OK;
    }
    let cib = live.cib(None).unwrap_or_else(|_| Document::new("cib"));
    let nodes = cluster.nodes(&cib);
    let Some((_, name, _)) = nodes.iter().find(|(of, _, _)| *of == id.to_string()) else {
        eprintln!("Node is not known to cluster");
        return code::NOHOST;
    };
    println!("{name}");
    code::OK
}

/// Removes a node from the configuration, from the status, and its attributes.
fn remove(name: Option<&str>, cluster: &Cluster, live: &mut Live) -> u8 {
    let name = name.unwrap_or_default();
    // The original removes a member too, which is back a moment later.
    if cluster.members.iter().any(|peer| peer.name == name) {
        eprintln!("error: {name} is a member of the cluster: stop the cluster on it first");
        return code::ERROR;
    }
    for (section, element) in [("nodes", "node"), ("status", "node_state")] {
        let mut given = Document::new(element);
        given.set_attr(given.root(), "uname", name);
        let request = Request {
            section: Some(section),
            input: Some(&given),
            ..Request::default()
        };
        match live.update(Operation::Delete, &request, None) {
            Ok(_) => {}
            Err(failed) if failed.error == crate::cib::Error::NotFound => {}
            Err(failed) => {
                eprintln!(
                    "error: Could not remove {name} from the CIB: {}",
                    failed.error
                );
                return code::ERROR;
            }
        }
    }
    code::OK
}
