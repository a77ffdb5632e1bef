//! `heartbeat` starts the daemon, or says why it does not run.

use crate::cluster::{Cluster, Config, Software};
use crate::host::{PROGRAM, shell};

/// A host whose ha.cf has these media in place of its own.
fn host_with(name: &str, media: &str) -> Option<Cluster> {
    let cluster = Cluster::new(name, &[Software::Everbeat], Config::default())?;
    let path = "/etc/ha.d/ha.cf";
    let text = cluster.lab.host("a").read(path).expect("a file");
    let text = text.replace("bcast eth0", media);
    let written = cluster.lab.host("a").write(path, text.as_bytes(), 0o644);
    written.expect("a file");
    Some(cluster)
}

#[test]
fn a_start_without_any_medium_fails_and_says_so() {
    let Some(cluster) = host_with("start-none", "bcast eth7") else {
        return;
    };
    let said = shell(&cluster.lab, "a", &format!("{PROGRAM} heartbeat"));
    let why = said.expect_err("it can't talk to anybody");
    let told = [
        "exit status: 1",
        "no medium to the other nodes",
        "bcast eth7:",
    ];
    assert!(told.iter().all(|part| why.contains(part)), "{why}");
    let status = shell(&cluster.lab, "a", &format!("{PROGRAM} heartbeat -s"));
    assert!(status.is_err_and(|text| text.contains("stopped")));
}

#[test]
fn a_start_with_one_medium_of_two_warns_of_the_other() {
    let Some(cluster) = host_with("start-one", "bcast eth0\nbcast eth7") else {
        return;
    };
    let script = format!("{PROGRAM} heartbeat 2>&1");
    let said = shell(&cluster.lab, "a", &script).expect("it starts");
    let told = ["WARN: bcast eth7:", "heartbeat started"];
    assert!(told.iter().all(|part| said.contains(part)), "{said}");
    cluster.run("a", &format!("{PROGRAM} heartbeat -s"));
    cluster.run("a", &format!("{PROGRAM} heartbeat -k"));
}
