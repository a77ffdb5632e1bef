//! Process groups over our nodes and real corosync 3.1.7 nodes, a real libcpg at these.

use std::path::Path;
use std::process::{Child, Stdio};

use everbeat::lab::Lab;

use super::{HOSTS, Ring, Transport, configuration, within_patience};
use crate::host::{Ground, PROGRAM, shell, spec, text};

const CLIENT: &str = include_str!("cpg_client.py");

/// A flood of all hosts; what each one's client said of it.
struct Flood {
    count: u64,
    size: usize,
}

impl Flood {
    fn client(&self, ring: &Ring<'_>, host: &str) -> Child {
        let (count, size, expect) = (self.count, self.size, self.count * 3);
        let script = match ring.ours.contains(&host) {
            true => format!(
                "exec timeout 100 {PROGRAM} cpg g{size} --members 3 --flood {count} --size {size} \
                 --expect {expect}"
            ),
            false => {
                format!("exec timeout 100 python3 /etc/client.py g{size} 3 {count} {size} {expect}")
            }
        };
        let mut command = ring.lab.host(host).command("sh");
        command.args(["-c", &script]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("a shell")
    }

    #[track_caller]
    fn run(&self, ring: &Ring<'_>) {
        let clients = HOSTS.map(|host| self.client(ring, host));
        let heard = clients.map(|client| text(&client.wait_with_output().expect("an end")));
        for (host, said) in HOSTS.into_iter().zip(&heard) {
            println!("{} bytes, {host}: {said:?}", self.size);
        }
        assert!(heard.iter().all(Result::is_ok), "{} bytes", self.size);
        let ours = HOSTS.into_iter().zip(&heard);
        for (_, said) in ours.filter(|(host, _)| ring.ours.contains(host)) {
            let said = said.as_deref().unwrap_or_default();
            let fine = "0 lost, 0 doubled or out of order, 0 damaged";
            assert!(said.ends_with(fine), "{said}");
        }
    }
}

/// A fifth of what comes in is lost.
fn lose(lab: &Lab) {
    for host in HOSTS {
        let rules = "nft 'add table inet lossy; add chain inet lossy in { type filter hook input \
                     priority 0; }; add rule inet lossy in udp dport 5405 numgen random mod 100 < \
                     20 drop'";
        shell(lab, host, rules).expect("nft");
    }
}

/// What `corosync-cpgtool` says on a host.
fn listed(ring: &Ring<'_>, host: &str, options: &str) -> String {
    let tool = match ring.ours.contains(&host) {
        true => format!("{PROGRAM} corosync-cpgtool"),
        false => "corosync-cpgtool".to_owned(),
    };
    shell(ring.lab, host, &format!("{tool} {options}")).unwrap_or_else(|error| error)
}

/// Both tools list the same groups, in the same words.
#[track_caller]
fn list(ring: &Ring<'_>) {
    let name = r"odd\\ \007name";
    let on = |host: &str, script: &str| {
        let mut command = ring.lab.host(host).command("sh");
        command.args(["-c", script]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        command.spawn().expect("a shell")
    };
    let name = format!("\"$(printf '{name}')\"");
    let ours = format!("exec timeout 8 {PROGRAM} cpg --listen {name}");
    let real = format!("exec timeout 8 python3 /etc/client.py {name} 9 0 1 1");
    let mut clients = HOSTS.map(|host| match ring.ours.contains(&host) {
        true => on(host, &ours),
        false => on(host, &real),
    });
    let all = within_patience(|| listed(ring, "b", "-d ,").lines().count() == 4);
    assert!(all, "{}", listed(ring, "b", ""));
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for options in ["", "-n", "-d ,", "-e -n"] {
        let (ours, real) = (listed(ring, "b", options), listed(ring, "a", options));
        println!("{ours}");
        assert_eq!(sorted(ours), sorted(real), "{options}");
    }
    for client in &mut clients {
        client.wait().expect("an end");
    }
    let gone = || {
        HOSTS
            .into_iter()
            .all(|host| listed(ring, host, "-n").is_empty())
    };
    assert!(within_patience(gone), "{}", listed(ring, "a", ""));
}

pub fn over(name: &str, ours: &[&str], transport: Transport, act: impl FnOnce(&Ring<'_>)) {
    over_configured(name, ours, &configuration(transport), act);
}

pub fn over_configured(name: &str, ours: &[&str], conf: &str, act: impl FnOnce(&Ring<'_>)) {
    over_keyed(name, ours, (conf, None), act);
}

/// The same, with a key where there is one.
pub fn over_keyed(
    name: &str,
    ours: &[&str],
    (conf, key): (&str, Option<[u8; 128]>),
    act: impl FnOnce(&Ring<'_>),
) {
    if !Path::new("/usr/sbin/corosync").exists() {
        println!("SKIPPED: corosync is not installed");
        return;
    }
    let ground = Ground::new();
    let hosts = ["a=10.9.0.1/24", "b=10.9.0.2/24", "c=10.9.0.3/24"];
    let Some(lab) = ground.lab(&spec(name, &hosts)) else {
        return;
    };
    let ring = Ring { lab: &lab, ours };
    let patient = "token_retransmits_before_loss_const: 12\ncrypto_hash";
    ring.configure(&conf.replace("crypto_hash", patient));
    for host in HOSTS {
        let host = lab.host(host);
        host.write("/etc/client.py", CLIENT.as_bytes(), 0o644)
            .expect("a file");
        if let Some(key) = &key {
            let path = "/etc/corosync/authkey";
            host.write(path, key, 0o400).expect("a file");
        }
    }
    let running: Vec<Child> = HOSTS.iter().map(|host| ring.start(host)).collect();
    ring.agree(&HOSTS, "the start");
    act(&ring);
    lab.down().expect("the lab ends");
    for mut child in running {
        let _ = child.wait();
    }
}

fn all_sizes(ring: &Ring<'_>, counts: [u64; 5]) {
    let sizes = [1, 100, 1408, 65_536, 1 << 20];
    for (size, count) in sizes.into_iter().zip(counts) {
        Flood { count, size }.run(ring);
    }
}

#[test]
fn messages_of_all_sizes_come_whole_and_in_order_with_real_clients() {
    over("cpg1", &["b"], Transport::Udpu, |ring| {
        list(ring);
        all_sizes(ring, [2000, 2000, 1000, 100, 10]);
    });
}

#[test]
fn nothing_is_lost_of_messages_where_a_fifth_of_all_datagrams_is() {
    over("cpg2", &["a", "c"], Transport::Udp, |ring| {
        lose(ring.lab);
        all_sizes(ring, [300, 300, 100, 10, 2]);
    });
}

/// What a script says of `corosync-cmapctl`, on a host of either kind: output, errors, exit codes.
fn keys(ring: &Ring<'_>, host: &str, script: &str) -> String {
    let tool = match ring.ours.contains(&host) {
        true => format!("{PROGRAM} corosync-cmapctl"),
        false => "corosync-cmapctl".to_owned(),
    };
    let script = script.replace("CMAP", &tool);
    shell(ring.lab, host, &format!("{{ {script}; }} 2>&1; :")).unwrap_or_else(|error| error)
}

#[test]
fn keys_are_as_those_of_a_real_node() {
    over("cmap1", &["b"], Transport::Udpu, |ring| {
        let mut differences = Vec::new();
        for script in [
            "CMAP -s test.a u8 5; echo $?; CMAP -s test.b str 'a b'; CMAP -s test.c i64 9; echo $?",
            "CMAP -x; echo $?; CMAP -g; echo $?",
            "CMAP test.; CMAP -g test.b test.c; CMAP -q -g test.a; echo $?",
            "printf 'a\\\\\\0b' | CMAP -s test.bin bin -; CMAP -g test.bin; CMAP -b test.bin",
            "CMAP -s test.d dbl 1.5; CMAP -g test.d",
            "CMAP -g no.such; echo $?; CMAP -d no.such; echo $?",
            "CMAP -s totem.version u32 3; echo $?",
            "CMAP -s test.a u8 256; echo $?",
            "CMAP -s test.a; echo $?",
            "printf 'test.f str file\n^test.a\n^^test.b\n' > /tmp/f; CMAP -p /tmp/f; CMAP test.",
            "(sleep 2; echo q) | CMAP -T test. >/tmp/seen & sleep 1; CMAP -s test.n u8 1; \
             CMAP -s test.n u8 2; CMAP -d test.n; wait; cat /tmp/seen",
            "CMAP -D test.; echo $?; CMAP test.",
            "CMAP totem. | grep -v bindnetaddr; CMAP nodelist.node.; CMAP quorum.",
            "CMAP runtime.config.totem.token",
            "CMAP runtime.members. | grep -v config_version | grep -v join_count",
        ] {
            let (ours, real) = (keys(ring, "b", script), keys(ring, "a", script));
            if ours != real {
                differences.push(format!("{script}\nours: {ours}\nreal: {real}\n"));
            }
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
        let network = keys(ring, "b", "CMAP -q -g totem.interface.0.bindnetaddr");
        assert_eq!(network, "10.9.0.2");
        let counters = keys(ring, "b", "CMAP -m stats stats.srp.orf_token_rx");
        assert!(
            counters.starts_with("stats.srp.orf_token_rx (u64) = "),
            "{counters}"
        );
        assert!(!counters.ends_with("= 0"), "{counters}");
        ring.lab.host("c").kill().expect("power off");
        let left = "CMAP -g runtime.members.3.status";
        let told = || {
            let status = ["a", "b"].map(|host| keys(ring, host, left));
            status
                .iter()
                .all(|s| s == "runtime.members.3.status (str) = left")
        };
        assert!(within_patience(told), "{}", keys(ring, "b", left));
    });
}

#[test]
fn others_count_without_a_node_that_leaves_in_order() {
    let provider = "provider: corosync_votequorum";
    let downscale = format!("{provider}\nallow_downscale: 1");
    let conf = configuration(Transport::Udpu).replace(provider, &downscale);
    over_configured("leave1", &["b"], &conf, |ring| {
        let expected = |host: &str| {
            let status = "corosync-quorumtool -s | grep '^Expected votes' | tr -dc 0-9";
            shell(ring.lab, host, status).unwrap_or_default()
        };
        assert_eq!(expected("a"), "3");
        shell(ring.lab, "b", "kill $(cat /run/corosync.pid)").expect("a signal");
        ring.agree(&["a", "c"], "the leave of b");
        let fewer = || ["a", "c"].iter().all(|host| expected(host) == "2");
        assert!(within_patience(fewer), "{}", expected("a"));
        // One that is gone without a word still counts.
        ring.lab.host("c").kill().expect("power off");
        ring.agree(&["a"], "the death of c");
        assert_eq!(expected("a"), "2");
    });
}
