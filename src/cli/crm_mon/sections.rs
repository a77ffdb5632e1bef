//! Which sections are shown: `--include` and `--exclude`, and the options that stand for them.
//!
//! Source: Pacemaker 2.1.5, `tools/crm_mon.c`, `sections`, `apply_include`, `apply_exclude`.

use std::collections::BTreeSet;

use crate::scheduler::report::Section;

const ALL: [(&str, Section); 17] = [
    ("attributes", Section::Attributes),
    ("bans", Section::Bans),
    ("counts", Section::Counts),
    ("dc", Section::Dc),
    ("failcounts", Section::Failcounts),
    ("failures", Section::Failures),
    ("fencing-failed", Section::FencingFailed),
    ("fencing-pending", Section::FencingPending),
    ("fencing-succeeded", Section::FencingSucceeded),
    ("maint-mode", Section::MaintMode),
    ("nodes", Section::Nodes),
    ("operations", Section::Operations),
    ("options", Section::Options),
    ("resources", Section::Resources),
    ("stack", Section::Stack),
    ("tickets", Section::Tickets),
    ("times", Section::Times),
];

const SUMMARY: [Section; 6] = [
    Section::Stack,
    Section::Dc,
    Section::Times,
    Section::Counts,
    Section::Options,
    Section::MaintMode,
];

/// Those of the history of fencing.
pub(super) const FENCING: [Section; 3] = [
    Section::FencingFailed,
    Section::FencingPending,
    Section::FencingSucceeded,
];

/// The names that options take, as their errors list them.
fn names(option: &str) -> String {
    let plain = ALL.iter().map(|(name, _)| *name);
    let mut all: Vec<&str> = plain.chain(["all", "fencing", "none", "summary"]).collect();
    if option == "include" {
        all.push("default");
    }
    all.sort_unstable();
    let all = all.join(", ");
    match option {
        "include" => all.replace("bans", "bans[:PREFIX]"),
        _ => all,
    }
}

/// What `all` means: text has no options of the cluster unless they are named.
pub(super) fn everything(text: bool) -> BTreeSet<Section> {
    let all = ALL.iter().map(|(_, section)| *section);
    all.filter(|section| !(text && *section == Section::Options))
        .collect()
}

/// What a format shows.
pub(super) struct Format {
    /// If nothing is asked for.
    pub default: BTreeSet<Section>,
    /// Whether it is text.
    pub text: bool,
}

/// What text and HTML show if nothing is asked for.
pub(super) fn usual() -> BTreeSet<Section> {
    let mut sections: BTreeSet<Section> = SUMMARY.into_iter().collect();
    sections.remove(&Section::Options);
    sections.extend([
        Section::Nodes,
        Section::Resources,
        Section::Failures,
        Section::FencingFailed,
        Section::FencingPending,
    ]);
    sections
}

/// Applies one `include` or `exclude` to the sections; `default` are those of the format.
///
/// Errors: the message, for a name that isn't known.
pub(super) fn apply(
    sections: &mut BTreeSet<Section>,
    option: &str,
    list: &str,
    format: &Format,
) -> Result<(), String> {
    let include = option == "include";
    for name in list.split(',') {
        let some: Vec<Section> = match (name, include) {
            ("all", true) | ("none", false) => {
                *sections = everything(format.text);
                continue;
            }
            ("none", true) | ("all", false) => {
                sections.clear();
                continue;
            }
            ("default" | "defaults", true) => format.default.iter().copied().collect(),
            ("fencing", _) => FENCING.into(),
            ("summary", _) => SUMMARY.into(),
            (name, true) if name.starts_with("bans:") => vec![Section::Bans],
            _ => {
                let found = ALL.iter().find(|(known, _)| *known == name);
                let found =
                    found.ok_or_else(|| format!("--{option} options: {}", names(option)))?;
                vec![found.1]
            }
        };
        for section in some {
            match include {
                true => sections.insert(section),
                false => sections.remove(&section),
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_applied_from_left_to_right() {
        let format = Format {
            default: usual(),
            text: true,
        };
        let mut sections = format.default.clone();
        apply(&mut sections, "include", "none,dc,fencing", &format).unwrap();
        apply(&mut sections, "exclude", "fencing-failed", &format).unwrap();
        let expected = [
            Section::Dc,
            Section::FencingPending,
            Section::FencingSucceeded,
        ];
        assert_eq!(sections, expected.into_iter().collect());
        let error = apply(&mut sections, "exclude", "x", &format).unwrap_err();
        assert!(error.starts_with("--exclude options: all, attributes, bans,"));
        assert_eq!(sections.len(), 3);
    }
}
