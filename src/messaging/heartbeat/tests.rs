//! A few layers on a bus that loses nothing.

use std::collections::VecDeque;

use super::*;
use crate::proto::ccm::Member as CcmMember;
use crate::proto::heartbeat::{CommUp, Delivery};

struct Bus {
    now: u64,
    layers: Vec<Heartbeat>,
    queue: VecDeque<(usize, Message)>,
    /// Nodes that hear nothing.
    deaf: BTreeSet<usize>,
}

fn name(node: usize) -> NodeName {
    NodeName::new(["a", "b", "c"][node]).unwrap()
}

fn layer(node: usize, uuid: u8) -> Heartbeat {
    let mut layer = Heartbeat::new(Config {
        local: name(node),
        uuid: NodeUuid([uuid; 16]),
    });
    layer.handle_event(at(0), &heartbeat::Event::CommUp(CommUp { complete: true }));
    layer
}

fn at(ms: u64) -> Now {
    Now {
        mono: Instant(ms),
        unix_s: 0,
    }
}

fn membership(instance: u32, nodes: &[usize], quorum: bool) -> ccm::Event {
    let member = |node: &usize| CcmMember {
        index: *node,
        name: name(*node),
        born: 1,
    };
    ccm::Event::Membership(ccm::Membership {
        instance,
        cookie: Cookie::new(format!("{instance} {nodes:?}").as_bytes()),
        quorum,
        leader: name(0),
        own: 0,
        members: nodes.iter().map(member).collect(),
        nodes: (0..3).map(name).collect(),
    })
}

impl Bus {
    fn new() -> Self {
        Self {
            now: 0,
            layers: (0..3).map(|node| layer(node, node as u8)).collect(),
            queue: VecDeque::new(),
            deaf: BTreeSet::new(),
        }
    }

    fn tell(&mut self, nodes: &[usize], event: &ccm::Event) {
        for node in nodes {
            self.layers[*node].handle_membership(at(self.now), event);
        }
        self.settle();
    }

    fn send(&mut self, node: usize, message: &[u8]) {
        self.layers[node].send(at(self.now), message);
        self.settle();
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        for layer in &mut self.layers {
            layer.handle_timeout(at(self.now));
        }
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            for (node, layer) in self.layers.iter_mut().enumerate() {
                while let Some(Output::Send(message)) = layer.poll_output() {
                    self.queue.push_back((node, *message));
                }
            }
            let Some((from, message)) = self.queue.pop_front() else {
                return;
            };
            for to in 0..self.layers.len() {
                let dest = message.text("dest").is_none_or(|dest| name(to) == *dest);
                if dest && !self.deaf.contains(&to) {
                    let event = heartbeat::Event::Deliver(Delivery {
                        from: name(from),
                        local: from == to,
                        message: message.clone(),
                    });
                    self.layers[to].handle_event(at(self.now), &event);
                }
            }
        }
    }

    /// What a node told: members with a star for quorum, messages, lines.
    fn told(&mut self, node: usize) -> Vec<String> {
        let layer = &mut self.layers[node];
        let events = std::iter::from_fn(|| layer.poll_event());
        let lines = events.map(|event| match event {
            Event::Membership(membership) => {
                let names = membership.members.iter().map(|m| m.name.as_str());
                let star = if membership.quorate { "*" } else { "" };
                format!("{}{star}", names.collect::<Vec<_>>().join(""))
            }
            Event::Message { message, .. } => match message.len() {
                ..100 => String::from_utf8(message).unwrap(),
                long => format!("{long} bytes"),
            },
            Event::Log(_, line) => line,
        });
        lines.collect()
    }
}

const ALL: [usize; 3] = [0, 1, 2];

#[test]
fn messages_of_all_come_in_one_order() {
    let mut bus = Bus::new();
    bus.tell(&ALL, &membership(1, &ALL, true));
    bus.send(2, b"one");
    bus.send(1, &[7; 3 * PART_BYTES_MAX]);
    bus.send(0, b"three");
    for node in ALL {
        assert_eq!(
            bus.told(node),
            ["abc*", "one", "138240 bytes", "three"],
            "{node}"
        );
    }
    assert_eq!(bus.layers[1].poll_timeout(), None, "nothing is under way");
}

#[test]
fn quorum_comes_and_goes_within_a_membership() {
    let mut bus = Bus::new();
    bus.tell(&ALL, &membership(1, &ALL, false));
    bus.tell(&ALL, &membership(1, &ALL, false));
    bus.tell(&ALL, &membership(1, &ALL, true));
    assert_eq!(bus.told(1), ["abc", "abc*"]);
}

#[test]
fn who_lacks_the_end_of_a_membership_gets_it_before_the_next() {
    let mut bus = Bus::new();
    bus.tell(&ALL, &membership(1, &ALL, true));
    bus.deaf.insert(2);
    bus.send(1, b"missed");
    bus.deaf.clear();
    bus.tell(&[1, 2], &membership(2, &[1, 2], true));
    bus.send(2, b"after");
    assert_eq!(bus.told(2), ["abc*", "missed", "bc*", "after"]);
    assert_eq!(bus.told(1), ["abc*", "missed", "bc*", "after"]);
}

#[test]
fn what_got_no_place_is_sent_in_the_next_membership() {
    let mut bus = Bus::new();
    bus.tell(&ALL, &membership(1, &ALL, true));
    bus.deaf.insert(0);
    bus.send(1, &[1; PART_BYTES_MAX + 1]);
    bus.send(1, b"second");
    assert_eq!(bus.told(1), ["abc*"]);
    bus.tell(&[1, 2], &membership(2, &[1, 2], true));
    for node in [1, 2] {
        assert_eq!(bus.told(node).last().unwrap(), "second");
    }
}

#[test]
fn who_is_cut_off_hears_nothing_that_the_others_lack_while_it_has_quorum() {
    for cut in ALL {
        let rest: Vec<usize> = ALL.into_iter().filter(|node| *node != cut).collect();
        let mut bus = Bus::new();
        bus.tell(&ALL, &membership(1, &ALL, true));
        bus.deaf.extend(&rest);
        bus.send(cut, b"of its own");
        bus.pass(400);
        assert_eq!(bus.told(cut), ["abc*"], "{cut}");
        bus.deaf = [cut].into();
        bus.send(rest[0], b"of the others");
        bus.pass(400);
        assert_eq!(bus.told(rest[1]), ["abc*"], "{cut}");
        bus.tell(&rest, &membership(2, &rest, true));
        assert!(bus.told(rest[1]).contains(&"of the others".to_owned()));
        bus.deaf = rest.iter().copied().collect();
        bus.tell(&[cut], &membership(2, &[cut], false));
        assert!(bus.told(cut).contains(&"of its own".to_owned()), "{cut}");
    }
}

#[test]
fn a_lost_word_of_what_a_member_has_is_asked_for() {
    let mut bus = Bus::new();
    bus.tell(&ALL, &membership(1, &ALL, true));
    bus.deaf.insert(2);
    bus.send(1, b"late");
    assert_eq!(bus.told(1), ["abc*"]);
    bus.deaf.clear();
    for _ in 0..3 {
        bus.pass(400);
    }
    for node in ALL {
        assert_eq!(bus.told(node).last().unwrap(), "late", "{node}");
        assert_eq!(
            bus.layers[node].poll_timeout(),
            None,
            "nothing is under way"
        );
    }
}

#[test]
fn a_node_that_started_again_meanwhile_is_seen_to_leave_and_come() {
    let mut bus = Bus::new();
    bus.tell(&ALL, &membership(1, &ALL, true));
    bus.layers[2] = layer(2, 2);
    bus.tell(&ALL, &membership(2, &ALL, true));
    assert_eq!(bus.told(0), ["abc*", "ab*", "abc*"]);
    assert_eq!(bus.told(2), ["abc*"]);
}

#[test]
fn a_node_that_is_put_out_has_no_quorum_unless_it_was_alone() {
    let mut bus = Bus::new();
    bus.tell(&ALL, &membership(1, &ALL, true));
    bus.tell(&[2], &ccm::Event::Evicted);
    bus.send(2, b"to itself");
    assert_eq!(bus.told(2), ["abc*", "c", "to itself"]);
    bus.tell(&[2], &membership(1, &[2], true));
    bus.tell(&[2], &ccm::Event::Evicted);
    assert_eq!(bus.told(2), ["c*"]);
}

#[test]
fn a_member_without_a_crm_is_named() {
    let mut bus = Bus::new();
    bus.deaf.insert(1);
    bus.layers[1] = Heartbeat::new(Config {
        local: name(1),
        uuid: NodeUuid([1; 16]),
    });
    bus.tell(&[0, 1], &membership(1, &[0, 1], true));
    for _ in 0..40 {
        bus.pass(400);
    }
    let told = bus.told(0);
    assert_eq!(told.len(), 1, "once: {told:?}");
    assert!(told[0].starts_with("b is a member and its CRM doesn't answer"));
}

#[test]
fn copies_of_a_node_are_refused() {
    let mut bus = Bus::new();
    bus.layers[1] = layer(1, 0);
    bus.tell(&[0, 1], &membership(1, &[0, 1], true));
    let told = bus.told(0);
    assert!(
        told[0].starts_with("two of the nodes a b have the same id"),
        "{told:?}"
    );
}
