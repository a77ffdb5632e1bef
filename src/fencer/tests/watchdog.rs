//! Nodes that are reset by their own watchdogs, of 3 s.

use super::*;

/// A cluster with these values of `stonith-watchdog-timeout` and `no-quorum-policy`.
fn options(wait: &str, policy: &str) -> Document {
    let text = format!(
        "<cib><configuration><crm_config><cluster_property_set id='o'>\
         <nvpair id='1' name='stonith-watchdog-timeout' value='{wait}'/>\
         <nvpair id='2' name='no-quorum-policy' value='{policy}'/></cluster_property_set>\
         </crm_config></configuration></cib>"
    );
    read(&text).unwrap()
}

fn with(wait: &str) -> Bench {
    let mut bench = Bench::new(&options(wait, "stop"), all_well());
    bench.pass(5);
    bench
}

/// Seconds since a node's watchdog was fed.
fn hungry(bench: &Bench, id: u32) -> Option<u64> {
    let fed = bench.fed.get(&id)?;
    Some(bench.now.mono.since(*fed).as_secs())
}

#[test]
fn who_is_gone_and_said_so_has_reset_itself_after_the_time() {
    for (wait, seconds) in [("10s", 10), ("6", 6), ("-1", 6)] {
        let mut bench = with(wait);
        bench.die(3);
        bench.fence(1, "n3", "reboot", 1);
        bench.pass(seconds - 1);
        assert_eq!(bench.told(1), None, "{wait}");
        bench.pass(3);
        assert_eq!(bench.told(1), Some((0, String::new())), "{wait}");
        assert_eq!(bench.done, [""; 0], "no agent ran");
    }
}

#[test]
fn nobody_counts_on_what_was_not_promised() {
    // Off; too short for the watchdogs; and where all go on without quorum.
    for (wait, policy) in [("0", "stop"), ("4", "stop"), ("10", "ignore")] {
        let mut bench = Bench::new(&options(wait, policy), all_well());
        bench.pass(5);
        assert!(bench.fed.is_empty(), "{wait} {policy}");
        bench.die(3);
        bench.fence(1, "n3", "reboot", 1);
        bench.pass(30);
        assert!(bench.told(1).is_some_and(|(exit, _)| exit != 0), "{wait}");
    }
    // A node whose device could not be opened, or that has none.
    let cib = options("10", "stop");
    let mut bench = Bench::new(&cib, all_well());
    let mut bare = Fencer::new(NodeId(4), "n4", 4);
    bare.equip(None, true);
    bare.configure(&cib);
    bench.fencers.insert(4, bare);
    bench.meet();
    bench.pass(5);
    bench.die(4);
    bench.fence(1, "n4", "reboot", 1);
    bench.pass(30);
    assert!(bench.told(1).is_some_and(|(exit, _)| exit != 0));
    bench.die(3);
    bench.fence(1, "n3", "reboot", 2);
    bench.pass(14);
    assert!(bench.told(2).is_some_and(|(exit, _)| exit == 0));
    // Nor without quorum.
    bench.quorate = false;
    bench.die(2);
    bench.fence(1, "n2", "reboot", 3);
    bench.pass(30);
    assert!(bench.told(3).is_some_and(|(exit, _)| exit != 0));
}

#[test]
fn a_watchdog_is_fed_only_in_a_cluster_with_quorum() {
    let mut bench = with("-1");
    assert!((1..=3).all(|id| hungry(&bench, id).is_some_and(|s| s <= 1)));
    bench.fencers.remove(&2);
    bench.fencers.remove(&3);
    bench.quorate = false;
    bench.meet();
    bench.pass(8);
    let since = hungry(&bench, 1).unwrap();
    assert!((4..=8).contains(&since), "fed {since} s ago");
    // Members that are there but don't answer prove nothing.
    let mut bench = with("-1");
    bench.fencers.remove(&3);
    bench.pass(8);
    assert!(hungry(&bench, 1).is_some_and(|s| s >= 4));
    // What isn't wanted any more is disarmed, once all know.
    let mut bench = with("-1");
    let off = options("0", "stop");
    for id in 1..=3 {
        bench.on(id, |fencer, _| fencer.configure(&off));
    }
    bench.pass(5);
    assert!(bench.fed.is_empty(), "{:?}", bench.fed);
}

#[test]
fn a_member_resets_itself_and_the_others_wait_for_it() {
    let mut bench = with("-1");
    bench.fence(1, "n3", "reboot", 1);
    bench.pass(3);
    assert!(hungry(&bench, 3).is_some_and(|s| s >= 3), "it isn't fed");
    assert!(hungry(&bench, 1).is_some_and(|s| s <= 1));
    assert_eq!(bench.told(1), None, "it is still there");
    bench.die(3);
    bench.pass(5);
    assert_eq!(bench.told(1), None);
    bench.pass(3);
    assert_eq!(bench.told(1), Some((0, String::new())));
}

#[test]
fn a_node_that_is_back_is_not_taken_for_dead() {
    let cib = options("-1", "stop");
    let mut bench = with("-1");
    bench.die(3);
    bench.fence(1, "n3", "reboot", 1);
    bench.pass(4);
    bench.add(3, &cib);
    bench.meet();
    bench.pass(20);
    assert!(bench.told(1).is_some_and(|(exit, _)| exit != 0));
}
