//! `everbeat migrate apply`, `status` and `abort`: the plan, live.

use std::fs;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::crm;
use super::facts::{Facts, Software, unheld};
use super::node::{self, FOLDER, Files};
use super::reach::{Reach, SSH};
use super::walk::{Walk, Wanted, unsettled};
use crate::config::authkey;
use crate::config::corosync_conf;
use crate::config::diagnostic::Severity;
use crate::config::host::{Host, ThisHost};
use crate::config::identity::write_atomically;
use crate::config::source::Source;
use crate::migrate::way::{Journal, Step, VERSION};

/// The plan's files, kept beside the journal.
const PLAN: &str = "plan";
const JOURNAL: &str = "journal.json";

fn journal_arg() -> Arg {
    Arg::new("journal")
        .long("journal")
        .value_name("DIR")
        .value_parser(value_parser!(PathBuf))
        .default_value(FOLDER)
        .help("folder of the journal")
}

fn yes_arg() -> Arg {
    let help = "don't ask before anything is changed";
    Arg::new("yes")
        .long("yes")
        .short('y')
        .action(ArgAction::SetTrue)
        .help(help)
}

/// `apply`.
pub(super) fn apply_command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new("apply")
        .about("Carry a plan out on the running cluster, or go on with it")
        .arg(
            Arg::new("plan")
                .long("plan")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("corosync.conf, authkey and cib.xml, from plan --output; only to begin"),
        )
        .arg(
            Arg::new("via")
                .long("via")
                .value_name("COMMAND")
                .default_value(SSH)
                .help("how to run a command on another node, {} is its name"),
        )
        .arg(
            Arg::new("program")
                .long("program")
                .value_name("PATH")
                .help("everbeat on the other nodes [default: where it is on this one]"),
        )
        .arg(flag(
            "elsewhere",
            "none of the nodes is this host, whatever its name: reach all of them by --via",
        ))
        .arg(
            Arg::new("without")
                .long("without")
                .value_name("NODE")
                .action(ArgAction::Append)
                .help("begin without NODE, which has no power; apply takes it in when it is back"),
        )
        .arg(flag(
            "accept-actions",
            "the CRM may start, move or stop resources as soon as it has them",
        ))
        .arg(flag(
            "dry-run",
            "look at the nodes, show the steps, change nothing",
        ))
        .arg(yes_arg())
        .arg(journal_arg())
        .after_help(
            "Killed, or stopped by an error, it goes on where it was when it is called again.\n\
             Exit status: 0 done, 1 stopped, the cluster works and apply or abort goes on, \
             2 nothing was begun.\n\n\
             Examples:\n  \
             everbeat migrate apply --plan plan --dry-run\n  \
             everbeat migrate apply --plan plan\n  \
             everbeat migrate apply                 go on",
        )
}

/// `status`.
pub(super) fn status_command() -> Command {
    let about = "Show how far apply or abort is";
    Command::new("status")
        .about(about)
        .arg(journal_arg())
        .after_help(
            "Exit status: 0 nothing is under way, 1 something is, 2 the journal can't be read.\n\n\
         Examples:\n  everbeat migrate status",
        )
}

/// `abort`.
pub(super) fn abort_command() -> Command {
    let about = "Go back to where the cluster was before apply, from any step of it";
    Command::new("abort")
        .about(about)
        .arg(yes_arg())
        .arg(journal_arg())
        .after_help(
            "Exit status: 0 done, 1 stopped, abort goes on, 2 there is nothing to go back from.\n\n\
         Examples:\n  everbeat migrate abort",
        )
}

/// How it ended.
fn ended(done: Result<()>, next: &str) -> Result<ExitCode> {
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("migrate: {error:#}");
            eprintln!("migrate: {next}");
            Ok(ExitCode::from(1))
        }
    }
}

/// Begins or goes on.
pub(super) fn apply(matches: &ArgMatches) -> Result<ExitCode> {
    let folder = folder(matches);
    let mut walk = match journal(&folder)? {
        Some(journal) => {
            if journal.back.as_ref().is_some_and(|(s, n)| *n < s.len()) {
                bail!("an abort is under way: everbeat migrate abort goes on with it");
            }
            if matches.contains_id("without") && journal.back.is_none() {
                bail!("--without: only to begin; this migration is under way");
            }
            if let (None, true) = (&journal.back, journal.rest().is_empty()) {
                bail!("it is done already; everbeat migrate abort goes back");
            }
            match journal.back {
                None => again(&folder, journal)?,
                Some(_) => first(&folder, matches)?,
            }
        }
        None => first(&folder, matches)?,
    };
    if matches.get_flag("dry-run") {
        return Ok(ExitCode::SUCCESS);
    }
    if !agreed(matches, "Go on?")? {
        return Ok(ExitCode::from(2));
    }
    keep(&folder, &walk)?;
    let done = walk.go();
    if done.is_ok() {
        node::say("The CRM has the resources. everbeat migrate abort goes back to heartbeat.")?;
        let nodes = &walk.journal.nodes;
        let missing = walk.journal.absent.iter().filter(|n| !nodes.contains(n));
        for name in missing {
            node::say(&format!(
                "{name} is absent still: call apply again when it is back."
            ))?;
        }
    }
    ended(
        done,
        "apply again goes on; everbeat migrate abort goes back",
    )
}

/// Goes back.
pub(super) fn abort(matches: &ArgMatches) -> Result<ExitCode> {
    let folder = folder(matches);
    let Some(mut journal) = journal(&folder)? else {
        bail!("{}: no journal: nothing was begun here", folder.display());
    };
    journal.turn();
    if journal.rest().is_empty() {
        bail!("it has gone back already");
    }
    let mut walk = again(&folder, journal)?;
    if !agreed(matches, "Go back?")? {
        return Ok(ExitCode::from(2));
    }
    walk.save()?;
    let done = walk.go();
    if done.is_ok() {
        node::say("All is as it was before apply.")?;
    }
    ended(done, "abort again goes on")
}

/// Shows.
pub(super) fn status(matches: &ArgMatches) -> Result<ExitCode> {
    let Some(journal) = journal(&folder(matches))? else {
        node::say("Nothing was begun here.")?;
        return Ok(ExitCode::SUCCESS);
    };
    let steps = match &journal.back {
        Some((steps, _)) => steps.clone(),
        None => journal.way(),
    };
    let rest = journal.rest();
    if journal.back.is_some() {
        node::say("Going back:")?;
    }
    let next = rest.first();
    for step in &steps {
        let state = match () {
            () if !rest.contains(step) => "done",
            () if Some(step) == next && journal.begun.contains(step) => "begun",
            () => "",
        };
        node::say(&format!(
            "{state:<6} {:<18} {}",
            step.to_string(),
            step.told().1
        ))?;
    }
    Ok(ExitCode::from(u8::from(!rest.is_empty())))
}

fn folder(matches: &ArgMatches) -> PathBuf {
    let folder = matches.get_one::<PathBuf>("journal");
    folder.cloned().unwrap_or_else(|| FOLDER.into())
}

fn journal(folder: &Path) -> Result<Option<Journal>> {
    let file = folder.join(JOURNAL);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(|| file.display().to_string()),
    };
    let journal: Journal =
        serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
    if journal.version != VERSION {
        bail!("{}: of another everbeat: go on with that", file.display());
    }
    Ok(Some(journal))
}

fn again(folder: &Path, journal: Journal) -> Result<Walk> {
    let wanted = wanted(&folder.join(PLAN))?;
    let walk = Walk::new(journal, &folder.join(JOURNAL), local(), wanted);
    show(&walk.journal.rest())?;
    Ok(walk)
}

fn local() -> Option<String> {
    let host = ThisHost::new(Path::new(super::files::HA_D));
    host.node_name().map(|n| n.to_string())
}

fn first(folder: &Path, matches: &ArgMatches) -> Result<Walk> {
    let Some(plan) = matches.get_one::<PathBuf>("plan") else {
        bail!("nothing was begun here: say --plan DIR, the folder from plan --output");
    };
    let program = match matches.get_one::<String>("program") {
        Some(program) => program.clone(),
        None => {
            let own = std::env::current_exe().context("can't find this program's own file")?;
            let own = own.into_os_string().into_string();
            own.map_err(|own| anyhow!("{own:?}: not UTF-8: say --program"))?
        }
    };
    let wanted = wanted(plan)?;
    let (nodes, absent) = present(nodes(&plan.join("corosync.conf"))?, matches)?;
    crm::in_maintenance(&wanted.cib)?;
    let journal = Journal {
        version: VERSION,
        nodes,
        absent,
        id: drawn()?,
        run: 0,
        via: matches
            .get_one::<String>("via")
            .cloned()
            .unwrap_or_default(),
        elsewhere: matches.get_flag("elsewhere"),
        program,
        accept_actions: matches.get_flag("accept-actions"),
        crm: false,
        begun: Vec::new(),
        done: Vec::new(),
        back: None,
    };
    let here = local().filter(|name| journal.nodes.contains(name));
    let mut walk = Walk::new(journal, &folder.join(JOURNAL), here, wanted);
    let facts = look(&walk.reach, &walk.journal.nodes)?;
    if let Some(name) = walk.journal.absent.first() {
        if facts.iter().any(|f| f.crm) {
            bail!("--without {name}: a cluster with a CRM changes with all its nodes only");
        }
        let alive = |f: &&Facts| walk.journal.absent.iter().any(|n| f.hears(n));
        if let Some(facts) = facts.iter().find(alive) {
            bail!("--without: {} hears it; begin with all nodes", facts.name);
        }
    }
    // Those that hold nothing first: with auto_failback off resources move only once then.
    let mut ordered: Vec<_> = facts.iter().collect();
    ordered.sort_by_key(|f| f.holds_any());
    walk.journal.nodes = ordered.iter().map(|f| f.name.clone()).collect();
    walk.journal.crm = facts.iter().any(|f| f.crm);
    show(&walk.journal.way())?;
    Ok(walk)
}

fn drawn() -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).context("no randomness")?;
    Ok(u64::from_ne_bytes(bytes))
}

fn show(steps: &[Step]) -> Result<()> {
    node::say("Steps:")?;
    for step in steps {
        node::say(&format!("  {:<18} {}", step.to_string(), step.told().1))?;
    }
    Ok(())
}

/// Looks at all nodes for what would be in the way.
fn look(reach: &Reach, nodes: &[String]) -> Result<Vec<Facts>> {
    let mut all: Vec<Facts> = Vec::new();
    for name in nodes {
        let facts = reach
            .facts(name)
            .with_context(|| format!("{name} can't be asked"))?;
        if facts.name != *name {
            bail!(
                "{name} calls itself {}: the names must be those of ha.cf",
                facts.name
            );
        }
        if facts.crm && facts.software == Software::Heartbeat {
            bail!(
                "{name}: its ha.cf has a CRM, and heartbeat itself runs there: only everbeat can \
                 hand over to the ring what a CRM runs; see migrating-from-heartbeat(7)"
            );
        }
        if all.first().is_some_and(|first| first.crm != facts.crm) {
            bail!("{name}: ha.cf of some nodes has a CRM, of others not");
        }
        if facts.software == Software::Heartbeat && facts.program.is_none() {
            bail!("{name}: can't tell where heartbeat's program is");
        }
        if facts.ring {
            bail!("{name}: a ring's daemon runs there already: end it first");
        }
        if let Some(why) = unsettled(name, &facts, nodes) {
            bail!("{why}");
        }
        if let Some(first) = all.first()
            && first.haresources.trim() != facts.haresources.trim()
        {
            bail!(
                "haresources of {} and {name} differ: make them the same first",
                first.name
            );
        }
        all.push(facts);
    }
    if let Some(why) = unheld(&all) {
        bail!("{why}");
    }
    Ok(all)
}

/// The nodes that are there, and those that aren't.
///
/// Errors: there are no such nodes, or the others would be no quorum.
fn present(all: Vec<String>, matches: &ArgMatches) -> Result<(Vec<String>, Vec<String>)> {
    let words = matches.get_many::<String>("without").into_iter().flatten();
    let mut absent: Vec<String> = words.cloned().collect();
    absent.dedup();
    if let Some(name) = absent.iter().find(|n| !all.contains(n)) {
        bail!("--without: {name} is no node: {}", all.join(", "));
    }
    let count = all.len();
    let there: Vec<_> = all.into_iter().filter(|n| !absent.contains(n)).collect();
    if there.len() * 2 <= count && (count, there.len()) != (2, 1) {
        bail!(
            "--without: {} of {count} nodes are no quorum on the ring: more than half of them \
             must be there",
            there.len()
        );
    }
    Ok((there, absent))
}

/// The nodes' names from the ring's configuration.
fn nodes(conf: &Path) -> Result<Vec<String>> {
    let source = Source::read(conf).with_context(|| format!("can't read {}", conf.display()))?;
    let (model, found) = corosync_conf::read_all(&source);
    if let Some(error) = found.iter().find(|d| d.severity == Severity::Error) {
        bail!("{error}");
    }
    let names: Option<Vec<String>> = model.nodes.iter().map(|n| n.name.clone()).collect();
    match names {
        Some(names) if !names.is_empty() => Ok(names),
        _ => bail!("{}: each node of the nodelist needs a name", conf.display()),
    }
}

fn wanted(plan: &Path) -> Result<Wanted> {
    let read = |name: &str| {
        let path = plan.join(name);
        fs::read(&path).with_context(|| format!("can't read {}", path.display()))
    };
    let text =
        |name: &str| String::from_utf8(read(name)?).with_context(|| format!("{name} is no UTF-8"));
    let key = read("authkey")?;
    if key.len() < authkey::BYTES_MIN || key.len() > authkey::BYTES_MAX {
        bail!("{}: not the size of a key", plan.join("authkey").display());
    }
    Ok(Wanted {
        files: Files {
            corosync_conf: text("corosync.conf")?,
            authkey: key,
        },
        cib: text("cib.xml")?,
    })
}

/// The plan and the journal on the disk: from now on it can be gone on with.
fn keep(folder: &Path, walk: &Walk) -> Result<()> {
    let plan = folder.join(PLAN);
    fs::create_dir_all(&plan).with_context(|| plan.display().to_string())?;
    let files = &walk.wanted.files;
    for (name, bytes, mode) in [
        ("corosync.conf", files.corosync_conf.as_bytes(), 0o644),
        ("cib.xml", walk.wanted.cib.as_bytes(), 0o600),
        ("authkey", &files.authkey, 0o400),
    ] {
        let path = plan.join(name);
        write_atomically(&path, bytes, mode).with_context(|| path.display().to_string())?;
    }
    walk.save()
}

fn agreed(matches: &ArgMatches, question: &str) -> Result<bool> {
    if matches.get_flag("yes") {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: look at --dry-run, then say --yes");
    }
    print!("{question} [yes/no] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
