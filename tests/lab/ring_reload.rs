//! What is asked of a ring of ours while it runs, and at its start: an end without a word, a
//! configuration read again, an address that comes late.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use everbeat::lab::Lab;

use super::groups::over_configured;
use super::{HOSTS, Ring, TOKEN, Transport, configuration, within_patience};
use crate::host::{Ground, PROGRAM, shell, spec, within};

const CONF: &str = "/etc/corosync/corosync.conf";
const THIRD: &str = "node {\nring0_addr: 10.9.0.3\nnodeid: 3\nname: c\n}\n";

/// The tool of a host's own kind.
fn tool(ring: &Ring<'_>, host: &str, tool: &str) -> Result<String, String> {
    let tool = match ring.ours.contains(&host) {
        true => format!("{PROGRAM} {tool}"),
        false => tool.to_owned(),
    };
    shell(ring.lab, host, &tool)
}

fn log(lab: &Lab, host: &str) -> String {
    lab.host(host)
        .read("/var/log/corosync.log")
        .unwrap_or_default()
}

#[track_caller]
fn await_log(lab: &Lab, host: &str, wanted: &str) {
    let told = within_patience(|| log(lab, host).contains(wanted));
    assert!(told, "{host}: no {wanted:?}\n{}", log(lab, host));
}

/// A node that another one ends says no word: the others miss its token.
#[test]
fn a_node_that_is_killed_by_a_tool_leaves_without_a_word() {
    over_configured("kill1", &["b"], &configuration(Transport::Udpu), |ring| {
        for (by, victim, id) in [("a", "b", 2), ("b", "c", 3)] {
            let others: Vec<&str> = HOSTS.into_iter().filter(|host| *host != victim).collect();
            let start = Instant::now();
            let said = tool(ring, by, &format!("corosync-cfgtool -k {id}"));
            let ended = within_patience(|| {
                let alive = "kill -0 $(pidof corosync || cat /run/corosync.pid)";
                shell(ring.lab, victim, alive).is_err()
            });
            assert!(ended, "{victim} runs on: {said:?}\n{}", ring.logs());
            ring.agree(&others, &format!("the end of {victim}"));
            let missed = format!("Failed to receive the leave message. failed: {id}");
            for host in &others {
                await_log(ring.lab, host, &missed);
            }
            assert!(start.elapsed() > TOKEN, "the token was missed");
            let child = ring.start(victim);
            ring.agree(&HOSTS, &format!("the return of {victim}"));
            drop(child);
        }
        await_log(ring.lab, "b", "Killed by node 1");
    });
}

/// By a signal, and over multicast, where there is no list of whom to send to.
#[test]
fn a_signal_has_the_configuration_read_again() {
    let conf = configuration(Transport::Udp);
    over_configured("hup1", &["a", "b"], &conf, |ring| {
        let before = ring.seen_by("a");
        let token = "corosync-cmapctl -g runtime.config.totem.token";
        ring.configure(&conf.replace("token: 1000", "token: 2500"));
        for host in ["a", "b"] {
            shell(ring.lab, host, "kill -HUP $(cat /run/corosync.pid)").expect("a signal");
            let taken = within_patience(|| {
                tool(ring, host, token).is_ok_and(|said| said.ends_with("= 2500"))
            });
            assert!(taken, "{host}\n{}", ring.logs());
        }
        assert_eq!(ring.seen_by("a"), before, "the ring stays\n{}", ring.logs());
        // The new time counts: a death is noticed when it is over.
        let start = Instant::now();
        ring.lab.host("c").kill().expect("power off");
        ring.agree(&["a", "b"], "the death of c");
        assert!(start.elapsed() > Duration::from_millis(2500));
    });
}

/// A node that left is taken out of the list: votes are counted without it, on a real node as on
/// ours, and what goes to each member no longer goes to it.
#[test]
fn a_node_is_taken_out_while_the_others_run() {
    let conf = configuration(Transport::Udpu);
    over_configured("remove1", &["b"], &conf, |ring| {
        shell(ring.lab, "c", "kill $(pidof corosync)").expect("a signal");
        ring.agree(&["a", "b"], "the leave of c");
        let now = ring.lab.host("a").read(CONF).expect("a file");
        assert!(now.contains(THIRD));
        ring.configure(&now.replace(THIRD, ""));
        tool(ring, "b", "corosync-cfgtool -R").expect("all read it again");
        for host in ["a", "b"] {
            let counted = within_patience(|| {
                let said = tool(ring, host, "corosync-quorumtool -s").unwrap_or_default();
                said.contains("Expected votes:   2") && said.contains("Quorum:           2")
            });
            assert!(
                counted,
                "{host}: {:?}\n{}",
                tool(ring, host, "corosync-quorumtool -s"),
                ring.logs()
            );
        }
        let nodes = tool(ring, "b", "corosync-cmapctl nodelist.node.").expect("keys");
        assert!(!nodes.contains("10.9.0.3"), "{nodes}");
        // Who is in no list has no place in the ring.
        let own = ring.lab.host("c").write(CONF, now.as_bytes(), 0o644);
        own.expect("a file");
        let child = ring.start("c");
        std::thread::sleep(4 * TOKEN);
        ring.agree(&["a", "b"], "c came without being listed");
        drop(child);
    });
}

/// The server of names doesn't answer: the token goes round nevertheless.
#[test]
fn a_slow_server_of_names_holds_no_token() {
    let conf = configuration(Transport::Udpu);
    over_configured("slow", &["a", "b", "c"], &conf, |ring| {
        let host = ring.lab.host("b");
        let resolver = b"nameserver 10.9.0.1\noptions timeout:2 attempts:2\n";
        let silent = "nft 'add table inet dns; add chain inet dns in { type filter hook input \
                      priority 0; }; add rule inet dns in udp dport 53 drop'";
        shell(ring.lab, "a", silent).expect("nft");
        host.write("/etc/resolv.conf", resolver, 0o644)
            .expect("a file");
        host.write("/etc/nsswitch.conf", b"hosts: files dns\n", 0o644)
            .expect("a file");
        let before = ring.seen_by("a");
        let fourth = format!("{THIRD}node {{\nring0_addr: d.example.org\nnodeid: 4\nname: d\n}}\n");
        let text = host.read(CONF).expect("a file").replace(THIRD, &fourth);
        host.write(CONF, text.as_bytes(), 0o644).expect("a file");
        let start = Instant::now();
        shell(ring.lab, "b", "kill -HUP $(cat /run/corosync.pid)").expect("a signal");
        let told = within(Duration::from_secs(60), || {
            let log = log(ring.lab, "b");
            log.contains("was read again") || log.contains("Unable to reload")
        });
        let took = start.elapsed();
        println!("read again after {took:.1?}");
        assert!(told, "{}", ring.logs());
        assert!(took > 2 * TOKEN, "the server wasn't waited for: {took:?}");
        assert_eq!(ring.seen_by("a"), before, "the ring broke\n{}", ring.logs());
    });
}

/// Hosts of which the first ones run our daemon; none where no lab can be made.
fn ours(name: &str, hosts: &[&str], act: impl FnOnce(&Ring<'_>)) {
    let ground = Ground::new();
    let Some(lab) = ground.lab(&spec(name, hosts)) else {
        return;
    };
    let ring = Ring {
        lab: &lab,
        ours: &HOSTS,
    };
    act(&ring);
    lab.down().expect("the lab ends");
}

/// A host is found by its name: its address comes when the daemon has long been running.
#[test]
fn an_address_that_comes_late_is_waited_for() {
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
    ours("late", &hosts, |ring| {
        ring.configure(&configuration(Transport::Udpu));
        shell(ring.lab, "b", "ip addr del 10.9.0.2/24 dev eth0").expect("ip");
        let running: Vec<Child> = HOSTS.iter().map(|host| ring.start(host)).collect();
        ring.agree(&["a", "c"], "the start without b");
        await_log(ring.lab, "b", "can't be used yet");
        shell(ring.lab, "b", "ip addr add 10.9.0.2/24 dev eth0").expect("ip");
        ring.agree(&HOSTS, "the address came");
        // And while it runs it may go, and come again.
        shell(ring.lab, "b", "ip addr del 10.9.0.2/24 dev eth0").expect("ip");
        ring.agree(&["a", "c"], "the address went");
        shell(ring.lab, "b", "ip addr add 10.9.0.2/24 dev eth0").expect("ip");
        ring.agree(&HOSTS, "the address came again");
        drop(running);
    });
}

/// IPv6 looks for some seconds whether another host has the address: until then nobody can bind
/// to it.
#[test]
fn an_address_that_is_still_tentative_is_waited_for() {
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
    ours("dad", &hosts, |ring| {
        let conf =
            configuration(Transport::Udpu).replace("ring0_addr: 10.9.0.", "ring0_addr: fd00::");
        let conf = conf.replace("transport: udpu", "transport: udpu\nip_version: ipv6");
        ring.configure(&conf);
        let add = |n: usize, host: &str| {
            let script = format!(
                "cd /proc/sys/net/ipv6/conf/eth0 && echo 1 >accept_dad && echo 3 >dad_transmits && \
                 ip addr add fd00::{n}/64 dev eth0"
            );
            shell(ring.lab, host, &script)
        };
        let added: Result<Vec<_>, _> = HOSTS
            .into_iter()
            .enumerate()
            .map(|(n, h)| add(n + 1, h))
            .collect();
        if let Err(why) = added {
            println!("SKIPPED: hosts have no IPv6 here: {why}");
            return;
        }
        let tentative = shell(ring.lab, "b", "ip -6 addr show dev eth0 tentative");
        assert!(
            tentative.is_ok_and(|said| said.contains("fd00::2")),
            "nothing to wait for"
        );
        let running: Vec<Child> = HOSTS.iter().map(|host| ring.start(host)).collect();
        ring.agree(&HOSTS, "the addresses were found to be free");
        await_log(ring.lab, "b", "can't be used yet");
        drop(running);
    });
}

/// The CRM hears of a node that the configuration got while it runs: it has its name from there.
#[test]
fn the_crm_knows_a_node_that_came_to_the_list() {
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
    ours("crmlist", &hosts, |ring| {
        let three = configuration(Transport::Udpu);
        ring.configure(&three.replace(THIRD, ""));
        let start = |host: &str| {
            let mut command = ring.lab.host(host).background(PROGRAM);
            command.args(["everbeatd", "--corosync-conf", CONF]);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("the daemon starts")
        };
        let online = |host: &str, names: &str| {
            let script = format!("{PROGRAM} crm_mon -1 | grep -q 'Online: \\[ {names} \\]'");
            shell(ring.lab, host, &script).is_ok()
        };
        let mut running = vec![start("a"), start("b")];
        let both = || ["a", "b"].iter().all(|host| online(host, "a b"));
        assert!(within(Duration::from_secs(40), both), "{}", ring.logs());
        ring.configure(&three);
        tool(ring, "a", "corosync-cfgtool -R").expect("all read it again");
        running.push(start("c"));
        let all = || HOSTS.iter().all(|host| online(host, "a b c"));
        let came = within(Duration::from_secs(40), all);
        let seen = shell(ring.lab, "a", &format!("{PROGRAM} crm_mon -1"));
        assert!(came, "{seen:?}\n{}", ring.logs());
        drop(running);
    });
}
