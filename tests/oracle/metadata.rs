//! Options of the cluster as meta-data: the same names, types, defaults and words as the
//! original's daemons print, each text our own.

use std::path::Path;
use std::process::Command;

use everbeat::cib::options::{BASE, CONTROLLER, FENCER, SCHEDULER};

const FOLDER: &str = "/usr/lib/pacemaker";

/// What pcs checks such documents by.
const SCHEMA: &str = "/usr/share/pcs/data/ocf-1.1.rng";

const DAEMONS: [&str; 4] = [
    "pacemaker-schedulerd",
    "pacemaker-controld",
    "pacemaker-based",
    "pacemaker-fenced",
];

fn printed(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8(output.stdout).expect("text")
}

fn ours(daemon: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_everbeat"));
    printed(command.args([daemon, "metadata"]))
}

/// Everything but the texts, an element a line.
fn facts(xml: &str) -> Vec<String> {
    let lines = xml.lines().map(|line| line.trim().replace(" />", "/>"));
    lines.filter(|line| !line.contains("desc lang=")).collect()
}

/// The texts, without what marks them.
fn texts(xml: &str) -> Vec<String> {
    let lines = xml.lines().filter(|line| line.contains("desc lang="));
    let text = |line: &str| Some(line.split_once('>')?.1.split_once("</")?.0.to_owned());
    lines.filter_map(text).collect()
}

#[test]
fn options_are_those_of_the_original() {
    if !Path::new(FOLDER).exists() {
        println!("SKIPPED: pacemaker is not installed");
        return;
    }
    for daemon in DAEMONS {
        let theirs = printed(Command::new(Path::new(FOLDER).join(daemon)).arg("metadata"));
        let ours = ours(daemon);
        assert_eq!(facts(&ours), facts(&theirs), "{daemon}");
        let (ours, theirs) = (texts(&ours), texts(&theirs));
        assert_eq!(ours.len(), theirs.len(), "{daemon}");
        let borrowed = |(ours, theirs): &(&String, &String)| ours == theirs;
        assert_eq!(ours.iter().zip(&theirs).find(borrowed), None, "{daemon}");
    }
}

#[test]
fn pcs_takes_the_document() {
    let xmllint = Command::new("xmllint").arg("--version").output();
    if !Path::new(SCHEMA).exists() || xmllint.is_err() {
        println!("SKIPPED: pcs or xmllint is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for daemon in DAEMONS {
        let file = folder.path().join(daemon);
        std::fs::write(&file, ours(daemon)).expect("a file");
        let mut check = Command::new("xmllint");
        check.args(["--noout", "--relaxng", SCHEMA]).arg(&file);
        printed(&mut check);
    }
}

#[test]
fn the_page_has_every_option_with_its_default() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/man7/everbeat-options.7");
    let page = std::fs::read_to_string(page).expect("the page");
    for option in [SCHEDULER, CONTROLLER, BASE, FENCER].into_iter().flatten() {
        let Some((_, entry)) = page.split_once(&format!("\n.It Li {}\n", option.name)) else {
            panic!("{} is missing", option.name);
        };
        let entry = entry.split("\n.It ").next().unwrap_or_default();
        let entry = entry.replace('\n', " ");
        let default = match option.default {
            Some(default) if !default.is_empty() => format!("default {default}."),
            _ => "no default.".to_owned(),
        };
        assert!(entry.contains(&default), "{}: {entry}", option.name);
    }
}
