use std::process::Command;

use super::*;
use crate::runtime::log::Collected;

/// A message that is the same in each form.
struct Plain(&'static [u8]);

impl Outgoing for Plain {
    fn datagram(&self) -> &[u8] {
        self.0
    }
    fn text(&self) -> &[u8] {
        self.0
    }
    fn ping(&self, node: &str, medium: ping::Medium) -> Option<Vec<u8>> {
        Some(format!("{node} {}", medium.name()).into_bytes())
    }
}

fn bcast(interface: &str, port: u16) -> Medium {
    Medium::Bcast {
        interface: interface.into(),
        port,
    }
}

fn mcast(interface: &str, port: u16) -> Medium {
    let group = "239.1.2.3".into();
    Medium::Mcast {
        interface: interface.into(),
        group,
        port,
        ttl: 1,
        loopback: true,
    }
}

fn ucast(interface: &str, peer: &str, port: u16) -> Medium {
    Medium::Ucast {
        interface: interface.into(),
        peer: peer.into(),
        port,
    }
}

/// Runs `test` in a network of its own, where the system permits.
fn in_own_network(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        let flags = nix::sched::CloneFlags::CLONE_NEWNET;
        if nix::sched::unshare(flags).is_err() || !ip("link set lo up") {
            println!("skipped: no right to make a network namespace, or no ip command");
            return;
        }
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn ip(arguments: &str) -> bool {
    let status = Command::new("ip")
        .args(arguments.split_whitespace())
        .status();
    status.is_ok_and(|s| s.success())
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}

fn open(media: &[Medium]) -> (Media, Collected) {
    let (log, lines) = Logger::collecting();
    (Media::open(media, log), lines)
}

async fn next(media: &mut Media) -> Received {
    let second = Duration::from_secs(5);
    tokio::time::timeout(second, media.receive())
        .await
        .expect("a message")
}

/// Nothing comes within a moment.
async fn silence(media: &mut Media) {
    let moment = Duration::from_millis(100);
    let came = tokio::time::timeout(moment, media.receive()).await;
    assert_eq!(came.ok(), None);
}

async fn wait_for(media: &mut Media, lines: &Collected, text: &str) {
    let start = mono();
    let mut seen = Vec::new();
    loop {
        seen.extend(lines.take());
        if seen.iter().any(|line| line.contains(text)) {
            return;
        }
        assert!(
            mono().since(start) < Duration::from_secs(5),
            "no {text:?} in {seen:#?}"
        );
        let _ = tokio::time::timeout(Duration::from_millis(20), media.receive()).await;
    }
}

#[test]
fn each_kind_of_udp_medium_carries_messages() {
    in_own_network(|| {
        assert!(ip("link add d0 type veth peer p0") && ip("address add 10.9.0.1/24 brd + dev d0"));
        assert!(
            ip("address add fd00::1/64 dev d0 nodad")
                && ip("link set d0 up")
                && ip("link set p0 up")
        );
        block_on(async {
            let group = "ff05::694".parse().expect("a group");
            let hops = 1;
            let kinds = [
                bcast("d0", 694),
                ucast("lo", "127.0.0.1", 695),
                mcast("d0", 696),
                Medium::Mcast6 {
                    interface: "d0".into(),
                    group,
                    port: 697,
                    hops,
                    loopback: true,
                },
                Medium::Ucast6 {
                    interface: "lo".into(),
                    peer: "::1".into(),
                    port: 698,
                },
            ];
            let (mut media, lines) = open(&kinds);
            let started = lines.take();
            assert_eq!(started.len(), kinds.len(), "{started:#?}");
            assert!(started[0].contains("UDP Broadcast heartbeat started on port 694 (694)"));
            for (place, kind) in kinds.iter().enumerate() {
                let before = mono();
                media.send_on(place, &Plain(b"hello"));
                let received = next(&mut media).await;
                assert_eq!(
                    (received.medium, &received.bytes[..]),
                    (place, &b"hello"[..])
                );
                assert_eq!(received.link, kind.link());
                assert!(received.at >= before && received.at <= mono());
                assert!(matches!(received.source, Source::Udp(_)));
            }
            silence(&mut media).await;
            let sums = media
                .views()
                .map(|v| (v.counters.sent, v.counters.received));
            let sums: Vec<_> = sums.collect();
            assert_eq!(sums, [(1, 1); 5]);
        });
    });
}

#[test]
fn an_interface_that_comes_late_goes_away_and_comes_back_is_used() {
    in_own_network(|| {
        block_on(async {
            let (mut media, lines) = open(&[bcast("d0", 694), mcast("d0", 695)]);
            assert!(lines.take()[0].contains("bcast d0: interface d0 does not exist"));
            media.send(&Plain(b"lost"));
            assert!(
                ip("link add d0 type veth peer p0") && ip("link set d0 up") && ip("link set p0 up")
            );
            wait_for(&mut media, &lines, "has no IPv4 address").await;
            assert!(ip("address add 10.9.0.1/24 brd + dev d0"));
            wait_for(&mut media, &lines, "UDP multicast heartbeat started").await;
            media.send(&Plain(b"one"));
            let both = [next(&mut media).await.bytes, next(&mut media).await.bytes];
            assert_eq!(both, [b"one", b"one"]);

            assert!(ip("link delete d0"));
            wait_for(&mut media, &lines, "mcast d0: interface d0 does not exist").await;
            assert!(
                ip("link add d0 type veth peer p0") && ip("link set d0 up") && ip("link set p0 up")
            );
            assert!(ip("address add 10.8.0.1/24 brd + dev d0"));
            wait_for(&mut media, &lines, "UDP multicast heartbeat started").await;
            media.send(&Plain(b"two"));
            let both = [next(&mut media).await, next(&mut media).await];
            for received in both {
                assert_eq!(received.bytes, b"two");
                assert!(received.source.to_string().starts_with("10.8.0.1:"));
            }
            let first = media.views().next().expect("a medium");
            assert_eq!(first.counters.send_dropped, 1, "only while it wasn't there");
        });
    });
}

#[test]
fn a_changed_address_and_a_link_that_was_down_are_picked_up() {
    in_own_network(|| {
        assert!(
            ip("link add d0 type veth peer p0") && ip("link set d0 up") && ip("link set p0 up")
        );
        assert!(ip("address add 10.9.0.1/24 brd + dev d0"));
        block_on(async {
            let (mut media, lines) = open(&[bcast("d0", 694)]);
            lines.take();
            assert!(ip("address delete 10.9.0.1/24 dev d0"));
            assert!(ip("address add 10.7.0.1/16 brd + dev d0"));
            wait_for(&mut media, &lines, "UDP Broadcast heartbeat started").await;
            media.send(&Plain(b"one"));
            assert_eq!(next(&mut media).await.bytes, b"one");
            assert!(ip("link set d0 down"));
            media.send(&Plain(b"lost"));
            media.send(&Plain(b"lost"));
            let failures = lines.take();
            let failed = failures
                .iter()
                .filter(|l| l.contains("Unable to send HBcomm packet d0"));
            assert_eq!(failed.count(), 1, "{failures:#?}");
            assert!(ip("link set d0 up") && ip("link set p0 up"));
            media.send(&Plain(b"two"));
            assert_eq!(next(&mut media).await.bytes, b"two");
            wait_for(
                &mut media,
                &lines,
                "sends again, after 2 messages that failed",
            )
            .await;
        });
    });
}

#[test]
fn two_broadcast_media_tell_their_interfaces_apart() {
    in_own_network(|| {
        for (name, address) in [("d0", "10.9.0.1/24"), ("d1", "10.8.0.1/24")] {
            assert!(ip(&format!("link add {name} type veth peer peer-{name}")));
            assert!(ip(&format!("address add {address} brd + dev {name}")));
            assert!(ip(&format!("link set {name} up")) && ip(&format!("link set peer-{name} up")));
        }
        block_on(async {
            let (mut media, _lines) = open(&[bcast("d0", 694), bcast("d1", 694)]);
            for (place, link) in ["d0", "d1"].into_iter().enumerate() {
                media.send_on(place, &Plain(b"x"));
                let received = next(&mut media).await;
                assert_eq!((received.medium, received.link.as_str()), (place, link));
                silence(&mut media).await;
            }
        });
    });
}

#[test]
fn a_host_that_cannot_be_found_is_said_once_and_others_work() {
    block_on(async {
        let (mut media, lines) = open(&[
            ucast("lo", "no.such.host.invalid", 16_940),
            ucast("lo", "127.0.0.1", 16_941),
        ]);
        assert!(lines.take()[0].contains("cannot resolve no.such.host.invalid"));
        media.send(&Plain(b"x"));
        assert_eq!(next(&mut media).await.medium, 1);
        let views: Vec<_> = media.views().collect();
        assert!(!views[0].open && views[0].trouble.is_some() && views[1].open);
    });
}

#[test]
fn a_flood_on_one_medium_starves_neither_the_other_nor_timers() {
    block_on(async {
        let (mut media, _lines) = open(&[
            ucast("lo", "127.0.0.1", 16_942),
            ucast("lo", "127.0.0.1", 16_943),
        ]);
        let flood = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        for _ in 0..2000 {
            flood.send_to(&[7; 200], "127.0.0.1:16942").expect("sent");
        }
        media.send_on(1, &Plain(b"beat"));
        let timer = tokio::time::sleep(Duration::from_millis(1));
        tokio::pin!(timer);
        let (mut before_beat, mut before_timer) = (None, None);
        for count in 0..4000u32 {
            tokio::select! {
                biased;
                () = &mut timer, if before_timer.is_none() => before_timer = Some(count),
                received = media.receive() => if received.medium == 1 {
                    before_beat = Some(count);
                } else {
                    // What a digest costs.
                    std::thread::sleep(Duration::from_micros(20));
                },
            }
            if before_timer.is_some() && before_beat.is_some() {
                break;
            }
        }
        assert!(before_beat.is_some_and(|n| n < 4), "{before_beat:?}");
        assert!(before_timer.is_some_and(|n| n < 200), "{before_timer:?}");
    });
}

#[test]
fn time_spent_in_the_socket_is_not_charged_to_the_sender() {
    block_on(async {
        let (mut media, _lines) = open(&[ucast("lo", "127.0.0.1", 16_944)]);
        silence(&mut media).await;
        media.send(&Plain(b"x"));
        let sent = mono();
        std::thread::sleep(Duration::from_millis(300));
        let received = next(&mut media).await;
        assert!(
            received.at.since(sent) < Duration::from_millis(150),
            "{:?}",
            received.at
        );
    });
}

#[test]
fn ping_media_hear_the_hosts_they_ask_and_each_request_once() {
    in_own_network(|| {
        block_on(async {
            let hosts = vec!["127.0.0.1".into(), "127.0.0.2".into()];
            let kinds = [
                Medium::Ping {
                    host: "127.0.0.3".into(),
                },
                Medium::PingGroup {
                    name: "routers".into(),
                    hosts,
                },
                Medium::Ping6 { host: "::1".into() },
            ];
            let (mut media, lines) = open(&kinds);
            assert!(lines.take()[1].contains("ping group heartbeat started."));
            media.send(&Plain(b"status"));
            let mut came = vec![];
            for _ in 0..kinds.len() {
                let received = next(&mut media).await;
                came.push((received.link.to_string(), String::from_utf8(received.bytes)));
            }
            came.sort_by(|a, b| a.0.cmp(&b.0));
            let wanted = [
                ("127.0.0.3", "127.0.0.3 ping"),
                ("::1", "::1 ping6"),
                ("routers", "routers ping_group"),
            ];
            for ((link, body), wanted) in came.into_iter().zip(wanted) {
                assert_eq!((link.as_str(), body.as_deref()), (wanted.0, Ok(wanted.1)));
            }
            silence(&mut media).await;
        });
    });
}

/// Two ttys joined as by a cable, each a pty whose other side is copied to the other's.
fn cable() -> Option<[std::path::PathBuf; 2]> {
    use std::io::{Read, Write};
    let ends = [
        nix::pty::openpty(None, None).ok()?,
        nix::pty::openpty(None, None).ok()?,
    ];
    let names = ends.each_ref().map(|end| nix::unistd::ttyname(&end.slave));
    let [Ok(first), Ok(second)] = names else {
        return None;
    };
    let [one, two] = ends;
    // The slaves stay open here, so that closing the medium doesn't end the cable.
    std::mem::forget((one.slave, two.slave));
    let masters = [
        std::fs::File::from(one.master),
        std::fs::File::from(two.master),
    ];
    for (from, to) in [(0, 1), (1, 0)] {
        let (Ok(mut from), Ok(mut to)) = (masters[from].try_clone(), masters[to].try_clone())
        else {
            return None;
        };
        std::thread::spawn(move || {
            let mut bytes = [0; 256];
            while let Ok(n) = from.read(&mut bytes) {
                if n == 0 || to.write_all(&bytes[..n]).is_err() {
                    return;
                }
            }
        });
    }
    Some([first, second])
}

const TEXT: &[u8] = b">>>\nt=status\nst=up\n<<<\n";

#[test]
fn a_serial_line_carries_text_both_ways_past_junk() {
    let Some([one, two]) = cable() else {
        println!("skipped: no ptys");
        return;
    };
    block_on(async {
        let serial = |device: &std::path::Path| {
            vec![Medium::Serial {
                device: device.to_owned(),
                baud: 460_800,
            }]
        };
        let (mut a, lines) = open(&serial(&one));
        assert!(lines.take()[0].contains("Starting serial heartbeat on tty /dev/pts/"));
        let (mut b, _lines) = open(&serial(&two));
        a.send(&Plain(b"noise \xff\x00 on the line\n"));
        for _ in 0..3 {
            a.send(&Plain(TEXT));
        }
        for _ in 0..3 {
            let received = tokio::select! {
                received = next(&mut b) => received,
                received = next(&mut a) => panic!("an echo: {received:?}"),
            };
            assert_eq!(received.bytes, TEXT);
            assert_eq!(received.link.as_str(), two.to_string_lossy());
        }
        b.send(&Plain(TEXT));
        assert_eq!(next(&mut a).await.bytes, TEXT);
        let sum = a.views().next().expect("a medium").counters;
        assert_eq!((sum.sent, sum.received, sum.send_errors), (4, 1, 0));
    });
}

#[test]
fn a_line_that_nobody_reads_drops_and_does_not_wait() {
    let Ok(end) = nix::pty::openpty(None, None) else {
        println!("skipped: no ptys");
        return;
    };
    let device = nix::unistd::ttyname(&end.slave).expect("a name");
    block_on(async {
        let (mut media, lines) = open(&[Medium::Serial { device, baud: 9600 }]);
        let start = mono();
        for _ in 0..1000 {
            media.send(&Plain(TEXT));
        }
        assert!(mono().since(start) < Duration::from_secs(1));
        let sum = media.views().next().expect("a medium").counters;
        assert!(sum.send_dropped > 900, "{sum:?}");
        lines.take();
        drop(end);
        wait_for(&mut media, &lines, "cannot receive, opened anew").await;
    });
}
