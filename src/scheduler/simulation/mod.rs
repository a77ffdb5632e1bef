//! What a cluster would do with a CIB, as a report: the status, the transition, and the status
//! after it.
//! Source: Pacemaker 2.1.5, `pcmk__simulate`.

pub mod execution;
pub mod injections;
pub mod shadow;
pub mod shown;

use std::collections::BTreeSet;

use crate::cib::{Document, NodeRef};
use crate::rules::iso8601::{Clock, Time};
use crate::scheduler::model::Text;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::report::{Section, Show, Times, Xml};
use crate::scheduler::simulation::shown::{Item, Score};
use crate::scheduler::unpack::expand;
use crate::scheduler::{report, score};
use execution::Failure;
use shadow::Shadow;

/// Two ways to write a moment.
pub type Moments = (fn(i64) -> String, fn(i64) -> String);

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The time if the CIB doesn't tell.
    pub clock: Clock,
    /// A time in place of all others, with the text it was given as.
    pub date: Option<(String, Time)>,
    /// The transition is computed.
    pub run: bool,
    /// The transition is also executed.
    pub simulate: bool,
    /// Neither the graph nor a picture of it is needed, only what is said.
    pub report_only: bool,
    /// Scores are shown.
    pub scores: bool,
    /// Capacities of nodes are shown.
    pub utilization: bool,
    /// Attributes of nodes are shown with the status.
    pub attributes: bool,
    /// Failures are counted with the status.
    pub failcounts: bool,
    /// Only what was asked for is shown.
    pub quiet: bool,
    /// No titles and no bullets.
    pub plain: bool,
    /// The picture has all actions.
    pub all_actions: bool,
    /// Operations that fail.
    pub failures: Vec<Failure>,
    /// How moments are written, given in seconds since 1970: in C's way and by ISO 8601.
    pub moments: Option<Moments>,
    /// What happens before.
    pub injections: injections::Injections,
}

/// What came of it.
#[derive(Debug)]
pub struct Simulation {
    /// The report.
    pub text: String,
    /// The report as XML, if that was asked for.
    pub xml: Option<Xml>,
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
    /// Where the lists begin; what is before them looks the same without titles and bullets.
    lists: usize,
    xml: Option<Xml>,
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

    /// An element around items.
    fn element<T>(&mut self, name: &'static str, items: &[T], write: impl Fn(&T, &mut Xml)) {
        let Some(out) = &mut self.xml else { return };
        out.start(name);
        for item in items {
            write(item, out);
        }
        out.end();
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
fn effective_time(doc: &Document, request: &Request) -> Clock {
    let original = doc.root_element().attr("execution-date");
    match (&request.date, original.and_then(score::leading_integer)) {
        (Some((_, time)), _) => Clock {
            unix_s: time.unix_s(),
            offset_s: time.offset_s(),
        },
        (None, Some(unix_s)) if unix_s != 0 => Clock {
            unix_s,
            ..request.clock
        },
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
        let text = Time::from_unix(time, 0);
        page.line(&format!("Using the original execution date of: {text}"));
    }
}

fn tell_status(
    cluster: &mut Cluster<'_>,
    request: &Request,
    (title, element): (&str, &'static str),
    page: &mut Page,
) {
    let mut show = report::simulated();
    for (asked, section) in [
        (request.attributes, Section::Attributes),
        (request.failcounts, Section::Failcounts),
        (request.failcounts, Section::Failures),
    ] {
        if asked {
            show.sections.insert(section);
        }
    }
    // Only the list of nodes tells the hosts of guests.
    let nameless = Show {
        hosts: false,
        ..show
    };
    let (ctime, iso) = request
        .moments
        .unwrap_or((|_| String::new(), |_| String::new()));
    let times = Times {
        ctime: &ctime,
        iso: &iso,
        now: request.clock.unix_s,
    };
    if let Some(out) = &mut page.xml {
        out.start(element);
        report::simulated_xml(cluster, &nameless, &times, out);
        out.end();
    }
    if !request.quiet {
        page.part(&report::status(cluster, title));
        page.text
            .push_str(&report::additions(cluster, &nameless, &times));
    }
}

/// Simulates what a cluster does with a CIB.
pub fn simulate(source: &Document, request: &Request) -> Simulation {
    report_of(source, request, Page::default())
}

/// [`simulate`], with the report also as XML: below the element that is begun in `xml`.
pub fn simulate_as_xml(source: &Document, request: &Request, xml: Xml) -> Simulation {
    let page = Page {
        xml: Some(xml),
        ..Page::default()
    };
    report_of(source, request, page)
}

fn report_of(source: &Document, request: &Request, mut page: Page) -> Simulation {
    let mut cib = source.clone();
    let input = expand::expand(source);
    tell_time(source, request, &mut page);
    let mut cluster = crate::scheduler::read(&input, effective_time(source, request));
    if !request.quiet {
        page.part(&report::notes(&cluster));
        page.spacer = false;
    }
    page.lists = page.text.len();
    let title = ("Current cluster status", "cluster_status");
    tell_status(&mut cluster, request, title, &mut page);
    let agents = injections::agents(&cluster, &request.injections);
    let mut errors = Vec::new();
    if !request.injections.is_empty() {
        let mut shadow = Shadow::new(&mut cib, request.injections.adds_nodes());
        let now = request.clock.unix_s;
        let done = injections::inject(&mut shadow, &request.injections, &agents, now);
        errors.extend(done.errors);
        page.element("modifications", &done.lines, Item::xml);
        if !request.quiet {
            let lines: Vec<String> = done.lines.iter().map(Item::text).collect();
            page.list("Performing Requested Modifications", &lines);
        }
        tell_time(&cib, request, &mut page);
    }
    let mut made = Simulation {
        text: String::new(),
        xml: None,
        errors,
        input: cib.clone(),
        cib,
        graph: None,
        dot: None,
        complete: true,
    };
    let unchanged = request.injections.is_empty();
    // What else is shown may be computed with the cluster, and leave something in it.
    let untouched = unchanged && !request.attributes && !request.failcounts;
    if !(request.run || request.simulate) {
        if unchanged {
            mark(&mut made.input, &failures(&cluster));
        }
    } else if untouched {
        transition(request, &mut page, &mut made, cluster);
    } else {
        let input = expand::expand(&made.input);
        let cluster = crate::scheduler::read(&input, effective_time(&made.input, request));
        transition(request, &mut page, &mut made, cluster);
    }
    made.xml = page.xml.take();
    made.text = if request.plain {
        let (head, lists) = page.text.split_at(page.lists);
        format!("{head}{}", plain(lists))
    } else {
        page.text
    };
    made
}

/// An entry of a history that tells of a failure, with the node and the resource.
type Mark = (NodeRef, Text, Text);

/// The failures of a cluster, each operation of a node once.
fn failures(cluster: &Cluster<'_>) -> Vec<Mark> {
    let mut seen = BTreeSet::new();
    let failed = cluster.failed.iter().filter(|failed| {
        let op = failed.op;
        let key = op.attr("operation_key").or_else(|| op.id());
        seen.insert((failed.node, key))
    });
    let marks = failed.map(|failed| {
        let node = cluster.nodes[failed.node].name.clone();
        let resource = cluster.resources[failed.resource].id.clone();
        (failed.op.node(), node, resource)
    });
    marks.collect()
}

/// Failures are marked in the input, as the original does that while it reads it.
fn mark(input: &mut Document, failed: &[Mark]) {
    for (op, node, resource) in failed {
        input.set_attr(*op, "uname", node);
        input.set_attr(*op, "rsc-id", resource);
    }
}

/// The report without titles, bullets and names of lists of nodes.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim_start();
        let item = line.strip_prefix("* ").unwrap_or(line);
        let load = item.ends_with(" capacity:") || item.contains(" utilization on ");
        if item.ends_with(':') && !load {
            continue;
        }
        let nodes = |name: &str| name.ends_with("Online") || name.ends_with("OFFLINE");
        let list = item.split_once(": [ ");
        let list = list.filter(|(name, _)| item.ends_with(" ]") && nodes(name));
        match list {
            Some((_, names)) => out.push_str(&format!("[ {names}")),
            None => out.push_str(item),
        }
        out.push('\n');
    }
    out
}

fn transition(request: &Request, page: &mut Page, made: &mut Simulation, mut cluster: Cluster<'_>) {
    cluster.tells_scores = request.scores;
    let parts = crate::scheduler::decide(&mut cluster);
    let graph = (!request.report_only).then(|| cluster.write_graph(&parts));
    mark(&mut made.input, &failures(&cluster));
    tell_scores(&cluster, request, page);
    if !request.report_only {
        made.dot = Some(cluster.dot(request.all_actions));
    }
    let summary = cluster.summary();
    page.element("actions", &summary, |done, out| done.xml(out));
    if !request.quiet {
        let lines: Vec<String> = summary.into_iter().map(|done| done.line).collect();
        page.list("Transition Summary", &lines);
    }
    if request.simulate
        && let Some(graph) = &graph
    {
        let failures = &request.failures;
        let run = execution::execute(
            &cluster,
            graph,
            &mut Shadow::new(&mut made.cib, request.injections.adds_nodes()),
            failures,
            request.clock.unix_s,
        );
        page.element("transition", &run.lines, Item::xml);
        if !request.quiet {
            page.part("Executing Cluster Transition:\n");
            for line in &run.lines {
                match line {
                    Item::Note(text) => page.line(text),
                    item => page.line(&format!("  * {}", item.text())),
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
    made.graph = graph;
    if request.simulate {
        tell_time(&made.cib, request, page);
        let input = expand::expand(&made.cib);
        let mut after = crate::scheduler::read(&input, effective_time(&made.cib, request));
        after.show_pending = false;
        let title = ("Revised Cluster Status", "revised_cluster_status");
        tell_status(&mut after, request, title, page);
    }
}

fn tell_scores(cluster: &Cluster<'_>, request: &Request, page: &mut Page) {
    let (element, title) = match (request.scores, request.utilization) {
        (true, true) => (
            "allocations_utilizations",
            "Allocation Scores and Utilization Information",
        ),
        (true, false) => ("allocations", "Allocation Scores"),
        (false, true) => ("utilizations", "Utilization Information"),
        (false, false) => return,
    };
    let scores = cluster.scores.borrow();
    let asked = |score: &&Score| match score {
        Score::Note(_) => !request.quiet,
        load if load.of_load() => request.utilization,
        _ => request.scores,
    };
    let wanted: Vec<&Score> = scores.iter().filter(asked).collect();
    page.element(element, &wanted, |score, out| score.xml(out));
    if request.quiet {
        for score in &wanted {
            page.line(&score.text());
        }
        // The blank line before what is executed stays, though that isn't shown.
        if request.simulate && !wanted.is_empty() {
            page.line("");
        }
        return;
    }
    page.part(&format!("{title}:\n"));
    for score in &wanted {
        match score {
            Score::Note(text) => page.line(text),
            score => page.line(&format!("  * {}", score.text())),
        }
    }
}
