//! The same CIB to the installed crm_simulate and to ours, and where they differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use everbeat::cib::{self, Document, Element, writer};
use everbeat::rules::iso8601::Clock;
use everbeat::scheduler::simulation::{Request, simulate};

/// Room for orderings that are followed one after the other.
const STACK_BYTES: usize = 256 << 20;

/// Longest time that one simulation of ours may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names that say nothing of the cause.
const NAMES: &[&str] = &[
    "alpha", "beta", "gamma", "delta", "epsilon", "orphan", "template",
];

/// What came of a simulation.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub text: String,
    pub dot: String,
    pub graph: String,
    /// The CIB after it.
    pub after: String,
}

/// A part of the outcome that isn't the same.
#[derive(Debug, Clone)]
pub struct Difference {
    pub part: &'static str,
    /// Lines that only the real one has, with `-`; that only ours has, with `+`.
    pub lines: Vec<String>,
}

impl Difference {
    /// Differences of one cause mostly have the same: the part and the first line without names.
    pub fn sort(&self) -> String {
        let first = self.lines.first().map_or("", String::as_str);
        let task = |w: &str| {
            let tasks = [
                "monitor", "start", "stop", "promote", "demote", "notify", "migrate",
            ];
            tasks.into_iter().find(|t| w.contains(&format!("_{t}")))
        };
        let word = |w: &str| {
            let name = NAMES.contains(&w.to_ascii_lowercase().trim_matches(':'));
            let plain = w
                .chars()
                .all(|c| c.is_ascii_alphabetic() || "-+:".contains(c));
            match task(w) {
                Some(task) => task.to_owned(),
                None if plain && !name => w.to_owned(),
                None => "_".to_owned(),
            }
        };
        let words: Vec<String> = first.split_whitespace().map(word).take(8).collect();
        format!("{}: {}", self.part, words.join(" "))
    }
}

/// Whether the real one is there.
pub fn installed() -> bool {
    let version = Command::new("crm_simulate").arg("--version").output();
    version.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).contains("Pacemaker 2.1.5"))
}

/// Runs the real one; nothing if it refuses the CIB.
pub fn real(doc: &Document, args: &[String], folder: &Path) -> Option<Outcome> {
    tool(Path::new("crm_simulate"), doc, args, folder)
}

/// Runs a crm_simulate, with what happens before as options.
fn tool(program: &Path, doc: &Document, args: &[String], folder: &Path) -> Option<Outcome> {
    let path = |name: &str| folder.join(name);
    std::fs::write(path("in.xml"), writer::pretty(doc, doc.root())).ok()?;
    for name in ["dot", "graph", "out"] {
        let _ = std::fs::remove_file(path(name));
    }
    let output = Command::new("timeout")
        .arg("8")
        .arg(program)
        .args(["-S", "-s", "-U", "--text-fancy", "-x", "in.xml"])
        .args(["-D", "dot", "-G", "graph", "-O", "out"])
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH")?)
        .envs([("LC_ALL", "C"), ("TZ", "UTC")])
        .env("CIB_shadow_dir", folder)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if !matches!(output.status.code(), Some(0 | 1)) || output.stdout.is_empty() {
        return None;
    }
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap_or_default();
    Some(Outcome {
        text: String::from_utf8_lossy(&output.stdout).into_owned(),
        dot: read("dot"),
        graph: read("graph"),
        after: read("out"),
    })
}

/// The clock, which both take for what happens in a simulation.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

fn ours_here(doc: &Document) -> Outcome {
    let mut doc = doc.clone();
    let root = doc.root();
    // As the tool does it, of both.
    if doc.child(root, "status").is_none() {
        doc.add_element(root, "status", &[]);
    }
    let done = simulate(
        &doc,
        &Request {
            clock: Clock::utc(now()),
            run: true,
            simulate: true,
            scores: true,
            utilization: true,
            ..Request::default()
        },
    );
    let graph = done.graph.as_ref();
    Outcome {
        text: done.text,
        dot: done.dot.unwrap_or_default(),
        graph: graph.map_or(String::new(), |g| writer::pretty(g, g.root())),
        after: writer::pretty(&done.cib, done.cib.root()),
    }
}

/// Runs ours; the error says how it ended otherwise.
pub fn ours(doc: &Document, args: &[String]) -> Result<Outcome, String> {
    if args.is_empty() {
        return ours_within(doc);
    }
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let program = folder.path().join("crm_simulate");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_everbeat"), &program)
        .map_err(|e| e.to_string())?;
    tool(&program, doc, args, folder.path()).ok_or_else(|| "no report".to_owned())
}

/// Runs ours on a thread of its own.
fn ours_within(doc: &Document) -> Result<Outcome, String> {
    let (tell, told) = mpsc::channel();
    let doc = doc.clone();
    let work = move || {
        let run = std::panic::AssertUnwindSafe(|| ours_here(&doc));
        let _ = tell.send(std::panic::catch_unwind(run));
    };
    let worker = std::thread::Builder::new().stack_size(STACK_BYTES);
    worker.spawn(work).map_err(|e| e.to_string())?;
    match told.recv_timeout(PATIENCE) {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<String>().cloned();
            let short = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
            Err(format!("panic {}", text.or(short).unwrap_or_default()))
        }
        Err(_) => Err(format!("ran for more than {} s", PATIENCE.as_secs())),
    }
}

/// All parts that differ.
pub fn differences(real: &Outcome, ours: &Result<Outcome, String>) -> Vec<Difference> {
    let ours = match ours {
        Ok(outcome) => outcome,
        Err(text) => {
            return vec![Difference {
                part: "end",
                lines: vec![format!("+{text}")],
            }];
        }
    };
    let mut found = Vec::new();
    let mut compare = |part, real: Vec<String>, ours: Vec<String>| {
        if real != ours {
            found.push(Difference {
                part,
                lines: only_in_one(&real, &ours),
            });
        }
    };
    compare("status", before(&real.text), before(&ours.text));
    compare(
        "scores",
        scores(&real.text, false),
        scores(&ours.text, false),
    );
    compare("summary", summary(&real.text), summary(&ours.text));
    compare("dot", sorted(&real.dot), sorted(&ours.dot));
    compare("graph", actions(&real.graph), actions(&ours.graph));
    compare("execution", executed(&real.text), executed(&ours.text));
    compare(
        "utilization",
        scores(&real.text, true),
        scores(&ours.text, true),
    );
    compare("history", history(&real.after), history(&ours.after));
    found
}

fn only_in_one(real: &[String], ours: &[String]) -> Vec<String> {
    let mut count: BTreeMap<&str, i32> = BTreeMap::new();
    for line in real {
        *count.entry(line).or_default() += 1;
    }
    for line in ours {
        *count.entry(line).or_default() -= 1;
    }
    let mut lines = Vec::new();
    for (mark, side) in [('-', real), ('+', ours)] {
        for line in side {
            let left = count.get_mut(line.as_str());
            if let Some(left) = left
                && ((mark == '-' && *left > 0) || (mark == '+' && *left < 0))
            {
                *left += if mark == '-' { -1 } else { 1 };
                lines.push(format!("{mark}{line}"));
            }
        }
    }
    if lines.is_empty() {
        let at = real.iter().zip(ours).position(|(a, b)| a != b).unwrap_or(0);
        for (mark, side) in [('-', real), ('+', ours)] {
            let line = side.get(at).map_or("", String::as_str);
            lines.push(format!("{mark}order: {line}"));
        }
    }
    lines
}

/// A line without the moment in which a simulation counted a failure: the two run one after the
/// other.
fn timeless(line: &str) -> String {
    if !line.contains("last-failure-") {
        return line.to_owned();
    }
    let (now, digit) = (now(), |c: char| c.is_ascii_digit());
    let mut out = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(digit) {
        let (plain, number) = rest.split_at(start);
        let (number, after) = number.split_at(number.find(|c| !digit(c)).unwrap_or(number.len()));
        let recent = number.parse::<i64>().is_ok_and(|n| (n - now).abs() < 600);
        out.extend([plain, if recent { "now" } else { number }]);
        rest = after;
    }
    out + rest
}

/// The lines of a report between two titles.
fn between<'a>(text: &'a str, from: &str, to: &str) -> impl Iterator<Item = &'a str> {
    let start = if from.is_empty() {
        Some(0)
    } else {
        text.find(from)
    };
    let part = start.map_or("", |at| text.get(at..).unwrap_or(""));
    let end = if to.is_empty() {
        part.len()
    } else {
        part.find(to).unwrap_or(part.len())
    };
    part.get(..end).unwrap_or("").lines().map(str::trim_end)
}

fn before(text: &str) -> Vec<String> {
    let text = text.split("\nTransition Summary:").next().unwrap_or("");
    between(text, "", "\nAllocation Scores")
        .map(timeless)
        .collect()
}

fn scores(text: &str, of_load: bool) -> Vec<String> {
    let part = between(text, "\nAllocation Scores", "\nTransition Summary:");
    let is_load = |l: &&str| l.contains(" utilization on ") || l.contains(" capacity:");
    let part = part.filter(|l| is_load(l) == of_load);
    let mut lines: Vec<String> = part.map(str::to_owned).collect();
    lines.sort();
    lines
}

fn summary(text: &str) -> Vec<String> {
    let part = between(
        text,
        "\nTransition Summary:",
        "\nExecuting Cluster Transition:",
    );
    part.map(str::to_owned).collect()
}

fn executed(text: &str) -> Vec<String> {
    between(text, "\nExecuting Cluster Transition:", "")
        .map(timeless)
        .collect()
}

fn sorted(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    lines
}

fn attributes(element: Element<'_>, without: &[&str]) -> String {
    let attrs = element.attrs().filter(|(name, _)| !without.contains(name));
    let mut attrs: Vec<String> = attrs
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    attrs.sort();
    attrs.join(" ")
}

fn label(action: Element<'_>) -> String {
    let mut text = format!("{} {}", action.name(), attributes(action, &["id"]));
    for child in action.children() {
        let attrs = attributes(child, &["crm_feature_set"]);
        text.push_str(&format!(" <{} {attrs}>", child.name()));
        for inner in child.children() {
            text.push_str(&format!(" <{} {}>", inner.name(), attributes(inner, &[])));
        }
    }
    text
}

/// The graph as lines: its head, each action, each input of each action.
fn actions(graph: &str) -> Vec<String> {
    let Ok(doc) = cib::read(graph) else {
        return vec![graph.to_owned()];
    };
    let root = doc.root_element();
    let mut lines = vec![format!("graph {}", attributes(root, &["batch-limit"]))];
    let mut labels = BTreeMap::new();
    let action_of = |synapse: Element<'_>| -> Option<(String, String, String)> {
        let action = synapse.child("action_set")?.children().next()?;
        let key = action.attr("operation_key").unwrap_or("");
        let short = format!(
            "{} {} {key}",
            action.name(),
            action.attr("on_node").unwrap_or("")
        );
        Some((action.id()?.to_owned(), short, label(action)))
    };
    for synapse in root.children() {
        if let Some((id, short, long)) = action_of(synapse) {
            let priority = synapse.attr("priority").unwrap_or("0");
            lines.push(format!("action {short} priority {priority}: {long}"));
            labels.insert(id, short);
        }
    }
    for synapse in root.children() {
        let Some((_, short, _)) = action_of(synapse) else {
            continue;
        };
        let triggers = synapse
            .child("inputs")
            .into_iter()
            .flat_map(Element::children);
        for input in triggers.filter_map(|t| t.children().next()) {
            let name = input.id().and_then(|id| labels.get(id));
            let name = name.map_or("(not in the graph)", String::as_str);
            lines.push(format!("input of {short}: {name}"));
        }
    }
    lines.sort();
    lines
}

/// What the simulation left in the status.
fn history(after: &str) -> Vec<String> {
    let Ok(doc) = cib::read(after) else {
        return vec![after.to_owned()];
    };
    let Some(status) = doc.root_element().child("status") else {
        return Vec::new();
    };
    let mut lines: Vec<String> = Vec::new();
    for element in status.descendants() {
        let without = [
            "last-rc-change",
            "exec-time",
            "queue-time",
            "crm-debug-origin",
        ];
        let parent = element.parent().and_then(|p| p.id()).unwrap_or("");
        let attrs = attributes(element, &without);
        lines.push(timeless(&format!(
            "{} in {parent}: {attrs}",
            element.name()
        )));
    }
    lines.sort();
    lines
}
