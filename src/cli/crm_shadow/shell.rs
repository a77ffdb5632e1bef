//! The shell or the editor in which a copy is worked on.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::Failure;
use super::options::Asked;
use crate::cli::crm::code;

/// Starts a shell that works on the copy, or says how to.
pub(super) fn enter(asked: &Asked, name: &str, what: &str) -> Result<u8, Failure> {
    println!("Setting up shadow instance");
    if asked.batch {
        let joint = match what.ends_with(',') {
            true => " paste the following into your shell:",
            false => "  To begin using it paste the following into your shell:",
        };
        println!("{what}{joint}\n  CIB_shadow={name} ; export CIB_shadow");
        return Ok(code::OK);
    }
    println!("Type Ctrl-D to exit the crm_shadow shell");
    let _ = std::io::stdout().flush();
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
    let mut command = Command::new(&shell);
    if shell.ends_with("/bash") {
        command.args(["--norc", "--noprofile"]);
    }
    let short: String = name.chars().take(40).collect();
    let error = command
        .env("PS1", format!("shadow[{short}] # "))
        .env("CIB_shadow", name)
        .exec();
    Err((
        format!("{shell} could not be started: {error}"),
        code::ERROR,
    ))
}

/// Says how to leave a copy that is gone.
pub(super) fn leave(asked: &Asked, name: &str, active: Option<&str>) {
    let in_shell = !asked.batch && active == Some(name);
    if in_shell && std::env::var("PS1").is_ok_and(|prompt| prompt.starts_with("shadow[")) {
        println!("Now type Ctrl-D to exit the crm_shadow shell");
        return;
    }
    println!(
        "Please remember to unset the CIB_shadow variable by pasting the following into your \
         shell:\n  unset CIB_shadow"
    );
}

/// Opens a file in the user's editor.
pub(super) fn edit(path: &Path) -> Result<u8, Failure> {
    let Ok(editor) = std::env::var("EDITOR") else {
        let message = "No value for EDITOR defined: set it to the editor that you use";
        return Err((message.into(), code::ERROR));
    };
    match Command::new("sh")
        .arg("-c")
        .arg("exec $EDITOR \"$1\"")
        .arg("sh")
        .arg(path)
        .status()
    {
        Ok(status) if status.success() => Ok(code::OK),
        Ok(status) => Err((format!("{editor}: {status}"), code::ERROR)),
        Err(error) => Err((
            format!("{editor} could not be started: {error}"),
            code::ERROR,
        )),
    }
}
