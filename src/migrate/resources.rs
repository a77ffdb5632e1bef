//! haresources to groups.

use super::agents::{self, Found, Translated};
use super::inputs::NodeFiles;
use super::names::Names;
use super::wanted::{Group, Primitive};
use crate::config::haresources;
use crate::config::host::Host;
use crate::ids::NodeName;

/// A group, and what is to be said of its line.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) group: Group,
    pub(super) became: String,
    pub(super) changes: Vec<String>,
    pub(super) decide: Vec<String>,
}

/// Where scripts are on the nodes.
pub(super) struct Scripts<'a> {
    pub(super) inputs: &'a [NodeFiles],
    pub(super) host: &'a dyn Host,
}

impl Scripts<'_> {
    fn find(&self, script: &str) -> Found {
        let there = |path: String| self.host.exists(path.as_ref());
        if self.inputs.iter().any(|i| i.scripts.contains(script)) {
            return Found::ResourceD;
        }
        let unit = ["/etc/systemd/system", "/lib/systemd/system"]
            .iter()
            .any(|dir| there(format!("{dir}/{script}.service")) == Some(true));
        let init = there(format!("/etc/init.d/{script}")) == Some(true);
        if unit && !init {
            Found::Unit
        } else {
            Found::InitD
        }
    }
}

/// The group of a line.
pub(super) fn group(
    line: &haresources::Group,
    nodes: &[NodeName],
    scripts: &Scripts<'_>,
    names: &mut Names,
) -> Made {
    let id = names.unique(&format!("group-{}", line.node));
    let known = nodes.contains(&line.node);
    let mut made = Made {
        group: Group {
            id: id.clone(),
            members: Vec::new(),
            node: known.then(|| line.node.clone()),
        },
        became: String::new(),
        changes: Vec::new(),
        decide: Vec::new(),
    };
    if !known {
        made.decide.push(format!(
            "{} is no node of ha.cf: heartbeat starts the group nowhere by itself, the cluster on \
             any node; correct the name",
            line.node
        ));
    }
    for resource in &line.resources {
        let Translated {
            agent,
            params,
            name,
            changes,
            decide,
        } = agents::translate(resource, scripts.find(&resource.script));
        // Scripts keep to heartbeat's habit: nothing asks them while they run.
        let monitor = (agent.class == "ocf").then_some((10, 40));
        made.changes.extend(changes);
        made.decide
            .extend(decide.map(|d| format!("{}: {d}", resource.as_written)));
        made.group.members.push(Primitive {
            id: names.unique(&name),
            agent,
            params,
            monitor,
        });
    }
    let members = made.group.members.iter();
    let members: Vec<_> = members.map(|m| format!("{} ({})", m.id, m.agent)).collect();
    made.became = format!("group {id}: {}", members.join(", "));
    made
}
