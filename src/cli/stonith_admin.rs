//! `stonith_admin`: fence devices and agents, fencing by hand, and its history.
//!
//! ```text
//!  options --Job--> what of this machine's agents      fence_agents
//!                   what of the cluster's fencer       Live, one question and its answer
//!  both --> Output: text, HTML, XML
//! ```
//!
//! Source: Pacemaker 2.1.5, `tools/stonith_admin.c`, `lib/pacemaker/pcmk_fence.c`; the installed
//! tool, beside a cluster of one node too.

mod agents;
mod fence;
mod history;
mod options;
mod registry;
mod run;

use super::applets::{Applet, Kind};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "stonith_admin",
    summary: "fence nodes by hand, ask about fence devices and what was fenced",
    kind: Kind::Tool,
    man: "stonith_admin(8)",
    command: options::command,
    run: run::run,
};
