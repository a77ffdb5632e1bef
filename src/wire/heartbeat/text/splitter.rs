//! Cuts a stream of bytes (serial line, FIFO) into messages in text form.

use super::{END, START};
use crate::limits;

/// Finds messages in text form in a stream, whatever the pieces it arrives in.
///
/// A message starts at a line `>>>` and ends at a line `<<<`; what is between messages is
/// skipped. A `>>>` inside a message starts over: the one before it was cut off.
///
/// Bounds: a message has at most [`limits::HEARTBEAT_MESSAGE_BYTES_MAX`] bytes, a line outside of
/// one is never kept.
/// Differs: heartbeat cuts lines of more than 511 bytes in two, which spoils the message; here a
/// line may be as long as the message.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The message so far, or the start of a line that may begin one.
    buffer: Vec<u8>,
    inside: bool,
    /// Start of the line that is coming in.
    line_start: usize,
    /// The line that is coming in can't begin a message.
    skipping: bool,
    dropped: u64,
    skipped_bytes: u64,
}

impl Splitter {
    /// A splitter at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a piece of the stream and calls `each` with every message that is complete by it,
    /// both marks included.
    pub fn push(&mut self, piece: &[u8], mut each: impl FnMut(&[u8])) {
        for &byte in piece {
            if self.inside {
                self.push_inside(byte, &mut each);
            } else {
                self.push_outside(byte);
            }
        }
    }

    /// Messages that were begun and not finished: cut off or too large.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes that belonged to no message.
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    fn push_outside(&mut self, byte: u8) {
        // The NUL that ends a message elsewhere may stand before the next one's first line.
        if byte == 0 && self.buffer.is_empty() {
            self.skipped_bytes += 1;
            return;
        }
        if !self.skipping {
            self.buffer.push(byte);
            if self.buffer == START {
                self.inside = true;
                self.line_start = self.buffer.len();
                return;
            }
            if START.starts_with(&self.buffer) {
                return;
            }
            self.skipped_bytes += self.buffer.len() as u64 - 1;
            self.buffer.clear();
        }
        self.skipped_bytes += 1;
        self.skipping = byte != b'\n';
    }

    fn push_inside(&mut self, byte: u8, each: &mut impl FnMut(&[u8])) {
        self.buffer.push(byte);
        if byte != b'\n' {
            if self.buffer.len() >= limits::HEARTBEAT_MESSAGE_BYTES_MAX {
                self.drop_message();
                self.skipping = true;
            }
            return;
        }
        let line = &self.buffer[self.line_start..];
        if line == END {
            each(&self.buffer);
            self.restart();
        } else if line == START {
            self.dropped += 1;
            self.buffer.truncate(0);
            self.buffer.extend_from_slice(START);
            self.line_start = self.buffer.len();
        } else if self.buffer.len() >= limits::HEARTBEAT_MESSAGE_BYTES_MAX {
            self.drop_message();
        } else {
            self.line_start = self.buffer.len();
        }
    }

    fn drop_message(&mut self) {
        self.dropped += 1;
        self.restart();
    }

    fn restart(&mut self) {
        self.buffer.clear();
        self.inside = false;
        self.line_start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, u64, u64) {
        let mut splitter = Splitter::new();
        let mut messages = Vec::new();
        for piece in pieces {
            splitter.push(piece, |m| messages.push(m.to_vec()));
        }
        (messages, splitter.dropped(), splitter.skipped_bytes())
    }

    #[test]
    fn messages_come_whole_however_the_stream_is_cut() {
        let stream = b"junk\n###\n>>>\nt=a\n<<<\n\0>>>\nt=b\n<<<\nx>>>\n>>>\nt=c\n<<<\n";
        let whole = split(&[stream]);
        assert_eq!(
            whole.0,
            [b">>>\nt=a\n<<<\n", b">>>\nt=b\n<<<\n", b">>>\nt=c\n<<<\n"]
        );
        assert_eq!((whole.1, whole.2), (0, 5 + 4 + 1 + 5));
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(split(&bytes), whole);
    }

    #[test]
    fn a_cut_off_message_is_dropped_and_the_next_one_taken() {
        let (messages, dropped, skipped) = split(&[b">>>\nt=a\nx=1\n>>>\nt=b\n<<<\n"]);
        assert_eq!(messages, [b">>>\nt=b\n<<<\n"]);
        assert_eq!((dropped, skipped), (1, 0));
    }

    #[test]
    fn memory_stays_bounded() {
        let mut splitter = Splitter::new();
        let mut seen = 0;
        splitter.push(START, |_| seen += 1);
        for _ in 0..1000 {
            splitter.push(&[b'a'; 4096], |_| seen += 1);
        }
        assert!(splitter.buffer.capacity() <= 2 * limits::HEARTBEAT_MESSAGE_BYTES_MAX);
        splitter.push(b"\n>>>\nt=a\n<<<\n", |_| seen += 1);
        assert_eq!((seen, splitter.dropped()), (1, 1));
    }
}
