//! The state of a cluster, as read from recorded CIBs, against what Pacemaker 2.1.5 reported.

#[path = "scheduler/damage.rs"]
mod damage;

use std::path::Path;

use everbeat::rules::iso8601::Clock;
use everbeat::{cib, scheduler};

fn report(bytes: Vec<u8>) -> String {
    let doc = cib::read_file_text(bytes).expect("the case is well-formed");
    let input = scheduler::unpack::expand::expand(&doc);
    let date = input.doc.root_element().attr("execution-date");
    let now = date.and_then(scheduler::score::leading_integer);
    // Cases without a date have nothing that expires; any time in 2026 does.
    let cluster = scheduler::read(&input, Clock::utc(now.unwrap_or(1_795_000_000)));
    let notes = scheduler::report::notes(&cluster);
    format!(
        "{notes}{}",
        scheduler::report::status(&cluster, "Current cluster status")
    )
}

/// The status before the transition, without what a tool prints about dates and schemas.
fn recorded(summary: &str) -> String {
    let status = summary.split("\nTransition Summary:").next().unwrap_or("");
    let tool = ["Using the original", "Schema validation of"];
    let lines = status
        .lines()
        .filter(|l| !tool.iter().any(|t| l.starts_with(t)))
        .map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[test]
fn the_state_is_read_as_pacemaker_reads_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = root.join("../shared/conformance/scheduler/cases");
    let Ok(entries) = std::fs::read_dir(cases.join("xml")) else {
        eprintln!("skipped: there are no recorded cases at ../shared/conformance/scheduler");
        return;
    };
    let (mut equal, mut different) = (0, Vec::new());
    for entry in entries.flatten() {
        let path = entry.path();
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Ok(summary) = std::fs::read_to_string(cases.join(format!("summary/{name}.summary")))
        else {
            continue;
        };
        let bytes = std::fs::read(&path).expect("a case can be read");
        if recorded(&report(bytes)) == recorded(&summary) {
            equal += 1;
        } else {
            different.push(name);
        }
    }
    different.sort();
    eprintln!("{equal} reports equal, {} different", different.len());
    assert!(equal > 0, "no case was compared");
    assert!(different.is_empty(), "other reports: {different:?}");
}

/// Transition, picture, scores and report of every recorded case, as the checker compares them.
#[test]
fn transitions_are_pacemakers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let check = root.join("../shared/conformance/scheduler/check");
    if !check.exists() {
        eprintln!("skipped: there are no recorded cases at ../shared/conformance/scheduler");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tool = folder.path().join("crm_simulate");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_everbeat"), &tool).expect("a link");
    let failures = folder.path().join("failures");
    let output = std::process::Command::new(check)
        .arg("--simulate")
        .arg(&tool)
        .arg("--list-failures")
        .arg(&failures)
        .output()
        .expect("the checker runs (it needs python3)");
    eprintln!("{}", String::from_utf8_lossy(&output.stdout));
    let failures = std::fs::read_to_string(failures).expect("the checker writes its list");
    let different: Vec<&str> = failures
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(different.is_empty(), "other transitions: {different:?}");
}

#[test]
fn a_started_resource_on_one_of_two_nodes() {
    let text = include_str!("scheduler/started.xml");
    let expected = include_str!("scheduler/started.txt");
    assert_eq!(report(text.as_bytes().to_vec()), expected);
}
