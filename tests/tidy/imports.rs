//! Who may use whom: the table of ARCHITECTURE.md.

use std::path::Path;

use super::{code, none, tree};

/// A folder of `src`, and which parts of the crate it may name besides itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("wire", &["ids", "time", "limits"]),
    ("config", &["ids", "time", "limits", "wire"]),
    ("proto", &["ids", "time", "limits", "wire", "config"]),
    ("v1", &["ids", "time", "limits", "wire", "config", "proto"]),
    ("cib", &["ids", "time", "limits", "score"]),
    ("rules", &["ids", "time", "limits", "cib", "score"]),
    ("alerts", &["cib", "rules"]),
    (
        "scheduler",
        &["ids", "time", "limits", "score", "cib", "rules"],
    ),
    ("executor", &["ids", "time", "limits"]),
    ("explain", &["cib", "rules", "scheduler", "score"]),
    ("messaging", &["ids", "time", "limits", "wire", "proto"]),
    ("verify", &["cib", "rules", "scheduler"]),
    ("replica", &["ids", "time", "limits", "wire", "cib"]),
    ("attributes", &["ids", "time", "limits", "wire", "score"]),
    (
        "controller",
        &[
            "ids",
            "time",
            "limits",
            "wire",
            "cib",
            "rules",
            "score",
            "executor",
            "replica",
            "attributes",
            "alerts",
            "messaging",
            "fencer",
            "proto",
        ],
    ),
    (
        "fencer",
        &[
            "ids", "time", "limits", "wire", "cib", "rules", "executor", "proto",
        ],
    ),
    (
        "lint",
        &["limits", "cib", "config", "rules", "scheduler", "verify"],
    ),
    ("migrate", &["ids", "config", "cib"]),
    ("sys", &["ids", "time", "limits"]),
    (
        "runtime",
        &[
            "ids", "time", "limits", "wire", "config", "proto", "sys", "cib",
        ],
    ),
];

/// Folders whose code is a function of what it is given.
const PURE: &[&str] = &[
    "wire",
    "config",
    "proto",
    "v1",
    "cib",
    "rules",
    "alerts",
    "scheduler",
    "executor",
    "explain",
    "messaging",
    "verify",
    "replica",
    "attributes",
    "controller",
    "fencer",
    "lint",
    "migrate",
];

/// What reaches outside, or differs from run to run.
const IMPURE: [&str; 16] = [
    "tokio",
    "nix::",
    "libc::",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "std::time::Instant",
    "time::SystemTime",
    "UdpSocket",
    "TcpStream",
    "UnixStream",
    "File::open",
    "getrandom",
    "HashMap",
    "HashSet",
];

/// Files of pure folders that read files or ask the host, so that the rest needn't.
const DRIVERS: [&str; 6] = [
    "config/authkey.rs",
    "config/authkeys.rs",
    "config/host.rs",
    "config/load.rs",
    "config/source.rs",
    "config/identity/",
];

#[test]
fn parts_name_only_those_below_them() {
    let mut findings = Vec::new();
    for (folder, allowed) in MAY_NAME.iter().copied() {
        for file in tree::files(&format!("src/{folder}"), ".rs") {
            let bare = code::bare(code::production(&tree::read(&file)));
            for (line, part) in named(&bare) {
                // Programs that tests write and run: there in builds of tests only.
                let of_tests = part == "programs";
                if part != folder && !of_tests && !allowed.contains(&part) {
                    findings.push(format!("{}:{line}: crate::{part}", file.display()));
                }
            }
        }
    }
    none(&findings, "ARCHITECTURE.md says who may import what");
}

/// Each `crate::PART` with its line; parts in braces too.
fn named(bare: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, head) in bare.match_indices("crate::") {
        let line = bare[..at].matches('\n').count() + 1;
        let rest = &bare[at + head.len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split(';').next().unwrap_or_default(),
            None => rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or(""),
        };
        let mut depth = 0;
        for item in list.split_inclusive(['{', '}', ',']) {
            let part = item
                .trim()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            if let Some(part) = part.filter(|p| depth == 0 && !p.is_empty()) {
                found.push((line, part));
            }
            depth += item.matches('{').count();
            depth = depth.saturating_sub(item.matches('}').count());
        }
    }
    found
}

#[test]
fn machines_and_codecs_reach_nothing_outside() {
    let mut findings = Vec::new();
    let folders = PURE.iter().map(|folder| format!("src/{folder}"));
    for file in folders.flat_map(|folder| tree::files(&folder, ".rs")) {
        if is_driver(&file) || tree::is_tests(&file) {
            continue;
        }
        let bare = code::bare(code::production(&tree::read(&file)));
        for (i, line) in bare.lines().enumerate() {
            for word in IMPURE.iter().filter(|w| line.contains(**w)) {
                findings.push(format!("{}:{}: {word}", file.display(), i + 1));
            }
        }
    }
    none(&findings, "wire, config, proto and v1 touch no system");
}

fn is_driver(file: &Path) -> bool {
    let name = file.to_string_lossy();
    DRIVERS.iter().any(|d| name.contains(d))
}

#[test]
fn imports_in_braces_are_seen() {
    let found = named("use crate::{ids::{A, B}, wire::C};\nuse crate::time;");
    assert_eq!(found, [(1, "ids"), (1, "wire"), (2, "time")]);
}
