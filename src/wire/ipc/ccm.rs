//! What the membership service tells its local clients.
//!
//! Layout: bodies of clplumbing frames, numbers of four bytes, native order:
//! ```text
//! 1 evicted, 3 in flux   i32 event
//! 2 new membership       i32 event, i32 n, i32 instance, i32 quorum, n × { i32 index, i32 born }
//! 4 nodes                i32 event, u32 n, i32 own index, n × { u32 index, char name[256] }
//! ```
//! Source: heartbeat 3.0.6, `membership/ccm/ccmlib.h`; `spec/ccm.md` section 9; seen in
//! `tests/wire/heartbeat-api/ccm-testclient.jsonl`.

use crate::ids::NodeName;
use crate::limits;

const EVICTED: u32 = 1;
const NEW_MEMBERSHIP: u32 = 2;
const INFLUX: u32 = 3;
const NODES: u32 = 4;
/// Path of the service's socket. Source: heartbeat 3.0.6.
pub const SOCKET: &str = "/run/heartbeat/ccm/ccm";

/// A name with its NULs.
const NAME_BYTES: usize = 256;

/// A message to a client. Clients say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// This node was put out. The real daemon never sends it.
    Evicted,
    /// A new membership; the nodes were told before.
    Membership {
        /// Number of the membership.
        instance: u32,
        /// Whether it has quorum.
        quorum: bool,
        /// Index of each member, and the instance at which it came.
        members: Vec<(u32, u32)>,
    },
    /// The next membership is being agreed on.
    Influx,
    /// All nodes of the cluster, members or not, by index.
    Nodes {
        /// This node's index.
        own: u32,
        /// The names.
        names: Vec<NodeName>,
    },
}

impl ClientEvent {
    /// The body of its frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |number: u32| out.extend_from_slice(&number.to_ne_bytes());
        match self {
            Self::Evicted => put(EVICTED),
            Self::Influx => put(INFLUX),
            Self::Membership {
                instance,
                quorum,
                members,
            } => {
                let count = u32::try_from(members.len()).unwrap_or(0);
                for number in [NEW_MEMBERSHIP, count, *instance, u32::from(*quorum)] {
                    put(number);
                }
                for (index, born) in members {
                    put(*index);
                    put(*born);
                }
            }
            Self::Nodes { own, names } => {
                let count = u32::try_from(names.len()).unwrap_or(0);
                for number in [NODES, count, *own] {
                    put(number);
                }
                for (index, name) in (0_u32..).zip(names) {
                    out.extend_from_slice(&index.to_ne_bytes());
                    let end = out.len() + NAME_BYTES;
                    out.extend_from_slice(name.as_str().as_bytes());
                    out.resize(end, 0);
                }
            }
        }
        out
    }

    /// Reads a body; `None` for what is none, or has more nodes than can be.
    pub fn decode(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        match take(&mut rest)? {
            EVICTED => Some(Self::Evicted),
            INFLUX => Some(Self::Influx),
            NEW_MEMBERSHIP => {
                let count = take_count(&mut rest)?;
                let (instance, quorum) = (take(&mut rest)?, take(&mut rest)? != 0);
                let member = |_| Some((take(&mut rest)?, take(&mut rest)?));
                let members = (0..count).map(member).collect::<Option<_>>()?;
                Some(Self::Membership {
                    instance,
                    quorum,
                    members,
                })
            }
            NODES => {
                let count = take_count(&mut rest)?;
                let own = take(&mut rest)?;
                let names = (0..count).map(|_| take_name(&mut rest));
                let names = names.collect::<Option<_>>()?;
                Some(Self::Nodes { own, names })
            }
            _ => None,
        }
    }
}

fn take(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u32::from_ne_bytes(*head))
}

fn take_count(rest: &mut &[u8]) -> Option<usize> {
    let count = usize::try_from(take(rest)?).ok()?;
    (count <= limits::HEARTBEAT_NODES_MAX).then_some(count)
}

fn take_name(rest: &mut &[u8]) -> Option<NodeName> {
    take(rest)?;
    let (name, tail) = rest.split_at_checked(NAME_BYTES)?;
    *rest = tail;
    let end = name.iter().position(|byte| *byte == 0)?;
    NodeName::new(std::str::from_utf8(name.get(..end)?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_back_as_they_went() {
        let name = |word: &str| NodeName::new(word).unwrap();
        for event in [
            ClientEvent::Evicted,
            ClientEvent::Influx,
            ClientEvent::Membership {
                instance: 7,
                quorum: true,
                members: vec![(0, 1), (2, 7)],
            },
            ClientEvent::Nodes {
                own: 1,
                names: vec![name("a"), name("b"), name("c")],
            },
        ] {
            let body = event.encode();
            assert_eq!(ClientEvent::decode(&body), Some(event));
            for end in 0..body.len() {
                assert_eq!(ClientEvent::decode(&body[..end]), None, "cut at {end}");
            }
        }
    }

    #[test]
    fn a_count_beyond_all_tables_is_refused() {
        let mut body = ClientEvent::Membership {
            instance: 1,
            quorum: true,
            members: Vec::new(),
        }
        .encode();
        body[4..8].copy_from_slice(&101_u32.to_ne_bytes());
        assert_eq!(ClientEvent::decode(&body), None);
        assert_eq!(ClientEvent::decode(&9_u32.to_ne_bytes()), None);
    }
}
