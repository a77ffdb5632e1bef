//! Text for the crm shell, read by the real one and by the plan: the same CIB.

use std::path::Path;
use std::process::Command;

use everbeat::cib::{Element, reader};
use everbeat::config::host::DistantHost;
use everbeat::config::source::Source;
use everbeat::migrate::{NodeFiles, plan};

/// What all texts have.
const BASE: &str = "node 1: n1\nnode 2: n2\nprimitive p1 ocf:pacemaker:Dummy\n\
    primitive p2 ocf:pacemaker:Dummy\nprimitive p3 ocf:pacemaker:Dummy\n\
    primitive s1 ocf:pacemaker:Stateful\nprimitive st1 stonith:fence_dummy\n\
    primitive st2 stonith:fence_dummy\nproperty stonith-enabled=false\n";

/// Statements beside those, each text a configuration.
const TEXTS: &[&str] = &[
    // Locations and their rules.
    "location l1 p1 inf: n1\nlocation l2 p1 resource-discovery=never -inf: n1\n\
     location l3 s1 role=Master 10: n1\nlocation l4 { p1 p2 } 10: n1\n\
     location l5 /p[12]/ 10: n1\nlocation l6 p1 rule 100: date gt \"2024-01-01\"\n\
     location l7 p1 rule 100: date spec hours=9-17 weekdays=1-5\n\
     location l8 p1 rule 100: date in_range start=\"2024-01-01\" years=1\n\
     location l9 p1 rule -inf: not_defined pingd rule pingd: defined pingd\n\
     location l10 s1 rule $id=myrule $role=Master 100: #uname eq n1\n\
     location l11 p1 rule 100: #uname eq n1 and rack eq r1\n\
     location l12 p1 rule -inf: cpu number:lt 4\n\
     location l13 p1 rule 100: #uname eq param{node}\n\
     location l14 p1 rule 5: date lt \"2030-01-01\" or date in start=2024-01-01 end=2024-02-01\n\
     location l15 p2 advisory: n1\nlocation l16 p2 -infinity: n2\n\
     location l17 p3 rule $id-ref=myrule\n",
    // Sets.
    "colocation c1 inf: p1 p2\ncolocation c2 inf: p1 p2 p3\ncolocation c3 inf: ( p1 p2 ) p3\n\
     colocation c4 500: p1:Started s1:Master node-attribute=rack\n\
     colocation c5 inf: [ p1 p2 ] p3:Started\ncolocation c6 mandatory: p1 p2\n\
     colocation c7 inf: ( p1 p2 ) ( p3 s1 )\ncolocation c8 inf: p1 s1:Master p2 p3:Started\n\
     colocation c9 inf: ( p1 p2 sequential=true ) p3\ncolocation c10 inf: p1\n\
     colocation c11 inf: [ p1 p2 require-all=true ] p3\n",
    "order o1 p1 p2\norder o2 Mandatory: p1 ( p2 p3 )\norder o3 Serialize: p1 p2 p3\n\
     order o4 inf: p1:start p2:stop symmetrical=false\norder o5 Optional: [ p1 p2 ] p3\n\
     order o6 0: p1 p2\norder o7 Mandatory: p1:promote p2:start p3\n\
     order o8 mandatory: p1 [ p2 p3 ] s1\norder o9 100: ( p1 p2 ) ( p3 s1 ) symmetrical=true\n",
    // Tickets, tags, levels.
    "rsc_ticket t1 tA: p1 p2:Master loss-policy=stop\nrsc_ticket t2 tA: p1\n\
     rsc_ticket t3 tB: s1:Master loss-policy=demote\ntag tg p1 p2\ntag th: p3\n\
     fencing_topology st1 st2\n",
    "fencing_topology n1: st1 st2 n2: st2,st1\n",
    "fencing_topology pattern:n.* st1\n",
    "fencing_topology attr:rack=1 st1,st2 st2\n",
    // Access, alerts.
    "role r1 read xpath:\"/cib\" write ref:p1 deny type:node attribute:standby\n\
     role r2 write meta:p1:target-role read property read status\n\
     role r3 write property:maintenance-mode write node read nodeattr deny params:p1:fake read \
     utilization:p1 write location:p2 read nodeattr:rack read nodeutil:n1 write node:n2 read cib\n\
     acl_target u1 r1 r2\nacl_group ops r3\n",
    "alert a1 \"/bin/true\"\n\
     alert a2 \"/bin/true\" attributes k=v select attributes { standby shutdown } nodes fencing \
     meta enabled=true to { \"x\" attributes a=b meta timeout=5s } to \"y\"\n\
     alert a3 \"/x/y.sh\" description=\"my alert\" select resources to \"r1\"\n",
    // Options and defaults.
    "property p-set: rule 10: date gt \"2024-01-01\" maintenance-mode=true\n\
     property $id=cps foo=bar stonith-timeout=60s\n\
     rsc_defaults $id=rd1 resource-stickiness=5\nop_defaults op1: timeout=5 record-pending=true\n",
    "rsc_defaults resource-stickiness=5\nop_defaults timeout=40\n\
     rsc_defaults more: rule date spec weekdays=6-7 resource-stickiness=0\n",
    // Resources.
    "rsc_template tpl ocf:pacemaker:Dummy params fake=1 op monitor interval=5s\n\
     primitive pt @tpl params fake=2\n\
     primitive q1 ocf:pacemaker:Dummy operations $id=qops op monitor interval=10 op_params \
     OCF_CHECK_LEVEL=10\n\
     primitive q2 ocf:pacemaker:Dummy params rule #uname eq n1 fake=1 params fake=2\n\
     primitive q3 ocf:pacemaker:Dummy params $id=foo 2: fake=1\n\
     primitive q4 ocf:pacemaker:Dummy op monitor interval=10s timeout=5s op_meta foo=bar \
     op_params x=y\nprimitive q5 Dummy description=\"a b\" meta is-managed=0\n\
     monitor p1 60s:30s\nmonitor s1:Master 60s\ngroup g p1 p2 p3 description=\"grp\" params x=1 \
     meta a=b\n",
    "primitive q1 ocf:pacemaker:Dummy fake=1 op_sleep=2 meta target-role=Stopped\n\
     primitive q2 ocf:pacemaker:Dummy op monitor interval=10s OCF_CHECK_LEVEL=5\n\
     primitive q3 ocf:pacemaker:Dummy op start timeout=30s op stop timeout=30s\n\
     primitive q4 ocf:pacemaker:Dummy op monitor interval=10s op monitor interval=20s \
     role=Master\nprimitive q5 ocf:pacemaker:Dummy params fake=\"a b\" passwd='x\"y'\n\
     primitive q6 ocf:pacemaker:Dummy params fake\n\
     primitive q7 ocf:pacemaker:Dummy params $fakeid:fake=1\n\
     primitive q8 ocf:pacemaker:Dummy params @fakeid\nclone c1 p1 interleave=true\n\
     clone c2 s1 meta promotable=true promoted-max=1\ngroup gg p2 p3\nclone cg gg\n\
     primitive q9 lsb:foo\nprimitive q10 systemd:foo.service op monitor interval=30s\n\
     primitive q11 stonith:fence_dummy pcmk_host_map=\"n1:1;n2:2\"\n\
     primitive q12 ocf:pacemaker:Dummy utilization cpu=2 memory=512\n",
    "bundle b docker image=pcmk:http replicas=3 run-command=\"/usr/sbin/x\" network \
     ip-range-start=10.0.0.1 host-netmask=24 port-mapping id=pm port=80 port-mapping id=pn \
     range=8080-8090 storage storage-mapping id=sm source-dir=/a target-dir=/b meta \
     target-role=Started primitive p1\n\
     xml <primitive id=\"xx\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\"/>\n",
    "node 3: n3:member attributes a=b maintenance=on\nnode n4\nnode 9: n9:remote\n\
     node 5: n5 utilization cpu=8 attributes rack=\"r 1\"\n",
];

/// An element as text that doesn't depend on the order of attributes; comments aren't in it.
fn flat(element: Element<'_>, out: &mut Vec<String>, depth: usize) {
    let mut attrs: Vec<_> = element
        .attrs()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    attrs.sort();
    let indent = "  ".repeat(depth);
    out.push(format!("{indent}{} {}", element.name(), attrs.join(" ")));
    for child in element.children() {
        flat(child, out, depth + 1);
    }
}

/// The sections that hold something, by name.
fn sections(xml: &str) -> Vec<String> {
    let doc = reader::read(xml).unwrap_or_else(|e| panic!("{e}: {xml}"));
    let root = doc.root_element();
    let configuration = root.child("configuration").expect("a configuration");
    let mut all: Vec<_> = configuration
        .children()
        .filter(|s| s.children().next().is_some())
        .collect();
    all.sort_by_key(|s| s.name());
    let mut out = Vec::new();
    for section in all {
        flat(section, &mut out, 0);
    }
    out
}

/// What the real shell makes of a text; the error is what it says against it.
fn original(folder: &Path, text: &str) -> Result<String, String> {
    let (file, cib) = (folder.join("text.crm"), folder.join("cib.xml"));
    std::fs::write(&file, text).expect("written");
    let empty = "<cib validate-with=\"pacemaker-3.9\" epoch=\"1\" num_updates=\"0\" \
                 admin_epoch=\"0\"><configuration><crm_config/><nodes>\
                 <node id=\"1\" uname=\"n1\"/><node id=\"2\" uname=\"n2\"/></nodes>\
                 <resources/><constraints/>\
                 </configuration><status/></cib>";
    std::fs::write(&cib, empty).expect("written");
    let output = Command::new("crm")
        .args(["-F", "configure", "load", "update"])
        .arg(&file)
        .env("CIB_file", &cib)
        .env("HOME", folder)
        .output()
        .expect("crm runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(std::fs::read_to_string(&cib).expect("a CIB")),
        false => Err(format!("{text}\n{said}")),
    }
}

#[test]
fn the_plan_reads_what_the_crm_shell_reads() {
    if !Path::new("/usr/sbin/crm").exists() {
        println!("SKIPPED: crmsh is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut statements = 0;
    let mut wrong = Vec::new();
    for text in TEXTS {
        let text = format!("{BASE}{text}");
        let theirs = match original(folder.path(), &text) {
            Ok(cib) => sections(&cib),
            Err(why) => {
                wrong.push(why);
                continue;
            }
        };
        let files = NodeFiles {
            crm: Some(Source::new("cluster.crm", &text)),
            ..NodeFiles::default()
        };
        let plan = plan(&[files], &DistantHost::default());
        statements += plan.lines.len();
        let open: Vec<_> = plan.lines.iter().flat_map(|l| &l.decide).collect();
        if !open.is_empty() {
            wrong.push(format!("for a person: {open:?}"));
        }
        let ours = sections(plan.cib.as_deref().expect("a CIB"));
        if ours != theirs {
            let only = |a: &[String], b: &[String]| {
                let missing = a.iter().filter(|l| !b.contains(l));
                missing.map(|l| format!("  {l}\n")).collect::<String>()
            };
            wrong.push(format!(
                "{text}\nonly the original:\n{}only ours:\n{}",
                only(&theirs, &ours),
                only(&ours, &theirs)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{statements} statements, each as the crm shell reads it");
}
