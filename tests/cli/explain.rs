//! `everbeat explain`.

use assert_cmd::Command;

const CIB: &str = "<cib validate-with='pacemaker-3.9' crm_feature_set='3.16.1' epoch='1' \
    num_updates='0' admin_epoch='0' have-quorum='1' dc-uuid='1'><configuration><crm_config>\
    <cluster_property_set id='o'><nvpair id='s' name='stonith-enabled' value='false'/>\
    </cluster_property_set></crm_config><nodes><node id='1' uname='n1'/>\
    <node id='2' uname='n2'/></nodes><resources>\
    <primitive id='db' class='ocf' provider='heartbeat' type='Dummy'/></resources>\
    <constraints><rsc_location id='l' rsc='db' node='n2' score='SCORE'/></constraints>\
    </configuration>STATUS</cib>";

const STATUS: &str = "<status><node_state id='1' uname='n1' in_ccm='true' crmd='online' \
    join='member' expected='member'/><node_state id='2' uname='n2' in_ccm='true' \
    crmd='online' join='member' expected='member'/></status>";

fn explain(args: &[&str], file: Option<&str>) -> (Option<i32>, String, String) {
    let mut command = Command::cargo_bin("everbeat").unwrap();
    command.env_remove("CIB_file").env_remove("CIB_shadow");
    if let Some(file) = file {
        command.env("CIB_file", file);
    }
    let output = command.arg("explain").args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn text_json_and_picture_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let name = |file: &str| folder.path().join(file).to_str().unwrap().to_owned();
    let (old, new) = (name("old.xml"), name("new.xml"));
    let cib = CIB.replace("SCORE", "10").replace("STATUS", STATUS);
    std::fs::write(&old, cib).unwrap();
    let change = CIB.replace("SCORE", "-INFINITY").replace("STATUS", "");
    std::fs::write(&new, change).unwrap();

    let (code, text, _) = explain(&["db", "--cib", &old], None);
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("db is stopped, and will be started on n2.\n"),
        "{text}"
    );
    assert!(
        text.contains("  * +10 from location constraint l  [decides]\n"),
        "{text}"
    );
    assert_eq!(explain(&["db"], Some(&old)).1, text, "CIB_file is the same");

    let (code, json, _) = explain(&["db", "--json", "--node", "n1"], Some(&old));
    assert_eq!(code, Some(0));
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(answer["smallest"]["steps"][0]["change"], "prefer");
    assert_eq!(
        answer["smallest"]["steps"][0]["score"], 10,
        "equal scores: the first by name"
    );

    let picture = name("p.svg");
    let args = ["--diff", &old, &new, "--svg", &picture];
    let (code, text, _) = explain(&args, None);
    assert_eq!(code, Some(0));
    assert!(text.contains("  * db: n2 -> n1\n"), "{text}");
    assert!(
        text.contains("location constraint l forbids it (-INFINITY)\n"),
        "{text}"
    );
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(
        svg.starts_with("<svg ") && svg.contains(">start db on n1</text>"),
        "{svg}"
    );
}

#[test]
fn what_is_wrong_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cib.xml");
    let cib = CIB.replace("SCORE", "10").replace("STATUS", STATUS);
    std::fs::write(&file, cib).unwrap();
    let file = file.to_str().unwrap();
    let (code, _, said) = explain(&["bd", "--cib", file], None);
    assert_eq!(code, Some(3));
    assert_eq!(
        said,
        "everbeat explain: there is no resource \"bd\"; there are db\n"
    );
    assert_eq!(
        explain(&["db", "--node", "n7", "--cib", file], None).0,
        Some(3)
    );
    assert_eq!(explain(&["db", "--cib", "/nowhere"], None).0, Some(1));
    assert_eq!(explain(&[], None).0, Some(2));
    std::fs::write(file, "<resources/>").unwrap();
    let (code, _, said) = explain(&["db", "--cib", file], None);
    assert_eq!(code, Some(1));
    assert!(said.contains("the root element is <resources>"), "{said}");
}
