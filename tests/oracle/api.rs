//! The schema that the original publishes for the XML of its tools.

use std::fs;
use std::path::Path;
use std::process::Command;

const SCHEMA: &str = "/usr/share/pacemaker/api/api-result.rng";

/// Whether documents can be checked here.
pub fn can_check() -> bool {
    let xmllint = Command::new("xmllint").arg("--version").output();
    let can = Path::new(SCHEMA).exists() && xmllint.is_ok();
    if !can {
        println!("SKIPPED: xmllint or the schema is not installed");
    }
    can
}

/// The document that a tool printed about `input` keeps to the schema.
#[track_caller]
pub fn assert_valid(xml: &str, input: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.xml");
    fs::write(&file, xml).expect("a file");
    let check = Command::new("xmllint")
        .args(["--noout", "--relaxng", SCHEMA])
        .arg(&file)
        .output()
        .expect("xmllint runs");
    let why = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "{}: {why}", input.display());
}
