//! A ring of sixteen nodes of ours, as large as a machine like this one can show.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use everbeat::lab::Lab;

use crate::host::{Ground, PROGRAM, shell, spec, within};

const PATIENCE: Duration = Duration::from_secs(60);

fn configuration() -> String {
    let node = |n: usize| format!("node {{\nring0_addr: 10.9.0.{n}\nnodeid: {n}\nname: h{n}\n}}\n");
    let nodes: String = (1..=16).map(node).collect();
    format!(
        "totem {{\nversion: 2\ncluster_name: lab\ntransport: udpu\ncrypto_cipher: none\n\
         crypto_hash: none\n}}\nnodelist {{\n{nodes}}}\nquorum {{\n\
         provider: corosync_votequorum\n}}\nlogging {{\nto_syslog: no\n}}\n"
    )
}

fn start(lab: &Lab, name: &str) -> Child {
    let host = lab.host(name);
    let path = "/etc/corosync/corosync.conf";
    host.write(path, configuration().as_bytes(), 0o644)
        .expect("a file");
    let mut command = host.background(PROGRAM);
    command.args(["corosync", "-f"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the daemon starts")
}

/// Waits until all of these tell one ring of just them; how long that took.
#[track_caller]
fn agree(lab: &Lab, names: &[String], after: &str) -> Duration {
    let begin = Instant::now();
    let ring = |name: &String| {
        let status = format!("{PROGRAM} corosync-quorumtool -s || [ $? -eq 2 ]");
        let text = shell(lab, name, &status).unwrap_or_default();
        let value = |key: &str| {
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let count = names.len().to_string();
        let whole = value("Nodes")? == count && value("Total votes")? == count;
        whole.then(|| value("Ring ID"))?
    };
    let mut seen = Vec::new();
    let came = within(PATIENCE, || {
        seen = vec![ring(&names[0])];
        // The others are asked once the first one has all.
        if seen[0].is_some() {
            seen.extend(names[1..].iter().map(ring));
        }
        seen.len() == names.len() && seen.iter().all(|one| one.is_some() && *one == seen[0])
    });
    let took = begin.elapsed();
    println!("{} nodes, {after}: one ring after {took:.2?}", names.len());
    assert!(came, "{after}: {seen:?}");
    took
}

fn resident(lab: &Lab, name: &str) -> String {
    let script = "awk '/^VmRSS/ {print $2, $3}' /proc/$(tr -d ' ' </run/corosync.pid)/status";
    shell(lab, name, script).unwrap_or_default()
}

#[test]
fn sixteen_of_ours_form_one_ring_lose_some_and_have_them_back() {
    if std::env::var_os("EVERBEAT_FULL").is_none() {
        println!("SKIPPED: part of the full matrix");
        return;
    }
    let ground = Ground::new();
    let names: Vec<String> = (1..=16).map(|n| format!("h{n}")).collect();
    let hosts: Vec<String> = (1..=16).map(|n| format!("h{n}=10.9.0.{n}/24")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let Some(lab) = ground.lab(&spec("sixteen", &hosts)) else {
        return;
    };
    let mut running: Vec<Child> = names.iter().map(|name| start(&lab, name)).collect();
    agree(&lab, &names, "the start");
    println!("resident: {}", resident(&lab, "h1"));
    // The representative among them, then the half that may go.
    for dead in [vec![1], vec![4, 8, 16], vec![1, 2, 3, 5, 7, 9, 11]] {
        let is_dead = |n: &usize| dead.contains(n);
        let left: Vec<String> = (1..=16)
            .filter(|n| !is_dead(n))
            .map(|n| format!("h{n}"))
            .collect();
        for n in &dead {
            lab.host(&format!("h{n}")).kill().expect("power off");
        }
        agree(&lab, &left, &format!("the death of {dead:?}"));
        for n in &dead {
            lab.host(&format!("h{n}")).boot().expect("power on");
            running.push(start(&lab, &format!("h{n}")));
        }
        agree(&lab, &names, &format!("the return of {dead:?}"));
    }
    lab.down().expect("the lab ends");
    for child in &mut running {
        let _ = child.wait();
    }
}
