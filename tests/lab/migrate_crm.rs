//! A CRM on heartbeat's media changes to a ring, and back, and its resources don't notice.

use std::process::Command;
use std::time::Duration;

use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, program, shell, spec, text, within};
use crate::migrate::STAND_IN;

const NODES: [&str; 2] = ["a", "b"];
const HA_CF: &str = "logfile /var/log/ha-log\nkeepalive 250ms\ndeadtime 3\ninitdead 10\n\
                     udpport 694\nbcast eth0\nnode a b\ncrm yes\n";
/// Section and content.
const CONFIG: [(&str, &str); 3] = [
    (
        "crm_config",
        "<crm_config><cluster_property_set id=\"o\"><nvpair id=\"o-s\" \
         name=\"stonith-enabled\" value=\"false\"/></cluster_property_set></crm_config>",
    ),
    (
        "resources",
        "<resources><group id=\"g\"><primitive id=\"disk\" class=\"heartbeat\" \
         type=\"standin\"><instance_attributes id=\"disk-i\"><nvpair id=\"disk-1\" name=\"1\" \
         value=\"disk\"/></instance_attributes></primitive><primitive id=\"web\" \
         class=\"heartbeat\" type=\"standin\"><instance_attributes id=\"web-i\"><nvpair \
         id=\"web-1\" name=\"1\" value=\"web\"/></instance_attributes></primitive></group>\
         </resources>",
    ),
    (
        "constraints",
        "<constraints><rsc_location id=\"l\" rsc=\"g\" node=\"a\" score=\"100\"/>\
         </constraints>",
    ),
];

struct Scene {
    lab: Lab,
    ground: Ground,
}

impl Scene {
    fn new(name: &str) -> Option<Self> {
        let ground = Ground::new();
        let lab = ground.lab(&spec(name, &["a=10.8.0.1/24", "b=10.8.0.2/24"]))?;
        let scene = Self { lab, ground };
        for node in NODES {
            for (file, text, mode) in [
                ("ha.cf", HA_CF, 0o644),
                (
                    "authkeys",
                    "auth 1\n1 sha1 a-key-that-nobody-guesses\n",
                    0o600,
                ),
                ("resource.d/standin", STAND_IN, 0o755),
            ] {
                let path = format!("/etc/ha.d/{file}");
                let host = scene.lab.host(node);
                host.write(path, text.as_bytes(), mode).expect("a file");
            }
            scene.run(node, &format!("{PROGRAM} heartbeat"));
        }
        scene.online();
        for (section, text) in CONFIG {
            let put = format!("{PROGRAM} cibadmin --replace --scope {section} --xml-text '{text}'");
            scene.run("a", &put);
        }
        scene.runs_on("a");
        Some(scene)
    }

    #[track_caller]
    fn run(&self, host: &str, script: &str) -> String {
        let said = shell(&self.lab, host, script);
        said.unwrap_or_else(|why| panic!("{script} on {host}: {why}\n{}", self.logs()))
    }

    #[track_caller]
    fn online(&self) {
        let seen = within(Duration::from_secs(60), || {
            NODES.iter().all(|node| {
                let status = shell(&self.lab, node, &format!("{PROGRAM} crm_mon -1"));
                status.is_ok_and(|t| t.contains("Online: [ a b ]"))
            })
        });
        assert!(seen, "{}", self.logs());
    }

    #[track_caller]
    fn runs_on(&self, wanted: &str) {
        let there = within(Duration::from_secs(30), || {
            NODES.iter().all(|node| {
                let has = |id: &str| shell(&self.lab, node, &format!("test -e /run/standin-{id}"));
                ["disk", "web"]
                    .iter()
                    .all(|id| has(id).is_ok() == (*node == wanted))
            })
        });
        assert!(there, "{}", self.logs());
    }

    fn moves(&self) -> usize {
        let log = |node: &&str| self.lab.host(node).read("/var/log/standin.log");
        let logs = NODES.iter().map(log);
        logs.map(|text| text.unwrap_or_default().lines().count())
            .sum()
    }

    fn logs(&self) -> String {
        let log = |node: &&str| {
            let text = self
                .lab
                .host(node)
                .read("/var/log/ha-log")
                .unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let last = lines[lines.len().saturating_sub(40)..].join("\n");
            format!("--- {node}\n{last}\n")
        };
        NODES.iter().map(log).collect()
    }

    fn migrate(&self, verb: &str) -> String {
        let folder = self
            .ground
            .place
            .root
            .parent()
            .expect("labs are in a folder");
        let mut command = Command::new(program());
        command
            .args(["migrate", verb, "--yes", "--journal"])
            .arg(folder.join("journal"));
        if verb == "apply" {
            let via = format!(
                "{} lab --root {} sh {} {{}}",
                program().display(),
                self.ground.place.root.display(),
                self.lab.name()
            );
            command.args(["--elsewhere", "--via", &via, "--program", PROGRAM, "--plan"]);
            command.arg(folder.join("plan"));
        }
        let output = command.output().expect("everbeat runs");
        text(&output).unwrap_or_else(|why| panic!("{verb}: {why}\n{}", self.logs()))
    }

    /// ha.cf and the CIB of the running cluster to a plan.
    fn plan(&self) {
        let folder = self
            .ground
            .place
            .root
            .parent()
            .expect("labs are in a folder");
        let files = folder.join("a.d");
        std::fs::create_dir(&files).expect("a folder");
        std::fs::write(files.join("ha.cf"), HA_CF).expect("a file");
        let cib = self.run("a", &format!("{PROGRAM} cibadmin -Q"));
        std::fs::write(files.join("cib.xml"), cib).expect("a file");
        let planned = Command::new(program())
            .args(["migrate", "plan", "--from"])
            .arg(format!("a={}", files.display()))
            .arg("--output")
            .arg(folder.join("plan"))
            .output()
            .expect("everbeat runs");
        assert_ne!(planned.status.code(), Some(2), "{planned:?}");
        let conf = folder.join("plan/corosync.conf");
        let mut text = std::fs::read_to_string(&conf).expect("a plan");
        for (node, n) in NODES.iter().zip(1..) {
            let named = format!("ring0_addr: {node}\n");
            text = text.replace(&named, &format!("ring0_addr: 10.8.0.{n}\n"));
        }
        std::fs::write(conf, text).expect("a file");
    }
}

#[test]
fn a_crm_on_heartbeats_media_goes_to_a_ring_and_back() {
    let Some(scene) = Scene::new("migc") else {
        return;
    };
    scene.plan();
    let began = scene.moves();
    scene.migrate("apply");
    scene.online();
    scene.runs_on("a");
    assert_eq!(
        scene.moves(),
        began,
        "nothing was stopped\n{}",
        scene.logs()
    );
    for node in NODES {
        scene.run(
            node,
            "test -e /run/corosync.pid && ! test -e /etc/ha.d/ha.cf",
        );
    }
    // The ring's CRM has them: it stops and starts.
    scene.run("a", &format!("{PROGRAM} crm_resource -r g --move --node b"));
    scene.runs_on("b");
    scene.run("a", &format!("{PROGRAM} crm_resource -r g --clear"));
    scene.runs_on("a");
    let began = scene.moves();
    scene.migrate("abort");
    scene.online();
    scene.runs_on("a");
    assert_eq!(
        scene.moves(),
        began,
        "nothing was stopped\n{}",
        scene.logs()
    );
    for node in NODES {
        scene.run(
            node,
            "test -e /etc/ha.d/ha.cf && ! test -e /run/corosync.pid",
        );
    }
}
