//! The hosts of a rehearsal: their files, their daemons, what they wrote down.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use super::super::node::FOLDER;
use super::super::service::HEARTBEATS;
use super::super::write;
use super::watch;
use crate::lab::root::LAB_FOLDER;
use crate::lab::{Lab, Place, Spec};
use crate::migrate::Plan;
use crate::migrate::rehearsal::stage::STAND_IN;
use crate::migrate::rehearsal::{Agents, Event, Stage, Timeline, What};

/// A host that answers pings.
const ROUTER: &str = "pinged-hosts";

/// What plays the old cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Old {
    /// heartbeat itself, this program of it.
    Heartbeat(PathBuf),
    /// everbeat in its part.
    Everbeat,
}

impl Old {
    /// The one that was asked for, else heartbeat where it is installed.
    pub(super) fn chosen(word: Option<&str>) -> Result<Self> {
        let heartbeat = HEARTBEATS.iter().map(PathBuf::from).find(|p| p.exists());
        match (word, heartbeat) {
            (Some("everbeat"), _) | (None, None) => Ok(Self::Everbeat),
            (_, Some(program)) => Ok(Self::Heartbeat(program)),
            (Some(_), None) => bail!("heartbeat isn't installed here: write --old everbeat"),
        }
    }

    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Heartbeat(_) => "heartbeat",
            Self::Everbeat => "everbeat",
        }
    }
}

/// The hosts.
pub(super) struct Ground {
    pub(super) lab: Lab,
    pub(super) stage: Stage,
    pub(super) old: Old,
    pub(super) agents: Agents,
    place: Place,
    began: SystemTime,
    /// What was done to the hosts, and by apply.
    events: Vec<Event>,
    /// The plan and the journal.
    folder: tempfile::TempDir,
}

impl Ground {
    /// Makes the hosts and writes their files; `scripts` is a folder of an administrator's.
    pub(super) fn new(
        stage: Stage,
        plan: &Plan,
        (place, old, agents): (Place, Old, Agents),
        scripts: Option<&Path>,
    ) -> Result<Self> {
        let mut spec = Spec::new(&format!("rehearsal-{}", std::process::id()));
        for (name, addresses) in &stage.hosts {
            spec = spec.host(&format!("{name}={}", addresses.join(",")))?;
        }
        if !stage.pinged.is_empty() {
            let all: Vec<_> = stage.pinged.iter().map(|a| format!("{a}/24")).collect();
            spec = spec.host(&format!("{ROUTER}={}", all.join("+")))?;
        }
        let folder = tempfile::tempdir().context("no temporary folder")?;
        write::write(plan, &folder.path().join("plan"))?;
        let ground = Self {
            lab: Lab::up(&spec, &place)?,
            stage,
            old,
            agents,
            place,
            began: SystemTime::now(),
            events: Vec::new(),
            folder,
        };
        for node in ground.nodes() {
            ground.configure(&node, scripts)?;
        }
        Ok(ground)
    }

    pub(super) fn nodes(&self) -> Vec<String> {
        self.stage
            .hosts
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn configure(&self, node: &str, scripts: Option<&Path>) -> Result<()> {
        let host = self.lab.host(node);
        for (file, text, mode) in [
            ("ha.cf", &self.stage.ha_cf, 0o644),
            ("haresources", &self.stage.haresources, 0o644),
            ("authkeys", &self.stage.authkeys, 0o600),
            ("resource.d/stand-in", &stand_in(), 0o755),
        ] {
            host.write(format!("/etc/ha.d/{file}"), text.as_bytes(), mode)?;
        }
        let scripts = scripts.filter(|_| self.agents == Agents::Real);
        let entries = scripts.and_then(|dir| std::fs::read_dir(dir).ok());
        for entry in entries.into_iter().flatten().flatten() {
            if let Ok(bytes) = std::fs::read(entry.path()) {
                let name = entry.file_name();
                let to = Path::new("/etc/ha.d/resource.d").join(name);
                host.write(to, &bytes, 0o755)?;
            }
        }
        Ok(())
    }

    /// Starts what the node's files say, as its boot would.
    pub(super) fn start(&self, node: &str) -> Result<()> {
        let everbeat = format!("{LAB_FOLDER}/bin/everbeat");
        let heartbeat = match &self.old {
            Old::Heartbeat(program) => format!(
                "if [ -e {FOLDER}/heartbeat-program ]; then exec {everbeat} heartbeat; fi; exec {}",
                program.display()
            ),
            Old::Everbeat => format!("exec {everbeat} heartbeat"),
        };
        let host = self.lab.host(node);
        if host.path("/etc/ha.d/ha.cf")?.exists() {
            let mut shell = host.command("sh");
            quiet(shell.args(["-c", &heartbeat]), node)?;
        } else {
            let mut ring = host.background("sh");
            quiet(
                ring.args(["-c", &format!("exec {everbeat} everbeatd")]),
                node,
            )?;
        }
        if self.agents == Agents::Real {
            let mut watch = host.background("everbeat");
            watch.args(["migrate", "rehearse", "watch"]);
            watch.args(
                self.stage
                    .resources
                    .iter()
                    .map(|r| format!("{}={}", r.id, r.here)),
            );
            quiet(&mut watch, node)?;
        }
        Ok(())
    }

    /// Power off, at once.
    pub(super) fn power_off(&mut self, node: &str) -> Result<()> {
        self.lab.host(node).kill()?;
        let node = node.to_owned();
        self.happened(What::PowerOff { node });
        Ok(())
    }

    /// Power on, and its daemons.
    pub(super) fn power_on(&mut self, node: &str) -> Result<()> {
        self.lab.host(node).boot()?;
        let name = node.to_owned();
        self.happened(What::PowerOn { node: name });
        self.start(node)
    }

    /// Notes what happens now.
    pub(super) fn happened(&mut self, what: What) {
        let at_us = self.now_us();
        self.events.push(Event { at_us, what });
    }

    /// Time since the beginning. Units: us
    pub(super) fn now_us(&self) -> u64 {
        let passed = self.began.elapsed().unwrap_or_default();
        u64::try_from(passed.as_micros()).unwrap_or(u64::MAX)
    }

    /// All that happened, also on the hosts.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut all = self.events.clone();
        for node in self.nodes() {
            let log = self.lab.host(&node).read(watch::LOG).unwrap_or_default();
            all.extend(log.lines().filter_map(|line| self.event(&node, line)));
        }
        all.sort_by_key(|e| e.at_us);
        all
    }

    /// `NANOSECONDS start|stop ID`.
    fn event(&self, node: &str, line: &str) -> Option<Event> {
        let mut words = line.split_whitespace();
        let at: u128 = words.next()?.parse().ok()?;
        let began = self
            .began
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?
            .as_nanos();
        let at_us = u64::try_from(at.checked_sub(began)? / 1000).ok()?;
        let (what, resource) = (words.next()?, words.next()?.to_owned());
        let node = node.to_owned();
        let what = match what {
            "start" => What::Start { node, resource },
            "stop" => What::Stop { node, resource },
            _ => return None,
        };
        Some(Event { at_us, what })
    }

    /// Who held what until now.
    pub(super) fn timeline(&self) -> Timeline {
        let ids: Vec<_> = self.stage.resources.iter().map(|r| r.id.clone()).collect();
        Timeline::of(&self.events(), &self.nodes(), &ids, self.now_us())
    }

    /// `everbeat migrate VERB` for these hosts.
    pub(super) fn migrate(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.place.program);
        command.args(["migrate", verb, "--yes", "--journal"]);
        command.arg(self.folder.path().join("journal"));
        if verb == "apply" {
            let via = format!(
                "{} lab --root {} sh {} {{}}",
                self.place.program.display(),
                self.place.root.display(),
                self.lab.name()
            );
            let program = format!("{LAB_FOLDER}/bin/everbeat");
            // This machine may be one of the nodes, and would be changed by its own name.
            command.args([
                "--elsewhere",
                "--via",
                &via,
                "--program",
                &program,
                "--plan",
            ]);
            command.arg(self.folder.path().join("plan"));
        }
        command.stdin(Stdio::null());
        command
    }

    /// The nodes that a node's CRM has for online; none if it can't be asked.
    pub(super) fn online(&self, node: &str) -> Vec<String> {
        let mut asked = self.lab.host(node).command("everbeat");
        let Ok(output) = asked.args(["crm_mon", "-1"]).output() else {
            return Vec::new();
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = text
            .lines()
            .find_map(|l| l.split_once("Online: [")?.1.split(']').next());
        let mut names: Vec<_> = names
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names
    }
}

/// Runs a command that says something only if it fails.
fn quiet(command: &mut Command, node: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{node}: the daemon did not start: {}", said.trim());
    }
    Ok(())
}

/// Holds what it is told to hold until the power is off, and writes down when.
fn stand_in() -> String {
    let log = watch::LOG;
    format!(
        "#!/bin/sh\n# {STAND_IN} ID ACTION\nstate=/run/{STAND_IN}-$1\n\
         note() {{ echo \"$(date +%s%N) $1\" >>{log}; }}\ncase $2 in\n\
         start) [ -e \"$state\" ] || {{ : >\"$state\"; note \"start $1\"; }} ;;\n\
         stop) [ ! -e \"$state\" ] || {{ note \"stop $1\"; rm -f \"$state\"; }} ;;\n\
         status|monitor)\n[ -e \"$state\" ] || {{ echo stopped; exit 3; }}\necho running ;;\n\
         esac\n"
    )
}
