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

/// Two nodes' folders, of which the second differs in all that is compared.
fn two_nodes(root: &Path) {
    let ring = "totem {\n version: 2\n transport: udpu\n cluster_name: c\n}\nnodelist {\n node \
                {\n  ring0_addr: alpha\n  name: alpha\n  nodeid: 1\n }\n node {\n  ring0_addr: \
                beta\n  name: beta\n  nodeid: 2\n }\n}\n";
    for (node, timing, keys, resources, ring, hosts) in [
        (
            "alpha",
            "keepalive 1\ndeadtime 6\n",
            "auth 1\n1 sha1 a-good-long-key\n",
            "alpha IPaddr2::10.0.0.1/24/eth0\n",
            ring.to_owned(),
            "10.9.0.1 alpha\n10.9.0.2 beta\n",
        ),
        (
            "beta",
            "keepalive 2\ndeadtime 12\n",
            "auth 1\n\n1 sha1 another-long-key\n",
            "beta IPaddr2::10.0.0.1/24/eth0\n",
            ring.replace("cluster_name: c", "cluster_name: d"),
            "10.9.0.3 alpha\n",
        ),
    ] {
        let etc = root.join(node).join("etc");
        for below in ["ha.d", "corosync"] {
            std::fs::create_dir_all(etc.join(below)).expect("a folder");
        }
        put(&etc, "hosts", hosts, 0o644);
        let ha_d = etc.join("ha.d");
        put(&ha_d, "ha.cf", &format!("{HA_CF}{timing}"), 0o644);
        put(&ha_d, "haresources", resources, 0o644);
        put(&ha_d, "authkeys", keys, 0o600);
        put(&etc.join("corosync"), "corosync.conf", &ring, 0o644);
        put(&etc.join("corosync"), "authkey", node, 0o400);
    }
}

#[test]
fn nodes_of_a_cluster_are_compared_line_by_line() {
    let root = tempfile::tempdir().expect("a folder");
    two_nodes(root.path());
    let dir = |node: &str| root.path().join(node).to_str().expect("UTF-8").to_owned();
    let (alpha, beta) = (dir("alpha"), format!("beta={}", dir("beta")));
    let (code, text) = check(&["--format", "json", "--cluster", &alpha, &beta]);
    assert_eq!(code, 2, "{text}");
    let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let told = |part: &str, ours: (&str, u64), theirs: Option<(&str, u64)>| {
        let all = list.as_array().expect("a list");
        let found = all.iter().find(|o| {
            let has = |key: &str, what: &str| o[key].as_str().is_some_and(|t| t.contains(what));
            has("message", part) && has("file", ours.0)
        });
        let found = found.unwrap_or_else(|| panic!("{part}: {text}"));
        let at = |o: &serde_json::Value, (file, line): (&str, u64)| {
            let path = o["file"].as_str().unwrap_or_default();
            assert!(path.ends_with(file), "{part}: {found}");
            assert_eq!(o["line"], line, "{part}: {found}");
        };
        at(found, ours);
        match theirs {
            Some(theirs) => at(&found["other"], theirs),
            None => assert!(found["other"].is_null(), "{found}"),
        }
    };
    let side = |node: &str, file: &str| format!("{node}/etc/{file}");
    let (a, b) = (|f: &str| side("alpha", f), |f: &str| side("beta", f));
    let (ha, hb) = (a("ha.d/ha.cf"), b("ha.d/ha.cf"));
    told("deadtime 12 s here", (&hb, 7), Some((&ha, 7)));
    told("keepalive 2 s is too long", (&hb, 6), Some((&ha, 7)));
    let (ra, rb) = (a("ha.d/haresources"), b("ha.d/haresources"));
    told("is of beta here, of alpha", (&rb, 1), Some((&ra, 1)));
    let (ka, kb) = (a("ha.d/authkeys"), b("ha.d/authkeys"));
    told("key 1 isn't the same", (&kb, 3), Some((&ka, 2)));
    let (ca, cb) = (a("corosync/corosync.conf"), b("corosync/corosync.conf"));
    told("cluster_name is d here, c", (&cb, 4), Some((&ca, 4)));
    told("not the key of", (&b("corosync/authkey"), 1), None);
    told("beta is not in", (&cb, 13), None);
    told(
        "alpha is 10.9.0.3 here",
        (&b("hosts"), 1),
        Some((&a("hosts"), 1)),
    );
    assert!(!text.contains("long-key"), "keys aren't shown");
    let (_, text) = check(&["--cluster", &alpha, &beta]);
    assert!(text.contains("the other side"), "{text}");
}

#[test]
fn equal_nodes_of_a_cluster_have_nothing_to_report() {
    let root = tempfile::tempdir().expect("a folder");
    two_nodes(root.path());
    let (alpha, twin) = (root.path().join("alpha"), root.path().join("twin"));
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&alpha, &twin])
        .status();
    assert!(copied.expect("cp runs").success());
    let word = |name: &str, dir: &Path| format!("{name}={}", dir.display());
    let (code, text) = check(&["--cluster", &word("alpha", &alpha), &word("beta", &twin)]);
    assert!(!text.contains("the other side"), "{text}");
    assert!(code < 2, "{text}");
    assert_eq!(check(&["--cluster", "/nonexistent"]).0, 2);
    let empty = root.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    assert_eq!(check(&["--cluster", empty.to_str().expect("UTF-8")]).0, 2);
    // heartbeat and the ring of one node can't share a port.
    let ha_cf = alpha.join("etc/ha.d/ha.cf");
    let text = std::fs::read_to_string(&ha_cf).expect("text");
    std::fs::write(&ha_cf, format!("udpport 5404\n{text}")).expect("written");
    let (code, text) = check(&["--cluster", alpha.to_str().expect("UTF-8")]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("port 5404 is used by the ring"), "{text}");
}
