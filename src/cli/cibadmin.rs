//! `cibadmin`: asks for and changes the configuration as XML.
//!
//! Options, texts and exit codes are those of Pacemaker 2.1.5; scripts, crmsh and pcs read them.

mod access;
mod options;
mod run;

use super::applets::{Applet, Kind};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "cibadmin",
    summary: "query and change the cluster's configuration as XML",
    kind: Kind::Tool,
    man: "cibadmin(8)",
    command: options::command,
    run: run::run,
};
