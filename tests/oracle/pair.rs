//! Two real heartbeat nodes and a ping node.

use std::path::Path;
use std::time::Duration;

use everbeat::lab::Lab;

use crate::host::{Ground, shell, spec, within};

/// Where Debian has the daemon.
pub const HEARTBEAT: &str = "/usr/libexec/heartbeat/heartbeat";

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 500ms
warntime 2
deadtime 4
initdead 8
udpport 694
bcast eth0
auto_failback on
node a b
ping 10.8.0.3
";

const HOSTS: [&str; 3] = ["a=10.8.0.1/24", "b=10.8.0.2/24", "p=10.8.0.3/24"];

/// A lab with its configuration, nothing started; None where that can't be.
pub fn lab(ground: &Ground, name: &str) -> Option<Lab> {
    if !Path::new(HEARTBEAT).exists() || !Path::new("/usr/bin/cl_status").exists() {
        println!("SKIPPED: heartbeat is not installed");
        return None;
    }
    let lab = ground.lab(&spec(name, &HOSTS))?;
    for host in ["a", "b"] {
        let files = [
            ("ha.cf", HA_CF, 0o644),
            ("haresources", "a IPaddr::10.8.0.50/24/eth0\n", 0o644),
            ("authkeys", "auth 1\n1 sha1 oracle\n", 0o600),
        ];
        for (file, text, mode) in files {
            let path = format!("/etc/ha.d/{file}");
            let written = lab.host(host).write(path, text.as_bytes(), mode);
            written.expect("a file of the host");
        }
    }
    Some(lab)
}

/// Starts the original on both nodes and waits until a holds its group.
pub fn start(lab: &Lab) {
    for host in ["a", "b"] {
        // What it prints goes nowhere: its children keep the descriptors.
        let started = shell(lab, host, &format!("{HEARTBEAT} >/dev/null 2>&1"));
        started.expect("heartbeat starts");
    }
    await_word(lab, "a", "rscstatus", "local");
    await_word(lab, "b", "nodestatus a", "active");
}

/// Waits until the original's cl_status prints the word on that host.
pub fn await_word(lab: &Lab, host: &str, question: &str, word: &str) {
    let mut last = Ok(String::new());
    let came = within(Duration::from_secs(60), || {
        last = shell(lab, host, &format!("cl_status {question}"));
        last.as_deref() == Ok(word)
    });
    assert!(came, "cl_status {question} on {host}: {last:?}, not {word}");
}
