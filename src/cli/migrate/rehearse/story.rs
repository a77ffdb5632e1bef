//! What a rehearsal does, one part after the other.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::ground::Ground;
use crate::migrate::rehearsal::page::Report;
use crate::migrate::rehearsal::{Agents, What};

/// All has one holder for so long before it counts as settled.
const STILL: Duration = Duration::from_secs(1);
/// Over the times of ha.cf: for an election, probes, slow machines.
const MARGIN: Duration = Duration::from_secs(90);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// How often apply is called again after a power-off stopped it.
const AGAIN: usize = 4;
/// Times are told in milliseconds. Units: us
const US_OF_MS: u64 = 1000;

/// A moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    /// Before apply.
    Before,
    /// When a step of apply with this verb begins for the first time.
    Step(String),
    /// After apply.
    After,
}

impl When {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "before" => Self::Before,
            "after" => Self::After,
            step => Self::Step(step.to_owned()),
        }
    }
}

/// A node loses its power.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PowerOff {
    when: When,
    /// None: the one that holds the first resource.
    node: Option<String>,
}

impl PowerOff {
    pub(super) fn of(word: &str) -> Self {
        let (when, node) = match word.split_once('=') {
            Some((when, node)) => (when, Some(node.to_owned())),
            None => (word, None),
        };
        Self {
            when: When::of(when),
            node,
        }
    }
}

/// How a run of apply ended.
struct Run {
    done: bool,
    /// A node that was switched off while it ran.
    off: Option<String>,
    /// It was stopped so that it can go back.
    turned: bool,
    said: String,
}

/// A rehearsal.
pub(super) struct Story {
    pub(super) ground: Ground,
    pub(super) power_offs: Vec<PowerOff>,
    pub(super) back: Option<When>,
    /// Nothing but the report goes to standard output.
    pub(super) quiet: bool,
    pub(super) problems: Vec<String>,
}

impl Story {
    /// Tells it.
    ///
    /// Errors: the old cluster doesn't come up. All later failures are problems of the report.
    pub(super) fn tell(&mut self) -> Result<Report> {
        self.check_words()?;
        self.part(&format!("{} starts", self.ground.old.name()));
        for node in self.ground.nodes() {
            self.ground.start(&node)?;
        }
        self.await_whole("after the start")?;
        self.await_ready()?;
        let told = self.go();
        if let Err(error) = told {
            let message = format!("{error:#}");
            self.say(&message);
            self.problems.push(message);
        }
        Ok(self.report())
    }

    /// Steps and nodes that there are.
    fn check_words(&self) -> Result<()> {
        let nodes = self.ground.nodes();
        let steps = crate::migrate::way::forward(&nodes, &[]);
        let known = |when: &When| match when {
            When::Step(word) => steps.iter().any(|s| s.told().0 == word),
            _ => true,
        };
        let whens = self.power_offs.iter().map(|p| &p.when).chain(&self.back);
        for when in whens {
            if !known(when) || (Some(when) == self.back.as_ref() && *when == When::Before) {
                bail!(
                    "{when:?}: write before, after, or the name of a step: {}",
                    names(&steps)
                );
            }
        }
        for node in self.power_offs.iter().filter_map(|p| p.node.as_ref()) {
            if !nodes.contains(node) {
                bail!("--power-off: {node} is no node: {}", nodes.join(", "));
            }
        }
        Ok(())
    }

    fn go(&mut self) -> Result<()> {
        for off in self.take(&When::Before) {
            self.off_and_on(&off)?;
            self.await_ready()?;
        }
        self.part("migration");
        let mut ended = self.walk("apply")?;
        let mut again = 0;
        while !ended.done && !ended.turned && (ended.off.is_some() || again > 0) {
            // A power-off stops apply; what stops it again and again is something else.
            again = match ended.off {
                Some(_) => AGAIN,
                None => again - 1,
            };
            std::thread::sleep(Duration::from_secs(2));
            ended = self.walk("apply")?;
        }
        if ended.turned {
            return self.go_back();
        }
        if !ended.done {
            bail!("apply doesn't get to its end: {}", ended.said);
        }
        self.await_online()?;
        for off in self.take(&When::After) {
            self.off_and_on(&off)?;
            self.await_online()?;
        }
        if self.back == Some(When::After) {
            self.go_back()?;
        }
        Ok(())
    }

    /// The power-offs of a moment, each once.
    fn take(&mut self, when: &When) -> Vec<PowerOff> {
        let (now, later) = self.power_offs.drain(..).partition(|p| p.when == *when);
        self.power_offs = later;
        now
    }

    fn part(&mut self, name: &str) {
        let name = name.to_owned();
        self.say(&name);
        self.ground.happened(What::Part { name });
    }

    fn say(&self, text: &str) {
        let s = Duration::from_micros(self.ground.now_us()).as_secs_f64();
        match self.quiet {
            true => eprintln!("[{s:7.2} s] {text}"),
            false => println!("[{s:7.2} s] {text}"),
        }
    }

    /// The node that a power-off is about.
    fn whom(&self, off: &PowerOff) -> Result<String> {
        if let Some(node) = &off.node {
            return Ok(node.clone());
        }
        let timeline = self.ground.timeline();
        let first = self
            .ground
            .stage
            .resources
            .first()
            .context("no resources")?;
        let holder = timeline.holders(&first.id).first().map(|n| (*n).to_owned());
        holder
            .or_else(|| self.ground.nodes().pop())
            .context("no nodes")
    }

    fn off_and_on(&mut self, off: &PowerOff) -> Result<()> {
        let node = self.whom(off)?;
        self.part(&format!("{node} without power"));
        self.ground.power_off(&node)?;
        self.await_whole(&format!("without {node}"))?;
        self.back_again(&node)
    }

    fn back_again(&mut self, node: &str) -> Result<()> {
        self.part(&format!("{node} again"));
        self.ground.power_on(node)?;
        self.await_whole(&format!("with {node} again"))
    }

    /// Runs apply or abort to its end; switches nodes off at their steps.
    fn walk(&mut self, way: &str) -> Result<Run> {
        let mut child = self.ground.migrate(way);
        child.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().with_context(|| format!("can't run {way}"))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (Some(out), Some(mut err)) = (out, err) else {
            bail!("no pipes");
        };
        let said = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        let mut run = Run {
            done: false,
            off: None,
            turned: false,
            said: String::new(),
        };
        for line in BufReader::new(out).lines() {
            let Some(step) = step(&line.context("no text")?) else {
                continue;
            };
            self.say(&step);
            self.ground.happened(What::Step { step: step.clone() });
            let verb = When::Step(step.split(' ').next().unwrap_or_default().to_owned());
            for off in self.take(&verb) {
                let node = self.whom(&off)?;
                self.say(&format!("{node} without power"));
                self.ground.power_off(&node)?;
                run.off = Some(node);
            }
            if way == "apply" && self.back.as_ref() == Some(&verb) {
                child.kill().context("can't end apply")?;
                run.turned = true;
                break;
            }
        }
        run.done = child.wait()?.success();
        run.said = said.join().unwrap_or_default().trim().to_owned();
        if !run.done && !run.turned {
            self.say(&format!("{way} was stopped: {}", run.said));
        }
        if let Some(node) = run.off.clone() {
            self.await_whole(&format!("without {node}"))?;
            self.back_again(&node)?;
        }
        Ok(run)
    }

    fn go_back(&mut self) -> Result<()> {
        self.part("back to heartbeat");
        let run = self.walk("abort")?;
        if !run.done {
            bail!("abort: {}", run.said);
        }
        self.await_whole("back on heartbeat")?;
        self.await_ready()
    }

    /// Until each resource has had one holder for a while.
    fn await_whole(&self, when: &str) -> Result<()> {
        let end = Instant::now() + self.patience();
        let mut since = None;
        loop {
            let timeline = self.ground.timeline();
            since = match timeline.is_whole() {
                true => since.or(Some(Instant::now())),
                false => None,
            };
            if since.is_some_and(|s| s.elapsed() > STILL) {
                return Ok(());
            }
            if Instant::now() > end {
                let rows = timeline.rows.iter();
                let rows =
                    rows.map(|r| format!("{} {:?}", r.resource, timeline.holders(&r.resource)));
                bail!(
                    "{when} not each resource has one holder: {}",
                    rows.collect::<Vec<_>>().join(", ")
                );
            }
            std::thread::sleep(LOOK);
        }
    }

    fn patience(&self) -> Duration {
        let word = |name: &str| {
            let lines = self.ground.stage.ha_cf.lines();
            let ms = lines.filter_map(|l| l.strip_prefix(name)?.trim().strip_suffix("ms"));
            ms.filter_map(|ms| ms.parse().ok()).next().unwrap_or(0)
        };
        Duration::from_millis(word("initdead ") + 2 * word("deadtime ")) + MARGIN
    }

    /// Until apply has nothing against the cluster.
    fn await_ready(&self) -> Result<()> {
        let end = Instant::now() + self.patience();
        loop {
            let mut look = self.ground.migrate("apply");
            let output = look.arg("--dry-run").output().context("can't run apply")?;
            if output.status.success() {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Until all nodes see each other in the CRM.
    fn await_online(&self) -> Result<()> {
        let end = Instant::now() + self.patience();
        let mut all = self.ground.nodes();
        all.sort_unstable();
        loop {
            let mut alone = all.iter().filter(|n| self.ground.online(n) != all);
            let Some(node) = alone.next() else {
                return Ok(());
            };
            if Instant::now() > end {
                bail!("{node} sees {:?} in the CRM", self.ground.online(node));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn report(&mut self) -> Report {
        let timeline = self.ground.timeline();
        for twice in &timeline.twice {
            let [a, b] = &twice.nodes;
            let ms = twice.us.div_ceil(US_OF_MS);
            self.problems.push(format!(
                "{}: held by {a} and {b} for {ms} ms",
                twice.resource
            ));
        }
        for (row, gap) in timeline.unexplained() {
            let (ms, during) = (gap.ms, &gap.during);
            self.problems.push(format!(
                "{}: nobody had it for {ms} ms, during {during}",
                row.resource
            ));
        }
        if !timeline.is_whole() {
            self.problems
                .push("not each resource has one holder at the end".into());
        }
        let stage = &self.ground.stage;
        Report {
            nodes: self.ground.nodes(),
            old: self.ground.old.name().into(),
            agents: match self.ground.agents {
                Agents::StandIns => "stand-ins".into(),
                Agents::Real => "real".into(),
            },
            resources: stage
                .resources
                .iter()
                .map(|r| (r.id.clone(), r.word.clone()))
                .collect(),
            notes: stage.notes.clone(),
            problems: self.problems.clone(),
            timeline,
            events: self.ground.events(),
        }
    }
}

/// The step that a line of apply begins: `ring a             the ring starts …`.
fn step(line: impl AsRef<str>) -> Option<String> {
    let line = line.as_ref();
    let begins = line.starts_with(|c: char| c.is_ascii_lowercase()) && !line.contains("done in");
    let name = line.split("  ").next().unwrap_or_default().trim();
    (begins && !name.is_empty() && name.split(' ').count() <= 2).then(|| name.to_owned())
}

fn names(steps: &[crate::migrate::way::Step]) -> String {
    let mut names: Vec<_> = steps.iter().map(|s| s.told().0).collect();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_apply_that_begin_a_step() {
        let of = |line: &str| step(line);
        assert_eq!(
            of("ring a             the ring starts").as_deref(),
            Some("ring a")
        );
        assert_eq!(
            of("load               the CRM gets").as_deref(),
            Some("load")
        );
        for line in [
            "ring a             done in 0.20 s",
            "Steps:",
            "  ring a   the",
            "",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn power_offs_have_a_moment_and_a_node() {
        let off = PowerOff::of("hold=b");
        assert_eq!(off.when, When::Step("hold".into()));
        assert_eq!(off.node.as_deref(), Some("b"));
        assert_eq!(PowerOff::of("before").when, When::Before);
    }
}
