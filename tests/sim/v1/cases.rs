//! One thing at a time.

use everbeat::config::ha_cf::AutoFailback;
use everbeat::v1::{Action, Command, Side};

use super::cluster::{Cluster, DEADTIME, Kind};

const GROUPS: [&str; 2] = ["a IPaddr2::10.0.0.1 Probe::one", "b Probe::two"];

fn pair(kinds: [Kind; 2], failback: AutoFailback) -> Cluster {
    Cluster::new(7, &kinds, &GROUPS, failback)
}

const BOTH: [Kind; 2] = [Kind::Everbeat, Kind::Everbeat];
const PAIRINGS: [[Kind; 2]; 3] = [
    BOTH,
    [Kind::Everbeat, Kind::Real],
    [Kind::Real, Kind::Everbeat],
];

fn started(kinds: [Kind; 2], failback: AutoFailback) -> Cluster {
    let mut cluster = pair(kinds, failback);
    cluster.boot(0);
    cluster.boot(1);
    cluster.until("a b", 15_000);
    cluster.run(3_000);
    cluster
}

/// Plays it on each pairing, with both groups where they belong at first.
fn in_all_pairings(failback: AutoFailback, play: impl Fn(&mut Cluster, [Kind; 2])) {
    for kinds in PAIRINGS {
        let mut cluster = started(kinds, failback);
        play(&mut cluster, kinds);
        cluster.assert_never_shared();
    }
}

/// Node, side, and what runs where afterwards, and eight seconds later still.
type Moves<'a> = &'a [(usize, Side, &'a str)];

fn orders_move(order: impl Fn(Side) -> Command, moves: Moves<'_>) {
    in_all_pairings(AutoFailback::On, |cluster, _| {
        for &(node, side, picture) in moves {
            cluster.order(node, order(side));
            cluster.until(picture, 10_000);
            cluster.run(8_000);
            cluster.assert_picture(picture);
        }
    });
}

#[test]
fn both_start_and_each_takes_its_own() {
    for kinds in PAIRINGS {
        for failback in [AutoFailback::On, AutoFailback::Off] {
            let mut cluster = started(kinds, failback);
            cluster.run(30_000);
            cluster.assert_picture("a b");
        }
    }
}

#[test]
fn everbeat_nodes_do_not_wait_at_the_start() {
    let mut cluster = pair(BOTH, AutoFailback::On);
    cluster.boot(0);
    cluster.boot(1);
    cluster.until("a b", 3_500);
}

#[test]
fn a_dead_nodes_group_is_taken_and_goes_back() {
    in_all_pairings(AutoFailback::On, |cluster, _| {
        cluster.power_off(0);
        cluster.until("b b", DEADTIME + 5_000);
        cluster.run(5_000);
        cluster.boot(0);
        cluster.until("a b", 30_000);
        cluster.run(20_000);
        cluster.assert_picture("a b");
    });
}

#[test]
fn without_failback_the_group_stays() {
    in_all_pairings(AutoFailback::Off, |cluster, _| {
        cluster.power_off(0);
        cluster.until("b b", 15_000);
        cluster.boot(0);
        cluster.run(40_000);
        cluster.assert_picture("b b");
    });
}

#[test]
fn a_lone_node_takes_all_after_initdead() {
    for kind in [Kind::Everbeat, Kind::Real] {
        let mut cluster = pair([Kind::Everbeat, kind], AutoFailback::On);
        cluster.boot(1);
        cluster.until("b b", 25_000);
        cluster.boot(0);
        cluster.until("a b", 30_000);
        cluster.assert_never_shared();
    }
}

#[test]
fn a_stop_hands_over_before_any_dead_time() {
    in_all_pairings(AutoFailback::On, |cluster, _| {
        cluster.order(0, Command::Shutdown);
        cluster.until("b b", 6_000);
        cluster.run(3_000);
        assert!(cluster.released.contains(&0), "{}", cluster.dump());
        cluster.run(10_000);
        cluster.boot(0);
        cluster.until("a b", 30_000);
        cluster.order(1, Command::Shutdown);
        cluster.until("a a", 10_000);
        cluster.run(10_000);
        cluster.order(0, Command::Shutdown);
        cluster.until("- -", 10_000);
    });
}

#[test]
fn standby_moves_what_is_asked() {
    orders_move(
        Command::Standby,
        &[
            (0, Side::All, "b b"),
            (1, Side::Foreign, "a b"),
            (0, Side::Local, "b b"),
            (1, Side::All, "a a"),
            (0, Side::Foreign, "a b"),
            (1, Side::Local, "a a"),
        ],
    );
}

#[test]
fn takeover_gets_what_is_asked() {
    orders_move(
        Command::Takeover,
        &[
            (0, Side::All, "a a"),
            (1, Side::Local, "a b"),
            (1, Side::Foreign, "b b"),
            (0, Side::Local, "a b"),
            (1, Side::All, "b b"),
        ],
    );
}

#[test]
fn two_standby_requests_at_once_lose_nothing() {
    in_all_pairings(AutoFailback::On, |cluster, _| {
        let _ = cluster.command(0, Command::Standby(Side::Local));
        let _ = cluster.command(1, Command::Standby(Side::Local));
        cluster.run(40_000);
        let picture = cluster.picture();
        assert!(!picture.contains('-'), "{picture}\n{}", cluster.dump());
    });
}

#[test]
fn a_failed_start_moves_the_group() {
    let mut cluster = pair(BOTH, AutoFailback::On);
    let probe = "Probe::one".to_owned();
    cluster.failing.insert((0, probe.clone(), Action::Start));
    cluster.boot(0);
    cluster.boot(1);
    cluster.until("b b", 15_000);
    cluster.run(120_000);
    cluster.assert_picture("b b");
    cluster.failing.insert((1, probe, Action::Start));
    cluster.order(1, Command::Shutdown);
    cluster.run(60_000);
    cluster.assert_picture("- a");
    cluster.failing.clear();
    cluster.until("a a", 700_000);
    cluster.assert_never_shared();
}

#[test]
fn a_failed_start_is_offered_to_a_real_node() {
    let mut cluster = pair([Kind::Everbeat, Kind::Real], AutoFailback::On);
    let probe = "Probe::one".to_owned();
    cluster.failing.insert((0, probe, Action::Start));
    cluster.boot(0);
    cluster.boot(1);
    cluster.until("b b", 60_000);
    cluster.assert_never_shared();
}

#[test]
fn stonith_comes_before_the_takeover() {
    for kinds in [BOTH, [Kind::Real, Kind::Everbeat]] {
        let mut cluster = pair(kinds, AutoFailback::On);
        cluster.stonith = true;
        cluster.boot(0);
        cluster.boot(1);
        cluster.until("a b", 15_000);
        cluster.run(2_000);
        cluster.stonith_fails = true;
        cluster.power_off(0);
        cluster.run(40_000);
        cluster.assert_picture("- b");
        assert!(cluster.has_log(1, "STONITH of a failed.  Retrying..."));
        cluster.stonith_fails = false;
        cluster.until("b b", 10_000);
        assert!(cluster.has_log(1, "node=a result=OK"));
    }
}

#[test]
fn a_node_that_gave_all_up_needs_no_stonith() {
    let mut cluster = pair(BOTH, AutoFailback::On);
    cluster.stonith = true;
    cluster.stonith_fails = true;
    cluster.boot(0);
    cluster.boot(1);
    cluster.until("a b", 15_000);
    cluster.run(2_000);
    cluster.order(0, Command::Standby(Side::All));
    cluster.until("b b", 10_000);
    cluster.run(2_000);
    cluster.power_off(0);
    cluster.run(15_000);
    assert!(
        cluster.has_log(1, "node=a result=unneeded"),
        "{}",
        cluster.dump()
    );
}

#[test]
fn a_healed_partition_leaves_one_owner_each() {
    for failback in [AutoFailback::On, AutoFailback::Off] {
        let mut cluster = started(BOTH, failback);
        cluster.cut(0, 1);
        cluster.cut(1, 0);
        cluster.until("a+b a+b", 20_000);
        cluster.run(3_000);
        cluster.heal();
        cluster.run(4_000);
        let expected = if failback == AutoFailback::On {
            "a b"
        } else {
            "a a"
        };
        cluster.assert_picture(expected);
        assert!(cluster.announced > 0, "{}", cluster.dump());
    }
}

#[test]
fn a_partition_with_a_real_node_never_leaves_nobody() {
    for kinds in [[Kind::Everbeat, Kind::Real], [Kind::Real, Kind::Everbeat]] {
        let mut cluster = started(kinds, AutoFailback::On);
        cluster.cut(0, 1);
        cluster.cut(1, 0);
        cluster.until("a+b a+b", 20_000);
        cluster.run(3_000);
        cluster.heal();
        // Until the real node is back and gets its group again.
        for _ in 0..115 {
            cluster.run(100);
            let picture = cluster.picture();
            assert!(!picture.starts_with('-'), "{picture}\n{}", cluster.dump());
        }
        cluster.until("a b", 30_000);
    }
}

#[test]
fn a_sleeper_gives_up_what_was_taken() {
    let mut cluster = started(BOTH, AutoFailback::On);
    cluster.sleep(1, 15_000);
    cluster.until("a a+b", 12_000);
    cluster.run(25_000);
    cluster.assert_picture("a b");
}

#[test]
fn restarts_within_the_dead_time_lose_nothing() {
    in_all_pairings(AutoFailback::On, |cluster, kinds| {
        for (node, kind) in kinds.into_iter().enumerate() {
            if kind == Kind::Everbeat {
                cluster.quick_restart(node);
                for _ in 0..100 {
                    cluster.run(100);
                    cluster.assert_picture("a b");
                }
            }
            cluster.kill_and_restart(node);
            cluster.run(20_000);
            cluster.assert_picture("a b");
        }
    });
}

#[test]
fn of_three_exactly_one_takes_over() {
    let mut cluster = Cluster::new(
        3,
        &[Kind::Everbeat; 3],
        &[
            "a Probe::one",
            "b Probe::two",
            "c Probe::three",
            "a Probe::four",
        ],
        AutoFailback::On,
    );
    for node in 0..3 {
        cluster.boot(node);
    }
    cluster.until("a b c a", 15_000);
    cluster.run(2_000);
    cluster.power_off(0);
    cluster.until("b b c b", 12_000);
    cluster.run(10_000);
    cluster.power_off(1);
    cluster.until("c c c c", 12_000);
    cluster.boot(0);
    cluster.boot(1);
    cluster.until("a b c a", 20_000);
    cluster.order(2, Command::Shutdown);
    cluster.until("a b a a", 10_000);
    cluster.run(2_000);
    cluster.order(0, Command::Standby(Side::All));
    cluster.until("b b b b", 10_000);
    cluster.assert_never_shared();
}

#[test]
fn an_unstoppable_resource_reboots_the_node() {
    let mut cluster = started(BOTH, AutoFailback::On);
    let probe = "Probe::one".to_owned();
    cluster.failing.insert((0, probe, Action::Stop));
    cluster.order(0, Command::Standby(Side::All));
    cluster.run(9_000);
    assert!(cluster.has_log(0, "Retrying failed stop operation [Probe::one]"));
    cluster.until("b b", 60_000);
    assert!(cluster.has_log(0, "reboots"), "{}", cluster.dump());
    cluster.assert_never_shared();
}

#[test]
fn legacy_nodes_demand_their_groups() {
    for kinds in PAIRINGS {
        let mut cluster = pair(kinds, AutoFailback::Legacy);
        cluster.boot(1);
        cluster.until("b b", 25_000);
        cluster.run(5_000);
        cluster.boot(0);
        cluster.until("a b", 30_000);
        cluster.run(5_000);
        cluster.assert_picture("a b");
        cluster.power_off(0);
        cluster.until("b b", 20_000);
        cluster.assert_never_shared();
        if kinds[1] == Kind::Everbeat {
            let refused = cluster.command(1, Command::Standby(Side::All));
            assert_eq!(
                refused.expect_err("refused"),
                "Standby mode only implemented when nice_failback on"
            );
        }
    }
}

#[test]
fn what_a_killed_daemon_left_is_adopted() {
    for kinds in PAIRINGS {
        let everbeat = usize::from(kinds[0] == Kind::Real);
        let mut cluster = started(kinds, AutoFailback::On);
        let takeover = Command::Takeover(Side::All);
        cluster.order(everbeat, takeover);
        let all = ["a a", "b b"][everbeat];
        cluster.until(all, 10_000);
        cluster.run(5_000);
        cluster.kill_and_restart(everbeat);
        cluster.run(1_000);
        cluster.assert_picture(all);
        let text = "found running at the start of the daemon";
        assert!(cluster.has_log(everbeat, text), "{}", cluster.dump());
        cluster.run(20_000);
        let picture = cluster.picture();
        assert!(
            !picture.contains(['-', '+']),
            "{picture}\n{}",
            cluster.dump()
        );
        cluster.assert_never_shared();
    }
}

/// b is not heard by a but hears it: a takes b's group, and b, a real heartbeat, never notices.
#[test]
fn a_real_node_that_was_only_lost_one_way_keeps_its_group() {
    let mut cluster = started([Kind::Everbeat, Kind::Real], AutoFailback::On);
    cluster.cut(1, 0);
    cluster.until("a a+b", 20_000);
    cluster.heal();
    cluster.until("a b", 20_000);
    cluster.run(30_000);
    cluster.assert_picture("a b");
}
