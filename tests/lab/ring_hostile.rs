//! Somebody hostile on the network of a ring of ours: junk, old, changed and forged datagrams.
//!
//! He is on a member's host, so that his address is one that is heard. With a key nothing changes;
//! without one he may break the ring, but no daemon ends, and soon after him the ring is whole.

use std::io::Read;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use everbeat::lab::Lab;
use everbeat::proto::rng::Rng;
use everbeat::sim::totem::{Attacker, overhear};
use everbeat::wire::totem::Dialect;
use everbeat::wire::totem::crypto_frame::{Cipher, Hash, Protection};

use super::groups::{over_configured, over_keyed};
use super::{HOSTS, Ring, TOKEN, Transport, configuration};
use crate::host::{PROGRAM, shell, socket_on};

/// How long he sends.
const TIME: Duration = Duration::from_secs(15);
/// Datagrams a second.
const RATE: u64 = 1000;
/// As in the simulation: after him all are in one ring within this.
const HEALING: Duration = Duration::from_secs(15);
/// What a daemon may grow by where his datagrams can't be read. Units: KiB
const GROWTH_KIB_MAX: u64 = 4096;
/// The lines that his datagrams may cost where they can't be read.
const LOG_LINES_MAX: usize = 40;
const PORT: u16 = 5405;
const FORMED: &str = "A new membership";

/// Hears what goes to a host's port, without taking it from anybody.
fn overheard(lab: &Lab, host: &str, time: Duration) -> Vec<everbeat::proto::totem::Bytes> {
    let root = lab.host(host).path("/").expect("a path");
    let process = root.ancestors().find(|path| path.ends_with("root"));
    let network = process.and_then(Path::parent).expect("a process");
    let network = std::fs::File::open(network.join("ns/net")).expect("a network");
    let listen = move || {
        nix::sched::setns(network.as_fd(), nix::sched::CloneFlags::CLONE_NEWNET)
            .expect("the host's network");
        let ip = socket2::Protocol::from(i32::from(0x0800_u16.to_be()));
        socket2::Socket::new(socket2::Domain::PACKET, socket2::Type::DGRAM, Some(ip))
            .expect("a packet socket")
    };
    let mut socket = std::thread::spawn(listen).join().expect("a socket");
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .expect("an option");
    let (end, mut heard) = (Instant::now() + time, Vec::new());
    let mut buffer = vec![0; 65_536];
    while Instant::now() < end {
        if let Ok(length) = socket.read(&mut buffer)
            && let Some(payload) = payload_of(&buffer[..length])
        {
            overhear(&mut heard, &payload.into());
        }
    }
    heard
}

/// What a packet has for the ring.
fn payload_of(packet: &[u8]) -> Option<&[u8]> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    let udp = packet.get(header..).filter(|_| packet[9] == 17)?;
    let to_ring = udp.get(2..4)? == PORT.to_be_bytes();
    udp.get(8..).filter(|_| to_ring)
}

/// Sends what he likes to all hosts; how many datagrams left.
fn attack(ring: &Ring<'_>, heard: &[everbeat::proto::totem::Bytes], dialect: Dialect) -> u64 {
    let socket: UdpSocket = socket_on(ring.lab, "c", 0);
    let mut attacker = Attacker::new(Rng::new(7), dialect, HOSTS.len());
    let other_key = Protection::wrapped(&[8; 128], Cipher::Aes128, Hash::Sha1).expect("a key");
    let (start, mut sent) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        let due = start.elapsed().as_millis() as u64 * RATE / 1000;
        while sent < due {
            let mut bytes = attacker.datagram(heard).to_vec();
            if dialect == Dialect::V2 && attacker.rng.percent(30) {
                let plain = std::mem::take(&mut bytes);
                other_key.seal_into(&plain, &[1; 16], &mut bytes);
            }
            let one = attacker.rng.below(HOSTS.len() as u64);
            let all = attacker.rng.percent(60);
            for host in (0..HOSTS.len() as u64).filter(|host| all || *host == one) {
                let _ = socket.send_to(&bytes, (format!("10.9.0.{}", host + 1), PORT));
                sent += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    sent
}

fn process_of(ring: &Ring<'_>, host: &str) -> String {
    let script = "p=$(tr -d ' ' </run/corosync.pid) && cut -d' ' -f1,22 /proc/$p/stat";
    shell(ring.lab, host, script).unwrap_or_else(|error| format!("none: {error}"))
}

fn resident_kib(ring: &Ring<'_>, host: &str) -> u64 {
    let script = "awk '/^VmRSS/ {print $2}' /proc/$(tr -d ' ' </run/corosync.pid)/status";
    let text = shell(ring.lab, host, script);
    text.ok().and_then(|t| t.parse().ok()).unwrap_or(0)
}

/// How many lines of a host's log have this in them.
fn logged(ring: &Ring<'_>, host: &str, what: &str) -> usize {
    let log = ring.lab.host(host).read("/var/log/corosync.log");
    let log = log.unwrap_or_default();
    log.lines().filter(|line| line.contains(what)).count()
}

/// All clients hear all that each says.
#[track_caller]
fn talk(ring: &Ring<'_>) {
    let client = |host: &str| {
        let script = format!(
            "exec timeout 60 {PROGRAM} cpg after --members 3 --flood 300 --size 500 --expect 900"
        );
        let mut command = ring.lab.host(host).command("sh");
        command.args(["-c", &script]);
        command.stdout(std::process::Stdio::piped());
        command.spawn().expect("a shell")
    };
    for (host, client) in HOSTS.into_iter().zip(HOSTS.map(client)) {
        let output = client.wait_with_output().expect("an end");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let fine = said.ends_with("0 lost, 0 doubled or out of order, 0 damaged");
        assert!(fine, "{host}: {said}\n{}", ring.logs());
    }
}

#[test]
fn a_ring_without_a_key_outlives_an_attack_and_heals() {
    let conf = configuration(Transport::Udpu);
    over_configured("hostile1", &HOSTS, &conf, |ring| {
        let before = HOSTS.map(|host| process_of(ring, host));
        let formed = logged(ring, "a", FORMED);
        let heard = overheard(ring.lab, "c", 2 * TOKEN);
        assert!(heard.len() > 10, "{} datagrams heard", heard.len());
        let sent = attack(ring, &heard, Dialect::V3);
        assert!(sent > RATE * TIME.as_secs() / 2, "only {sent} were sent");
        let end = Instant::now();
        ring.agree(&HOSTS, "the attack");
        let healed = end.elapsed();
        let rings = logged(ring, "a", FORMED) - formed;
        println!("{sent} datagrams, {rings} rings; one ring {healed:.1?} after");
        assert!(healed < HEALING, "{}", ring.logs());
        assert!(rings > 0, "he didn't even break the ring\n{}", ring.logs());
        let after = HOSTS.map(|host| process_of(ring, host));
        assert_eq!(after, before, "a daemon ended\n{}", ring.logs());
        talk(ring);
    });
}

#[test]
fn who_has_no_key_changes_nothing_on_a_ring_with_one() {
    let conf = configuration(Transport::Udpu).replace(
        "crypto_cipher: none\ncrypto_hash: none",
        "crypto_cipher: aes256\ncrypto_hash: sha1",
    );
    over_keyed("hostile2", &HOSTS, (&conf, Some([7; 128])), |ring| {
        let seen = |host: &str| (process_of(ring, host), ring.seen_by(host));
        let before = HOSTS.map(seen);
        let grown = HOSTS.map(|host| (resident_kib(ring, host), logged(ring, host, "")));
        let heard = overheard(ring.lab, "c", 2 * TOKEN);
        assert!(heard.len() > 10, "{} datagrams heard", heard.len());
        let sent = attack(ring, &heard, Dialect::V2);
        assert!(sent > RATE * TIME.as_secs() / 2, "only {sent} were sent");
        assert_eq!(HOSTS.map(seen), before, "{}", ring.logs());
        for (host, (memory, lines)) in HOSTS.into_iter().zip(grown) {
            let grown = resident_kib(ring, host).saturating_sub(memory);
            assert!(grown < GROWTH_KIB_MAX, "{host} grew by {grown} KiB");
            let lines = logged(ring, host, "") - lines;
            assert!(lines <= LOG_LINES_MAX, "{host}: {lines}\n{}", ring.logs());
            let refused = logged(ring, host, "a datagram was refused");
            assert!(refused > 0, "nothing came to {host}\n{}", ring.logs());
        }
        println!("{sent} datagrams changed nothing");
        talk(ring);
    });
}
