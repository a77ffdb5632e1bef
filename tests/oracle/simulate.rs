//! crm_simulate, the original's and ours, over recorded CIBs.
//!
//! Both get the same command line in a folder of their own; output, errors, exit code and the
//! files that they write there are compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::api;
use crate::cib::Share;

const LINES: &str = include_str!("simulate_lines.txt");

const ORIGINAL: &str = "/usr/sbin";

#[derive(Debug, PartialEq, Eq)]
struct Ran {
    stdout: String,
    stderr: String,
    code: Option<i32>,
    files: BTreeMap<String, String>,
}

fn installed() -> bool {
    let there = Path::new(ORIGINAL).join("crm_simulate").exists();
    if !there {
        println!("SKIPPED: pacemaker's tools are not installed");
    }
    there
}

/// A folder with our tool under its old name.
fn ours() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let tool = folder.path().join("crm_simulate");
    symlink(env!("CARGO_BIN_EXE_everbeat"), tool).unwrap();
    folder
}

fn run(tools: &Path, line: &str) -> Ran {
    let place = tempfile::tempdir().expect("a folder");
    let out = Command::new("sh")
        .args(["-c", &format!("exec crm_simulate {line}")])
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
        .env("LC_ALL", "C")
        .env("TZ", "Asia/Kolkata")
        .env_remove("CIB_file")
        .env_remove("CIB_shadow")
        .current_dir(&place)
        .stdin(Stdio::null())
        .output()
        .expect("sh runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let written = fs::read_dir(&place).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, timeless(&fs::read_to_string(entry.path()).unwrap()))
    });
    Ran {
        stdout: text(&out.stdout),
        stderr: text(&out.stderr),
        code: out.status.code(),
        files: written.collect(),
    }
}

/// A CIB without the moments of what was simulated: the two run one after the other.
fn timeless(text: &str) -> String {
    let (of_history, of_simulation) = ("last-rc-change=\"", "crm-debug-origin=\"crm_simulate\"");
    let line = |line: &str| match line.split_once(of_history) {
        Some((before, rest)) if before.contains(of_simulation) => {
            let after = rest.split_once('"').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        _ => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n")
}

/// Recorded CIBs of which the original has nothing to say on standard error: what it says there
/// of a bad one is of its functions.
fn inputs(step: usize) -> Vec<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let Ok(entries) = fs::read_dir(shared.join("conformance/scheduler/cases/xml")) else {
        println!("SKIPPED: there are no CIBs in ../shared");
        return Vec::new();
    };
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "xml"));
    found.sort();
    let some = found.into_iter().step_by(step);
    some.filter(|path| {
        let ran = run(Path::new(ORIGINAL), &format!("-x {} -R", path.display()));
        ran.stderr.is_empty()
    })
    .collect()
}

fn first_difference(theirs: &str, ours: &str) -> String {
    let (mut theirs, mut ours) = (theirs.lines(), ours.lines());
    loop {
        let pair = (theirs.next(), ours.next());
        if pair.0 != pair.1 || pair.0.is_none() {
            let (theirs, ours) = pair;
            return format!("  theirs: {theirs:?}\n  ours:   {ours:?}\n");
        }
    }
}

fn compare(share: Share) {
    if !installed() {
        return;
    }
    let folder = ours();
    let (mut same, mut differences) = (0, Vec::new());
    for (index, input) in inputs(share.files).iter().enumerate() {
        let lines = LINES.lines().filter(|line| !line.starts_with('#'));
        for (_, line) in lines.enumerate().filter(|(at, _)| share.has(index, *at)) {
            let line = format!("-x {} {line}", input.display());
            let theirs = run(Path::new(ORIGINAL), &line);
            let ours = run(folder.path(), &line);
            if theirs == ours {
                same += 1;
                continue;
            }
            let all = |ran: &Ran| format!("{:?}\n{}{}", ran.code, ran.stdout, ran.stderr);
            let mut what = first_difference(&all(&theirs), &all(&ours));
            for (name, text) in &theirs.files {
                let other = ours.files.get(name).map_or("", |text| text);
                if text != other {
                    what += &format!("  {name}\n{}", first_difference(text, other));
                }
            }
            differences.push(format!("crm_simulate {line}\n{what}"));
        }
    }
    println!("{same} the same, {} different", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_cluster_is_simulated_as_the_original_does() {
    compare(Share {
        files: 41,
        lines: 2,
    });
}

#[test]
#[ignore = "full matrix: every fourth recorded CIB takes minutes"]
fn many_clusters_are_simulated_as_the_original_does() {
    compare(Share { files: 4, lines: 1 });
}

#[test]
fn xml_is_valid_by_the_published_schema() {
    if !installed() || !api::can_check() {
        return;
    }
    let folder = ours();
    let inputs = inputs(20);
    for input in &inputs {
        let line = format!("-x {} -S -s -U --output-as=xml", input.display());
        api::assert_valid(&run(folder.path(), &line).stdout, input);
    }
    println!("{} documents are valid", inputs.len());
}
