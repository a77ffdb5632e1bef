//! Devices that press the lab's power switch: a cluster-glue plugin and a fence agent.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use everbeat::lab::Lab;

use crate::host::{Ground, pings, shell, spec};

const A: &str = "a=10.9.0.1/24";
const B: &str = "b=10.9.0.2/24";
const PLUGINS: &str = "/usr/lib/stonith/plugins/external";
const EXTERNAL: &[u8] = include_bytes!("external-lab");
const FENCE: &[u8] = include_bytes!("fence_lab");

/// Adds `external/lab` to a host's STONITH plugins and `fence_lab` to its fence agents, without
/// touching the machine's. `false`, with a line, where cluster-glue isn't installed.
pub fn install_devices(lab: &Lab, host: &str) -> bool {
    lab.host(host)
        .write("/run/fence/fence_lab", FENCE, 0o755)
        .unwrap();
    if !Path::new(PLUGINS).is_dir() {
        println!("SKIPPED: cluster-glue is not installed");
        return false;
    }
    let script = format!("cp -a {PLUGINS} /run/plugins && mount --bind /run/plugins {PLUGINS}");
    shell(lab, host, &script).unwrap();
    lab.host(host)
        .write(format!("{PLUGINS}/lab"), EXTERNAL, 0o755)
        .unwrap();
    true
}

#[test]
fn a_cluster_glue_plugin_presses_the_switch() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("glue", &[A, B])) else {
        return;
    };
    if !install_devices(&lab, "a") {
        return;
    }
    let stonith = |words: &str| {
        shell(
            &lab,
            "a",
            &format!("stonith -t external/lab 'hostlist=a b' {words} 2>&1"),
        )
    };
    assert_eq!(stonith("-l").unwrap(), "a\nb");
    stonith("-S").unwrap();
    stonith("-T off b").unwrap();
    assert!(!pings(&lab, "a", "b"));
    stonith("-T on b").unwrap();
    assert!(pings(&lab, "a", "b"));
    shell(&lab, "b", "touch /run/before").unwrap();
    stonith("-T reset b").unwrap();
    assert!(pings(&lab, "a", "b"));
    assert!(
        shell(&lab, "b", "test -e /run/before").is_err(),
        "b was not booted anew"
    );
    assert!(
        !fs::exists(format!("{PLUGINS}/lab")).unwrap(),
        "a plugin of ours on the machine"
    );
}

#[test]
fn a_fence_agent_presses_the_switch() {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec("fence", &[A, B])) else {
        return;
    };
    lab.host("a").write("/run/fence_lab", FENCE, 0o755).unwrap();
    let code = |input: &str, words: &str| {
        let script = format!("printf '{input}' | /run/fence_lab {words}");
        let mut agent = lab.host("a").command("sh");
        agent.args(["-c", &script]).stderr(Stdio::null());
        agent.status().unwrap().code()
    };
    assert_eq!(code("action=off\\nport=b\\n", ""), Some(0));
    assert!(!pings(&lab, "a", "b"));
    assert_eq!(code("", "-o status -n b"), Some(2));
    assert_eq!(code("", "--action=on --plug=b"), Some(0));
    assert_eq!(code("action=status\\nplug=b\\n", ""), Some(0));
    assert!(pings(&lab, "a", "b"));
    assert_eq!(code("action=off\\nplug=nobody\\n", ""), Some(1));
}
