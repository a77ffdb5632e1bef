//! `corosync-keygen`: its output, its exit codes and its files, beside the real one where it is.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt;

const REAL: &str = "/usr/sbin/corosync-keygen";

fn ours(args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("everbeat").unwrap();
    command.arg("corosync-keygen").args(args);
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_key_is_random_and_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authkey");
    let path = file.to_str().unwrap();
    let done = ours(&["-l", "-k", path]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let first = std::fs::read(&file).unwrap();
    assert_eq!(first.len(), 256);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o400);
    assert!(
        ours(&["--key-file", path, "--size", "128"])
            .status
            .success()
    );
    let second = std::fs::read(&file).unwrap();
    assert_eq!(second.len(), 128);
    assert_ne!(first[..128], second[..]);
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing else stays behind");
}

#[test]
fn output_and_exit_codes_are_the_real_ones() {
    if !Path::new(REAL).exists() {
        println!("SKIPPED: {REAL} is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("authkey");
    let path = path.to_str().unwrap();
    for args in [
        &["-k", path][..],
        &["-l", "-k", path],
        &["-s", "4096", "-k", path],
        &["-s", "127", "-k", path],
        &["-s", "x", "-k", path],
        &["-k", "/nonexistent/folder/authkey"],
        &["-r", "/nonexistent", "-k", path],
        &["-x"],
    ] {
        let real = Command::new(REAL).args(args).output().unwrap();
        let ours = ours(args);
        assert_eq!(ours.status.code(), real.status.code(), "{args:?}");
        if args != ["-x"] {
            assert_eq!(text(&ours.stdout), text(&real.stdout), "{args:?}");
            let line = |bytes: &[u8]| text(bytes).lines().next().map(without_errno);
            assert_eq!(line(&ours.stderr), line(&real.stderr), "{args:?}");
        }
    }
}

/// What stands before the reason, which each names in its own words.
fn without_errno(line: &str) -> String {
    let kept = line.split(": ").take(2);
    kept.collect::<Vec<_>>().join(": ")
}
