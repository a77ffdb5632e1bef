//! What no node of ours would send: the fencer goes on, comes to rest, and keeps within bounds.

use super::*;
use crate::proto::rng::Rng;
use crate::wire::crm::{Capable, FenceQuery, FenceStart, FenceableBy, Vigil};

/// A message with fields by chance; names and numbers are often those that mean something.
fn message(rng: &mut Rng) -> Message {
    let ticket = FenceTicket {
        origin: NodeId(u32::try_from(rng.below(5)).unwrap()),
        number: rng.below(4),
    };
    let name = ["n1", "N2", "n3", "", "watchdog", "sw"][usize::try_from(rng.below(6)).unwrap()];
    let action = ["off", "reboot", "on", "x"][usize::try_from(rng.below(4)).unwrap()];
    let big = [0, 1, 5000, u64::MAX - 1][usize::try_from(rng.below(4)).unwrap()];
    let node = NodeId(u32::try_from(rng.below(5)).unwrap());
    let flag = rng.below(2) == 0;
    match rng.below(7) {
        0 => Message::FenceQuery(FenceQuery {
            ticket,
            leader: node,
            target: name.into(),
            action: action.into(),
            client: name.into(),
            timeout_ms: big,
            delay_s: big.cast_signed(),
        }),
        1 => Message::FenceableBy(FenceableBy {
            ticket,
            devices: vec![Capable {
                device: name.into(),
                verified: flag,
                priority: i32::MAX,
                timeout_ms: flag.then_some(big),
                delay_ms: big,
                unfences: !flag,
            }],
        }),
        2 => Message::FenceStart(FenceStart {
            ticket,
            node,
            device: name.into(),
            target: "n2".into(),
            action: action.into(),
            timeout_ms: big,
            delay_s: -1,
            last: flag,
        }),
        3 => Message::FenceResult(FenceResult {
            ticket,
            last: flag,
            device: name.into(),
            target: "n3".into(),
            action: action.into(),
            client: String::new(),
            exit: i32::from(flag),
            status: i32::MIN,
            reason: "x".into(),
            unix_s: big,
            delegate: name.into(),
        }),
        4 => Message::FenceCleanup {
            target: flag.then(|| name.into()),
        },
        5 => Message::FenceHistoryWanted,
        _ => Message::Vigil(Vigil {
            number: big,
            asks: flag,
            resets_ms: (!flag).then_some(big),
            heard: vec![(node, big), (NodeId(1), u64::MAX)],
            gone: vec![(name.into(), flag.then_some(big)); 300],
        }),
    }
}

#[test]
fn a_fencer_goes_on_whatever_it_hears() {
    let devices = super::device("sw", "fence_x", &[("pcmk_host_list", "n1 n2 n3")]);
    let options = "<crm_config><cluster_property_set id='o'>\
        <nvpair id='w' name='stonith-watchdog-timeout' value='10s'/></cluster_property_set>\
        </crm_config>";
    let configured = cib(&devices, "").clone();
    let text = crate::cib::writer::compact(&configured, configured.root());
    let configured = read(&text.replace("<crm_config/>", options)).unwrap();
    for seed in 1..=60 {
        let mut rng = Rng::new(seed);
        let mut bench = Bench::new(&configured, all_well());
        for _ in 0..100 {
            let from = NodeId(u32::try_from(1 + rng.below(4)).unwrap());
            let message = message(&mut rng);
            let bytes = message.encode();
            assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message));
            // A part of it, or a byte of it changed, is refused or is another message.
            let mut broken = bytes.clone();
            let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
            broken[at] ^= 1 << rng.below(8);
            let _ = Message::decode(&broken[..bytes.len() - usize::from(rng.below(2) == 0)]);
            bench
                .queue
                .push_back((from, Message::decode(&broken).unwrap_or(message)));
            bench.settle();
            if rng.below(4) == 0 {
                bench.pass(1);
            }
        }
        bench.pass(30);
        assert!((1..=3).all(|id| bench.fencers[&id].history().records().len() <= 500));
    }
}
