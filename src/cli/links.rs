//! `everbeat links DIR`: the tools under their own names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Arg, Command, value_parser};

use super::applets::{self, Applet, Kind};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "links",
    summary: "make the links of all tools in a folder",
    kind: Kind::Subcommand,
    man: "everbeat(8)",
    command,
    run,
};

fn command() -> Command {
    Command::new("links")
        .about("Make a link of each tool's own name in DIR, pointing at this program")
        .arg(
            Arg::new("dir")
                .value_name("DIR")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("an existing folder; links of ours that stand there are made anew"),
        )
        .after_help("Example:\n  everbeat links /usr/local/sbin")
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let dir: &PathBuf = matches.get_one("dir").expect("clap requires DIR");
    let program = std::env::current_exe().context("can't find this program's own file")?;
    for applet in applets::all().filter(|a| a.kind == Kind::Tool) {
        link(&program, &dir.join(applet.name))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes `to` a symbolic link to `program`; replaces a link, never a file.
fn link(program: &Path, to: &Path) -> anyhow::Result<()> {
    match to.symlink_metadata() {
        Ok(there) if !there.file_type().is_symlink() => {
            bail!(
                "{} is there and is no link: move it away first",
                to.display()
            )
        }
        Ok(_) => {
            std::fs::remove_file(to).with_context(|| format!("can't replace {}", to.display()))?
        }
        Err(_) => {}
    }
    std::os::unix::fs::symlink(program, to).with_context(|| format!("can't make {}", to.display()))
}
