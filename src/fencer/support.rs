//! What an agent says it can do.
//!
//! Source: spec crm-runtime.md section 9; fence-agents 4.12, `metadata`; pacemaker 2.1.5,
//! pacemaker-fenced.

use crate::cib::reader;

/// What an agent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Support {
    /// It knows `reboot`; otherwise `off` stands for it.
    pub reboot: bool,
    /// It knows `on`.
    pub on: bool,
    /// It can list what it can fence.
    pub list: bool,
    /// It can tell whether a port is on.
    pub status: bool,
    /// A node has to be let in by it before its resources run there.
    pub automatic: bool,
    /// Only the node itself can do `on`.
    pub on_target: bool,
    /// Its port is called `plug`, and `port` isn't known.
    pub plug: bool,
}

impl Default for Support {
    /// Of an agent that can't speak about itself.
    fn default() -> Self {
        Self {
            reboot: true,
            on: true,
            list: false,
            status: true,
            automatic: false,
            on_target: false,
            plug: false,
        }
    }
}

impl Support {
    /// Of cluster-glue's plugins: all of them list their hosts.
    pub(super) const PLUGIN: Self = Self {
        reboot: true,
        on: true,
        list: true,
        status: false,
        automatic: false,
        on_target: false,
        plug: false,
    };

    /// Of the watchdogs of all nodes.
    pub(super) const WATCHDOG: Self = Self {
        reboot: true,
        on: false,
        list: false,
        status: false,
        automatic: false,
        on_target: false,
        plug: false,
    };

    /// Reads what an agent prints; none if it can't be read.
    pub fn read(metadata: &str) -> Option<Self> {
        let doc = reader::read(metadata.trim_start()).ok()?;
        let root = doc.root_element();
        let of = |parent: &str, child: &'static str| {
            let parent = root.child(parent).into_iter();
            parent.flat_map(move |parent| parent.children_named(child))
        };
        let action = |name: &str| of("actions", "action").find(|a| a.attr("name") == Some(name));
        let is_set = |attribute: &str| {
            action("on").is_some_and(|on| matches!(on.attr(attribute), Some("1" | "true" | "yes")))
        };
        let parameter =
            |name: &str| of("parameters", "parameter").any(|p| p.attr("name") == Some(name));
        Some(Self {
            reboot: action("reboot").is_some(),
            on: action("on").is_some(),
            list: action("list").is_some(),
            status: action("status").is_some(),
            automatic: is_set("automatic") || is_set("required"),
            on_target: is_set("on_target"),
            plug: parameter("plug") && !parameter("port"),
        })
    }
}
