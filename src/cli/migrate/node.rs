//! `everbeat migrate node`: what the one that carries a migration out asks of each node.
//!
//! Each verb may be asked again: what is done already stays done.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Arg, ArgMatches};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::super::control::Control;
use super::facts::{Facts, Share, Software};
use super::{files, guard, held, service};
use crate::config::ha_cf::{self, CrmMode};
use crate::config::haresources;
use crate::config::host::{Host, ThisHost};
use crate::config::identity::write_atomically;
use crate::config::source::Source;
use crate::daemons::control::{Reply, Request, SOCKET};

/// Where a migration keeps what it needs, on each node.
pub(super) const FOLDER: &str = "/var/lib/heartbeat/migration";
/// What was there before.
const BEFORE: &str = "before";
/// The CRM's files. Source: Pacemaker 2.1.5, `CRM_CONFIG_DIR`
const CIB: &str = "/var/lib/pacemaker/cib";
const COROSYNC: &str = "/etc/corosync";
const HA_CF: &str = "/etc/ha.d/ha.cf";
const HARESOURCES: &str = "/etc/ha.d/haresources";
/// ha.cf under this name is none for the daemon.
const HA_CF_AWAY: &str = "/etc/ha.d/ha.cf.before-migration";
/// More can't be a plan's files.
const STDIN_BYTES_MAX: u64 = 16 << 20;

/// Files for a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Files {
    /// corosync.conf.
    pub(super) corosync_conf: String,
    /// The ring's key.
    pub(super) authkey: Vec<u8>,
}

/// The hidden command.
pub(super) fn command() -> clap::Command {
    clap::Command::new("node")
        .hide(true)
        .about("On a node: one step")
        .arg(Arg::new("verb").required(true).value_parser([
            "facts",
            "everbeat",
            "quit",
            "heartbeat",
            "put",
            "restore",
            "ring",
            "unring",
            "switch",
            "unswitch",
            "guard",
            "guard-asks",
            "guard-claims",
            "unguard",
            "hold",
            "release",
            "leave",
            "return",
            "join",
        ]))
        .arg(Arg::new("run").value_name("MIGRATION/NUMBER"))
}

/// Does it.
pub(super) fn run(matches: &ArgMatches) -> Result<ExitCode> {
    let _turn = match matches.get_one::<String>("run") {
        Some(run) => Some(take_turn(Path::new(FOLDER), run)?),
        None => None,
    };
    match matches.get_one::<String>("verb").map_or("", String::as_str) {
        "facts" => println!("{}", serde_json::to_string(&facts()?)?),
        "everbeat" => everbeat()?,
        "quit" => service::stop_heartbeat()?,
        "heartbeat" => heartbeat()?,
        "put" => put(&serde_json::from_slice(&stdin()?)?)?,
        "restore" => restore()?,
        "ring" if service::ring_runs() => {}
        "ring" => service::start_ring()?,
        "unring" => service::stop_ring()?,
        "switch" => switch()?,
        "unswitch" => unswitch()?,
        "guard" => guard::prepare(&serde_json::from_slice::<Vec<String>>(&stdin()?)?, ha_cf())?,
        "guard-asks" => return guard::run(false),
        "guard-claims" => return guard::run(true),
        "unguard" => guard::end()?,
        "hold" => ask(&Request::Hold {
            absent: guard::absent()?,
        })?,
        "join" => join()?,
        "release" => ask(&Request::Release)?,
        "leave" => leave()?,
        "return" => go_back()?,
        other => bail!("no verb {other}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// One step at a time, and none of a run that was ended: a command that it sent may still be on
/// its way, and would undo what the next one did.
///
/// Errors: a later run of the same migration was here already.
fn take_turn(folder: &Path, run: &str) -> Result<Flock<fs::File>> {
    let name = folder.display();
    fs::create_dir_all(folder).with_context(|| name.to_string())?;
    let lock = fs::File::create(folder.join("lock")).with_context(|| name.to_string())?;
    let lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, why)| why);
    let lock = lock.with_context(|| format!("{name}/lock"))?;
    let file = folder.join("run");
    let last = fs::read_to_string(&file).unwrap_or_default();
    if is_late(&last, run) {
        bail!("this was asked by an apply or abort that has ended: nothing is done");
    }
    write_atomically(&file, run.as_bytes(), 0o644).with_context(|| file.display().to_string())?;
    Ok(lock)
}

/// Whether `run` is an earlier one of the migration of `last`.
fn is_late(last: &str, run: &str) -> bool {
    let parts = |text: &str| {
        let (id, number) = text.trim().split_once('/')?;
        Some((id.to_owned(), number.parse::<u32>().ok()?))
    };
    match (parts(last), parts(run)) {
        (Some((a, last)), Some((b, now))) => a == b && now < last,
        _ => false,
    }
}

fn stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock().take(STDIN_BYTES_MAX);
    stdin.read_to_end(&mut bytes).context("can't read stdin")?;
    Ok(bytes)
}

fn facts() -> Result<Facts> {
    let host = ThisHost::new(Path::new(files::HA_D));
    let (software, program, report) = service::heartbeat()?;
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let switched = !Path::new(HA_CF).exists() && Path::new(HA_CF_AWAY).exists();
    let ha_cf = fs::read_to_string(ha_cf()).unwrap_or_default();
    let (model, _) = ha_cf::read_all(&Source::new(HA_CF, &ha_cf), &host);
    let haresources = text(HARESOURCES);
    let crm = model.crm != CrmMode::Off;
    Ok(Facts {
        runs: match crm {
            true => BTreeMap::new(),
            false => shares(&haresources)?,
        },
        name: host.node_name().map(|n| n.to_string()).unwrap_or_default(),
        software,
        program,
        report,
        ring: service::ring_runs(),
        crm,
        ha_cf,
        haresources,
        switched,
    })
}

/// ha.cf, whether it is put away or not.
fn ha_cf() -> &'static Path {
    let [usual, away] = [HA_CF, HA_CF_AWAY].map(Path::new);
    if usual.exists() || !away.exists() {
        usual
    } else {
        away
    }
}

/// How much of each group runs here.
fn shares(haresources: &str) -> Result<BTreeMap<String, Share>> {
    let (groups, _) = haresources::read_all(&Source::new(HARESOURCES, haresources));
    let program = std::env::current_exe().context("can't find this program's own file")?;
    let share = |group: &haresources::Group| {
        let asked = Command::new(&program)
            .args(["ResourceManager", "statgroup", group.key()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .context("ResourceManager statgroup")?;
        let share = match String::from_utf8_lossy(&asked.stdout).trim() {
            "ALL" => Share::All,
            "NONE" => Share::None,
            _ => Share::Some,
        };
        Ok((group.key().to_owned(), share))
    };
    groups.groups.iter().map(share).collect()
}

/// heartbeat ends on a node that was absent: the others have everything.
fn join() -> Result<()> {
    if let (Software::Heartbeat, program, report) = service::heartbeat()? {
        keep_original(program)?;
        if report.is_none() {
            let facts = facts()?;
            let host = ThisHost::new(Path::new(files::HA_D));
            let (model, _) = ha_cf::read_all(&Source::new(HA_CF, &facts.ha_cf), &host);
            held::end(&facts, model.watchdog.is_some())?;
        }
    }
    service::stop_heartbeat()
}

fn keep_original(program: Option<PathBuf>) -> Result<()> {
    let program = program.context("can't tell where heartbeat's program is")?;
    fs::create_dir_all(FOLDER).context(FOLDER)?;
    let text = program.display().to_string();
    write_atomically(&original(), text.as_bytes(), 0o644).context(FOLDER)
}

/// everbeat takes heartbeat's place; what heartbeat's program was is kept.
fn everbeat() -> Result<()> {
    match service::heartbeat()? {
        (Software::Everbeat, ..) => return Ok(()),
        (Software::Heartbeat, program, _) => {
            keep_original(program)?;
            service::stop_heartbeat()?;
        }
        (Software::None, ..) => {}
    }
    service::start_everbeat()
}

/// heartbeat itself again, if that was here; else everbeat goes on.
///
/// What is on hold leaves its resources, and heartbeat finds them: both is done here and not by
/// the one who asks, who may fall in between.
fn heartbeat() -> Result<()> {
    let program = match fs::read_to_string(original()) {
        Ok(program) => PathBuf::from(program),
        Err(e) if e.kind() == ErrorKind::NotFound => return go_back(),
        Err(e) => return Err(e).with_context(|| original().display().to_string()),
    };
    if !matches!(service::heartbeat()?, (Software::Heartbeat, ..)) {
        service::stop_heartbeat()?;
        service::start_original(&program)?;
    }
    fs::remove_file(original()).context(FOLDER)
}

fn original() -> PathBuf {
    Path::new(FOLDER).join("heartbeat-program")
}

/// Keeps what was there, then writes the ring's files.
fn put(new: &Files) -> Result<()> {
    let before = Path::new(FOLDER).join(BEFORE);
    if !before.exists() {
        let making = Path::new(FOLDER).join("before.new");
        let _ = fs::remove_dir_all(&making);
        fs::create_dir_all(&making).with_context(|| making.display().to_string())?;
        for name in ["corosync.conf", "authkey"] {
            copy(&Path::new(COROSYNC).join(name), &making.join(name))?;
        }
        for name in ["ha.cf", "haresources", "authkeys"] {
            copy(&Path::new(files::HA_D).join(name), &making.join(name))?;
        }
        let note = "What stood on this node before its migration from heartbeat.\n\
                    everbeat migrate abort, on the node where apply ran, goes back to it.\n\
                    By hand: stop everbeatd, move ha.cf back to /etc/ha.d and corosync.conf back\n\
                    to /etc/corosync (or away, if there is none here), start heartbeat.\n";
        write_atomically(&making.join("README"), note.as_bytes(), 0o644)?;
        fs::rename(&making, &before).context(FOLDER)?;
    }
    // The CIB of another time must not start anything; the ring's is loaded later.
    let cib = before.join("cib");
    if Path::new(CIB).is_dir() && !cib.exists() && !service::ring_runs() {
        move_folder(Path::new(CIB), &cib)?;
    }
    fs::create_dir_all(COROSYNC).context(COROSYNC)?;
    let conf = Path::new(COROSYNC).join("corosync.conf");
    write_atomically(&conf, new.corosync_conf.as_bytes(), 0o644).context(COROSYNC)?;
    let key = Path::new(COROSYNC).join("authkey");
    write_atomically(&key, &new.authkey, 0o400).context(COROSYNC)
}

/// What [`put`] kept, back in its places.
fn restore() -> Result<()> {
    let before = Path::new(FOLDER).join(BEFORE);
    if !before.exists() {
        return Ok(());
    }
    for (name, mode) in [("corosync.conf", 0o644), ("authkey", 0o400)] {
        let to = Path::new(COROSYNC).join(name);
        match fs::read(before.join(name)) {
            Ok(bytes) => write_atomically(&to, &bytes, mode).context(COROSYNC)?,
            Err(e) if e.kind() == ErrorKind::NotFound => gone(&to)?,
            Err(e) => return Err(e).context(FOLDER),
        }
    }
    let cib = before.join("cib");
    let ours = Path::new(FOLDER).join("cib-of-the-ring");
    if Path::new(CIB).is_dir() && !ours.exists() {
        move_folder(Path::new(CIB), &ours)?;
    }
    if cib.is_dir() {
        move_folder(&cib, Path::new(CIB))?;
    }
    let _ = fs::remove_dir_all(&ours);
    fs::remove_dir_all(&before).context(FOLDER)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    match fs::read(from) {
        Ok(bytes) => write_atomically(to, &bytes, 0o600),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
    .with_context(|| from.display().to_string())
}

/// The files of a folder; it stays itself, with its owner and mode.
fn move_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            let to = to.join(entry.file_name());
            fs::rename(entry.path(), &to).with_context(|| to.display().to_string())?;
        }
    }
    Ok(())
}

fn gone(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e).context(path.display().to_string()),
        _ => Ok(()),
    }
}

/// From now on this host is a node on a ring, also after a boot.
fn switch() -> Result<()> {
    if Path::new(HA_CF).exists() {
        fs::rename(HA_CF, HA_CF_AWAY).context(HA_CF)?;
    }
    service::at_boot(true)
}

fn unswitch() -> Result<()> {
    if !Path::new(HA_CF).exists() && Path::new(HA_CF_AWAY).exists() {
        fs::rename(HA_CF_AWAY, HA_CF).context(HA_CF)?;
    }
    service::at_boot(false)
}

fn ask(request: &Request) -> Result<()> {
    let Some(mut control) = Control::open(Path::new(SOCKET))? else {
        // It fell or was ended: nothing of it can act.
        return Ok(());
    };
    match control.ask(request) {
        Ok(Reply::Refused { why }) => bail!("{why}"),
        Ok(_) => Ok(()),
        // It executes itself again, and the answer was lost with its socket.
        Err(_) if *request == Request::Release => Ok(()),
        Err(why) => Err(why),
    }
}

/// Ends a daemon on hold; its resources stay.
fn leave() -> Result<()> {
    match service::heartbeat()? {
        (_, _, Some(report)) if report.guard.is_some() => return Ok(()),
        (_, _, Some(report)) if !report.on_hold => {
            bail!("the daemon isn't on hold: it would stop its resources")
        }
        _ => service::stop_heartbeat()?,
    }
    match guard::is_wanted() {
        true => guard::await_running(),
        false => Ok(()),
    }
}

/// everbeat in heartbeat's part takes up again what runs here.
fn go_back() -> Result<()> {
    guard::end()?;
    match service::heartbeat()? {
        (_, _, Some(report)) if report.on_hold => ask(&Request::Release),
        (Software::None, ..) => service::start_everbeat(),
        _ => Ok(()),
    }
}

/// Writes a line at once.
pub(super) fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush().context("can't write")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_ended_run_asked_comes_too_late() {
        let dir = tempfile::tempdir().unwrap();
        let turn = |run: &str| take_turn(dir.path(), run).map(drop);
        turn("a1/1").unwrap();
        turn("a1/2").unwrap();
        turn("a1/2").unwrap();
        let error = turn("a1/1").unwrap_err().to_string();
        assert!(error.contains("has ended"), "{error}");
        turn("b7/1").expect("another migration");
    }
}
