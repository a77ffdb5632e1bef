//! Somebody on the network who is no member: what he sends.

use crate::ids::NodeId;
use crate::limits;
use crate::proto::rng::Rng;
use crate::proto::totem::Bytes;
use crate::wire::totem::{
    Body, CommitToken, Datagram, Dialect, Encapsulated, Entry, HoldCancel, Join, Mcast,
    MergeDetect, OrfToken, Processor, Request, RingAddress, RingId, Seqno,
};

/// Datagrams that he remembers.
const HEARD_MAX: usize = 1000;

/// Remembers a datagram that was sent; of old and new ones some stay.
pub fn overhear(heard: &mut Vec<Bytes>, datagram: &Bytes) {
    if heard.len() < HEARD_MAX {
        return heard.push(datagram.clone());
    }
    // A place that depends on what is sent is as good as a drawn one.
    let sum = datagram.iter().fold(7_usize, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    heard[sum % HEARD_MAX] = datagram.clone();
}

/// Him.
pub struct Attacker {
    /// What he decides by.
    pub rng: Rng,
    dialect: Dialect,
    hosts: u64,
}

impl Attacker {
    /// Against a ring of so many hosts.
    pub fn new(rng: Rng, dialect: Dialect, hosts: usize) -> Self {
        Self {
            rng,
            dialect,
            hosts: hosts as u64,
        }
    }

    /// A datagram: junk, an old one, an old one that was changed, or a forged one.
    pub fn datagram(&mut self, heard: &[Bytes]) -> Bytes {
        let old = self.pick(heard).cloned();
        match (self.rng.below(10), old) {
            (0, _) | (_, None) => self.junk(),
            (1 | 2, Some(old)) => self.changed(&old),
            (3, Some(old)) => old,
            (_, Some(old)) => self.forged(&old, heard),
        }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.rng.below(from.len() as u64);
        from.get(usize::try_from(at).ok()?)
    }

    fn junk(&mut self) -> Bytes {
        let length = self.rng.below(1500);
        let byte = |_| self.rng.next_u64().to_le_bytes()[0];
        (0..length).map(byte).collect()
    }

    fn changed(&mut self, old: &[u8]) -> Bytes {
        let mut bytes = old.to_vec();
        for _ in 0..self.rng.between(1, 8) {
            let bit = self.rng.below(bytes.len() as u64 * 8);
            if let Some(byte) = bytes.get_mut(usize::try_from(bit / 8).unwrap_or(0)) {
                *byte ^= 1 << (bit % 8);
            }
        }
        match self.rng.below(4) {
            0 => {
                let length = self.rng.below(bytes.len() as u64);
                bytes.truncate(usize::try_from(length).unwrap_or(0));
            }
            1 => bytes.extend([0; 40]),
            _ => {}
        }
        bytes.into()
    }

    /// Well-formed, of numbers that fit what was heard.
    fn forged(&mut self, old: &Bytes, heard: &[Bytes]) -> Bytes {
        let from = self.processor();
        let mut node = from.node();
        let ring = self.ring(heard);
        let payload = self.junk();
        let seq = Seqno(self.number32());
        let body = match (self.rng.below(12), Datagram::decode(old, self.dialect)) {
            (0, _) => Body::MergeDetect(MergeDetect { from, ring }),
            (1, _) => Body::HoldCancel(HoldCancel { ring }),
            (2 | 3, _) => Body::Mcast(Mcast {
                encapsulated: match self.rng.percent(70) {
                    true => Encapsulated::Packet,
                    false => Encapsulated::Message,
                },
                from,
                seq,
                this_seqno: 0,
                ring,
                guarantee: 0,
                payload: &payload,
            }),
            (4 | 5, _) => Body::CommitToken(self.commit_token(ring)),
            (6 | 7, Ok(Datagram { body, .. })) if matches!(body, Body::OrfToken(_)) => {
                self.bent(body)
            }
            (6, _) => Body::OrfToken(self.token(ring)),
            _ => {
                if self.rng.percent(15) {
                    node = NodeId(0);
                }
                Body::Join(self.join(from, ring.seq))
            }
        };
        let mut bytes = Vec::new();
        Datagram::new(node, body).encode_into(self.dialect, &mut bytes);
        bytes.into()
    }

    /// Of a host mostly.
    fn processor(&mut self) -> Processor {
        let number = match self.rng.below(10) {
            0 => self.number32(),
            1 => u32::try_from(self.rng.below(2000)).unwrap_or(0),
            _ => u32::try_from(self.rng.between(1, self.hosts)).unwrap_or(1),
        };
        match self.dialect {
            Dialect::V3 => Processor::of_node(NodeId(number)),
            Dialect::V2 | Dialect::V1 => {
                let address = std::net::Ipv4Addr::from(0x0a09_0100 | number & 0xff);
                let address = RingAddress::new(NodeId(number), address.into());
                Processor {
                    addresses: [address, RingAddress::default()],
                }
            }
        }
    }

    fn processors(&mut self) -> Vec<Processor> {
        let count = match self.rng.below(6) {
            0 => limits::TOTEM_MEMBERS_MAX as u64,
            1 => self.rng.below(limits::TOTEM_MEMBERS_MAX as u64),
            _ => self.rng.below(self.hosts + 2),
        };
        let strangers = self.rng.percent(50);
        let all = 1..=self.hosts;
        let all = all.filter_map(|host| u32::try_from(host).ok());
        let mut list: Vec<Processor> = match strangers {
            true => Vec::new(),
            false => all.map(|host| Processor::of_node(NodeId(host))).collect(),
        };
        while (list.len() as u64) < count {
            let one = match strangers {
                true => Processor::of_node(NodeId(self.number32())),
                false => self.processor(),
            };
            list.push(one);
        }
        list.truncate(limits::TOTEM_MEMBERS_MAX);
        list
    }

    fn ring(&mut self, heard: &[Bytes]) -> RingId {
        let old = self.pick(heard).cloned().unwrap_or_else(|| [].into());
        let mut ring = match Datagram::decode(&old, self.dialect).map(|datagram| datagram.body) {
            Ok(Body::OrfToken(token)) => token.ring,
            Ok(Body::Mcast(mcast)) => mcast.ring,
            Ok(Body::CommitToken(token)) => token.ring,
            Ok(Body::MergeDetect(detect)) => detect.ring,
            Ok(Body::Join(join)) => RingId {
                rep: join.from.addresses[0],
                seq: join.ring_seq,
            },
            _ => RingId {
                rep: self.processor().addresses[0],
                seq: self.rng.below(100) * 4 + 1,
            },
        };
        match self.rng.below(12) {
            0 => ring.seq = u64::MAX - self.rng.below(10),
            1 => {
                let jump = limits::TOTEM_RING_SEQ_JUMP.wrapping_sub(self.rng.below(10));
                ring.seq = ring.seq.wrapping_add(jump);
            }
            2 => ring.seq = self.rng.next_u64(),
            3 | 4 => ring.seq = ring.seq.wrapping_add(4 * self.rng.below(10)),
            5 => ring.rep = self.processor().addresses[0],
            _ => {}
        }
        ring
    }

    fn number32(&mut self) -> u32 {
        let any = self.rng.next_u64().to_le_bytes();
        let any = u32::from_le_bytes([any[0], any[1], any[2], any[3]]);
        match self.rng.below(6) {
            0 => any,
            1 => u32::MAX - any % 8,
            2 => any % 20_000,
            _ => any % 64,
        }
    }

    fn join(&mut self, from: Processor, ring_seq: u64) -> Join {
        Join {
            from,
            processors: self.processors(),
            failed: match self.rng.percent(50) {
                true => Vec::new(),
                false => self.processors(),
            },
            ring_seq,
        }
    }

    fn commit_token(&mut self, ring: RingId) -> CommitToken {
        let mut members = self.processors();
        members.sort_unstable();
        members.dedup();
        let count = members.len() as u64;
        let filled = match self.rng.percent(30) {
            true => count,
            false => self.rng.below(count + 1),
        };
        let members = members.into_iter().map(|member| Entry {
            member,
            ring: RingId {
                seq: self.rng.below(100),
                ..ring
            },
            aru: Seqno(self.number32()),
            high_delivered: Seqno(self.number32()),
            received_flg: u32::from(self.rng.percent(50)),
        });
        CommitToken {
            members: members.collect(),
            token_seq: Seqno(self.number32()),
            ring,
            retrans_flg: 0,
            filled: u32::try_from(filled).unwrap_or(0),
        }
    }

    fn token(&mut self, ring: RingId) -> OrfToken {
        OrfToken {
            seq: Seqno(self.number32()),
            token_seq: Seqno(self.number32()),
            aru: Seqno(self.number32()),
            aru_addr: self.processor().node(),
            ring,
            backlog: self.number32(),
            fcc: self.number32(),
            retrans_flg: u32::from(self.rng.percent(50)),
            requests: self.requests(ring),
        }
    }

    fn requests(&mut self, ring: RingId) -> Vec<Request> {
        let count = self.rng.below(limits::TOTEM_RTR_ENTRIES_MAX as u64 + 1);
        let request = |_| Request {
            ring,
            seq: Seqno(self.number32()),
        };
        (0..count).map(request).collect()
    }

    /// A real token with one number changed.
    fn bent(&mut self, body: Body<'_>) -> Body<'static> {
        let Body::OrfToken(mut token) = body else {
            return Body::OrfToken(self.token(RingId::default()));
        };
        let more = self.number32();
        match self.rng.below(7) {
            0 => token.seq.0 = token.seq.0.wrapping_add(more),
            1 => token.aru.0 = token.aru.0.wrapping_add(more),
            2 => token.aru_addr = self.processor().node(),
            3 => token.retrans_flg ^= 1,
            4 => token.requests = self.requests(token.ring),
            5 => (token.backlog, token.fcc) = (self.number32(), more),
            _ => {}
        }
        token.token_seq.0 = token.token_seq.0.wrapping_add(self.number32());
        Body::OrfToken(token)
    }
}
