//! `everbeat history`.

use assert_cmd::Command;

/// A night: a node is lost, fenced, and its address moves.
const NIGHT: [&str; 6] = [
    r#"{"at":1795740000,"noted_by":"a","event":"membership","members":["a","b"],"joined":[],
"lost":["c"],"quorate":true}"#,
    r#"{"at":1795740001,"noted_by":"a","event":"fencing_wanted","dc":"a","target":"c",
"action":"reboot"}"#,
    r#"{"at":1795740003,"noted_by":"a","event":"fenced","target":"c","action":"reboot","by":"b",
"device":"ipmi","well":true,"reason":""}"#,
    r#"{"at":1795740003,"noted_by":"a","event":"transition","dc":"a","number":4,
"causes":["Node failure"],"steps":[{"task":"start","resource":"vip","node":"b","from":null}],
"more":0,"input":"/x"}"#,
    r#"{"half of a li"#,
    r#"{"at":1795740004,"noted_by":"a","event":"operation","resource":"vip","action":"start",
"interval_ms":0,"node":"b","exit":0,"result":"ok","well":true,"reason":"","exec_ms":60}"#,
];

/// The journal of that night, a line for each.
fn night() -> String {
    NIGHT.map(|entry| entry.replace('\n', "") + "\n").concat()
}

fn history(file: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("everbeat").unwrap();
    command.env("TZ", "UTC").args(["history", "--file", file]);
    let output = command.args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_night_is_told_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history");
    std::fs::write(&file, night()).unwrap();
    let file = file.to_str().unwrap();
    let (code, text, said) = history(file, &[]);
    let wanted = "\
2026-11-27 00:40:00 c lost; members a b (quorum)
2026-11-27 00:40:01 a wants c fenced (reboot)
2026-11-27 00:40:03 c was fenced (reboot) by b with ipmi
2026-11-27 00:40:03 transition 4 of a, because: Node failure; start vip on b
2026-11-27 00:40:04 start of vip on b: ok, 60 ms
";
    assert_eq!((code, &*text, &*said), (Some(0), wanted, ""));
    let lines = |args: &[&str]| history(file, args).1.lines().count();
    assert_eq!(lines(&["--resource", "vip"]), 2);
    assert_eq!(lines(&["--node", "c"]), 3);
    assert_eq!(lines(&["--since", "2026-11-27T00:40:02"]), 3);
    assert_eq!(lines(&["--until", "2026-11-27 00:40:01"]), 2);
    let (_, json, _) = history(file, &["--json", "--resource", "vip"]);
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["exec_ms"]),
        (&"operation".into(), &60.into())
    );
}

#[test]
fn nothing_to_show_is_told_from_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history");
    let file = file.to_str().unwrap();
    assert_eq!(history(file, &[]).0, Some(3), "no journal, no entries");
    std::fs::write(file, night()).unwrap();
    assert_eq!(history(file, &["--resource", "db"]).0, Some(3));
    let (code, _, said) = history(file, &["--since", "yesterday"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("is no time; write a length of time such as 2h"),
        "{said}"
    );
    assert_eq!(history(file, &["--wrong"]).0, Some(2));
    assert_eq!(history(folder.path().to_str().unwrap(), &[]).0, Some(1));
}
