use super::*;
use crate::proto::totem::{Configuration, Phase};
use crate::time::Instant;
use crate::wire::cluster::CpgName;
use crate::wire::cursor::ByteOrder;
use crate::wire::totem::{Dialect, Processor};
use crate::wire::totempg::Addressed;

const NOW: Now = Now {
    mono: Instant(0),
    unix_s: 0,
};

/// Nodes on one ring, whose order is that of this queue.
struct Ring {
    nodes: Vec<(NodeId, Services)>,
    seen: Vec<Output>,
}

fn node(id: u32, nodes: u32, version: u64) -> (NodeId, Services) {
    let config = quorum::Config {
        node: NodeId(id),
        votes: 1,
        expected_votes: nodes,
        two_node: false,
        wait_for_all: false,
        last_man_standing: None,
        tie_breaker: None,
        allow_downscale: false,
        tracking: false,
    };
    let votes = quorum::Machine::new(config, 0);
    (
        NodeId(id),
        Services::new(NodeId(id), Dialect::V3, 1410, version, Some(votes)),
    )
}

impl Ring {
    fn change(&mut self, seq: u64, along: &[u32]) {
        let all: Vec<Processor> = self
            .nodes
            .iter()
            .map(|(n, _)| Processor::of_node(*n))
            .collect();
        let ring = RingId::of_node(self.nodes[0].0, seq);
        for (number, services) in &mut self.nodes {
            let mut along: Vec<u32> = along.to_vec();
            if !along.contains(&number.0) {
                along = vec![number.0];
            }
            let change = |phase, members| Configuration {
                phase,
                ring,
                members,
                left: Vec::new(),
                joined: Vec::new(),
            };
            let along = along
                .iter()
                .map(|n| Processor::of_node(NodeId(*n)))
                .collect();
            services.handle_configuration(NOW, &change(Phase::Transitional, along));
            services.handle_configuration(NOW, &change(Phase::Regular, all.clone()));
        }
        self.settle();
    }

    /// Packets of synchronisation go before others.
    fn settle(&mut self) {
        let (mut sync, mut usual) = (VecDeque::new(), VecDeque::new());
        loop {
            for (from, services) in &mut self.nodes {
                while let Some(output) = services.poll_output() {
                    match output {
                        Output::SyncPacket(packet) => sync.push_back((*from, packet)),
                        Output::Packet(packet) => usual.push_back((*from, packet)),
                        other => self.seen.push(other),
                    }
                }
            }
            let busy = self.nodes.iter().any(|(_, s)| s.is_synchronising());
            let next = sync.pop_front().or_else(|| match busy {
                true => None,
                false => usual.pop_front(),
            });
            let Some((from, packet)) = next else { return };
            for (_, services) in &mut self.nodes {
                services.handle_packet(from, ByteOrder::NATIVE, &packet);
            }
        }
    }
}

#[test]
fn three_nodes_come_to_quorum_and_groups() {
    let nodes = (1..=3).map(|id| node(id, 3, 0)).collect();
    let mut ring = Ring {
        nodes,
        seen: Vec::new(),
    };
    ring.change(5, &[]);
    let quorate =
        |o: &&Output| matches!(o, Output::Verdict(v) if v.quorate && v.members.len() == 3);
    assert_eq!(ring.seen.iter().filter(quorate).count(), 3);
    let completed = |o: &&Output| matches!(o, Output::SyncCompleted(_));
    assert_eq!(ring.seen.iter().filter(completed).count(), 3);
    let group = CpgName::new(b"web").unwrap();
    let client = cpg::ClientId(1);
    for (number, services) in &mut ring.nodes {
        services.cpg().join(client, 100 + number.0, &group).unwrap();
        services.pump();
    }
    ring.settle();
    let data = vec![0xA5; cpg::PIECE_BYTES_MAX];
    ring.seen.clear();
    ring.nodes[1]
        .1
        .cpg()
        .multicast(client, data.clone())
        .unwrap();
    ring.nodes[1].1.pump();
    ring.settle();
    let heard = |o: &&Output| match o {
        Output::Group(_, cpg::Event::Message { node, data: d, .. }) => {
            *node == NodeId(2) && d[..] == data[..]
        }
        _ => false,
    };
    assert_eq!(ring.seen.iter().filter(heard).count(), 3);
}

#[test]
fn an_old_configuration_is_noticed() {
    let nodes = vec![node(1, 2, 4), node(2, 2, 5)];
    let mut ring = Ring {
        nodes,
        seen: Vec::new(),
    };
    ring.change(5, &[]);
    let old = Output::OldConfiguration { own: 4, highest: 5 };
    let is_old = |o: &&Output| matches!(o, Output::OldConfiguration { .. });
    let all: Vec<_> = ring.seen.iter().filter(is_old).collect();
    assert_eq!(all, [&old]);
}

/// Source: the capture cs-form: what a node of 3.1.7 sends when it is alone.
#[test]
fn a_node_alone_says_what_a_real_one_says() {
    let (id, mut services) = node(1, 3, 0);
    let mut said = Vec::new();
    let ring = RingId::of_node(id, 5);
    let members = vec![Processor::of_node(id)];
    for phase in [Phase::Transitional, Phase::Regular] {
        let change = Configuration {
            phase,
            ring,
            members: members.clone(),
            left: Vec::new(),
            joined: Vec::new(),
        };
        services.handle_configuration(NOW, &change);
    }
    let mut assembler = Assembler::new();
    while let Some(output) = services.poll_output() {
        let (Output::Packet(packet) | Output::SyncPacket(packet)) = output else {
            continue;
        };
        services.handle_packet(id, ByteOrder::NATIVE, &packet);
        for message in assembler.receive(id, &packet, ByteOrder::NATIVE).unwrap() {
            let addressed = Addressed::decode(&message, ByteOrder::NATIVE).unwrap();
            said.push((
                addressed.is_for(b"sync"),
                addressed.body[0],
                addressed.body[2],
                addressed.body.len(),
            ));
        }
    }
    let (build, barrier) = ((true, 1, 0, 552), (true, 0, 0, 32));
    let (info, version, downlist) = ((false, 0, 5, 32), (false, 0, 0, 328), (false, 5, 2, 1568));
    assert_eq!(
        said,
        [
            info, build, version, barrier, downlist, barrier, barrier, info, info, barrier
        ]
    );
}

/// Its first packet comes before a hole in the old ring, the others behind it, after the
/// transitional configuration.
#[test]
fn a_message_that_a_hole_cuts_in_two_is_whole() {
    let nodes = (1..=2).map(|id| node(id, 2, 0)).collect();
    let mut ring = Ring {
        nodes,
        seen: Vec::new(),
    };
    ring.change(5, &[]);
    let group = CpgName::new(b"web").unwrap();
    let client = cpg::ClientId(1);
    for (number, services) in &mut ring.nodes {
        services.cpg().join(client, 100 + number.0, &group).unwrap();
        services.pump();
    }
    ring.settle();
    ring.seen.clear();
    let (from, sender) = &mut ring.nodes[1];
    let from = *from;
    sender.cpg().multicast(client, vec![7; 4000]).unwrap();
    sender.pump();
    let mut packets = VecDeque::new();
    while let Some(Output::Packet(packet)) = sender.poll_output() {
        packets.push_back(packet);
    }
    assert_eq!(packets.len(), 3);
    let members = vec![Processor::of_node(NodeId(1)), Processor::of_node(from)];
    let change = |phase| Configuration {
        phase,
        ring: RingId::of_node(NodeId(1), 9),
        members: members.clone(),
        left: Vec::new(),
        joined: Vec::new(),
    };
    let hearer = &mut ring.nodes[0].1;
    hearer.handle_packet(from, ByteOrder::NATIVE, &packets.pop_front().unwrap());
    hearer.handle_configuration(NOW, &change(Phase::Transitional));
    for packet in packets {
        hearer.handle_packet(from, ByteOrder::NATIVE, &packet);
    }
    hearer.handle_configuration(NOW, &change(Phase::Regular));
    let mut heard = 0;
    while let Some(output) = hearer.poll_output() {
        heard += match output {
            Output::Group(_, cpg::Event::Message { data, .. }) => data.len(),
            _ => 0,
        };
    }
    assert_eq!(heard, 4000);
}
