//! `hb_standby`, `hb_takeover`, `hb_addnode`, `hb_delnode`, `hb_setweight`, `hb_setsite`: orders
//! to the running daemon.
//!
//! everbeat is asked through its control socket and says whether it does it. A real heartbeat
//! gets the message that its own tools write into its FIFO; it never answers.
//!
//! Source: heartbeat 3.0.6, the shell tools of these names; `spec/heartbeat-v1.md` section 1.3.
//! Differs: with heartbeat stopped the originals hang or leave a plain file in place of the
//! FIFO, ours say so and exit 1. `--help` exits 0.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::Command;

use super::applets;
use super::control::Control;
use super::fifo_message;
use crate::daemons::control::{Reply, Request, SOCKET};
use crate::wire::heartbeat::Message;

mod node_list;
mod node_value;
mod side;

pub use node_list::{ADDNODE, DELNODE};
pub use node_value::{SETSITE, SETWEIGHT};
pub use side::{STANDBY, TAKEOVER};

/// Wrong use: the originals exit 1.
fn wrong_use(usage: &str) -> ExitCode {
    eprintln!("{usage}");
    ExitCode::FAILURE
}

/// The operands as text; `None` after `--help` was printed.
fn operands(command: &mut Command, args: &applets::Args) -> anyhow::Result<Option<Vec<String>>> {
    if args.first().is_some_and(|a| a == "--help" || a == "-h") {
        command.print_help()?;
        return Ok(None);
    }
    Ok(Some(super::getopt::text(args)))
}

/// Hands the order to whatever runs here.
fn deliver(request: &Request, message: &Message) -> anyhow::Result<ExitCode> {
    if let Some(mut control) = Control::open(Path::new(SOCKET))? {
        return match control.ask(request)? {
            Reply::Refused { why } => bail!("refused: {why}"),
            Reply::Accepted { text } => {
                if !text.is_empty() {
                    println!("{text}");
                }
                Ok(ExitCode::SUCCESS)
            }
            Reply::Report(_) => bail!("the daemon answered with a report"),
        };
    }
    fifo_message::send(Path::new(fifo_message::FIFO), message)?;
    Ok(ExitCode::SUCCESS)
}
