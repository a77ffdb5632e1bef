//! Messages of the sequencer on heartbeat's media: one order of the messages of all senders.
//!
//! Layout: 1 byte format (2), 1 byte kind, the view (u32 instance, u8 length and bytes of its
//! cookie), then by kind, big endian:
//!
//! ```text
//! 1 flush    u8 flags (1 again, 2 closed, 4 has a view before), that view, u64 have,
//!            16 bytes uuid
//! 2 ready    -
//! 3 submit   u64 number, the piece
//! 4 ordered  u64 place, u16 sender, u64 number, u64 stable, u8 flags (1 more follows), the piece
//! 5 beat     u64 last place, u64 stable
//! 6 have     u64 have
//! 7 want     u64 first place, u64 last place
//! 8 missing  u64 number
//! ```
//!
//! The datagrams they travel in are authenticated before; who sent one is said there.

use thiserror::Error;

use super::ccm::Cookie;
use super::cursor::{ByteOrder, Reader, Truncated, Writer};
use crate::ids::NodeUuid;

/// The only format.
const FORMAT: u8 = 2;

/// A membership by its number and its name, which no other one has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct View {
    /// Its number.
    pub instance: u32,
    /// Its name.
    pub cookie: Cookie,
}

/// A piece of a message with its place in the order of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    /// From 1 on.
    pub place: u64,
    /// The sender's position among the members of the view.
    pub sender: u16,
    /// The number that the sender gave it, from 1 on.
    pub number: u64,
    /// The piece.
    pub piece: Vec<u8>,
}

/// What one member tells others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// This member goes to the view, and says where it comes from.
    Flush {
        /// Something is missing here: whoever has sent its own flush should send it again.
        again: bool,
        /// It takes nothing more of the view before: it was ready for another one already.
        closed: bool,
        /// Where it comes from, if it was anywhere.
        before: Option<View>,
        /// It has all pieces of the view before up to this place.
        have: u64,
        /// The node's own id.
        uuid: NodeUuid,
    },
    /// It has all that those with the same view before have.
    Ready,
    /// For the first member: put it in order.
    Submit {
        /// From 1 on in each view.
        number: u64,
        /// The piece.
        piece: Vec<u8>,
    },
    /// For all: this piece is in this place.
    Ordered {
        /// All members have the pieces up to this place.
        stable: u64,
        /// The next one follows at once: no need to say that this one came.
        more: bool,
        /// The piece.
        ordered: Ordered,
    },
    /// For all, or who asks with the same: the last place that was given.
    Beat {
        /// The place.
        last: u64,
        /// All members have the pieces up to this place.
        stable: u64,
    },
    /// For all: all pieces up to this place came.
    Have {
        /// The place.
        have: u64,
    },
    /// For the first member: these places did not come.
    Want {
        /// From this one.
        first: u64,
        /// To this one.
        last: u64,
    },
    /// To a sender: pieces from this number on did not come.
    Missing {
        /// The number.
        number: u64,
    },
}

/// Why bytes are no frame.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Another version wrote them.
    #[error("format {0} of ordered messages isn't known: run the same version on all nodes")]
    Format(u8),
    /// It ends before its fields.
    #[error("{0}")]
    Truncated(#[from] Truncated),
    /// A kind that isn't known here.
    #[error("ordered message of unknown kind {0}")]
    Kind(u8),
}

impl Frame {
    fn kind(&self) -> u8 {
        match self {
            Self::Flush { .. } => 1,
            Self::Ready => 2,
            Self::Submit { .. } => 3,
            Self::Ordered { .. } => 4,
            Self::Beat { .. } => 5,
            Self::Have { .. } => 6,
            Self::Want { .. } => 7,
            Self::Missing { .. } => 8,
        }
    }

    /// As bytes.
    pub fn encode(&self, view: &View) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.piece_bytes());
        let mut writer = Writer::new(&mut bytes, ByteOrder::Big);
        writer.u8(FORMAT);
        writer.u8(self.kind());
        put_view(&mut writer, view);
        match self {
            Self::Flush {
                again,
                closed,
                before,
                have,
                uuid,
            } => {
                let before_is = u8::from(before.is_some());
                writer.u8(u8::from(*again) | u8::from(*closed) << 1 | before_is << 2);
                if let Some(before) = before {
                    put_view(&mut writer, before);
                }
                writer.u64(*have);
                writer.bytes(&uuid.0);
            }
            Self::Ready => {}
            Self::Submit { number, piece } => {
                writer.u64(*number);
                writer.bytes(piece);
            }
            Self::Ordered {
                stable,
                more,
                ordered,
            } => {
                writer.u64(ordered.place);
                writer.u16(ordered.sender);
                writer.u64(ordered.number);
                writer.u64(*stable);
                writer.u8(u8::from(*more));
                writer.bytes(&ordered.piece);
            }
            Self::Beat { last, stable } => {
                writer.u64(*last);
                writer.u64(*stable);
            }
            Self::Have { have } => writer.u64(*have),
            Self::Want { first, last } => {
                writer.u64(*first);
                writer.u64(*last);
            }
            Self::Missing { number } => writer.u64(*number),
        }
        bytes
    }

    fn piece_bytes(&self) -> usize {
        match self {
            Self::Submit { piece, .. } => piece.len(),
            Self::Ordered { ordered, .. } => ordered.piece.len(),
            _ => 0,
        }
    }

    /// Reads it.
    ///
    /// Errors: see [`FrameError`].
    pub fn decode(bytes: &[u8]) -> Result<(View, Self), FrameError> {
        let mut reader = Reader::new(bytes, ByteOrder::Big);
        match reader.u8()? {
            FORMAT => {}
            other => return Err(FrameError::Format(other)),
        }
        let kind = reader.u8()?;
        let view = view(&mut reader)?;
        let frame = match kind {
            1 => flush(&mut reader)?,
            2 => Self::Ready,
            3 => Self::Submit {
                number: reader.u64()?,
                piece: reader.rest().to_vec(),
            },
            4 => ordered(&mut reader)?,
            5 => Self::Beat {
                last: reader.u64()?,
                stable: reader.u64()?,
            },
            6 => Self::Have {
                have: reader.u64()?,
            },
            7 => Self::Want {
                first: reader.u64()?,
                last: reader.u64()?,
            },
            8 => Self::Missing {
                number: reader.u64()?,
            },
            other => return Err(FrameError::Kind(other)),
        };
        Ok((view, frame))
    }
}

fn put_view(writer: &mut Writer, view: &View) {
    writer.u32(view.instance);
    let cookie = view.cookie.as_bytes();
    // A cookie has 15 bytes at most.
    writer.u8(u8::try_from(cookie.len()).unwrap_or(0));
    writer.bytes(cookie);
}

fn view(reader: &mut Reader) -> Result<View, Truncated> {
    let instance = reader.u32()?;
    let length = reader.u8()?;
    let cookie = Cookie::new(reader.bytes(length.into())?);
    Ok(View { instance, cookie })
}

fn flush(reader: &mut Reader) -> Result<Frame, Truncated> {
    let flags = reader.u8()?;
    let before = match flags & 4 {
        0 => None,
        _ => Some(view(reader)?),
    };
    Ok(Frame::Flush {
        again: flags & 1 != 0,
        closed: flags & 2 != 0,
        before,
        have: reader.u64()?,
        uuid: NodeUuid(reader.array()?),
    })
}

fn ordered(reader: &mut Reader) -> Result<Frame, Truncated> {
    let (place, sender, number) = (reader.u64()?, reader.u16()?, reader.u64()?);
    Ok(Frame::Ordered {
        stable: reader.u64()?,
        more: reader.u8()? & 1 != 0,
        ordered: Ordered {
            place,
            sender,
            number,
            piece: reader.rest().to_vec(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Frame> {
        let before = View {
            instance: 3,
            cookie: Cookie::new(b"before"),
        };
        let flush = |before| Frame::Flush {
            again: true,
            closed: false,
            before,
            have: 7,
            uuid: NodeUuid([9; 16]),
        };
        vec![
            flush(None),
            flush(Some(before)),
            Frame::Ready,
            Frame::Submit {
                number: 1,
                piece: b"piece".to_vec(),
            },
            Frame::Ordered {
                stable: 2,
                more: true,
                ordered: Ordered {
                    place: 3,
                    sender: 1,
                    number: 4,
                    piece: Vec::new(),
                },
            },
            Frame::Beat { last: 5, stable: 4 },
            Frame::Have { have: 4 },
            Frame::Want { first: 5, last: 9 },
            Frame::Missing { number: u64::MAX },
        ]
    }

    #[test]
    fn frames_come_back_as_they_were_and_cut_ones_do_not() {
        let of = View {
            instance: 4,
            cookie: Cookie::new(b"fifteen bytes..and more"),
        };
        for frame in frames() {
            let bytes = frame.encode(&of);
            assert_eq!(Frame::decode(&bytes), Ok((of.clone(), frame.clone())));
            let shortest = bytes.len() - frame.piece_bytes();
            for length in 0..shortest {
                let cut = Frame::decode(&bytes[..length]);
                assert!(matches!(cut, Err(FrameError::Truncated(_))), "{frame:?}");
            }
        }
    }

    #[test]
    fn other_formats_and_kinds_are_told() {
        assert_eq!(Frame::decode(&[1]), Err(FrameError::Format(1)));
        let bytes = [FORMAT, 99, 0, 0, 0, 0, 0];
        assert_eq!(Frame::decode(&bytes), Err(FrameError::Kind(99)));
    }
}
