//! A node on a ring as its user sees it: log, tools, votes, redundant rings. The same is done with
//! real corosync 3.1.7 where it can do it, and what is seen is compared.

mod interfaces;
mod log;
mod redundant;
mod tools;
mod votes;

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use everbeat::lab::Lab;

use crate::host::{PROGRAM, shell, within};

/// Token loss, consensus and a formation, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose programs run on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Real,
}

impl Whose {
    /// A command line of the tools.
    fn line(self, line: &str) -> String {
        match self {
            Self::Ours => format!("{PROGRAM} {line}"),
            Self::Real => line.to_owned(),
        }
    }

    fn start(self, lab: &Lab, host: &str) -> Child {
        let host = lab.host(host);
        let mut command = match self {
            Self::Ours => host.background(PROGRAM),
            Self::Real => host.background("/usr/sbin/corosync"),
        };
        if self == Self::Ours {
            command.arg("corosync");
        }
        command.arg("-f").stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null());
        command.spawn().expect("the daemon starts")
    }
}

fn real_is_missing() -> bool {
    let missing = !Path::new("/usr/sbin/corosync").exists();
    if missing {
        println!("SKIPPED: corosync is not installed");
    }
    missing
}

fn configure(lab: &Lab, host: &str, text: &str) {
    let path = "/etc/corosync/corosync.conf";
    lab.host(host)
        .write(path, text.as_bytes(), 0o644)
        .expect("a file");
}

/// Nodes of 10.9.0.0/24 over udpu, numbered from 1.
fn configuration(hosts: &[&str], quorum: &str, logging: &str) -> String {
    let node = |(at, name): (usize, &&str)| {
        let id = at + 1;
        format!("node {{\nring0_addr: 10.9.0.{id}\nnodeid: {id}\nname: {name}\n}}\n")
    };
    let nodes: String = hosts.iter().enumerate().map(node).collect();
    format!(
        "totem {{\nversion: 2\ncluster_name: lab\ntransport: udpu\ntoken: 1000\n\
         token_coefficient: 0\n}}\nnodelist {{\n{nodes}}}\nquorum {{\n\
         provider: corosync_votequorum\n{quorum}\n}}\nlogging {{\n{logging}\n}}\n"
    )
}

/// Ends the daemon of a host in order, and waits for its end.
fn stop(lab: &Lab, host: &str) {
    let script = "p=$(cat /run/corosync.pid); kill $p; \
                  while kill -0 $p 2>/dev/null; do sleep 0.05; done";
    shell(lab, host, script).expect("a daemon ran");
}

/// Waits until a tool says something; what it said last.
fn says(lab: &Lab, host: &str, line: &str, wanted: &str) -> (bool, String) {
    let mut text = String::new();
    let came = within(PATIENCE, || {
        text = shell(lab, host, &format!("{line} || [ $? -eq 2 ]")).unwrap_or_default();
        text.contains(wanted)
    });
    (came, text)
}
