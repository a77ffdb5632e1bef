//! Words that must not be in the tree, and ways to panic.

use super::{code, none, tree};

/// Put together here, so that this file isn't its own finding.
fn banned() -> Vec<String> {
    [
        ("to", "do!("),
        ("unimpl", "emented!("),
        ("d", "bg!("),
        ("FIX", "ME"),
        ("XX", "X:"),
        ("/wo", "rk/"),
        ("/ho", "me/"),
    ]
    .map(|(a, b)| format!("{a}{b}"))
    .to_vec()
}

#[test]
fn nothing_is_left_half_done_and_no_machine_is_named() {
    let mut files = Vec::new();
    for (dir, end) in [
        ("src", ".rs"),
        ("tests", ".rs"),
        ("benches", ".rs"),
        ("fuzz", ".rs"),
    ] {
        files.extend(tree::files(dir, end));
    }
    files.retain(|f| !f.starts_with("fuzz/target"));
    for dir in ["man", "compat", "conf", ".ci"] {
        files.extend(tree::files(dir, ""));
    }
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "Cargo.toml",
        "tests/run",
    ] {
        files.extend(tree::top().join(name).is_file().then(|| name.into()));
    }
    let (words, mut findings) = (banned(), Vec::new());
    for file in files {
        for (i, line) in tree::read(&file).lines().enumerate() {
            for word in words.iter().filter(|w| line.contains(w.as_str())) {
                findings.push(format!("{}:{}: {word}", file.display(), i + 1));
            }
        }
    }
    none(
        &findings,
        "finish it, or write an issue; no path of one machine",
    );
}

#[test]
fn readers_of_foreign_bytes_have_no_way_to_panic() {
    let mut findings = Vec::new();
    for file in ["wire", "config", "cib"]
        .map(|d| tree::files(&format!("src/{d}"), ".rs"))
        .concat()
    {
        let text = tree::read(&file);
        let bare = code::bare(code::production(&text));
        for (i, line) in bare.lines().enumerate() {
            let panics = [".unwrap()", ".expect(", "panic!(", "unreachable!("];
            let in_tests = tree::is_tests(&file);
            for word in panics.iter().filter(|w| !in_tests && line.contains(**w)) {
                findings.push(format!("{}:{}: {word}", file.display(), i + 1));
            }
        }
    }
    none(&findings, "bad input is an error, never a panic");
}

#[test]
fn nothing_outside_tests_unwraps() {
    let mut findings = Vec::new();
    for file in tree::files("src", ".rs") {
        let test_support = tree::is_tests(&file) || file.ends_with("fake.rs");
        let text = tree::read(&file);
        let bare = code::bare(code::production(&text));
        for (i, line) in bare.lines().enumerate() {
            if line.contains(".unwrap()") && !test_support {
                findings.push(format!("{}:{}", file.display(), i + 1));
            }
        }
    }
    none(
        &findings,
        "write expect(\"invariant ...\") or give an error",
    );
}
