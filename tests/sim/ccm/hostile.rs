//! One machine that hears whatever may come: it goes on, says little, and is a member of what it
//! says it is a member of.

use std::time::Duration;

use everbeat::ids::NodeName;
use everbeat::proto::ccm::{Ccm, CcmConfig, CcmNode, Event, Output, quorum};
use everbeat::proto::heartbeat::{Mode, NodeChange, NodeKind, NodeStatus};
use everbeat::proto::rng::Rng;
use everbeat::time::{Instant, Now};
use everbeat::wire::ccm::{Bitmap, Body, CcmMessage, Context, Cookie, MemList};

use super::stack::name_of;

const NODES: usize = 4;
/// Inputs of one run.
const INPUTS: u32 = 20_000;
/// Runs.
const RUNS: u64 = if cfg!(debug_assertions) { 3 } else { 50 };
/// What one input may lead to at most, our own messages that come back included.
const OUTPUTS_MAX: u32 = 40;

struct Hostile {
    rng: Rng,
    machine: Ccm,
    now: u64,
}

impl Hostile {
    fn new(seed: u64) -> Self {
        let node = |host| CcmNode {
            name: name_of(host),
            status: NodeStatus::Active,
            weight: 100,
        };
        let config = CcmConfig {
            local: name_of(1),
            nodes: (0..NODES).map(node).collect(),
            keepalive: Duration::from_secs(1),
            quorum: quorum::DEFAULT.into(),
        };
        let now = Now {
            mono: Instant(0),
            unix_s: 0,
        };
        Self {
            rng: Rng::new(seed),
            machine: Ccm::new(config, now, seed),
            now: 0,
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: Instant(self.now),
            unix_s: self.now / 1000,
        }
    }

    fn peer(&mut self) -> NodeName {
        name_of(usize::try_from(self.rng.below(NODES as u64 + 1)).unwrap())
    }

    fn bitmap(&mut self) -> Bitmap {
        let bits = if self.rng.percent(95) { NODES } else { 100 };
        (0..bits).filter(|_| self.rng.percent(60)).collect()
    }

    /// Numbers near the machine's own, so that the filters let them through; now and then wild.
    fn number(&mut self, near: u32) -> u32 {
        match self.rng.below(20) {
            0 => i32::MAX as u32,
            1 => 0,
            2 => near.saturating_sub(1),
            3 => near + 1,
            _ => near,
        }
    }

    fn cookie(&mut self) -> Cookie {
        match self.rng.percent(80) {
            true => self.machine.cookie().clone(),
            false => Cookie::new(&[b'a'; 14]),
        }
    }

    fn word(&mut self) -> Vec<u8> {
        match self.rng.below(8) {
            0 => b"CCM_STATE_JOINED".to_vec(),
            1 => vec![0xff; 300],
            _ => self.peer().as_str().into(),
        }
    }

    fn body(&mut self) -> Body {
        let near = self.machine.transition().0;
        match self.rng.below(14) {
            0 => Body::ProtoVersion,
            1 => Body::ProtoVersionResp {
                protocol: 0,
                members: self.number(2),
            },
            2 => Body::Alive,
            3 => Body::NewNode(self.word()),
            4 => {
                let members = self.bitmap();
                let uptimes = members.iter().map(|_| self.number(near)).collect();
                Body::MemList(MemList {
                    members,
                    quorum: self.rng.percent(50),
                    uptimes,
                    cookie: self.cookie(),
                })
            }
            5 | 6 => Body::Join,
            7 => Body::ReqMemList,
            8 => Body::ResMemList {
                largest_major: self.number(near),
                heard: self.rng.percent(80).then(|| self.bitmap()),
            },
            9 => Body::FinalMemList {
                major: self.number(near),
                members: self.bitmap(),
                quorum: self.rng.percent(50),
                cookie: self.cookie(),
            },
            10 => Body::Abort,
            11 => Body::NodeLeaveNotice(self.word()),
            12 => Body::NodeLeave(self.word()),
            _ if self.rng.percent(30) => Body::Restart,
            _ => Body::StateInfo(self.word()),
        }
    }

    fn input(&mut self) {
        let (now, peer) = (self.now(), self.peer());
        match self.rng.below(20) {
            0 => {
                let status = if self.rng.percent(50) {
                    NodeStatus::Dead
                } else {
                    NodeStatus::Active
                };
                let change = NodeChange {
                    node: peer,
                    kind: NodeKind::Normal,
                    mode: Mode::Heartbeat,
                    was: NodeStatus::Active,
                    status,
                    cause: None,
                };
                self.machine.handle_node(now, &change);
            }
            1 => {
                let here = self.rng.percent(50);
                self.machine.handle_service(now, &peer, here);
            }
            2 | 3 => {
                self.now += self.rng.below(8000);
                let now = self.now();
                self.machine.handle_timeout(now);
            }
            _ => {
                let (major, minor) = self.machine.transition();
                let body = self.body();
                let bare = matches!(body, Body::ProtoVersion | Body::Restart);
                let context = (!bare).then(|| Context {
                    cookie: self.cookie(),
                    uptime: self.number(major),
                    minor: self.number(minor),
                });
                let message = CcmMessage {
                    major: self.number(major),
                    nodes: if self.rng.percent(98) {
                        NODES as u32
                    } else {
                        7
                    },
                    context,
                    body,
                };
                self.machine.handle_message(now, &peer, &message.encode());
            }
        }
    }

    /// Takes what the machine has to say; what is for itself comes back. How much it was.
    fn drain(&mut self) -> u32 {
        let mut count = 0;
        while let Some(output) = self.machine.poll_output() {
            count += u32::from(!matches!(output, Output::Log(..)));
            match output {
                Output::Send(to, message) if to.as_ref().is_none_or(|to| *to == name_of(1)) => {
                    let now = self.now();
                    self.machine
                        .handle_message(now, &name_of(1), &message.encode());
                }
                Output::Event(Event::Membership(membership)) => {
                    assert!(membership.members.iter().any(|m| m.index == 1));
                    assert!(membership.members.iter().all(|m| m.index < NODES));
                }
                _ => {}
            }
        }
        count
    }
}

#[test]
fn nonsense_ends_nothing() {
    for seed in 1..=RUNS {
        let mut hostile = Hostile::new(seed);
        for input in 0..INPUTS {
            hostile.input();
            let count = hostile.drain();
            assert!(
                count <= OUTPUTS_MAX,
                "seed {seed}, input {input}: {count} outputs"
            );
        }
        // Time makes it act: nothing keeps it in a state for ever.
        assert!(hostile.machine.poll_timeout().is_some() || hostile.machine.transition().0 > 0);
    }
}
