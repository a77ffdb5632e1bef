//! `crm_attribute`: options of the cluster and attributes of nodes.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_attribute.c`, `lib/cib/cib_attrs.c`; the installed tool,
//! asked the same things in `tests/oracle`.

mod options;
mod perform;
mod place;
mod short;

pub(super) use perform::node_id;
pub use short::{MASTER, STANDBY};

use super::applets::{Applet, Kind};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_attribute",
    summary: "ask for and change options of the CRM and attributes of nodes",
    kind: Kind::Tool,
    man: "crm_attribute(8)",
    command: options::command,
    run: perform::run,
};
