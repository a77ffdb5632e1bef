//! The demo, as the README has it run: with root and without, and when it must fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use crate::host::{program, refused};
use crate::programs;

/// Runs the demo in a folder of its own; as nobody if so wanted. None where it is refused.
fn demo(as_nobody: bool, words: &[&str]) -> Option<(Output, tempfile::TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = folder.path().join("everbeat");
    programs::write(&copy, fs::read(program()).unwrap());
    let mut command = Command::new(&copy);
    if as_nobody && nix::unistd::Uid::effective().is_root() {
        command.uid(65534).gid(65534);
    }
    command
        .args(["demo", "--no-wait", "--root"])
        .arg(folder.path().join("labs"));
    let output = command.args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if refused(&said) {
        println!("SKIPPED: {said}");
        return None;
    }
    Some((output, folder))
}

fn happens(as_nobody: bool) {
    let Some((output, folder)) = demo(as_nobody, &[]) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    let owners: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split_once("  page: ").map(|(_, owner)| owner))
        .filter(|owner| *owner != "nobody")
        .collect();
    assert_eq!(owners, ["alpha", "beta", "alpha"], "{said}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only the program: {left:?}");
}

#[test]
fn a_take_over_and_a_fail_back_are_seen() {
    happens(false);
}

#[test]
fn they_are_seen_without_root() {
    happens(true);
}

#[test]
fn a_cluster_that_does_not_run_is_a_failure() {
    let Some((output, folder)) = demo(false, &["--daemon", "true"]) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("FAILED: alpha does not serve the page"),
        "{said}"
    );
    assert!(said.contains("the daemon has ended on alpha"), "{said}");
    assert!(!folder.path().join("labs").exists());
}
