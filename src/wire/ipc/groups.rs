//! What clients of process groups and the node say to each other.
//!
//! Layout: frames of u32 length and so many bytes of body, numbers little-endian:
//! ```text
//! client  1 join     u8 1, the group's name
//!         2 leave    u8 2
//!         3 send     u8 3, the message
//! node    4 refused  u8 4, why
//!         5 change   u8 5, u32 n, u32 left, u32 joined, n × { u32 node, u32 pid },
//!                    (left + joined) × { u32 node, u32 pid, u32 reason }
//!         6 message  u8 6, u8 part (0 whole, 1 first, 2 middle, 3 last), u32 node, u32 pid,
//!                    the message
//! ```
//! A client reads while it writes: one with much to read is not heard before it has read.
//!
//! Source: ours; what is said is that of corosync 3.1.7's libcpg.

use std::ops::Range;

use crate::ids::NodeId;
use crate::wire::cluster::{CpgName, PartialKind, Reason};
use crate::wire::cursor::{ByteOrder, Reader, Truncated, Writer};

/// Path of the socket.
pub const SOCKET: &str = "/run/everbeat/groups.sock";

/// Longest message of a client, bytes.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Longest body of a frame from a client, bytes.
pub const BODY_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 1;

/// Octets of a frame's length.
const LENGTH_BYTES: usize = 4;

const JOIN: u8 = 1;
const LEAVE: u8 = 2;
const SEND: u8 = 3;
const REFUSED: u8 = 4;
const CHANGE: u8 = 5;
const MESSAGE: u8 = 6;

/// Why a body can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GroupsError {
    /// It ends too early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// It is of no kind that is known, or has a name or a part that can't be.
    #[error("{0}")]
    Malformed(&'static str),
}

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish<'a> {
    /// Into a group.
    Join(CpgName),
    /// Out of it.
    Leave,
    /// This message is for the group.
    Send(&'a [u8]),
}

impl<'a> Wish<'a> {
    /// Reads the body of a frame.
    pub fn decode(body: &'a [u8]) -> Result<Self, GroupsError> {
        match body.split_first() {
            Some((&JOIN, name)) => {
                let name = CpgName::new(name);
                let long = GroupsError::Malformed("a name of more than 128 bytes");
                Ok(Self::Join(name.map_err(|_| long)?))
            }
            Some((&LEAVE, _)) => Ok(Self::Leave),
            Some((&SEND, message)) => Ok(Self::Send(message)),
            _ => Err(GroupsError::Malformed("a wish that is none of 1, 2 and 3")),
        }
    }

    /// Appends the frame.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Join(name) => frame(out, |w| {
                w.u8(JOIN);
                w.bytes(name.as_bytes());
            }),
            Self::Leave => frame(out, |w| w.u8(LEAVE)),
            Self::Send(message) => frame(out, |w| {
                w.u8(SEND);
                w.bytes(message);
            }),
        }
    }
}

/// A process that joined or left, and why.
pub type Moved = (NodeId, u32, Reason);

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<'a> {
    /// What it wanted can't be; the words are those of corosync's library.
    Refused(String),
    /// The group changed.
    Change {
        /// Who is in it now: node and process.
        members: Vec<(NodeId, u32)>,
        /// Who left it.
        left: Vec<Moved>,
        /// Who joined it.
        joined: Vec<Moved>,
    },
    /// A message to the group, or a part of one.
    Message {
        /// Who sent it.
        node: NodeId,
        /// And which process.
        pid: u32,
        /// Which part it is; absent for a whole message.
        part: Option<PartialKind>,
        /// What it says.
        data: &'a [u8],
    },
}

impl<'a> Told<'a> {
    /// Reads the body of a frame.
    pub fn decode(body: &'a [u8]) -> Result<Self, GroupsError> {
        let mut reader = Reader::new(body, ByteOrder::Little);
        match reader.u8()? {
            REFUSED => {
                let why = String::from_utf8_lossy(reader.rest()).into_owned();
                Ok(Self::Refused(why))
            }
            CHANGE => {
                let counts = [reader.u32()?, reader.u32()?, reader.u32()?];
                let mut members = Vec::new();
                for _ in 0..counts[0] {
                    members.push((NodeId(reader.u32()?), reader.u32()?));
                }
                let left = moved(&mut reader, counts[1])?;
                let joined = moved(&mut reader, counts[2])?;
                Ok(Self::Change {
                    members,
                    left,
                    joined,
                })
            }
            MESSAGE => {
                let part = match reader.u8()? {
                    0 => None,
                    1 => Some(PartialKind::First),
                    2 => Some(PartialKind::Middle),
                    3 => Some(PartialKind::Last),
                    _ => return Err(GroupsError::Malformed("a part above 3")),
                };
                let (node, pid) = (NodeId(reader.u32()?), reader.u32()?);
                let data = reader.rest();
                Ok(Self::Message {
                    node,
                    pid,
                    part,
                    data,
                })
            }
            _ => Err(GroupsError::Malformed(
                "an event that is none of 4, 5 and 6",
            )),
        }
    }

    /// Appends the frame.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Refused(why) => frame(out, |w| {
                w.u8(REFUSED);
                w.bytes(why.as_bytes());
            }),
            Self::Change {
                members,
                left,
                joined,
            } => frame(out, |w| {
                w.u8(CHANGE);
                for count in [members.len(), left.len(), joined.len()] {
                    w.u32(count as u32);
                }
                for (node, pid) in members {
                    w.u32(node.0);
                    w.u32(*pid);
                }
                for (node, pid, reason) in left.iter().chain(joined) {
                    w.u32(node.0);
                    w.u32(*pid);
                    w.u32(reason.0);
                }
            }),
            Self::Message {
                node,
                pid,
                part,
                data,
            } => frame(out, |w| {
                w.u8(MESSAGE);
                w.u8(match part {
                    None => 0,
                    Some(PartialKind::First) => 1,
                    Some(PartialKind::Middle) => 2,
                    Some(PartialKind::Last) => 3,
                });
                w.u32(node.0);
                w.u32(*pid);
                w.bytes(data);
            }),
        }
    }
}

fn moved(reader: &mut Reader<'_>, count: u32) -> Result<Vec<Moved>, GroupsError> {
    let mut all = Vec::new();
    for _ in 0..count {
        let (node, pid) = (NodeId(reader.u32()?), reader.u32()?);
        all.push((node, pid, Reason(reader.u32()?)));
    }
    Ok(all)
}

fn frame(out: &mut Vec<u8>, body: impl FnOnce(&mut Writer<'_>)) {
    let at = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    body(&mut Writer::new(out, ByteOrder::Little));
    let length = (out.len() - at - LENGTH_BYTES) as u32;
    if let Some(place) = out.get_mut(at..at + LENGTH_BYTES) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Where the body of the frame at the beginning of `bytes` is; none if it isn't whole yet.
///
/// Errors: it is longer than `max`.
pub fn body(bytes: &[u8], max: usize) -> Result<Option<Range<usize>>, GroupsError> {
    let Some(length) = bytes.first_chunk() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*length) as usize;
    if length > max {
        return Err(GroupsError::Malformed("a frame that is too long"));
    }
    let end = LENGTH_BYTES + length;
    Ok((bytes.len() >= end).then_some(LENGTH_BYTES..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> &[u8] {
        let range = body(bytes, BODY_BYTES_MAX).expect("short enough");
        let range = range.expect("whole");
        assert_eq!(range.end, bytes.len());
        &bytes[range]
    }

    #[test]
    fn wishes_come_back_as_they_were_said() {
        let group = CpgName::new(b"web").expect("a name");
        for wish in [Wish::Join(group), Wish::Leave, Wish::Send(&[0, 9, 255])] {
            let mut bytes = Vec::new();
            wish.encode_into(&mut bytes);
            assert_eq!(Wish::decode(one(&bytes)), Ok(wish));
            assert_eq!(body(&bytes[..bytes.len() - 1], 99), Ok(None));
        }
        assert!(Wish::decode(&[]).is_err());
        assert!(Wish::decode(&[4]).is_err());
        assert!(Wish::decode(&[&[JOIN][..], &[b'x'; 129]].concat()).is_err());
    }

    #[test]
    fn events_come_back_as_they_were_told() {
        let change = Told::Change {
            members: vec![(NodeId(1), 7), (NodeId(2), 8)],
            left: vec![(NodeId(3), 9, Reason::NODE_DOWN)],
            joined: vec![(NodeId(2), 8, Reason::JOIN)],
        };
        let message = |part| Told::Message {
            node: NodeId(2),
            pid: 8,
            part,
            data: b"hello",
        };
        let why = Told::Refused("CS_ERR_EXIST".to_owned());
        let parts = [None, Some(PartialKind::First), Some(PartialKind::Last)];
        let all = [change, why].into_iter().chain(parts.map(message));
        for told in all {
            let mut bytes = Vec::new();
            told.encode_into(&mut bytes);
            assert_eq!(Told::decode(one(&bytes)).as_ref(), Ok(&told));
        }
    }

    #[test]
    fn what_claims_more_than_it_has_is_refused() {
        let mut lie = vec![CHANGE];
        lie.extend_from_slice(&[0xff; 12]);
        assert!(matches!(Told::decode(&lie), Err(GroupsError::Truncated(_))));
        assert!(body(&[0xff; 8], BODY_BYTES_MAX).is_err());
        assert!(Told::decode(&[MESSAGE, 4, 0, 0]).is_err());
    }
}
