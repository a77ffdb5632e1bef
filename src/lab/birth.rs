//! How a lab's keeper comes to be.
//!
//! ```text
//!  client          makes the folder, writes what is wanted into it
//!    `- bear       a session of its own, a user namespace if need be, the other namespaces
//!         `- keep  first process of the PID namespace: makes the lab, says `ready`, serves
//! ```

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{dup2_stdout, setsid};
use serde::{Deserialize, Serialize};

use super::keeper::{FILES, Keeper};
use super::missing;
use super::spec::Spec;
use super::user_map;

/// The control socket, in the lab's folder.
pub const CONTROL: &str = "control";
const ORDER: &str = "order.json";
const LOG: &str = "log";

/// What a keeper is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Birth {
    /// What to make.
    pub spec: Spec,
    /// End the lab when the process that made it ends.
    pub owned: bool,
    /// The lab needs a user namespace, since its maker may not do without.
    pub user_namespace: bool,
}

/// What the keeper says when all is there.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ready {
    /// Files of the machine that could not be copied to the hosts.
    unread: Vec<PathBuf>,
}

/// A lab that has just been made.
pub struct Born {
    /// Files of the machine that could not be copied to the hosts.
    pub unread: Vec<PathBuf>,
    /// An owned lab ends when this is closed.
    pub lifeline: Option<ChildStdin>,
}

/// Makes the lab in `folder`, an empty one; the caller removes that on an error.
pub fn start(program: &Path, folder: &Path, birth: &Birth) -> Result<Born> {
    fs::create_dir(folder.join(FILES))?;
    fs::write(folder.join(ORDER), serde_json::to_vec(birth)?)?;
    let log = File::create(folder.join(LOG))?;
    let mut child = Command::new(program)
        .args(["lab", "keeper"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .with_context(|| format!("can't start {}", program.display()))?;
    let result = follow(&mut child, birth, folder);
    drop(child.stdin.take());
    child.wait()?;
    result
}

/// Answers the newborn keeper until it is ready.
fn follow(child: &mut Child, birth: &Birth, folder: &Path) -> Result<Born> {
    let mut to = child.stdin.take().context("the keeper has no input")?;
    let from = child.stdout.take().context("the keeper has no output")?;
    for line in BufReader::new(from).lines() {
        let line = line?;
        if line == "unshared" {
            user_map::write(child.id())?;
            to.write_all(b"mapped\n")?;
        } else if let Some(error) = line.strip_prefix("error: ") {
            bail!("{error}");
        } else {
            let ready: Ready = serde_json::from_str(&line).context("the keeper's word")?;
            return Ok(Born {
                unread: ready.unread,
                lifeline: birth.owned.then_some(to),
            });
        }
    }
    let log = fs::read_to_string(folder.join(LOG)).unwrap_or_default();
    Err(anyhow!("the lab's keeper ended: {}", log.trim()))
}

/// Runs between the client and the keeper: makes the namespaces.
pub fn bear(folder: &Path) -> Result<()> {
    let result = bear_or_say(folder);
    if let Err(error) = &result {
        println!("error: {error:#}");
    }
    result
}

fn bear_or_say(folder: &Path) -> Result<()> {
    let birth = read_order(folder)?;
    setsid().context("can't make a session")?;
    if birth.user_namespace {
        unshare(CloneFlags::CLONE_NEWUSER).map_err(missing::user_namespace)?;
        println!("unshared");
        std::io::stdout().flush()?;
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        if line != "mapped\n" {
            bail!("the user namespace was given no users");
        }
    }
    let others = CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWIPC;
    unshare(others).map_err(|e| missing::namespaces(e, birth.user_namespace))?;
    let program = std::env::current_exe().context("can't find this program's own file")?;
    Command::new(program)
        .args(["lab", "keeper", "--inside"])
        .arg(folder)
        .spawn()
        .context("can't start the keeper")?;
    Ok(())
}

fn read_order(folder: &Path) -> Result<Birth> {
    let order = fs::read(folder.join(ORDER)).with_context(|| {
        format!(
            "{} is no lab: `everbeat lab up` makes one",
            folder.display()
        )
    })?;
    Ok(serde_json::from_slice(&order)?)
}

/// Runs as the keeper, until the lab is down.
pub fn keep(folder: &Path) -> Result<()> {
    if nix::unistd::getpid().as_raw() != 1 {
        bail!("this is the keeper of a lab; `everbeat lab up` starts it");
    }
    let birth = read_order(folder)?;
    let made = make(folder, &birth);
    let (mut keeper, control, power) = match made {
        Ok(all) => all,
        Err(error) => {
            println!("error: {error:#}");
            return Err(error);
        }
    };
    let null = File::options().write(true).open("/dev/null")?;
    dup2_stdout(null)?;
    let stdin = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let owner = birth.owned.then_some(&stdin);
    let served = keeper.serve(&control, &power, owner);
    keeper.end();
    served
}

fn make(folder: &Path, birth: &Birth) -> Result<(Keeper, UnixListener, UnixListener)> {
    let (mut keeper, unread) = Keeper::make(folder, birth).map_err(missing::mounts)?;
    let listen = |at: &Path| {
        UnixListener::bind(at)
            .with_context(|| format!("can't listen on {} (is it too long?)", at.display()))
    };
    let power = listen(&folder.join(FILES).join("lab/power"))?;
    let control = listen(&folder.join(CONTROL))?;
    let said = serde_json::to_string(&Ready { unread })?;
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{said}").and_then(|()| out.flush()).is_err() {
        // Whoever wanted the lab was stopped meanwhile.
        keeper.end();
        bail!("nobody waits for this lab");
    }
    Ok((keeper, control, power))
}
