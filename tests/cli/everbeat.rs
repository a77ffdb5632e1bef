//! The multi-call program itself.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use assert_cmd::Command;
use everbeat::cli::applets::{self, Kind};

fn everbeat() -> Command {
    Command::cargo_bin("everbeat").expect("the program is built with its tests")
}

#[test]
fn list_names_each_tool_once() {
    let out = everbeat().arg("--list").assert().success();
    let text = String::from_utf8_lossy(&out.get_output().stdout).into_owned();
    let listed: Vec<&str> = text
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    let known: Vec<&str> = applets::all().map(|a| a.name).collect();
    assert_eq!(listed, known);
    let once: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(once.len(), listed.len());
    assert!(text.lines().all(|l| l.chars().count() <= 100), "{text}");
}

#[test]
fn help_of_every_tool_is_short_and_successful() {
    for applet in applets::all() {
        let out = everbeat().args([applet.name, "--help"]).assert().success();
        let text = String::from_utf8_lossy(&out.get_output().stdout).into_owned();
        assert!(text.contains("Usage"), "{}: {text}", applet.name);
        assert!(text.contains("Example"), "{}: {text}", applet.name);
    }
}

#[test]
fn a_link_is_the_tool() {
    let dir = tempfile::tempdir().expect("a folder");
    let run = |arg: &str| everbeat().arg("links").arg(dir.path().join(arg)).assert();
    run(".").success();
    let made: BTreeSet<String> = std::fs::read_dir(dir.path())
        .expect("readable")
        .map(|e| e.expect("entry").file_name().to_string_lossy().into_owned())
        .collect();
    let tools = applets::all().filter(|a| a.kind == Kind::Tool);
    assert_eq!(made, tools.map(|a| a.name.to_owned()).collect());
    let out = Command::new(dir.path().join("hb_takeover"))
        .arg("--help")
        .assert();
    let text = String::from_utf8_lossy(&out.success().get_output().stdout).into_owned();
    assert!(text.contains("Usage: hb_takeover"), "{text}");
    // Again: links are replaced. A file in the way is kept.
    run(".").success();
    std::fs::remove_file(dir.path().join("cl_status")).expect("a link");
    std::fs::write(dir.path().join("cl_status"), "mine").expect("written");
    run(".").failure().code(1);
    let kept = std::fs::read(dir.path().join("cl_status")).expect("still there");
    assert_eq!(kept, b"mine");
}

#[test]
fn a_link_of_another_name_is_the_whole_program() {
    let dir = tempfile::tempdir().expect("a folder");
    let link = dir.path().join("beat");
    symlink(assert_cmd::cargo::cargo_bin("everbeat"), &link).expect("linked");
    Command::new(&link).arg("--list").assert().success();
}

#[test]
fn wrong_use_exits_2_and_says_where_to_look() {
    let out = everbeat().arg("nonsense").assert().code(2);
    let text = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
    assert!(text.contains("everbeat --list"), "{text}");
    everbeat().assert().code(2);
    everbeat().arg("--help").assert().success();
    let version = format!("everbeat {}\n", env!("CARGO_PKG_VERSION"));
    everbeat()
        .arg("--version")
        .assert()
        .success()
        .stdout(version);
}

#[test]
fn output_into_a_closed_pipe_is_no_panic() {
    let script = r#"{ "$1" cl_status -h; echo $? >&2; } | true"#;
    let out = Command::new("bash")
        .args(["-c", script, "bash"])
        .arg(assert_cmd::cargo::cargo_bin("everbeat"))
        .assert();
    let text = String::from_utf8_lossy(&out.get_output().stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
}
