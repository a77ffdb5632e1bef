//! `everbeat check` as it is called.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;

const HA_CF: &str = "node alpha beta\nbcast eth0\nbcast eth1\nlogfacility daemon\n\
                     auto_failback on\n";

fn check(args: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("everbeat").expect("the program is built");
    let output = command.arg("check").args(args).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.code().expect("an exit code"), text)
}

fn put(dir: &Path, name: &str, text: &str, mode: u32) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("written");
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(&path, mode).expect("chmod");
    path.to_str().expect("UTF-8").to_owned()
}

fn folder(ha_cf: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    put(dir.path(), "ha.cf", ha_cf, 0o644);
    put(
        dir.path(),
        "haresources",
        "alpha IPaddr2::10.0.0.1/24/eth0\n",
        0o644,
    );
    put(
        dir.path(),
        "authkeys",
        "auth 1\n1 sha1 a-good-long-key\n",
        0o600,
    );
    dir
}

fn path(dir: &tempfile::TempDir) -> &str {
    dir.path().to_str().expect("UTF-8")
}

#[test]
fn exit_codes_are_0_1_and_2() {
    let good = folder(HA_CF);
    let (code, text) = check(&["--host", "beta", path(&good)]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 files"), "{text}");
    let (code, text) = check(&["--host", "gamma", path(&good)]);
    assert_eq!(code, 2, "{text}");
    let odd = folder(&format!("{HA_CF}udpport 700\n"));
    let (code, text) = check(&["--host", "beta", path(&odd)]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("ha.cf:6:9"), "{text}");
    assert!(!text.contains('\x1b'), "no colour in a pipe");
    let file = good.path().join("ha.cf");
    let file = file.to_str().expect("UTF-8");
    assert_eq!(
        check(&["--host", "beta", file]).0,
        0,
        "a file needs no others"
    );
    assert_eq!(check(&["--host", "gamma", file]).0, 2);
    assert_eq!(check(&["/nonexistent/ha.cf"]).0, 2);
    assert_eq!(check(&["--no-such-option"]).0, 2);
}

#[test]
fn strict_is_as_strict_as_heartbeat() {
    let dir = folder(&HA_CF.replace("daemon", "DAEMON"));
    assert_eq!(check(&["--host", "beta", path(&dir)]).0, 1);
    assert_eq!(check(&["--strict", "--host", "beta", path(&dir)]).0, 2);
}

#[test]
fn json_is_a_list_of_objects_with_six_members() {
    let dir = folder(&format!("{HA_CF}keepalvie 2\n"));
    let (code, text) = check(&["--format", "json", "--host", "beta", path(&dir)]);
    assert_eq!(code, 2);
    let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let list = list.as_array().expect("a list");
    let error = list
        .iter()
        .find(|o| o["severity"] == "error")
        .expect("an error");
    assert_eq!(error["line"], 6);
    assert_eq!(error["column"], 1);
    assert_eq!(error["help"], "did you mean keepalive?");
    assert!(error["file"].as_str().is_some_and(|f| f.ends_with("ha.cf")));
    for object in list {
        assert_eq!(object.as_object().map(serde_json::Map::len), Some(6));
    }
    let (_, text) = check(&["--format", "json", "--kind", "authkeys", "/dev/null"]);
    assert!(text.trim_start().starts_with('['), "{text}");
}

#[test]
fn files_by_name_are_checked_against_each_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let ha_cf = put(dir.path(), "one.cf", HA_CF, 0o644);
    let resources = put(dir.path(), "my.haresources", "web2 10.0.0.1/24\n", 0o644);
    assert_eq!(check(&[&resources]).0, 0);
    let (code, text) = check(&[&ha_cf, &resources]);
    assert_eq!(code, 2);
    assert!(text.contains("web2 is no node of ha.cf"), "{text}");
}

#[test]
fn a_companion_is_read_but_not_reported() {
    let dir = folder(&format!("{HA_CF}bogus\n"));
    put(dir.path(), "haresources", "web2 10.0.0.1/24\n", 0o644);
    let file = dir.path().join("haresources");
    let (code, text) = check(&[file.to_str().expect("UTF-8")]);
    assert_eq!(code, 2);
    assert!(text.contains("web2 is no node of ha.cf"), "{text}");
    assert!(!text.contains("bogus"), "{text}");
}

#[test]
fn keys_that_others_may_read_are_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let keys = put(
        dir.path(),
        "authkeys",
        "auth 1\n1 sha1 a-good-long-key\n",
        0o644,
    );
    let (code, text) = check(&[&keys]);
    assert_eq!(code, 2);
    assert!(text.contains("chmod 600"), "{text}");
    assert!(!text.contains("a-good-long-key"), "{text}");
}

#[test]
fn unknown_files_need_a_kind() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = put(dir.path(), "what", "?\n", 0o600);
    let (code, text) = check(&[&file]);
    assert_eq!(code, 2);
    assert!(text.contains("--kind"), "{text}");
    assert_eq!(check(&["--kind", "authkeys", &file]).0, 2);
    let empty = tempfile::tempdir().expect("a folder");
    let (code, text) = check(&[path(&empty)]);
    assert_eq!(code, 2);
    assert!(text.contains("nothing to check"), "{text}");
}

#[test]
fn a_cib_is_checked_by_its_schema_and_for_what_it_does() {
    let dir = tempfile::tempdir().expect("a folder");
    let cib = "<cib validate-with=\"pacemaker-3.9\" admin_epoch=\"0\" epoch=\"1\" \
               num_updates=\"0\">\n<configuration><crm_config/><nodes/>\n<resources>\n\
               <primitive id=\"x\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/>\n\
               </resources><constraints/></configuration><status/></cib>\n";
    let path = put(dir.path(), "cib.xml", cib, 0o600);
    let (code, text) = check(&[&path]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("no resource will start"), "{text}");
    assert!(
        text.contains("note: x has no recurring monitor") && text.contains("cib.xml:4:1"),
        "{text}"
    );
    let wrong = put(
        dir.path(),
        "wrong.xml",
        &cib.replace("class=", "clas="),
        0o600,
    );
    let (code, text) = check(&[&wrong]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("clas;") && text.contains("wrong.xml:4:1"),
        "{text}"
    );
    let mut piped = Command::cargo_bin("everbeat").expect("the program is built");
    let output = piped
        .args(["check", "-"])
        .write_stdin(cib)
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("--> -:4:1"), "{text}");
}
