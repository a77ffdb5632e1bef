//! The status in the text of former versions, for scripts that look for their words.
//!
//! ```text
//!  2.1  the page as it is
//!  2.0  ocf::heartbeat:IPaddr2, Masters and Slaves, failures with all their fields
//!  1.1  that without bullets, sections of the summary without titles
//! ```
//!
//! Source: spec users.md part 4.4; published output of crm_mon 1.1 and 2.0.

use crate::scheduler::report::page::{Entry, Page, Part};

/// A version whose text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Era {
    /// 1.1.12 to 1.1.24.
    Old,
    /// 2.0.3 to 2.0.5.
    Bulleted,
    /// 2.1, that of today.
    #[default]
    Now,
}

/// Words that became others with 2.1.
const WORDS: [(&str, &str); 9] = [
    ("\t(ocf:", "\t(ocf::"),
    (" FAILED Promoted", " FAILED Master"),
    (" FAILED Unpromoted", " FAILED Slave"),
    ("\t Promoted", "\t Master"),
    ("\t Unpromoted", "\t Slave"),
    ("target-role:Promoted", "target-role:Master"),
    ("target-role:Unpromoted", "target-role:Slave"),
    ("ORPHANED Promoted", "ORPHANED Master"),
    ("ORPHANED Unpromoted", "ORPHANED Slave"),
];

impl Era {
    /// The version of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "1.1" => Self::Old,
            "2.0" => Self::Bulleted,
            "2.1" => Self::Now,
            _ => return None,
        })
    }

    /// The page as text. `failures` are all that is known of failures, as `--show-detail` has
    /// it: former versions show nothing less.
    pub(super) fn text(self, mut page: Page, failures: Page) -> String {
        if self == Self::Now {
            return page.text();
        }
        let detailed = failures.parts.into_iter().find(is_failures);
        if let Some(place) = page.parts.iter().position(is_failures)
            && let Some(detailed) = detailed
        {
            page.parts[place] = detailed;
        }
        for part in &mut page.parts {
            if let Part::Section(_, entries) = part {
                entries.iter_mut().for_each(reword);
            }
        }
        match self {
            Self::Old => old(&page),
            _ => page.text(),
        }
    }
}

fn is_failures(part: &Part) -> bool {
    matches!(part, Part::Section(title, _) if title == "Failed Resource Actions")
}

fn reword(entry: &mut Entry) {
    let change = |text: &mut String| {
        for (now, then) in WORDS {
            if text.contains(now) {
                *text = text.replacen(now, then, 1);
            }
        }
        for (now, then) in [("Promoted", "Masters"), ("Unpromoted", "Slaves")] {
            let rest = text.strip_prefix(now);
            if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(':')) {
                *text = format!("{then}{rest}");
            }
        }
    };
    match entry {
        Entry::Line(text) => change(text),
        Entry::Classed(span) => change(&mut span.text),
        Entry::Spans(spans) => {
            let mut text: String = spans.iter().map(|span| &*span.text).collect();
            change(&mut text);
            *entry = Entry::Line(text);
        }
        Entry::List(title, below) | Entry::Open(title, below) => {
            change(title);
            below.iter_mut().for_each(reword);
        }
        Entry::Status(_, _, below) => below.iter_mut().for_each(reword),
    }
}

/// The page as 1.1 wrote it.
fn old(page: &Page) -> String {
    let mut out = String::new();
    for part in &page.parts {
        match part {
            Part::Banner(lines) => {
                out.push('\n');
                lines.iter().for_each(|line| push(&mut out, "", line));
            }
            Part::Section(title, entries) => section(&mut out, title, entries),
        }
    }
    out
}

fn push(out: &mut String, indent: &str, line: &str) {
    out.push_str(indent);
    out.push_str(line);
    out.push('\n');
}

fn section(out: &mut String, title: &str, entries: &[Entry]) {
    if !out.is_empty() {
        out.push('\n');
    }
    match title {
        "Cluster Summary" => summary(out, entries),
        "Node List" => entries.iter().for_each(|entry| node(out, entry)),
        "Full List of Resources" | "Active Resources" | "Inactive Resources" => {
            let title = title
                .replace("List of R", "list of r")
                .replace("e R", "e r");
            push(out, "", &format!("{title}:\n"));
            resources(out, entries, 0);
        }
        "Failed Resource Actions" => {
            push(out, "", "Failed Actions:");
            for entry in entries {
                push(out, "* ", &failure(&text(entry)));
            }
        }
        "Node Attributes" | "Operations" | "Migration Summary" => {
            push(out, "", &format!("{title}:"));
            entries.iter().for_each(|entry| of_node(out, title, entry));
        }
        "Negative Location Constraints" => {
            push(out, "", &format!("{title}:"));
            entries
                .iter()
                .for_each(|entry| push(out, " ", &text(entry)));
        }
        _ => {
            push(out, "", &format!("{title}:"));
            entries
                .iter()
                .for_each(|entry| push(out, "* ", &text(entry)));
        }
    }
}

fn summary(out: &mut String, entries: &[Entry]) {
    for entry in entries {
        let line = text(entry);
        if line.contains(" configured") && line.contains(" node") {
            push(out, "\n", &line);
            continue;
        }
        let line = line.replace("Last change:  ", "Last change: ");
        push(out, "", &line.replace(" resource instance", " resource"));
    }
}

/// A node, with what runs on it where resources stand under their nodes.
fn node(out: &mut String, entry: &Entry) {
    match entry {
        Entry::List(title, below) | Entry::Open(title, below) => {
            push(out, "", title.trim_end_matches(':'));
            for entry in below {
                match entry {
                    Entry::List(_, all) | Entry::Open(_, all) => under_node(out, all),
                    entry => push(out, "\t", &single_space(&text(entry))),
                }
            }
        }
        entry => push(out, "", &text(entry)),
    }
}

fn under_node(out: &mut String, entries: &[Entry]) {
    let lines = entries.iter().map(text);
    lines.for_each(|line| push(out, "\t", &single_space(&line)));
}

fn resources(out: &mut String, entries: &[Entry], level: usize) {
    let indent = format!(" {}", "    ".repeat(level));
    for entry in entries {
        match entry {
            Entry::List(title, below) | Entry::Open(title, below) if title.is_empty() => {
                resources(out, below, level + 1);
            }
            Entry::List(title, below) | Entry::Open(title, below) => {
                push(out, &indent, &collective(title));
                resources(out, below, level + 1);
            }
            entry => push(out, &indent, &single_space(&text(entry))),
        }
    }
}

/// The title of a collective: a promotable clone was a set of a master and slaves.
fn collective(title: &str) -> String {
    let title = title.trim_end_matches(':');
    let Some(rest) = title.strip_prefix("Clone Set: ") else {
        return title.to_owned();
    };
    match rest.split_once("(promotable") {
        Some((name, flags)) => {
            let flags = flags.trim_start_matches([',', ' ']);
            let flags = if flags == ")" {
                String::new()
            } else {
                format!("({flags}")
            };
            let line = format!("Master/Slave Set: {}{flags}", name);
            line.trim_end().to_owned()
        }
        None => title.to_owned(),
    }
}

/// Between the agent and the state stood a tab alone.
fn single_space(line: &str) -> String {
    line.replace("):\t ", "):\t")
}

/// What is told of a node.
fn of_node(out: &mut String, section: &str, entry: &Entry) {
    let (Entry::List(title, below) | Entry::Open(title, below)) = entry else {
        return push(out, "* ", &text(entry));
    };
    let title = title.trim_end_matches(':').replacen("Node: ", "Node ", 1);
    push(out, "* ", &format!("{title}:"));
    for entry in below {
        match entry {
            Entry::List(title, below) | Entry::Open(title, below) => {
                push(out, "   ", &format!("{}:", title.trim_end_matches(':')));
                let lines = below.iter().map(text);
                lines.for_each(|line| push(out, "    + ", &line));
            }
            entry if section == "Node Attributes" => push(out, "    + ", &text(entry)),
            entry => push(out, "   ", &text(entry)),
        }
    }
}

/// A failure in two lines.
fn failure(line: &str) -> String {
    let line = line.replacen(" 'error' (1)", " 'unknown error' (1)", 1);
    let line = match line.split_once("status='") {
        Some((start, rest)) => format!("{start}status={}", rest.replacen('\'', "", 1)),
        None => line,
    };
    line.replacen(", last-rc-change", ",\n    last-rc-change", 1)
}

fn text(entry: &Entry) -> String {
    match entry {
        Entry::Line(text) => text.clone(),
        Entry::Classed(span) => span.text.clone(),
        Entry::Spans(spans) | Entry::Status(_, spans, _) => {
            spans.iter().map(|span| &*span.text).collect()
        }
        Entry::List(title, _) | Entry::Open(title, _) => title.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collectives_of_1_1_have_no_colon() {
        assert_eq!(
            collective("Clone Set: ms [x] (promotable)"),
            "Master/Slave Set: ms [x]"
        );
        assert_eq!(
            collective("Clone Set: ms [x] (promotable, unmanaged)"),
            "Master/Slave Set: ms [x] (unmanaged)"
        );
        assert_eq!(collective("Clone Set: c [d]"), "Clone Set: c [d]");
        assert_eq!(collective("Resource Group: g"), "Resource Group: g");
    }

    #[test]
    fn a_failure_of_1_1_has_two_lines() {
        let line = "A_monitor_10000 on n1 'error' (1): call=6, status='complete', \
                    exitreason='it broke', last-rc-change='Sun Nov 22 09:35:00 2026', \
                    queued=0ms, exec=30ms";
        assert_eq!(
            failure(line),
            "A_monitor_10000 on n1 'unknown error' (1): call=6, status=complete, \
             exitreason='it broke',\n    last-rc-change='Sun Nov 22 09:35:00 2026', queued=0ms, \
             exec=30ms"
        );
    }
}
