//! Anything at any time, many seeds. `SEED=n cargo test --test sim v1` replays one.

use everbeat::config::ha_cf::AutoFailback;
use everbeat::v1::{Action, Command, Side};

use super::cluster::{Cluster, Kind};

const SIDES: [Side; 3] = [Side::Local, Side::Foreign, Side::All];

fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => vec![seed],
        None => {
            let runs = std::env::var("RUNS")
                .ok()
                .and_then(|runs| runs.parse().ok());
            (1..=runs.unwrap_or(count)).collect()
        }
    }
}

/// One random thing.
fn disturb(cluster: &mut Cluster, faults: bool) {
    let count = cluster.names.len() as u64;
    let node = cluster.dice.range(0, count) as usize;
    let side = SIDES[cluster.dice.range(0, 3) as usize];
    match cluster.dice.range(0, 12) {
        0 | 1 => cluster.power_off(node),
        2 | 3 => cluster.boot(node),
        4 => {
            let _ = cluster.command(node, Command::Shutdown);
        }
        5 | 6 => {
            let _ = cluster.command(node, Command::Standby(side));
        }
        7 => {
            let _ = cluster.command(node, Command::Takeover(side));
        }
        8 if cluster.dice.chance(50) && cluster.is_everbeat(node) => {
            cluster.kill_and_restart(node);
        }
        8 => cluster.quick_restart(node),
        9 if faults => {
            let other = (node + 1) % cluster.names.len();
            cluster.cut(node, other);
            if cluster.dice.chance(70) {
                cluster.cut(other, node);
            }
        }
        10 if faults => {
            let span = cluster.dice.range(1_000, 20_000);
            cluster.sleep(node, span);
        }
        11 if faults => {
            let resource = ["Probe::one", "Probe::two", "Probe::three"];
            let resource = resource[cluster.dice.range(0, 3) as usize].to_owned();
            cluster.failing.insert((node, resource, Action::Start));
        }
        _ => cluster.heal(),
    }
}

fn trial(seed: u64, kinds: &[Kind], failback: AutoFailback, faults: bool) {
    let groups = ["a IP::one Probe::one", "b Probe::two", "a Probe::three"];
    let mut cluster = Cluster::new(seed, kinds, &groups, failback);
    cluster.stonith = seed.is_multiple_of(3) && !faults;
    for node in 0..kinds.len() {
        cluster.boot(node);
    }
    for _ in 0..20 {
        let span = cluster.dice.range(100, 12_000);
        cluster.run(span);
        disturb(&mut cluster, faults);
        check(&cluster, seed);
    }
    cluster.heal();
    cluster.failing.clear();
    cluster.run(30_000);
    for node in 0..kinds.len() {
        cluster.boot(node);
    }
    cluster.run(700_000);
    check(&cluster, seed);
    for group in 0..groups.len() {
        let owners = cluster.owners(group);
        assert_eq!(
            owners.len(),
            1,
            "seed {seed}: {}\n{}",
            cluster.picture(),
            cluster.dump()
        );
    }
}

fn check(cluster: &Cluster, seed: u64) {
    if let Some(violation) = &cluster.violation {
        panic!("seed {seed}: {violation}\n{}", cluster.dump());
    }
}

fn failback_of(seed: u64) -> AutoFailback {
    [AutoFailback::On, AutoFailback::Off, AutoFailback::Legacy][(seed % 3) as usize]
}

#[test]
fn two_nodes_without_network_faults_never_share() {
    for seed in seeds(25) {
        trial(seed, &[Kind::Everbeat; 2], failback_of(seed), false);
    }
}

#[test]
fn three_nodes_without_network_faults_never_share() {
    for seed in seeds(25) {
        trial(seed, &[Kind::Everbeat; 3], failback_of(seed), false);
    }
}

#[test]
fn two_nodes_with_all_faults_end_with_one_owner_each() {
    for seed in seeds(25) {
        trial(seed, &[Kind::Everbeat; 2], failback_of(seed), true);
    }
}

#[test]
fn four_nodes_with_all_faults_end_with_one_owner_each() {
    for seed in seeds(25) {
        trial(seed, &[Kind::Everbeat; 4], failback_of(seed), true);
    }
}

/// Beside a real heartbeat: no failing starts, for it never tells of them; its own faults
/// (section 2 of the spec) may leave a group nowhere until the next death, so all end with one.
#[test]
fn beside_a_real_node_groups_come_back() {
    for seed in seeds(25) {
        let failback = [AutoFailback::On, AutoFailback::Off][(seed % 2) as usize];
        let kinds = [[Kind::Everbeat, Kind::Real], [Kind::Real, Kind::Everbeat]];
        trial(seed, &kinds[(seed / 2 % 2) as usize], failback, false);
    }
}
