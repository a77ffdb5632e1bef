//! Verdicts of `everbeat check` on CIBs beside those of the original's crm_verify.

use std::path::Path;
use std::process::Command;

use crate::cib::files;

const VERIFY: &str = "/usr/sbin/crm_verify";

/// Whether the original refuses the form of a document, and whether it would start nothing.
fn theirs(path: &Path) -> (bool, bool) {
    let mut verify = Command::new(VERIFY);
    let ran = verify.arg("-V").arg("--xml-file").arg(path).output();
    let ran = ran.expect("crm_verify runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    let refusals = ["did not pass schema", "Parsing failed", "not supported"];
    let is_refused = refusals.iter().any(|words| said.contains(words));
    (
        is_refused,
        !is_refused && said.contains("no STONITH resources"),
    )
}

/// What our check says of a document: errors by their text.
fn errors(path: &Path) -> Vec<String> {
    let ran = Command::new(env!("CARGO_BIN_EXE_everbeat"))
        .args(["check", "--format", "json"])
        .arg(path)
        .output()
        .expect("everbeat runs");
    let said: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("it is JSON");
    let all = said.as_array().cloned().unwrap_or_default();
    let errors = all.into_iter().filter(|d| d["severity"] == "error");
    errors
        .map(|d| d["message"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn what_the_schema_refuses_is_an_error_and_nothing_else() {
    if files(3).is_empty() || !Path::new(VERIFY).exists() {
        println!("SKIPPED: no published CIBs, or crm_verify is not installed");
        return;
    }
    let (mut same, mut wrong) = (0, Vec::new());
    for path in files(3) {
        let errors = errors(&path);
        let (no_fencing, other): (Vec<_>, Vec<_>) = errors
            .iter()
            .partition(|text| text.starts_with("no resource will start"));
        let ours = (!other.is_empty(), !no_fencing.is_empty());
        let theirs = theirs(&path);
        match ours == theirs {
            true => same += 1,
            false => wrong.push(format!("{}: {theirs:?}, not {errors:?}", path.display())),
        }
    }
    println!("{same} the same, {} different", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(same > 100);
}
