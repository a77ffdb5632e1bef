//! What goes wrong on the network: loss, partition, wrong keys, junk.

use std::time::Duration;

use crate::cluster::{Cluster, Config, PAIRINGS, Software};
use crate::host::within;

use Software::Everbeat;

/// A pair's name: the test and what runs on the nodes.
fn name(test: &str, pair: [Software; 2]) -> String {
    let letter = |software| if software == Everbeat { 'e' } else { 'h' };
    format!("{test}-{}{}", letter(pair[0]), letter(pair[1]))
}

/// Each pairing with a node of ours, side by side.
fn in_all_our_pairings(test: impl Fn([Software; 2]) + Sync) {
    std::thread::scope(|scope| {
        for pair in PAIRINGS.into_iter().filter(|pair| pair.contains(&Everbeat)) {
            let test = &test;
            scope.spawn(move || test(pair));
        }
    });
}

#[test]
fn a_fifth_of_all_packets_lost_kills_nobody() {
    in_all_our_pairings(|software| {
        let Some(cluster) = Cluster::at_work(&name("loss", software), &software, Config::default())
        else {
            return;
        };
        let watch = cluster.watch();
        for host in ["a", "b"] {
            cluster.lab.host(host).loss(20).expect("nft");
        }
        std::thread::sleep(Duration::from_secs(25));
        for host in ["a", "b"] {
            cluster.lab.host(host).loss(0).expect("nft");
        }
        let seen = watch.end();
        assert_eq!(cluster.owners(), ["a"]);
        assert!(
            seen.longest_gap < Duration::from_millis(100),
            "{seen:?}\n{}",
            cluster.logs()
        );
        for (host, peer) in [("a", "b"), ("b", "a")] {
            let dead = format!("node {peer}: is dead");
            assert_eq!(
                cluster.logged(host, &dead),
                0,
                "on {host}\n{}",
                cluster.logs()
            );
            cluster.await_answer(host, &format!("nodestatus {peer}"), "active");
        }
    });
}

#[test]
fn a_partition_heals_and_one_keeps_the_address() {
    in_all_our_pairings(|software| {
        let ours = software == [Everbeat, Everbeat];
        let Some(cluster) = Cluster::at_work(&name("heal", software), &software, Config::default())
        else {
            return;
        };
        cluster.lab.host("b").cut(0).expect("the cable");
        let both = || cluster.owners() == ["a", "b"];
        assert!(
            within(Duration::from_secs(20), both),
            "each side takes the address"
        );
        // Until the other side, too, has noticed.
        std::thread::sleep(Duration::from_secs(2));
        let watch = cluster.watch();
        cluster.lab.host("b").join(0).expect("the cable");
        let one = || cluster.owners().len() == 1;
        // heartbeat gives up what it has two seconds after it sees the other again.
        let soon = Duration::from_secs(if ours { 3 } else { 10 });
        assert!(within(soon, one), "one owner\n{}", cluster.logs());
        std::thread::sleep(Duration::from_secs(if ours { 8 } else { 35 }));
        let seen = watch.end();
        assert!(
            seen.longest_gap < Duration::from_secs(3),
            "{seen:?}\n{}",
            cluster.logs()
        );
        assert_eq!(cluster.owners().len(), 1, "{}", cluster.logs());
        if ours {
            assert_eq!(cluster.owners(), ["a"], "the preferred node keeps it");
            let none = Duration::from_millis(100);
            assert!(seen.longest_gap < none, "{seen:?}\n{}", cluster.logs());
        }
    });
}

/// The cable is back when we had declared the peer dead and it, a real heartbeat, had not yet
/// done so with us: it won't restart itself, so we must give way.
#[test]
fn a_cut_that_only_one_side_noticed_leaves_one_owner() {
    in_all_our_pairings(|software| {
        let Some(cluster) =
            Cluster::at_work(&name("short", software), &software, Config::default())
        else {
            return;
        };
        cluster.lab.host("b").cut(0).expect("the cable");
        let both = || cluster.owners() == ["a", "b"];
        let taken = within(Duration::from_secs(20), both);
        assert!(taken, "b takes the address");
        cluster.lab.host("b").join(0).expect("the cable");
        let one = || cluster.owners().len() == 1;
        let soon = Duration::from_secs(12);
        assert!(within(soon, one), "one owner\n{}", cluster.logs());
    });
}

#[test]
fn a_peer_with_another_key_stays_dead() {
    in_all_our_pairings(|software| {
        let config = Config::default();
        let Some(cluster) = Cluster::new(&name("key", software), &software, config) else {
            return;
        };
        let other = Config {
            authkeys: "auth 1\n1 sha1 the-key-of-somebody-else\n".into(),
            ..cluster.config.clone()
        };
        cluster.configure("b", &other, "a IPaddr2::10.8.0.101/24/eth0\n");
        cluster.start_all();
        cluster.await_owner("a", 60);
        cluster.await_rscstatus("a", "all");
        cluster.await_answer("a", "nodestatus b", "dead");
        cluster.await_answer("b", "nodestatus a", "dead");
        if software[0] == Everbeat {
            let lines = cluster.logged("a", "refused");
            assert!(
                (1..=4).contains(&lines),
                "{lines} lines about it\n{}",
                cluster.logs()
            );
        }
    });
}

#[test]
fn keys_roll_over_and_nobody_is_declared_dead() {
    let software = [Everbeat, Everbeat];
    let old = "1 sha1 the-old-key-that-was-guessed\n";
    let new = "2 sha1 the-new-key-that-nobody-has\n";
    let config = Config {
        authkeys: format!("auth 1\n{old}"),
        ..Config::default()
    };
    let Some(cluster) = Cluster::at_work("rollover", &software, config) else {
        return;
    };
    let watch = cluster.watch();
    // Each node learns the new key, then signs with it, then forgets the old one.
    for authkeys in [
        format!("auth 1\n{old}{new}"),
        format!("auth 2\n{old}{new}"),
        format!("auth 2\n{new}"),
    ] {
        for host in ["a", "b"] {
            let path = "/etc/ha.d/authkeys";
            cluster
                .lab
                .host(host)
                .write(path, authkeys.as_bytes(), 0o600)
                .expect("a file");
            cluster.run(host, "kill -HUP $(cat /run/heartbeat.pid)");
            std::thread::sleep(Duration::from_secs(4));
        }
    }
    let seen = watch.end();
    assert!(
        seen.longest_gap < Duration::from_millis(100),
        "{seen:?}\n{}",
        cluster.logs()
    );
    for (host, peer) in [("a", "b"), ("b", "a")] {
        assert_eq!(cluster.logged(host, "Rereading authentication file."), 3);
        assert_eq!(cluster.logged(host, &format!("node {peer}: is dead")), 0);
        cluster.await_answer(host, &format!("nodestatus {peer}"), "active");
    }
}
