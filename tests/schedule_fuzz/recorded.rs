//! Differences that were found once, each as a small CIB with what the original made of it.

use std::path::{Path, PathBuf};

use everbeat::cib;

use super::compare::{self, Outcome};

/// Before each part of a record; no part has such a line itself.
const TITLES: [&str; 4] = ["## text", "## dot", "## graph", "## after"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scheduler/found")
}

fn write(outcome: &Outcome) -> String {
    let parts = [&outcome.text, &outcome.dot, &outcome.graph, &outcome.after];
    let parts = TITLES.iter().zip(parts);
    parts
        .map(|(title, part)| format!("{title}\n{}\n", part.trim_end()))
        .collect()
}

fn read(record: &str) -> Outcome {
    let mut parts = [const { String::new() }; TITLES.len()];
    let mut at = 0;
    for line in record.lines() {
        match TITLES.iter().position(|title| *title == line) {
            Some(title) => at = title,
            None => parts[at] += &format!("{line}\n"),
        }
    }
    let [text, dot, graph, after] = parts;
    Outcome {
        text,
        dot,
        graph,
        after,
    }
}

/// Options that a case is run with: a word on each line.
fn arguments(case: &Path) -> Vec<String> {
    let words = std::fs::read_to_string(case.with_extension("args")).unwrap_or_default();
    words.lines().map(str::to_owned).collect()
}

/// Runs the original on all of them, and keeps what it says.
fn record(cases: &[PathBuf]) {
    let scratch = tempfile::tempdir().expect("a folder can be made");
    for case in cases {
        let doc = cib::read_file_text(std::fs::read(case).expect("a case can be read"));
        let doc = doc.expect("a case is well-formed");
        let real = compare::real(&doc, &arguments(case), scratch.path())
            .expect("the original takes the case");
        std::fs::write(case.with_extension("txt"), write(&real)).expect("it can be written");
    }
}

#[test]
fn recorded_differences_are_gone() {
    let entries = std::fs::read_dir(folder()).expect("there are recorded cases");
    let mut cases: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    cases.retain(|path| path.extension().is_some_and(|e| e == "xml"));
    cases.sort();
    assert!(!cases.is_empty(), "there are recorded cases");
    if std::env::var_os("RECORD").is_some() {
        record(&cases);
    }
    let mut different = Vec::new();
    for case in &cases {
        let doc = cib::read_file_text(std::fs::read(case).expect("a case can be read"));
        let doc = doc.expect("a case is well-formed");
        let recorded = std::fs::read_to_string(case.with_extension("txt"));
        let real = read(&recorded.expect("what the original said is there"));
        let found = compare::differences(&real, &compare::ours(&doc, &arguments(case)));
        for difference in found {
            different.push(format!(
                "{}: {}\n  {}",
                case.display(),
                difference.part,
                difference.lines.join("\n  ")
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
