//! Our own messages, kept until all live nodes have them.
//!
//! Source: `spec/heartbeat-wire.md` 7.2, 7.3.

use std::collections::VecDeque;
use std::time::Duration;

use crate::limits;
use crate::time::Instant;
use crate::wire::heartbeat::{Message, Value};

/// A message is kept at least this long, acknowledged or not: others may have heard a later
/// one first and ask for it. Source: heartbeat 3.0.6, observed about 2.5 s.
const KEPT_MIN: Duration = Duration::from_millis(2500);

/// Most bytes of messages kept. Ours: 500 messages of the largest size would be 128 MB.
pub const HISTORY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What asking for a number gives.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The message, to be sent once more.
    Message(Message),
    /// It was sent again just now.
    TooSoon,
    /// It was freed.
    TooLow,
    /// No message has that number yet.
    TooHigh,
}

/// The last own messages, numbers without holes.
#[derive(Debug, Default)]
pub struct History {
    kept: VecDeque<Kept>,
    highest: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    message: Message,
    sent: Instant,
    resent: Option<Instant>,
    bytes: usize,
}

impl History {
    /// Number of the last message, 0 before the first.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Highest number that was freed; all above are here.
    pub fn lowest(&self) -> u64 {
        self.highest - self.kept.len() as u64
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Keeps the message that got the next number.
    pub fn push(&mut self, now: Instant, message: Message) {
        let bytes = size(&message);
        self.kept.push_back(Kept {
            message,
            sent: now,
            resent: None,
            bytes,
        });
        self.highest += 1;
        self.bytes += bytes;
        while self.kept.len() > limits::HEARTBEAT_HISTORY_MAX
            || (self.bytes > HISTORY_BYTES_MAX && self.kept.len() > 1)
        {
            self.free_oldest();
        }
    }

    /// Frees what all live nodes acknowledged, if it is old enough.
    pub fn free(&mut self, now: Instant, acked_by_all: u64) {
        while self.lowest() < acked_by_all
            && self
                .kept
                .front()
                .is_some_and(|k| now.since(k.sent) > KEPT_MIN)
        {
            self.free_oldest();
        }
        assert!(self.kept.len() <= limits::HEARTBEAT_HISTORY_MAX);
    }

    /// The message of that number, unless it was sent again less than `pause` ago.
    pub fn find(&mut self, now: Instant, seq: u64, pause: Duration) -> Found {
        if seq > self.highest {
            return Found::TooHigh;
        }
        let Some(index) = seq.checked_sub(self.lowest() + 1) else {
            return Found::TooLow;
        };
        let index = usize::try_from(index).expect("invariant: at most 500 are kept");
        let kept = &mut self.kept[index];
        if kept.resent.is_some_and(|at| now.since(at) < pause) {
            return Found::TooSoon;
        }
        kept.resent = Some(now);
        Found::Message(kept.message.clone())
    }

    fn free_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.bytes -= oldest.bytes;
        }
    }
}

/// About the bytes that a message takes.
fn size(message: &Message) -> usize {
    let value = |value: &Value| match value {
        Value::Text(bytes) | Value::Binary(bytes) | Value::Compressed(bytes) => bytes.len(),
        Value::Struct(inner) | Value::Uncompressed(inner) => size(inner),
        Value::List(items) => items.iter().map(|item| item.len() + 24).sum(),
    };
    let field = |f: &crate::wire::heartbeat::Field| f.name.len() + value(&f.value) + 64;
    message.fields().iter().map(field).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(240);

    fn filled(count: u64) -> History {
        let mut history = History::default();
        for n in 1..=count {
            history.push(Instant(n), Message::of_type("x").with("n", n.to_string()));
        }
        history
    }

    #[test]
    fn the_last_five_hundred_are_kept() {
        let mut history = filled(600);
        assert_eq!((history.lowest(), history.highest()), (100, 600));
        assert_eq!(history.find(Instant(700), 100, PAUSE), Found::TooLow);
        assert_eq!(history.find(Instant(700), 0, PAUSE), Found::TooLow);
        assert_eq!(history.find(Instant(700), 601, PAUSE), Found::TooHigh);
        let Found::Message(message) = history.find(Instant(700), 101, PAUSE) else {
            panic!("101 is kept");
        };
        assert_eq!(message.text("n"), Some("101"));
    }

    #[test]
    fn one_message_is_not_sent_again_at_once() {
        let mut history = filled(3);
        assert!(matches!(
            history.find(Instant(10), 2, PAUSE),
            Found::Message(_)
        ));
        assert_eq!(history.find(Instant(249), 2, PAUSE), Found::TooSoon);
        assert!(matches!(
            history.find(Instant(250), 2, PAUSE),
            Found::Message(_)
        ));
    }

    #[test]
    fn freed_when_acknowledged_and_old() {
        let mut history = filled(20);
        history.free(Instant(100), 10);
        assert_eq!(history.lowest(), 0);
        history.free(Instant(2506), 10);
        assert_eq!(history.lowest(), 5);
        history.free(Instant(9999), 10);
        assert_eq!(history.lowest(), 10);
    }

    #[test]
    fn large_messages_are_bounded_by_their_bytes() {
        let mut history = History::default();
        for _ in 0..200 {
            let big = Message::of_type("x").with("data", vec![b'x'; 200_000]);
            history.push(Instant(1), big);
        }
        assert!(history.bytes <= HISTORY_BYTES_MAX);
        assert_eq!(history.highest(), 200);
        assert!(history.len() > 50);
    }
}
