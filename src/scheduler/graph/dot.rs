//! The transition as a picture for graphviz.
//! Source: Pacemaker 2.1.5, `write_sim_dotfile`.

use crate::scheduler::model::arena::ActionId;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::order::Order;
use crate::scheduler::model::*;

impl Cluster<'_> {
    /// Writes the picture; with all actions, also those that aren't needed.
    pub fn dot(&self, all: bool) -> String {
        let mut out = String::from(" digraph \"g\" {\n");
        for action in self.newest_first() {
            self.dot_action(action, all, &mut out);
        }
        for action in self.newest_first() {
            for &link in &self.actions[action].before {
                self.dot_link(action, &self.links[link], all, &mut out);
            }
        }
        out.push_str("}\n");
        out
    }

    /// What an action is called in the picture.
    fn dot_name(&self, action: ActionId) -> String {
        let a = &self.actions[action];
        let host = match a.node {
            Some(node) => format!(" {}", self.nodes[node].name),
            None if a.pseudo => String::new(),
            None => " <none>".to_owned(),
        };
        let prefix = if &*a.task == "cancel" { "Cancel " } else { "" };
        let alt_name = a.resource.and_then(|r| self.resources[r].alt_name.as_ref());
        let meta = |name: &str| a.meta.get(name).map_or("", |v| &**v);
        if let Some(name) = alt_name {
            let key = if matches!(&*a.task, "notify" | "notified") {
                let (kind, task) = (meta("notify_key_type"), meta("notify_key_operation"));
                format!("{name}_{kind}_notify_{task}_0")
            } else {
                let task = a.cancel_task.as_ref().unwrap_or(&a.task);
                let interval = a.meta.get("interval").map_or("0", |i| &**i);
                format!("{name}_{task}_{interval}")
            };
            return format!("{prefix}{key}{host}");
        }
        if &*a.task == "stonith" {
            return format!("stonith '{}'{host}", meta("stonith_action"));
        }
        if a.resource.is_none() && !host.is_empty() {
            return format!("{}{host}", a.task);
        }
        format!("{prefix}{}{host}", a.key)
    }

    fn dot_action(&self, action: ActionId, all: bool, out: &mut String) {
        let a = &self.actions[action];
        let unmanaged = a.resource.is_some_and(|r| !self.resources[r].managed);
        let mut font = if a.pseudo { "orange" } else { "black" };
        let mut style = "dashed";
        let color = if a.dumped {
            style = "bold";
            "green"
        } else if unmanaged {
            if !all {
                return;
            }
            font = "purple";
            "red"
        } else if a.optional {
            if !all {
                return;
            }
            "blue"
        } else {
            "red"
        };
        let name = self.dot_name(action);
        out.push_str(&format!(
            "\"{name}\" [ style={style} color=\"{color}\" fontcolor=\"{font}\"]\n"
        ));
    }

    fn is_shown(&self, action: ActionId, all: bool) -> bool {
        let a = &self.actions[action];
        let managed = a.resource.is_none_or(|r| self.resources[r].managed);
        a.dumped || all || (managed && !a.optional)
    }

    fn dot_link(&self, then: ActionId, link: &Link, all: bool, out: &mut String) {
        let style = if link.used {
            "bold"
        } else if link.order.is_none() {
            return;
        } else {
            "dashed"
        };
        let both = self.is_shown(link.first, all) && self.is_shown(then, all);
        if link.used || all || (both && link.order != Order::LOAD) {
            let (from, to) = (self.dot_name(link.first), self.dot_name(then));
            out.push_str(&format!("\"{from}\" -> \"{to}\" [ style = {style}]\n"));
        }
    }
}
