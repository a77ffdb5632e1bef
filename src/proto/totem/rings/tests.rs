use super::*;
use crate::wire::totem::{OrfToken, RingAddress};

const LIMITS: Limits = Limits {
    token: Duration::from_millis(1000),
    problem_count_timeout: Duration::from_millis(2000),
    problem_count_threshold: 10,
    problem_count_mcast_threshold: 100,
    token_expired_timeout: Duration::from_millis(238),
    autorecovery_check_timeout: Duration::from_millis(1000),
};

fn processor(node: u32) -> Processor {
    let at = |net: u8| {
        let address = IpAddr::from([10, 33, net, u8::try_from(node).unwrap()]);
        RingAddress::new(NodeId(node), address)
    };
    Processor {
        addresses: [at(121), at(122)],
    }
}

fn rings(mode: Mode, node: u32) -> Rings {
    let mut rings = Rings::new(Config {
        mode,
        me: NodeId(node),
        dialect: Dialect::V2,
        addresses: processor(node).addresses.map(|a| a.ip().unwrap()).into(),
        limits: LIMITS,
    });
    rings.set_members(vec![NodeId(1), NodeId(2)]);
    rings.unicast(Instant(0), processor(3 - node), &Bytes::from(vec![0]));
    rings
}

fn token(seq: u32) -> Vec<u8> {
    let body = Body::OrfToken(OrfToken {
        seq: Seqno(0),
        token_seq: Seqno(seq),
        aru: Seqno(0),
        aru_addr: NodeId(0),
        ring: RingId {
            rep: processor(1).addresses[0],
            seq: 8,
        },
        backlog: 0,
        fcc: 0,
        retrans_flg: 0,
        requests: Vec::new(),
    });
    let mut bytes = Vec::new();
    Datagram::new(NodeId(1), body).encode_into(Dialect::V2, &mut bytes);
    bytes
}

/// What came out; tokens as `token`, what is sent as `send RING`.
fn outputs(rings: &mut Rings) -> Vec<String> {
    std::iter::from_fn(|| rings.poll_output())
        .map(|output| match output {
            Output::Deliver(_) => "token".to_owned(),
            Output::Send { ring, .. } => format!("send {ring}"),
            Output::Note(note) => note.to_string(),
        })
        .collect()
}

#[test]
fn active_waits_for_the_token_on_all_rings() {
    let mut rings = rings(Mode::Active, 2);
    assert_eq!(rings.multicast(), RingSet::first(2));
    assert!(!rings.handle_datagram(Instant(0), 0, &token(1)));
    assert_eq!(rings.poll_timeout(), Some(Instant(238)));
    assert!(rings.handle_datagram(Instant(1), 1, &token(1)));
    assert!(
        !rings.handle_datagram(Instant(2), 1, &token(1)),
        "once more"
    );
    assert!(!rings.handle_datagram(Instant(3), 1, &token(2)));
    assert!(
        !rings.handle_datagram(Instant(4), 0, &token(1)),
        "an old one"
    );
    assert!(rings.handle_datagram(Instant(5), 0, &token(2)));
    assert_eq!(outputs(&mut rings), Vec::<String>::new());
}

#[test]
fn active_marks_a_ring_without_tokens_and_goes_on_without_it() {
    let mut rings = rings(Mode::Active, 2);
    let mut said = Vec::new();
    let mut now = Instant(0);
    for seq in 1.. {
        assert!(seq < 40, "{said:?}");
        if rings.handle_datagram(now, 0, &token(seq)) {
            break;
        }
        // Then the other node waits.
        for _ in 0..2 {
            now += LIMITS.token_expired_timeout;
            rings.handle_timeout(now);
        }
        said.extend(outputs(&mut rings));
    }
    let first = "Incrementing problem counter for seqid 1 iface 10.33.122.2 to [1 of 10]";
    assert_eq!(said[..2], [first, "token"]);
    // As the log of a real node has it: two a second, and every two seconds one is forgotten.
    let forgotten = said.iter().find(|line| line.starts_with("Decrementing"));
    let expected = "Decrementing problem counter for iface 10.33.122.2 to [4 of 10]";
    assert_eq!(forgotten.map(String::as_str), Some(expected));
    let faulty = said.iter().find(|line| line.starts_with("Marking"));
    let faulty = faulty.expect("a ring is given up").clone();
    assert!(faulty.ends_with("ringid 1 interface 10.33.122.2 FAULTY"));
    assert_eq!(rings.status()[1], faulty);
    assert_eq!(rings.status()[0], "ring 0 active with no faults");
    assert!(rings.handle_datagram(now, 0, &token(99)), "no waiting now");
    assert!(rings.multicast().iter().eq([0]));
    rings.reenable();
    assert_eq!(rings.multicast(), RingSet::first(2));
    assert_eq!(rings.status()[1], "ring 1 active with no faults");
}

#[test]
fn passive_takes_turns_and_marks_the_ring_that_falls_behind() {
    let mut rings = rings(Mode::Passive, 2);
    let turns: Vec<usize> = (0..4).flat_map(|_| rings.multicast().iter()).collect();
    assert_eq!(turns, [1, 0, 1, 0]);
    for seq in 0..40 {
        assert!(rings.handle_datagram(Instant(0), (seq % 2) as usize, &token(seq)));
    }
    for seq in 40..50 {
        rings.handle_datagram(Instant(0), 0, &token(seq));
    }
    assert_eq!(outputs(&mut rings), Vec::<String>::new());
    rings.handle_datagram(Instant(0), 0, &token(50));
    let faulty = "Marking ringid 1 interface 10.33.122.2 FAULTY";
    assert_eq!(outputs(&mut rings), [faulty]);
    assert_eq!(rings.status()[1], faulty);
    assert!((0..3).all(|_| rings.multicast().iter().eq([0])));
    // The ring that is left is never given up.
    for seq in 51..200 {
        rings.handle_datagram(Instant(0), 1, &token(seq));
    }
    // Nor is one blamed for tokens that were sent again.
    rings.reenable();
    for _ in 0..100 {
        rings.handle_datagram(Instant(0), 1, &token(199));
    }
    assert_eq!(rings.faulty(), RingSet::default());
    rings.handle_datagram(Instant(0), 0, &token(200));
    for seq in 201..220 {
        rings.handle_datagram(Instant(0), 0, &token(seq));
    }
    assert!(rings.multicast().iter().eq([0]));
}

#[test]
fn losses_once_in_a_while_are_forgiven() {
    let mut rings = rings(Mode::Passive, 2);
    let mut now = Instant(0);
    for seq in 0..100 {
        rings.handle_datagram(now, 0, &token(seq));
        now += LIMITS.problem_count_timeout;
        rings.handle_timeout(now);
    }
    assert_eq!(outputs(&mut rings), Vec::<String>::new());
}

#[test]
fn a_test_goes_round_and_takes_the_ring_into_use_everywhere() {
    let mut all = [1, 2].map(|node| rings(Mode::Passive, node));
    for seq in 0..11 {
        for rings in &mut all {
            rings.handle_datagram(Instant(0), 0, &token(seq));
            outputs(rings);
        }
    }
    assert!(all.iter().all(|rings| rings.faulty().has(1)));
    assert_eq!(all[0].poll_timeout(), Some(Instant(1000)));
    all[0].handle_timeout(Instant(1000));
    let mut said = Vec::new();
    let mut at = 0;
    for _ in 0..20 {
        let mut next = None;
        while let Some(output) = all[at].poll_output() {
            match output {
                Output::Send { ring, datagram, .. } => next = Some((ring, datagram)),
                Output::Note(note) => said.push(format!("{}: {note}", at + 1)),
                Output::Deliver(_) => panic!("no token"),
            }
        }
        let Some((ring, datagram)) = next else { break };
        at = 1 - at;
        assert_eq!(ring, 1, "on the ring that is tested");
        assert!(!all[at].handle_datagram(Instant(1001), ring, &datagram));
    }
    let expected = [
        "2: received message requesting test of ring now active",
        "1: received message requesting test of ring now active",
        "2: Received ring test activate message for ring 1 sent by node 1",
        "2: Automatically recovered ring 1",
        "1: Received ring test activate message for ring 1 sent by node 1",
        "1: Automatically recovered ring 1",
    ];
    assert_eq!(said, expected);
    for rings in &all {
        assert_eq!(rings.faulty(), RingSet::default());
    }
}

#[test]
fn forged_tests_end_here() {
    let mut rings = rings(Mode::Active, 1);
    for (ring_number, starter) in [(1, 9), (7, 2), (u32::MAX, 2)] {
        let test = RingTest {
            activate: true,
            ring_number,
            starter: NodeId(starter),
        };
        let mut bytes = Vec::new();
        Datagram::new(NodeId(2), Body::RingTest(test)).encode_into(Dialect::V2, &mut bytes);
        assert!(!rings.handle_datagram(Instant(0), 0, &bytes));
        assert!(
            !rings.handle_datagram(Instant(0), 9, &bytes),
            "no such ring"
        );
    }
    assert_eq!(outputs(&mut rings), Vec::<String>::new());
}

#[test]
fn with_many_members_a_token_is_not_waited_for_long() {
    let members: Vec<NodeId> = (1..=8).map(NodeId).collect();
    let mut active = rings(Mode::Active, 2);
    active.set_members(members.clone());
    assert!(!active.handle_datagram(Instant(0), 0, &token(1)));
    assert_eq!(active.poll_timeout(), Some(Instant(63)), "1000 / 16");
    let mut passive = rings(Mode::Passive, 2);
    passive.set_members(members);
    let bytes = Bytes::from(token(2));
    let first = passive.unicast(Instant(0), processor(1), &bytes);
    assert_eq!(passive.poll_timeout(), Some(Instant(63)));
    passive.handle_timeout(Instant(63));
    let other = 1 - first.iter().next().unwrap();
    assert_eq!(outputs(&mut passive), [format!("send {other}")]);
    // The ring protocol sends it once more; then the next one goes on as if nothing had been.
    let again = passive.unicast(Instant(238), processor(1), &bytes);
    assert!(again.iter().eq([1 - other]));
    let next = passive.unicast(Instant(300), processor(1), &Bytes::from(token(3)));
    assert!(next.iter().eq([other]));
    passive.handle_datagram(Instant(310), 0, &token(9));
    let due = passive.poll_timeout();
    assert_ne!(due, Some(Instant(363)), "a token came");
}
