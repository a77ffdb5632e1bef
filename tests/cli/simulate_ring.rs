//! `everbeat simulate-ring`.

use assert_cmd::Command;

fn simulate(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::cargo_bin("everbeat").unwrap();
    let output = command.arg("simulate-ring").args(args).output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn seeds_of_both_protocols_on_all_cores() {
    for protocol in ["heartbeat", "totem"] {
        let (code, text) = simulate(&["--protocol", protocol, "--seeds", "5..8"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.starts_with("4 runs in "), "{text}");
        assert!(text.ends_with(" s, 0 failed\n"), "{text}");
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    let args = ["--protocol", "totem", "--seed", "3", "--hosts", "3"];
    let (code, verdict) = simulate(&args);
    assert_eq!(code, Some(0));
    assert!(verdict.starts_with("seed 3: 3 hosts, token "), "{verdict}");
    let (_, long) = simulate(&[&args[..], &["--transcript"]].concat());
    assert!(long.lines().count() > 1000 && long.ends_with(&verdict));
}

#[test]
fn a_range_that_is_none_is_refused() {
    assert_eq!(simulate(&["--seeds", "4..2"]).0, Some(2));
    assert_eq!(simulate(&["--seeds", "1..2", "--seed", "1"]).0, Some(2));
    assert_eq!(simulate(&["--protocol", "knet"]).0, Some(2));
}
