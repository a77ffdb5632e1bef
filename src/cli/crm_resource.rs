//! `crm_resource`: asks about and changes resources: where they are, what they are made of, where
//! they may be.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_resource*.c`, `lib/pacemaker/pcmk_resource.c`; the
//! installed tool, asked the same things in `tests/oracle`.

mod agents;
mod attribute;
mod clear;
mod constraints;
mod digests;
mod dry_run;
mod fail;
mod history;
mod list;
mod locate;
mod location;
mod options;
mod perform;
mod query;
mod resource_xml;
mod restart;
mod run;
mod wait;
mod why;

pub(super) use perform::run;

use super::applets::{Applet, Kind};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_resource",
    summary: "ask about, move and change resources of the CRM",
    kind: Kind::Tool,
    man: "crm_resource(8)",
    command: options::command,
    run: perform::run,
};
