//! `crm_mon`: the status of the cluster.
//!
//! ```text
//!  options --Request--> Show, Form     CIB --scheduler::read--> Cluster
//!  Cluster, Show --scheduler::report--> text, HTML, XML --> standard output, a file, the screen
//!  once, or whenever the cluster has changed; then a program may be told what happened
//! ```
//!
//! Source: Pacemaker 2.1.5, `tools/crm_mon.c`; the installed tool.

mod era;
mod events;
mod follow;
mod frame;
mod keys;
mod options;
mod request;
mod screen;
mod sections;
mod status;

use std::process::ExitCode;

use super::applets::{Applet, Args, Kind};
use super::crm::{arguments, code};
use request::Request;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "crm_mon",
    summary: "show the status of the cluster",
    kind: Kind::Tool,
    man: "crm_mon(8)",
    command: options::command,
    run,
};

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let line = match arguments::parse(options::command(), &args) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    if line.has("version") {
        println!("{}", arguments::version_text());
        return Ok(code::OK.into());
    }
    let mut request = match Request::of(&line) {
        Ok(request) => request,
        Err(text) => {
            eprint!("{}\n\ncrm_mon: {text}\n", options::command().render_help());
            return Ok(code::USAGE.into());
        }
    };
    let code = match request.once {
        true => status::show(&request, &line.request),
        false => follow::follow(&mut request, &line.request),
    };
    Ok(code.into())
}
