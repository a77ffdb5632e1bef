//! What is said of the cluster as a whole.

use super::page::{Entry, Page, Part, Span};
use super::show::{Section, Show};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::unpack::options::QuorumPolicy;

/// Moments as they are shown, in the zone of who looks.
pub struct Times<'x> {
    /// As C's ctime(3) writes them, without the line's end.
    pub ctime: &'x dyn Fn(i64) -> String,
    /// With the offset of the zone, the largest unit first.
    pub iso: &'x dyn Fn(i64) -> String,
    /// The moment of the report.
    pub now: i64,
}

impl Times<'_> {
    /// A moment that an attribute tells in seconds since 1970; none if it tells nothing.
    pub(super) fn of(&self, seconds: Option<&str>) -> Option<String> {
        let seconds = seconds.and_then(crate::scheduler::score::leading_integer);
        seconds.filter(|s| *s > 0).map(self.ctime)
    }
}

impl Cluster<'_> {
    /// The value that a property of the cluster has, whichever set it stands in.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        let config = self.configuration("crm_config")?;
        let mut pairs = config.descendants().filter(|e| e.name() == "nvpair");
        pairs.find(|e| e.attr("name") == Some(name))?.attr("value")
    }

    /// The stack that the cluster runs on.
    pub(super) fn stack(&self) -> &str {
        self.property("cluster-infrastructure").unwrap_or("unknown")
    }

    /// Whether nodes differ in their feature sets.
    pub(super) fn mixed_versions(&self) -> bool {
        let nodes = self.node_order.iter();
        let mut sets = nodes.filter_map(|&n| self.feature_set(n));
        let first = sets.next();
        sets.any(|set| Some(set) != first)
    }

    /// The summary, and banners below it.
    pub(super) fn summary_parts(&self, page: &mut Page, show: &Show, times: &Times<'_>) {
        let mut entries = Vec::new();
        if show.has(Section::Stack) {
            entries.push(titled(show, "Stack: ", self.stack().to_owned()));
        }
        if show.has(Section::Dc) || self.dc.is_none() {
            entries.push(self.dc_entry(show));
        }
        if show.has(Section::Times) {
            entries.push(titled(show, "Last updated: ", (times.ctime)(times.now)));
            let gap = if show.html {
                "Last change: "
            } else {
                "Last change:  "
            };
            entries.push(titled(show, gap, self.last_change()));
        }
        if show.has(Section::Counts) {
            let nodes = self.node_order.len();
            let s = if nodes == 1 { "" } else { "s" };
            let nodes = format!("{nodes} node{s} configured");
            entries.push(Entry::Spans(vec![Span::plain(nodes)]));
            entries.push(Entry::Spans(self.count_spans()));
        }
        let apart = show.html && show.has(Section::Options);
        if show.has(Section::Options) && !apart {
            entries.extend(self.option_entries(show));
        }
        page.section("Cluster Summary", entries);
        if apart {
            page.section("Config Options", self.option_entries(show));
        }
        if show.has(Section::MaintMode) {
            self.banners(page);
        }
    }

    fn banners(&self, page: &mut Page) {
        let lines = if self.options.maintenance {
            [
                "              *** Resource management is DISABLED ***",
                "  The cluster will not attempt to start, stop or recover services",
            ]
        } else if self.options.stop_all {
            [
                "    *** Resource management is DISABLED ***",
                "  The cluster will keep all resources stopped",
            ]
        } else {
            return;
        };
        page.parts
            .push(Part::Banner(lines.map(str::to_owned).into()));
    }

    fn dc_entry(&self, show: &Show) -> Entry {
        let title = "Current DC: ";
        let Some(dc) = self.dc else {
            return match show.html {
                true => Entry::Spans(vec![Span::of("bold", title), Span::of("warning", "NONE")]),
                false => Entry::Line(format!("{title}NONE")),
            };
        };
        let name = self.display_name(show, dc);
        let version = self.property("dc-version").unwrap_or("unknown");
        let mixed = if self.mixed_versions() {
            "MIXED-VERSION "
        } else {
            ""
        };
        let about = format!("{name} (version {version}) - ");
        if !show.html {
            let with = if self.have_quorum { "with" } else { "WITHOUT" };
            return Entry::Line(format!("{title}{about}{mixed}partition {with} quorum"));
        }
        let mut spans = vec![Span::of("bold", title), Span::plain(about.trim_end())];
        if !mixed.is_empty() {
            spans.push(Span::of("warning", format!(" {}", mixed.trim_end())));
        }
        spans.push(Span::plain(" partition"));
        match self.have_quorum {
            true => spans.push(Span::plain(" with")),
            false => spans.push(Span::of("warning", " WITHOUT")),
        }
        spans.push(Span::plain(" quorum"));
        Entry::Spans(spans)
    }

    fn last_change(&self) -> String {
        let root = self.root();
        let mut text = root.attr("cib-last-written").unwrap_or("").to_owned();
        let by = [
            ("by", "update-user"),
            ("via", "update-client"),
            ("on", "update-origin"),
        ];
        for (word, attribute) in by {
            if let Some(who) = root.attr(attribute) {
                text.push_str(&format!(" {word} {who}"));
            }
        }
        text
    }

    fn count_spans(&self) -> Vec<Span> {
        let counts = self.counts();
        let s = if counts.all == 1 { "" } else { "s" };
        let text = format!("{} resource instance{s} configured", counts.all);
        if counts.disabled == 0 && counts.blocked == 0 {
            return vec![Span::plain(text)];
        }
        let mut spans = vec![Span::plain(format!("{text} ("))];
        if counts.disabled > 0 {
            spans.push(Span::plain(format!("{} ", counts.disabled)));
            spans.push(Span::of("bold", "DISABLED"));
        }
        if counts.disabled > 0 && counts.blocked > 0 {
            spans.push(Span::plain(", "));
        }
        if counts.blocked > 0 {
            spans.push(Span::plain(format!("{} ", counts.blocked)));
            spans.push(Span::of("bold", "BLOCKED"));
            spans.push(Span::plain(" from further action due to failure)"));
        } else {
            spans.push(Span::plain(")"));
        }
        // Neighbours without a class are one piece.
        spans
            .into_iter()
            .fold(Vec::new(), |mut out: Vec<Span>, span| {
                match out.last_mut() {
                    Some(last) if last.class.is_none() && span.class.is_none() => {
                        last.text.push_str(&span.text);
                    }
                    _ => out.push(span),
                }
                out
            })
    }

    fn option_entries(&self, show: &Show) -> Vec<Entry> {
        let options = &self.options;
        let pick = |is: bool, yes: &'static str, no: &'static str| if is { yes } else { no };
        let stonith = pick(options.stonith_enabled, "enabled", "disabled");
        let symmetric = pick(options.symmetric, "symmetric", "asymmetric");
        let policy = match options.quorum_policy {
            QuorumPolicy::Freeze => "Freeze resources",
            QuorumPolicy::Stop => "Stop ALL resources",
            QuorumPolicy::Demote => "Demote promotable resources and stop all other resources",
            QuorumPolicy::Ignore => "Ignore",
            QuorumPolicy::Suicide => "Suicide",
        };
        let mut out = vec![
            Entry::Line(format!("STONITH of failed nodes {stonith}")),
            Entry::Line(format!("Cluster is {symmetric}")),
            Entry::Line(format!("No quorum policy: {policy}")),
        ];
        if show.html {
            out.push(management_entry(options.maintenance, options.stop_all));
        }
        out
    }
}

fn management_entry(maintenance: bool, stop_all: bool) -> Entry {
    let why = match (maintenance, stop_all) {
        (true, _) => " (the cluster will not attempt to start, stop, or recover services)",
        (_, true) => " (the cluster will keep all resources stopped)",
        _ => return Entry::Line("Resource management: enabled".to_owned()),
    };
    Entry::Spans(vec![
        Span::plain("Resource management: "),
        Span::of("bold", if maintenance { "DISABLED" } else { "STOPPED" }),
        Span::plain(why),
    ])
}

fn titled(show: &Show, title: &'static str, text: String) -> Entry {
    match show.html {
        true => Entry::Spans(vec![Span::of("bold", title), Span::plain(text)]),
        false => Entry::Line(format!("{title}{text}")),
    }
}
