//! What a rehearsal found, as one HTML file that needs nothing else.

use std::fmt::Write;

use serde::Serialize;

use super::picture;
use super::timeline::{Cause, Event, Timeline};
use crate::migrate::report::html::{STYLE, escape};

/// What a rehearsal found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The nodes.
    pub nodes: Vec<String>,
    /// What played the old cluster: `heartbeat` or `everbeat`.
    pub old: String,
    /// `stand-ins` or `real`.
    pub agents: String,
    /// Each resource: its id, and its word of haresources.
    pub resources: Vec<(String, String)>,
    /// What is different from the real cluster.
    pub notes: Vec<String>,
    /// What is wrong. None: the rehearsal succeeded.
    pub problems: Vec<String>,
    /// Who held what when.
    pub timeline: Timeline,
    /// All that happened.
    pub events: Vec<Event>,
}

/// The words for a cause.
pub fn told(cause: Cause) -> &'static str {
    match cause {
        Cause::PowerOff => "its node lost power",
        Cause::HandOver => "handed over while heartbeat was replaced",
        Cause::Failback => "went back to its node",
        Cause::Unexplained => "no reason known",
    }
}

const MORE_STYLE: &str = "\
svg{width:100%;height:auto;background:var(--soft);border-radius:.5rem}
svg text{font:11px system-ui,sans-serif;fill:currentColor}
svg text.resource{font-weight:600}svg text.grid{fill:#888}svg text.mark{font-size:10px;fill:#888}
svg line.grid{stroke:#8883}svg line.mark{stroke:#8885;stroke-dasharray:2 3}
td:nth-child(2){width:auto}.good{color:#15803d;font-weight:600}
.key span{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem;border-radius:.2rem}";

/// The page.
pub fn html(report: &Report) -> String {
    let mut out = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Rehearsal</title>\n",
    );
    let _ = write!(
        out,
        "<style>\n{STYLE}\n{MORE_STYLE}\n</style>\n</head>\n<body>\n"
    );
    out.push_str("<h1>From heartbeat to the CRM on a ring: rehearsal</h1>\n");
    summary(&mut out, report);
    verdict(&mut out, report);
    out.push_str("<h2>Who held what when</h2>\n<p class=\"key\">");
    for (place, node) in report.timeline.power.keys().enumerate() {
        let _ = write!(
            out,
            "<span style=\"background:{}\"></span>",
            picture::colour(place)
        );
        escape(&mut out, node);
    }
    out.push_str("<span style=\"background:#b00020\"></span>nobody</p>\n");
    out.push_str(&picture::svg(&report.timeline));
    gaps(&mut out, report);
    resources(&mut out, report);
    list(
        &mut out,
        "What is different from the real cluster",
        &report.notes,
        "change",
    );
    out.push_str("</body>\n</html>\n");
    out
}

fn summary(out: &mut String, report: &Report) {
    out.push_str("<div class=\"sum\">\n");
    let gaps: usize = report.timeline.rows.iter().map(|r| r.gaps.len()).sum();
    let seconds = report.timeline.end_us / 1_000_000;
    for (count, what) in [
        (report.nodes.len().to_string(), "nodes"),
        (report.resources.len().to_string(), "resources"),
        (seconds.to_string(), "seconds"),
        (gaps.to_string(), "gaps"),
        (report.timeline.twice.len().to_string(), "times two holders"),
    ] {
        let _ = writeln!(out, "<div><b>{count}</b>{what}</div>");
    }
    out.push_str("</div>\n<p>The old cluster: ");
    escape(out, &report.old);
    out.push_str("; resource agents: ");
    escape(out, &report.agents);
    out.push_str(".</p>\n");
}

fn verdict(out: &mut String, report: &Report) {
    if report.problems.is_empty() {
        out.push_str(
            "<p class=\"good\">All resources had one holder at most, each gap has its reason, and \
             the cluster is whole at the end.</p>\n",
        );
    }
    list(out, "What went wrong", &report.problems, "decide");
}

fn gaps(out: &mut String, report: &Report) {
    out.push_str(
        "<h2>Gaps</h2>\n<table>\n<tr><th>ms</th><th>resource</th><th>at</th><th>from, to</th>\
         <th>during</th><th>why</th></tr>\n",
    );
    for row in &report.timeline.rows {
        for gap in &row.gaps {
            let at = gap.from_us / 1000;
            let _ = write!(out, "<tr><td>{}</td><td>", gap.ms);
            escape(out, &row.resource);
            let _ = write!(out, "</td><td>{}.{:03} s</td><td>", at / 1000, at % 1000);
            let after = gap.after.as_deref().unwrap_or("nobody");
            escape(out, &format!("{}, {after}", gap.before));
            out.push_str("</td><td>");
            escape(out, &gap.during);
            let class = if gap.cause == Cause::Unexplained {
                "decide"
            } else {
                ""
            };
            let _ = writeln!(
                out,
                "</td><td class=\"{class}\">{}</td></tr>",
                told(gap.cause)
            );
        }
    }
    out.push_str("</table>\n");
}

fn resources(out: &mut String, report: &Report) {
    out.push_str(
        "<h2>Resources</h2>\n<table>\n<tr><th></th><th>resource</th><th>haresources</th></tr>\n",
    );
    for (place, (id, word)) in report.resources.iter().enumerate() {
        let _ = write!(out, "<tr><td>{}</td><td>", place + 1);
        escape(out, id);
        out.push_str("</td><td><code>");
        escape(out, word);
        out.push_str("</code></td></tr>\n");
    }
    out.push_str("</table>\n");
}

fn list(out: &mut String, title: &str, items: &[String], class: &str) {
    if items.is_empty() {
        return;
    }
    let _ = write!(out, "<h2>{title}</h2>\n<ul>\n");
    for item in items {
        let _ = write!(out, "<li class=\"{class}\">");
        escape(out, item);
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

/// The same as text for a terminal.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for (cause, count, longest) in report.timeline.gaps() {
        let _ = writeln!(
            out,
            "gaps: {count}, the longest {longest} ms: {}",
            told(cause)
        );
    }
    let _ = writeln!(out, "two holders: {} times", report.timeline.twice.len());
    for problem in &report.problems {
        let _ = writeln!(out, "problem: {problem}");
    }
    for note in &report.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}
