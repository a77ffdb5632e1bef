//! What published programs look for in the output of the tools, done by them as they do it:
//! their commands, and the words and patterns that they search.
//!
//! Each line of `parsers.txt` is a client, the command that it runs, and what it searches:
//! `has` a text, `match` a pattern in a line, `not` a text that must not be there. Where the
//! original of today is the version that the client knows, it passes the same line.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::cib::{ORIGINAL, Place};
use crate::resource::is_there;

const LINES: &str = include_str!("parsers.txt");

/// The CIB that is shown: nodes in all states, all kinds of resources, a failure.
const CIB: &str = include_str!("parsers.xml");

struct Asked<'a> {
    client: &'a str,
    command: &'a str,
    search: &'a str,
    wanted: &'a str,
}

fn asked(line: &str) -> Asked<'_> {
    let mut parts = line.splitn(4, " | ");
    let mut part = || parts.next().expect("four parts");
    Asked {
        client: part(),
        command: part(),
        search: part(),
        wanted: part(),
    }
}

fn run(tools: &Path, command: &str, file: &Path) -> String {
    let out = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
        .env("LC_ALL", "C")
        .env("CIB_file", file)
        .current_dir(file.parent().expect("a folder"))
        .stdin(Stdio::null())
        .output()
        .expect("sh runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    format!("{text}exit {}\n", out.status.code().unwrap_or(-1))
}

fn is_found(asked: &Asked<'_>, said: &str) -> bool {
    match asked.search {
        "has" => said.contains(asked.wanted),
        "not" => !said.contains(asked.wanted),
        "match" => {
            let pattern = Regex::new(asked.wanted).expect("a pattern");
            said.lines().any(|line| pattern.is_match(line))
        }
        other => panic!("{other} is no way to search"),
    }
}

#[test]
fn published_programs_find_what_they_look_for() {
    let place = Place::new();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cib.xml");
    let original = is_there();
    let (mut found, mut faults) = (0, Vec::new());
    for line in LINES
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        let asked = asked(line);
        fs::write(&file, CIB).expect("a file");
        let ours = run(&place.tools, asked.command, &file);
        match is_found(&asked, &ours) {
            true => found += 1,
            false => faults.push(format!("{}: {line}\n{ours}", asked.client)),
        }
        // Eras are an addition of ours.
        if original && !line.contains("--compat") && !line.contains("EVERBEAT_COMPAT") {
            fs::write(&file, CIB).expect("a file");
            let theirs = run(Path::new(ORIGINAL), asked.command, &file);
            if !is_found(&asked, &theirs) {
                faults.push(format!("the original: {line}\n{theirs}"));
            }
        }
    }
    println!("{found} searches of published programs succeed");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(found > 40);
}
