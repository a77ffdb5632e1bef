//! Files of commands and expected transcripts.
//!
//! ```text
//! # comments and blank lines stay where they are
//! command word word
//! second command of the same block
//! ----
//! what the block's commands gave
//!
//! ```
//! The transcript ends at the first blank line.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Runs each `*.txt` of a folder of tests/script; `run` makes a fresh interpreter of a file,
/// which takes a command line and returns what it gave, each line ended.
pub fn run_folder<R: FnMut(&str) -> String>(folder: &str, mut start: impl FnMut() -> R) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/script")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no scripts in {}", folder.display());
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let now = replay(&text, start());
        if now == text {
            continue;
        }
        if update {
            std::fs::write(&file, now).unwrap();
        } else {
            wrong.push(format!(
                "{}:\n{}",
                file.display(),
                first_difference(&text, &now)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE=1 cargo test --test script writes the new transcripts",
        wrong.join("\n")
    );
}

/// The file as it should be, given what the commands do.
fn replay(text: &str, mut run: impl FnMut(&str) -> String) -> String {
    let mut out = String::new();
    let mut given = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        if line == "----" {
            for expected in lines.by_ref() {
                if expected.is_empty() {
                    break;
                }
            }
            out.push_str(&std::mem::take(&mut given));
            out.push('\n');
        } else if !line.is_empty() && !line.starts_with('#') {
            given.push_str(&run(line));
        }
    }
    assert!(given.is_empty(), "the last block has no ----");
    out
}

fn first_difference(expected: &str, now: &str) -> String {
    let mut block = "";
    for (number, (old, new)) in expected.lines().zip(now.lines()).enumerate() {
        if old != new {
            return format!(
                "line {}, after {block:?}:\n  expected {old:?}\n  now      {new:?}",
                number + 1
            );
        }
        if !old.is_empty() {
            block = old;
        }
    }
    let (old, new) = (expected.lines().count(), now.lines().count());
    format!(
        "expected {old} lines, now {new}; the last is {:?}",
        now.lines().last()
    )
}
