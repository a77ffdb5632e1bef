//! Frames of heartbeat's local sockets, and the messages in them.
//!
//! Layout:
//! ```text
//! 0  4  native  length of the body, bytes
//! 4  4  native  0xabcd
//! 8  n          body: for messages the text form and a NUL
//! ```
//! Source: cluster-glue 1.0.12, `lib/clplumbing/ipcsocket.c`, `struct SOCKET_MSG_HEAD`;
//! `spec/heartbeat-api.md` section 1; seen in `tests/wire/heartbeat-api/`.

use crate::limits;
use crate::wire::heartbeat::{DecodeError, EncodeError, Message, decode_unauthenticated, text};

/// Second word of a frame's head.
const MAGIC: u32 = 0xabcd;
const HEAD_BYTES: usize = 8;

/// Why a stream can't be read on; the socket is to be closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The head has another magic number.
    #[error("a frame starts with magic {0:#x}, not 0xabcd")]
    BadMagic(u32),
    /// The body is larger than [`limits::HEARTBEAT_MESSAGE_BYTES_MAX`].
    #[error("a frame of {0} bytes, {max} fit", max = limits::HEARTBEAT_MESSAGE_BYTES_MAX)]
    TooLarge(u32),
}

/// Appends a frame with `body` to `out`.
///
/// Errors: the body is larger than [`limits::HEARTBEAT_MESSAGE_BYTES_MAX`]; `out` stays as it was.
pub fn encode_frame_into(body: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let length = check_length(body.len())?;
    out.extend_from_slice(&length.to_ne_bytes());
    out.extend_from_slice(&MAGIC.to_ne_bytes());
    out.extend_from_slice(body);
    Ok(())
}

/// Appends a frame with the message in text form to `out`.
///
/// Errors: `out` stays as it was.
pub fn encode_into(message: &Message, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_BYTES]);
    let written = text::encode_into(message, out).and_then(|()| {
        out.push(0);
        check_length(out.len() - start - HEAD_BYTES)
    });
    match written {
        Ok(length) => {
            out[start..start + 4].copy_from_slice(&length.to_ne_bytes());
            out[start + 4..start + 8].copy_from_slice(&MAGIC.to_ne_bytes());
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Reads the message in a body: the text form, or the netstring form without token.
pub fn decode_body(body: &[u8]) -> Result<Message, DecodeError> {
    decode_unauthenticated(body)
}

fn check_length(bytes: usize) -> Result<u32, EncodeError> {
    let max = limits::HEARTBEAT_MESSAGE_BYTES_MAX;
    match u32::try_from(bytes) {
        Ok(length) if bytes <= max => Ok(length),
        _ => Err(EncodeError::TooLarge { bytes, max }),
    }
}

/// Finds frames in a stream, whatever the pieces it arrives in.
///
/// Bounds: keeps what was pushed and not taken; take every frame after each push, then that is
/// less than one frame and one piece.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// How much of the buffer's start was given out already.
    taken: usize,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        self.buffer.extend_from_slice(piece);
    }

    /// The body of the next frame that is complete; `None` until more is pushed.
    ///
    /// Errors: the stream is no longer understood; every later call says the same.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let rest = &self.buffer[self.taken..];
        let [a, b, c, d, e, f, g, h, body @ ..] = rest else {
            return Ok(None);
        };
        let length = u32::from_ne_bytes([*a, *b, *c, *d]);
        let magic = u32::from_ne_bytes([*e, *f, *g, *h]);
        if magic != MAGIC {
            return Err(FrameError::BadMagic(magic));
        }
        let bytes = usize::try_from(length).map_err(|_| FrameError::TooLarge(length))?;
        if bytes > limits::HEARTBEAT_MESSAGE_BYTES_MAX {
            return Err(FrameError::TooLarge(length));
        }
        let Some(body) = body.get(..bytes) else {
            return Ok(None);
        };
        self.taken += HEAD_BYTES + bytes;
        Ok(Some(body))
    }

    /// True if no part of a frame is waiting for the rest: the stream may end here.
    pub fn is_empty(&self) -> bool {
        self.taken == self.buffer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<u8> {
        let mut out = Vec::new();
        encode_into(&Message::of_type("a").with("x", "y"), &mut out).unwrap();
        encode_into(&Message::of_type("b"), &mut out).unwrap();
        out
    }

    #[test]
    fn frames_come_whole_however_the_stream_is_cut() {
        let stream = frames();
        for size in 1..=stream.len() {
            let mut decoder = Decoder::new();
            let mut kinds = Vec::new();
            for piece in stream.chunks(size) {
                decoder.push(piece);
                while let Some(body) = decoder.next_frame().unwrap() {
                    kinds.push(decode_body(body).unwrap().kind().unwrap().to_owned());
                }
            }
            assert_eq!(kinds, ["a", "b"]);
            assert!(decoder.is_empty());
        }
    }

    #[test]
    fn the_layout_is_length_magic_text_nul() {
        let mut out = Vec::new();
        encode_into(&Message::of_type("a"), &mut out).unwrap();
        let body = b">>>\nt=a\n<<<\n\0";
        let head = [13_u32.to_ne_bytes(), 0xabcd_u32.to_ne_bytes()].concat();
        assert_eq!(out, [&head[..], body].concat());
    }

    #[test]
    fn a_wrong_head_ends_the_stream() {
        let mut decoder = Decoder::new();
        decoder.push(&[[0; 4], 0xabce_u32.to_ne_bytes()].concat());
        assert_eq!(decoder.next_frame(), Err(FrameError::BadMagic(0xabce)));
        assert_eq!(decoder.next_frame(), Err(FrameError::BadMagic(0xabce)));
        let mut decoder = Decoder::new();
        decoder.push(&[262_145_u32.to_ne_bytes(), 0xabcd_u32.to_ne_bytes()].concat());
        assert_eq!(decoder.next_frame(), Err(FrameError::TooLarge(262_145)));
    }

    #[test]
    fn what_can_not_be_sent_leaves_the_buffer_as_it_was() {
        let mut out = frames();
        let before = out.clone();
        let big = Message::of_type("a").with("x", "y".repeat(262_144));
        assert!(encode_into(&big, &mut out).is_err());
        assert!(encode_into(&Message::new().with("a=", ""), &mut out).is_err());
        assert!(encode_frame_into(&vec![0; 262_145], &mut out).is_err());
        assert_eq!(out, before);
    }
}
