//! A migration where systemd starts the daemons: units are stopped, replaced, started, enabled.
//!
//! systemd itself doesn't run on hosts of a lab; a script stands in for `systemctl`.

use std::path::Path;

use crate::cluster::HEARTBEAT;
use crate::host::{PROGRAM, lay_over, put_below_usr, shell};
use crate::migrate::Scene;

const SYSTEMCTL: &[u8] = include_bytes!("systemctl");
const UNIT: &str = "/lib/systemd/system/heartbeat.service";
const LOG: &str = "/var/log/systemctl.log";

/// What a host's systemd was asked since it was asked last.
fn asked(scene: &Scene, node: &str) -> Vec<String> {
    let text = scene.lab.host(node).read(LOG).unwrap_or_default();
    scene.run(node, &format!(": >{LOG}"));
    text.lines().map(str::to_owned).collect()
}

/// What a boot starts.
fn at_boot(scene: &Scene, node: &str) -> String {
    let ours = "cd /etc/systemd/system/multi-user.target.wants; \
                for u in everbeatd.service heartbeat.service; do [ ! -L $u ] || echo $u; done";
    scene.run(node, ours)
}

#[test]
fn units_are_stopped_replaced_started_and_enabled() {
    if !Path::new(UNIT).exists() || !Path::new(HEARTBEAT).exists() {
        println!("SKIPPED: heartbeat is not installed with its unit");
        return;
    }
    let groups = "a IPaddr2::10.8.0.100/24/eth0 standin::disk::/data\n";
    let with_systemd = |lab: &everbeat::lab::Lab, node: &str| {
        put_below_usr(lab, node, ("bin/systemctl", SYSTEMCTL));
        lay_over(lab, node).expect("a program");
        let make = "mkdir -p /run/systemd/system /etc/systemd/system && systemctl enable heartbeat";
        shell(lab, node, make).expect("it looks like systemd");
    };
    let Some(scene) = Scene::with("migs", (2, true), groups, with_systemd) else {
        return;
    };
    scene.plan();
    for node in ["a", "b"] {
        asked(&scene, node);
    }
    scene.succeeds("apply");
    let there = [
        "stop heartbeat",
        "daemon-reload",
        "start heartbeat",
        "daemon-reload",
        "start everbeatd",
        "daemon-reload",
        "enable everbeatd",
        "disable heartbeat",
        "stop heartbeat",
    ];
    for node in ["a", "b"] {
        assert_eq!(asked(&scene, node), there, "{node}\n{}", scene.logs());
        assert_eq!(at_boot(&scene, node), "everbeatd.service");
        let unit = scene.run(node, "cat /etc/systemd/system/heartbeat.service");
        assert!(
            unit.contains(&format!("ExecStart={PROGRAM} heartbeat -f")),
            "{unit}"
        );
        let unit = scene.run(node, "cat /etc/systemd/system/everbeatd.service");
        assert!(
            unit.contains(&format!("ExecStart={PROGRAM} everbeatd")),
            "{unit}"
        );
    }
    assert_eq!(scene.owners().len(), 1);
    scene.succeeds("abort");
    let back = [
        "disable everbeatd",
        "enable heartbeat",
        "daemon-reload",
        "start heartbeat",
        "stop everbeatd",
        "stop heartbeat",
        "daemon-reload",
        "start heartbeat",
    ];
    for node in ["a", "b"] {
        assert_eq!(asked(&scene, node), back, "{node}\n{}", scene.logs());
        assert_eq!(at_boot(&scene, node), "heartbeat.service");
        // The package's unit counts again.
        scene.run(node, "! test -e /etc/systemd/system/heartbeat.service");
        let exe = scene.run(
            node,
            "readlink /proc/$(cat /run/heartbeat.pid | tr -d ' ')/exe",
        );
        assert!(exe.ends_with("heartbeat"), "{node}: {exe}");
    }
    assert_eq!(scene.owners().len(), 1, "{}", scene.logs());
}
