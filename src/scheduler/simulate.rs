//! What a cluster would do with a CIB, as a report: the status, the transition, and the status
//! after it.
//! Source: Pacemaker 2.1.5, `pcmk__simulate`.

use super::cluster::Cluster;
use super::execution::{self, Failure, Line};
use super::{expand, injections, report, score};
use crate::cib::Document;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The time if the CIB doesn't tell, in seconds since 1970.
    pub clock: i64,
    /// A time in place of all others, with the text it was given as.
    pub date: Option<(String, i64)>,
    /// The transition is computed.
    pub run: bool,
    /// The transition is also executed.
    pub simulate: bool,
    /// Scores are shown.
    pub scores: bool,
    /// Capacities of nodes are shown.
    pub utilization: bool,
    /// Only what was asked for is shown.
    pub quiet: bool,
    /// No titles and no bullets.
    pub plain: bool,
    /// The picture has all actions.
    pub all_actions: bool,
    /// Operations that fail.
    pub failures: Vec<Failure>,
    /// What happens before.
    pub injections: injections::Injections,
}

/// What came of it.
#[derive(Debug)]
pub struct Simulation {
    /// The report.
    pub text: String,
    /// What is wrong, a line each.
    pub errors: Vec<String>,
    /// The CIB as the transition was computed from it.
    pub input: Document,
    /// The CIB after the transition.
    pub cib: Document,
    /// The transition.
    pub graph: Option<Document>,
    /// A picture of it.
    pub dot: Option<String>,
    /// Whether the transition could be executed to its end.
    pub complete: bool,
}

/// The report while it is written: whether a blank line comes before the next part.
#[derive(Default)]
struct Page {
    text: String,
    spacer: bool,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A titled list.
    fn list(&mut self, title: &str, items: &[String]) {
        self.part(&format!("{title}:\n"));
        for item in items {
            self.line(&format!("  * {item}"));
        }
    }

    fn part(&mut self, text: &str) {
        if self.spacer {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.spacer = true;
    }
}

/// The time that counts for a CIB.
fn effective_time(doc: &Document, request: &Request) -> i64 {
    let original = doc.root_element().attr("execution-date");
    match (&request.date, original.and_then(score::leading_integer)) {
        (Some((_, time)), _) => *time,
        (None, Some(time)) if time != 0 => time,
        _ => request.clock,
    }
}

fn tell_time(doc: &Document, request: &Request, page: &mut Page) {
    if request.quiet {
        return;
    }
    let original = doc.root_element().attr("execution-date");
    if let Some((text, _)) = &request.date {
        page.line(&format!("Setting effective cluster time: {text}"));
    } else if let Some(time) = original
        .and_then(score::leading_integer)
        .filter(|t| *t != 0)
    {
        let text = super::dates::utc_text(time);
        page.line(&format!("Using the original execution date of: {text}"));
    }
}

fn tell_status(cluster: &Cluster<'_>, request: &Request, page: &mut Page) {
    if request.quiet {
        return;
    }
    page.part(&report::notes(cluster));
    page.spacer = false;
    page.part(&report::status(cluster, "Current cluster status"));
}

/// Simulates what a cluster does with a CIB.
pub fn simulate(source: &Document, request: &Request) -> Simulation {
    let mut page = Page::default();
    let mut cib = source.clone();
    {
        tell_time(&cib, request, &mut page);
        let input = expand::expand(&cib);
        let cluster = super::read(&input, effective_time(&cib, request));
        tell_status(&cluster, request, &mut page);
    }
    let mut errors = Vec::new();
    if !request.injections.is_empty() {
        let done = injections::inject(&mut cib, &request.injections, request.clock);
        errors.extend(done.errors);
        if !request.quiet {
            page.list("Performing Requested Modifications", &done.lines);
        }
        tell_time(&cib, request, &mut page);
    }
    let mut made = Simulation {
        text: String::new(),
        errors,
        input: cib.clone(),
        cib,
        graph: None,
        dot: None,
        complete: true,
    };
    if request.run || request.simulate {
        transition(request, &mut page, &mut made);
    }
    made.text = if request.plain {
        plain(&page.text)
    } else {
        page.text
    };
    made
}

/// The report without titles, bullets and names of lists.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        let item = line.strip_prefix("* ").unwrap_or(line);
        if item.ends_with(':') {
            continue;
        }
        let list = item.split_once(": [ ").filter(|_| item.ends_with(" ]"));
        match list {
            Some((_, names)) => out.push_str(&format!("[ {names}")),
            None => out.push_str(item),
        }
        out.push('\n');
    }
    out
}

fn transition(request: &Request, page: &mut Page, made: &mut Simulation) {
    let input = expand::expand(&made.input);
    let mut cluster = super::read(&input, effective_time(&made.input, request));
    let graph = super::schedule(&mut cluster);
    tell_scores(&cluster, request, page);
    made.dot = Some(cluster.dot(request.all_actions));
    let summary = cluster.summary();
    if !request.quiet {
        page.list("Transition Summary", &summary);
    }
    if request.simulate {
        let failures = &request.failures;
        let run = execution::execute(&cluster, &graph, &mut made.cib, failures);
        if !request.quiet {
            page.part("Executing Cluster Transition:\n");
            for line in &run.lines {
                match line {
                    Line::Item(text) => page.line(&format!("  * {text}")),
                    Line::Note(text) => page.line(text),
                }
            }
        }
        made.complete = run.complete;
        if !run.complete {
            made.errors.push("Transition failed: terminated".to_owned());
            made.errors
                .push("An invalid transition was produced".to_owned());
        }
    }
    made.graph = Some(graph);
    if request.simulate && !request.quiet {
        tell_time(&made.cib, request, page);
        let input = expand::expand(&made.cib);
        let mut after = super::read(&input, effective_time(&made.cib, request));
        after.show_pending = false;
        page.part(&report::status(&after, "Revised Cluster Status"));
    }
}

fn tell_scores(cluster: &Cluster<'_>, request: &Request, page: &mut Page) {
    let scores = cluster.scores.borrow();
    let wanted: Vec<String> = scores
        .iter()
        .filter(|line| {
            let of_load = line.contains("utilization on") || line.contains("capacity:");
            if of_load {
                request.utilization
            } else {
                request.scores
            }
        })
        .cloned()
        .collect();
    if !request.scores && !request.utilization {
        return;
    }
    if request.quiet {
        for line in &wanted {
            page.line(line);
        }
        return;
    }
    let title = match (request.scores, request.utilization) {
        (true, true) => "Allocation Scores and Utilization Information",
        (true, false) => "Allocation Scores",
        _ => "Utilization Information",
    };
    page.list(title, &wanted);
}
