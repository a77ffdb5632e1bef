//! Plans for the published corosync.conf files of all generations.
//!
//! `migrate_ring.txt` has the plans in short; UPDATE=1 writes it anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use everbeat::config::corosync_conf::{self, Transport};
use everbeat::config::diagnostic::has_errors;
use everbeat::config::host::DistantHost;
use everbeat::config::source::Source;
use everbeat::migrate::{NodeFiles, Plan, plan};

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/corosync.conf");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        println!("skipped: the corpus of published files is not at ../shared/corpus");
        return Vec::new();
    };
    let mut all: Vec<_> = entries.map(|e| e.expect("an entry").path()).collect();
    all.sort();
    all
}

fn planned(file: &Path) -> (Source, Plan) {
    let name = file.file_name().expect("a name");
    let source = Source::from_bytes(name, &std::fs::read(file).expect("a file of the corpus"));
    let files = NodeFiles::default().with_corosync_conf(source.clone());
    let plan = plan(&[files], &DistantHost::default());
    (source, plan)
}

#[test]
fn plans_of_the_published_rings() {
    let mut text = String::new();
    let all = files();
    if all.is_empty() {
        return;
    }
    for file in all {
        let (source, plan) = planned(&file);
        let (model, _) = corosync_conf::read_all(&source);
        let told = model.told.generation;
        let _ = writeln!(text, "{} ({told})", source.path().display());
        for node in &plan.nodes {
            let _ = writeln!(text, "  node {} {} {}", node.id, node.name, node.address);
        }
        for line in &plan.lines {
            let _ = writeln!(text, "  {} {}", line.line, line.became);
        }
        for change in &plan.changes {
            let _ = writeln!(text, "  changes: {change}");
        }
        for open in plan
            .decide
            .iter()
            .filter(|d| !d.contains("correct it, then plan again"))
        {
            let _ = writeln!(text, "  decide: {open}");
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/migrate_ring.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&golden, &text).expect("tests are writable");
    }
    let golden = std::fs::read_to_string(&golden).expect("migrate_ring.txt");
    assert_eq!(golden, text, "UPDATE=1 writes it anew");
}

#[test]
fn what_is_written_is_a_ring_that_everbeat_speaks() {
    let mut made = 0;
    for file in files() {
        let (source, plan) = planned(&file);
        let (_, found) = corosync_conf::read_all(&source);
        let told: Vec<_> = plan.lines.iter().map(|l| l.line).collect();
        let says = |l: &str| !l.trim().is_empty() && !l.trim_start().starts_with('#');
        let lines = source.text().lines().enumerate();
        let expected: Vec<_> = lines.filter(|(_, l)| says(l)).map(|(i, _)| i + 1).collect();
        assert_eq!(told, expected, "{}", file.display());
        assert!(
            plan.lines.iter().all(|l| !l.became.is_empty()),
            "{}",
            file.display()
        );
        let Some(text) = &plan.corosync_conf else {
            assert!(plan.open() > 0, "{}", file.display());
            continue;
        };
        if has_errors(&found) {
            assert!(plan.open() > 0, "{}: its errors are told", file.display());
            continue;
        }
        let (model, found) = corosync_conf::read_all(&Source::new("corosync.conf", text));
        let told: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert!(!has_errors(&found), "{}: {told:#?}\n{text}", file.display());
        let ours = [Transport::Udp, Transport::Udpu];
        assert!(ours.contains(&model.totem.transport), "{}", file.display());
        made += 1;
    }
    println!("{made} files of all generations become rings that everbeat speaks");
    assert!(made == 0 || made > 8);
}

#[test]
fn secauth_of_1x_and_members_become_todays_words() {
    let old = Source::new(
        "corosync.conf",
        "compatibility: whitetank\ntotem {\n version: 2\n secauth: on\n threads: 0\n token: 5000\n \
         interface {\n  member {\n   memberaddr: 10.0.0.1\n  }\n  member {\n   memberaddr: \
         10.0.0.2\n  }\n  ringnumber: 0\n  bindnetaddr: 10.0.0.0\n  mcastport: 5405\n }\n \
         transport: udpu\n}\nservice {\n name: pacemaker\n ver: 0\n}\nlogging {\n to_file: yes\n \
         logfile: /var/log/c.log\n}\n",
    );
    let cib = "<cib validate-with=\"pacemaker-1.2\" epoch=\"1\" num_updates=\"0\" \
               admin_epoch=\"0\"><configuration><crm_config/><nodes><node id=\"a\" uname=\"a\"/>\
               <node id=\"b\" uname=\"b\"/></nodes><resources/><constraints/></configuration>\
               <status/></cib>";
    let mut files = NodeFiles::default().with_corosync_conf(old);
    files.cib = Some(Source::new("cib.xml", cib));
    let plan = plan(&[files], &DistantHost::default());
    let text = plan.corosync_conf.expect("a ring");
    for part in [
        "crypto_cipher: aes256\n",
        "token: 5000\n",
        "ring0_addr: 10.0.0.1\n\t\tname: a\n\t\tnodeid: 1\n",
        "ring0_addr: 10.0.0.2\n\t\tname: b\n\t\tnodeid: 2\n",
        "two_node: 1\n",
        "to_logfile: yes\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for part in ["secauth", "service", "bindnetaddr", "whitetank"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    let cib = plan.cib.expect("a CIB");
    assert!(cib.contains("<node id=\"2\" uname=\"b\"/>"), "{cib}");
}

#[test]
fn published_cibs_are_of_today_in_the_plan() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/cib");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        println!("skipped: the corpus of published files is not at ../shared/corpus");
        return;
    };
    let (mut read, mut rewritten) = (0, 0);
    for entry in entries {
        let path = entry.expect("an entry").path();
        let source = Source::from_bytes(&path, &std::fs::read(&path).expect("a file"));
        let files = NodeFiles {
            cib: Some(source.clone()),
            ..NodeFiles::default()
        };
        let plan = plan(&[files], &DistantHost::default());
        assert_eq!(plan.lines.len(), 1, "{}", path.display());
        let Some(text) = &plan.cib else {
            assert!(plan.open() > 0, "{}", path.display());
            continue;
        };
        let doc = everbeat::cib::read(text).expect("what is written can be read");
        assert!(doc.find(doc.root(), &["configuration"]).is_some());
        read += 1;
        rewritten += usize::from(text != source.text());
    }
    println!("{read} CIBs, {rewritten} of them of heartbeat 2");
    assert!(read > 5);
}

/// A cluster of heartbeat 2 with a CRM.
#[test]
fn a_cib_of_heartbeat_2_gets_the_ids_of_the_ring() {
    let cib = "<cib admin_epoch=\"0\" epoch=\"7\" num_updates=\"3\" ignore_dtd=\"false\">\
        <configuration><crm_config><cluster_property_set id=\"cib-bootstrap-options\"><attributes>\
        <nvpair id=\"o1\" name=\"stonith_enabled\" value=\"false\"/></attributes>\
        </cluster_property_set></crm_config><nodes>\
        <node id=\"18ef92e2-cff0-469b-ab77-a2ef0e45ebd7\" uname=\"n2\" type=\"normal\"/>\
        <node id=\"08f85a1b-291f-46a7-b2d8-cab46788e23d\" uname=\"n1\" type=\"normal\"/></nodes>\
        <resources><primitive id=\"ip\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr\">\
        <instance_attributes id=\"ip_a\"><attributes><nvpair id=\"ip_ip\" name=\"ip\" \
        value=\"10.0.0.5\"/></attributes></instance_attributes></primitive></resources>\
        <constraints><rsc_location id=\"l\" rsc=\"ip\"><rule id=\"l_r\" score=\"100\"><expression \
        id=\"l_e\" attribute=\"#uname\" operation=\"eq\" value=\"n1\"/></rule></rsc_location>\
        </constraints></configuration><status/></cib>";
    let host = DistantHost::default();
    let ha_cf = "crm yes\nkeepalive 1\ndeadtime 10\nbcast eth0\nnode n1 n2\n";
    let mut files = NodeFiles::default().with_ha_cf(Source::new("ha.cf", ha_cf), &host);
    files.cib = Some(Source::new("cib.xml", cib));
    let plan = plan(&[files], &host);
    let text = plan.cib.expect("a CIB");
    for part in [
        "validate-with=\"pacemaker-3.",
        "<node id=\"1\" uname=\"n1\"",
        "<node id=\"2\" uname=\"n2\"",
        "name=\"stonith-enabled\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        plan.corosync_conf
            .is_some_and(|c| c.contains("name: n2\n\t\tnodeid: 2"))
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cib.xml");
    std::fs::write(&file, &text).expect("written");
    let verified = std::process::Command::new("crm_verify")
        .arg("-x")
        .arg(&file)
        .output();
    if let Ok(output) = verified {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{text}");
    }
}

/// Statements of the shell that no plan takes: access control, alerts, tickets.
#[test]
fn published_text_for_the_crm_shell_becomes_a_cib() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/crm");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        println!("skipped: the corpus of published files is not at ../shared/corpus");
        return;
    };
    let (mut statements, mut open, mut verified) = (0, 0, 0);
    let folder = tempfile::tempdir().expect("a folder");
    for entry in entries {
        let path = entry.expect("an entry").path();
        let source = Source::from_bytes(&path, &std::fs::read(&path).expect("a file"));
        let files = NodeFiles {
            crm: Some(source),
            ..NodeFiles::default()
        };
        let plan = plan(&[files], &DistantHost::default());
        statements += plan.lines.len();
        open += plan.lines.iter().filter(|l| !l.decide.is_empty()).count();
        assert!(plan.lines.iter().all(|l| !l.became.is_empty()));
        let file = folder.path().join("cib.xml");
        std::fs::write(&file, plan.cib.as_deref().expect("a CIB")).expect("written");
        let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_everbeat"));
        let output = verify.args(["crm_verify", "-V", "-x"]).arg(&file).output();
        let output = output.expect("everbeat runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let refused = said.contains("not validate") || said.contains("schema");
        assert!(
            !refused,
            "{}: {said}\n{}",
            path.display(),
            plan.cib.unwrap_or_default()
        );
        verified += 1;
    }
    println!("{verified} texts, {statements} statements, {open} of them for a person");
    assert!(open * 4 < statements);
}
