//! Goes the way: does each step, keeps the journal, waits for what a step leads to.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::crm;
use super::facts::{Facts, Software, unheld};
use super::node::{self, Files};
use super::reach::{LONG, Reach};
use crate::config::identity::write_atomically;
use crate::migrate::way::{Journal, Step};

/// initdead of published configurations is up to two minutes, and resources are started after it.
const SETTLE: Duration = Duration::from_secs(5 * 60);
/// An election, probes of all resources.
const CRM: Duration = Duration::from_secs(2 * 60);
/// A hand-over that is under way when a hold is asked for. Not longer: who is held already takes
/// nothing from a node that dies meanwhile.
const HOLD: Duration = Duration::from_secs(15);
/// Time until the CRM is asked to look again at what it saw otherwise.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// What is written.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// For each node.
    pub(super) files: Files,
    /// For the CRM.
    pub(super) cib: String,
}

/// A way that is gone.
pub(super) struct Walk {
    pub(super) journal: Journal,
    /// The journal's file.
    pub(super) file: PathBuf,
    pub(super) reach: Reach,
    pub(super) wanted: Wanted,
    /// The ring's daemons were looked for since this program started.
    ring_seen: bool,
}

impl Walk {
    /// Goes on with a journal.
    pub(super) fn new(
        journal: Journal,
        file: &Path,
        local: Option<String>,
        wanted: Wanted,
    ) -> Self {
        let reach = Reach {
            via: journal.via.clone(),
            program: journal.program.clone(),
            local: local.filter(|_| !journal.elsewhere),
            run: String::new(),
        };
        Self {
            journal,
            file: file.to_owned(),
            reach,
            wanted,
            ring_seen: false,
        }
    }

    /// Writes the journal.
    pub(super) fn save(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.journal)?;
        write_atomically(&self.file, &text, 0o600)
            .with_context(|| format!("can't write {}", self.file.display()))
    }

    /// Does all that is left.
    pub(super) fn go(&mut self) -> Result<()> {
        self.journal.run += 1;
        self.reach.run = format!("{:x}/{}", self.journal.id, self.journal.run);
        self.save()?;
        for step in self.journal.rest() {
            if let Step::Join(name) = &step
                && self.reach.facts(name).is_err()
            {
                node::say(&format!("{name} is absent still"))?;
                continue;
            }
            if matches!(step, Step::Unguard(_)) && self.journal.lacks() {
                break;
            }
            self.journal.begin(&step);
            self.save()?;
            let (_, does) = step.told();
            node::say(&format!("{:<18} {does}", step.to_string()))?;
            let begin = Instant::now();
            self.ensure_ring(&step)?;
            self.carry_out(&step)
                .with_context(|| format!("step {step}"))?;
            self.journal.finish(&step);
            self.save()?;
            let took = begin.elapsed().as_secs_f64();
            node::say(&format!("{:<18} done in {took:.2} s", step.to_string()))?;
        }
        Ok(())
    }

    fn carry_out(&mut self, step: &Step) -> Result<()> {
        let nodes = self.journal.nodes.clone();
        match step {
            Step::Everbeat(name) => self.replace(name),
            Step::Put(name) => self.put(name),
            Step::Ring(name) => {
                self.reach.step(name, "ring")?;
                if nodes.last() == Some(name) {
                    self.await_online()?;
                }
                Ok(())
            }
            Step::Load => self.load(),
            Step::Probe => self.probe(),
            Step::Hold(name) => self.hold(name),
            Step::Look => self.look(),
            // In maintenance the CRM's daemons end and leave the resources.
            Step::Leave(name) if self.journal.crm => self.reach.step(name, "quit"),
            Step::Leave(name) => self.leave(name),
            Step::Manage => {
                crm::maintain(&self.reach, &nodes, false)?;
                self.await_peace("after maintenance-mode", Ok)
            }
            Step::Maintain => self.maintain(),
            Step::Return(name) => self.return_to(name),
            Step::Home => self.home(),
            Step::Heartbeat(name) => {
                self.reach.step(name, "heartbeat")?;
                let last = self.journal.rest().last() == Some(step);
                match self.journal.in_place() && !last {
                    true => self.await_seen(name),
                    false => self.await_settled(),
                }
            }
            Step::Guard(name) => {
                let absent = serde_json::to_vec(&self.journal.absent)?;
                self.reach.verb(name, "guard", &absent)
            }
            Step::Join(name) => self.join(name),
            Step::Unguard(name) => self.unguard(name),
            Step::Switch(name) => self.reach.step(name, "switch"),
            Step::Unswitch(name) => self.reach.step(name, "unswitch"),
            Step::Unring(name) => self.reach.step(name, "unring"),
            Step::Restore(name) => self.reach.step(name, "restore"),
        }
    }

    /// A node that booted meanwhile has lost its ring.
    fn ensure_ring(&mut self, step: &Step) -> Result<()> {
        if self.ring_seen || !self.journal.needs_ring(step) {
            return Ok(());
        }
        for name in &self.journal.nodes {
            self.reach.step(name, "ring")?;
        }
        self.ring_seen = true;
        self.await_online()
    }

    fn replace(&self, name: &str) -> Result<()> {
        if self.reach.facts(name)?.software == Software::Heartbeat {
            // A hand-over needs somebody who takes.
            self.await_settled()?;
        }
        self.reach.step(name, "everbeat")?;
        self.await_settled()
    }

    fn put(&self, name: &str) -> Result<()> {
        let mut files = self.wanted.files.clone();
        if self.journal.lacks() {
            files.corosync_conf = without_wait_for_all(&files.corosync_conf);
        }
        let files = serde_json::to_vec(&files)?;
        self.reach.verb(name, "put", &files)
    }

    /// A node that was absent: it is told to end heartbeat by the guards, or is here; then it is
    /// one of the ring.
    fn join(&self, name: &str) -> Result<()> {
        let facts = self.reach.facts(name)?;
        if facts.name != name {
            bail!("{name} calls itself {}", facts.name);
        }
        // Its ring first needs the files; its heartbeat may be handing over still.
        for verb in ["join", "switch"] {
            self.reach.step(name, verb)?;
        }
        let files = serde_json::to_vec(&self.wanted.files)?;
        self.reach.verb(name, "put", &files)?;
        self.reach.step(name, "ring")?;
        self.await_online()
    }

    /// The guard ends, and what the absence had changed of corosync.conf is as it is planned.
    fn unguard(&self, name: &str) -> Result<()> {
        self.put(name)?;
        self.reach.step(name, "unguard")?;
        if self
            .journal
            .present()
            .last()
            .is_some_and(|last| last == name)
        {
            let nodes = &self.journal.nodes;
            crm::tool(&self.reach, nodes, &["corosync-cfgtool", "-R"], b"")?;
        }
        Ok(())
    }

    fn load(&self) -> Result<()> {
        let doc = crm::query(&self.reach, &self.journal.nodes)?;
        if self.journal.done.contains(&Step::Load) || crm::is_loaded(&doc) {
            return Ok(());
        }
        let cib = crm::in_maintenance(&self.wanted.cib)?;
        let args = [
            "cibadmin",
            "--replace",
            "--scope",
            "configuration",
            "--xml-pipe",
        ];
        crm::tool(&self.reach, &self.journal.nodes, &args, cib.as_bytes()).map(drop)
    }

    /// heartbeat's manager is at work: what moves while the CRM looks is looked for again.
    fn probe(&self) -> Result<()> {
        let mut looked = Instant::now();
        self.await_peace("out of maintenance-mode", |actions| {
            if looked.elapsed() > LOOK_AGAIN {
                looked = Instant::now();
                crm::forget(&self.reach, &self.journal.nodes)?;
            }
            Ok(actions)
        })
    }

    /// What the CRM remembers is from before the hold: since then resources may have moved.
    ///
    /// A node that fell since then took its resources with it. The others are on hold, so nobody
    /// but the CRM will start them.
    fn look(&self) -> Result<()> {
        let nodes = &self.journal.nodes;
        crm::forget(&self.reach, nodes)?;
        self.await_peace("out of maintenance-mode", |mut actions| {
            let online = crm::online(&crm::query(&self.reach, nodes)?);
            if nodes.iter().any(|n| !online.contains(n)) {
                actions.retain(|a| !a.starts_with("Start "));
            }
            Ok(actions)
        })
    }

    /// All probes are in, whatever they found.
    fn await_probes(&self) -> Result<()> {
        self.within(CRM, || {
            let doc = crm::query(&self.reach, &self.journal.nodes)?;
            let waits = !crm::is_probed(&doc);
            Ok(waits.then(|| "the CRM hasn't looked everywhere yet".to_owned()))
        })
    }

    /// The CRM would leave all that heartbeat had where it is; `judge` gives the actions that
    /// count.
    fn await_peace(
        &self,
        when: &str,
        mut judge: impl FnMut(Vec<String>) -> Result<Vec<String>>,
    ) -> Result<()> {
        if self.journal.accept_actions {
            return self.await_probes();
        }
        self.within(CRM, || {
            let doc = crm::query(&self.reach, &self.journal.nodes)?;
            let mut actions = crm::actions(&doc)?;
            if !actions.is_empty() {
                actions = judge(actions)?;
            }
            Ok((!actions.is_empty()).then(|| {
                format!(
                    "{when} the CRM would do this: {}. It sees other resources running, or wants \
                     them elsewhere, than heartbeat's manager; correct cib.xml, or say \
                     --accept-actions",
                    actions.join("; ")
                )
            }))
        })
    }

    /// Holds a node; if that can't be, none is held.
    fn hold(&mut self, name: &str) -> Result<()> {
        if let (None, Some(back)) = (&self.journal.back, self.back_too_early(name)?) {
            bail!(
                "{back} is back already, as a node of heartbeat: go back with abort, then begin \
                 again with it"
            );
        }
        let held = self.within(HOLD, || match self.reach.step(name, "hold") {
            Ok(()) => Ok(None),
            // Nobody takes over while the others are on hold: not a moment longer than needed.
            Err(why) if self.reach.facts(name).is_err() => Err(why),
            Err(why) => Ok(Some(format!("{why:#}"))),
        });
        if self.journal.back.is_some() {
            return held;
        }
        if held.is_err() {
            for other in &self.journal.nodes {
                // Only those that can be reached can be on hold, or nothing runs there.
                let _ = self.reach.step(other, "unswitch");
                let _ = self.reach.step(other, "release");
            }
            let undone = |s: &Step| matches!(s, Step::Switch(_) | Step::Hold(_));
            self.journal.done.retain(|s| !undone(s));
            self.save()?;
            bail!("{}", no_hold(held));
        }
        Ok(())
    }

    /// An absent node that `name` sees alive: heartbeat's manager has it in its reckoning again.
    fn back_too_early(&self, name: &str) -> Result<Option<String>> {
        if !self.journal.lacks() {
            return Ok(None);
        }
        let facts = self.reach.facts(name)?;
        let mut absent = self.journal.absent.iter();
        Ok(absent.find(|n| facts.hears(n)).cloned())
    }

    /// All are on hold: one that can't be reached does nothing, and may be ended later.
    fn leave(&self, name: &str) -> Result<()> {
        let Err(why) = self.reach.step(name, "leave") else {
            return Ok(());
        };
        if let Ok(facts) = self.reach.facts(name) {
            match facts.report {
                Some(report) if !report.on_hold => {
                    bail!("{name} isn't on hold any more: abort, then begin again ({why:#})")
                }
                Some(_) => return Err(why),
                None => return Ok(()),
            }
        }
        node::say(&format!("{name} can't be reached; it goes on without it"))
    }

    fn maintain(&self) -> Result<()> {
        crm::maintain(&self.reach, &self.journal.nodes, true)?;
        // Actions that were begun before come to their end.
        let mut last = None;
        self.within(CRM, || {
            let doc = crm::query(&self.reach, &self.journal.nodes)?;
            let now = crate::cib::Version::of_root(&doc);
            let same = last == Some(now);
            last = Some(now);
            std::thread::sleep(Duration::from_secs(1));
            Ok((!same).then(|| "the CRM is still at work".to_owned()))
        })
    }

    /// All are started before one waits: a node that is alone for long takes what others run.
    fn return_to(&self, name: &str) -> Result<()> {
        self.reach.step(name, "return")?;
        if self.journal.crm {
            let last = self.journal.nodes.last().is_some_and(|last| last == name);
            return if last { self.await_online() } else { Ok(()) };
        }
        if self.journal.nodes.last().is_some_and(|last| last == name) {
            return self.await_settled();
        }
        Ok(())
    }

    /// Each node takes its own groups.
    fn home(&self) -> Result<()> {
        self.await_settled()?;
        let nodes = &self.journal.nodes;
        for name in nodes {
            let facts = self.reach.facts(name)?;
            if facts.is_away() {
                self.reach.run(name, &["hb_takeover", "local"], b"", LONG)?;
                self.within(SETTLE, || {
                    let away = self.reach.facts(name)?.is_away();
                    Ok(away.then(|| format!("{name} hasn't got its groups")))
                })?;
            }
        }
        self.await_settled()
    }

    /// All nodes work, see each other, and each group runs on one of them.
    pub(super) fn await_settled(&self) -> Result<()> {
        let nodes = &self.journal.nodes;
        self.within(SETTLE, || {
            let mut all = Vec::new();
            for name in nodes {
                let facts = self.reach.facts(name)?;
                if let Some(why) = unsettled(name, &facts, nodes) {
                    return Ok(Some(why));
                }
                all.push(facts);
            }
            Ok(unheld(&all))
        })
    }

    /// A node of heartbeat works again, and all see each other.
    fn await_seen(&self, name: &str) -> Result<()> {
        let nodes = &self.journal.nodes;
        self.within(SETTLE, || {
            let facts = self.reach.facts(name)?;
            let active = facts.report.iter().any(|r| r.local_status == "active");
            let whole = active && facts.sees(nodes);
            Ok((!whole).then(|| format!("{name} doesn't have all nodes for active")))
        })
    }

    fn await_online(&self) -> Result<()> {
        let nodes = &self.journal.nodes;
        self.within(CRM, || {
            let doc = match crm::query(&self.reach, nodes) {
                Ok(doc) => doc,
                Err(why) => return Ok(Some(format!("{why:#}"))),
            };
            let online = crm::online(&doc);
            let missing: Vec<_> = nodes.iter().filter(|n| !online.contains(*n)).collect();
            Ok((!missing.is_empty()).then(|| format!("not on the ring: {missing:?}")))
        })
    }

    /// Looks until nothing is in the way; the error is what was last.
    fn within(
        &self,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<String>>,
    ) -> Result<()> {
        let end = Instant::now() + limit.min(LONG);
        loop {
            let Some(why) = look()? else {
                return Ok(());
            };
            if Instant::now() > end {
                bail!("{why} (after {} s)", limit.as_secs());
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// A corosync.conf of two nodes with which the one that is there doesn't wait for the other.
///
/// Source: votequorum(5): two_node sets wait_for_all, unless that is written
fn without_wait_for_all(conf: &str) -> String {
    let is = |line: &str, key: &str| {
        let word = line.split(':').next().unwrap_or_default();
        word.trim() == key
    };
    let kept = conf.lines().filter(|l| !is(l, "wait_for_all"));
    let told = kept.flat_map(|line| {
        let add = is(line, "two_node").then_some("  wait_for_all: 0");
        [Some(line), add].into_iter().flatten()
    });
    told.map(|line| format!("{line}\n")).collect()
}

fn no_hold(held: Result<()>) -> String {
    let why = held.err().map(|e| format!("{e:#}")).unwrap_or_default();
    format!(
        "{why}\nAll nodes were released again: heartbeat's manager has the resources as before. \
         Run apply again when the node is back"
    )
}

/// Why a node isn't ready for a step.
pub(super) fn unsettled(name: &str, facts: &Facts, nodes: &[String]) -> Option<String> {
    if facts.software == Software::None {
        return Some(format!("{name}: heartbeat doesn't run"));
    }
    if !facts.sees(nodes) {
        return Some(format!("{name} doesn't have all nodes for active"));
    }
    (!facts.is_settled()).then(|| {
        let waits = facts.report.iter().flat_map(|r| r.waiting_for.clone());
        let waits = waits.collect::<Vec<_>>().join("; ");
        format!("{name}: resources are on their way, or nobody has them {waits}")
    })
}

#[cfg(test)]
mod tests {
    use super::without_wait_for_all;

    #[test]
    fn one_of_two_nodes_may_begin_alone() {
        let conf = "quorum {\n  two_node: 1\n  wait_for_all: 1\n}\n";
        let wanted = "quorum {\n  two_node: 1\n  wait_for_all: 0\n}\n";
        assert_eq!(without_wait_for_all(conf), wanted);
        let three = "quorum {\n  provider: corosync_votequorum\n}\n";
        assert_eq!(without_wait_for_all(three), three);
    }
}
