//! `meatclient`: says that a person has reset a machine.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, Command};

use super::applets::{self, Applet, Kind};
use crate::agents::stonith::{Confirmation, MEATWARE_DIR, confirm};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "meatclient",
    summary: "confirm that a machine was reset by hand (STONITH meatware)",
    kind: Kind::Tool,
    man: "meatclient(8)",
    command,
    run,
};

/// How often `-w` looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

fn command() -> Command {
    Command::new("meatclient")
        .about("Confirm that you have reset a machine that the cluster waits for")
        .arg(
            Arg::new("node")
                .short('c')
                .value_name("NODE")
                .required(true)
                .help("the machine"),
        )
        .arg(
            Arg::new("wait")
                .short('w')
                .action(ArgAction::SetTrue)
                .help("wait until a confirmation is asked for, and give it without a question"),
        )
        .after_help("Example:\n  meatclient -c node2")
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let node: &String = matches.get_one("node").expect("clap requires it");
    let folder = Path::new(MEATWARE_DIR);
    let wait = matches.get_flag("wait");
    if !wait {
        let pipe = folder.join(format!("meatware.{}", node.to_lowercase()));
        if !pipe.exists() {
            bail!(
                "nobody waits for a reset of {node} ({} is not there)",
                pipe.display()
            );
        }
        if !ask(node)? {
            println!("Meatware_client: operation canceled.");
            return Ok(ExitCode::FAILURE);
        }
    }
    loop {
        match confirm(folder, node).with_context(|| format!("can't confirm {node}"))? {
            Confirmation::Given => break,
            Confirmation::NobodyWaits if wait => std::thread::sleep(LOOK_INTERVAL),
            Confirmation::NobodyWaits => bail!("nobody waits for a reset of {node} any more"),
        }
    }
    println!("Meatware_client: reset confirmed.");
    Ok(ExitCode::SUCCESS)
}

fn ask(node: &str) -> std::io::Result<bool> {
    print!(
        "\nWARNING!\n\nIs {node} switched off, or was it reset by hand just now? If it still \
         runs, it and the node that takes\nits resources will both write to what they share.\n\n\
         PROCEED? [yN] "
    );
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    println!();
    Ok(answer.trim_start().starts_with(['y', 'Y']))
}
