//! The messages of one ring, by number: what is there, what is missing, what was delivered.

use std::collections::VecDeque;

use super::output::{Bytes, Delivery};
use crate::ids::NodeId;
use crate::limits;
use crate::wire::cursor::ByteOrder;
use crate::wire::totem::{Processor, Seqno};

/// A message that is kept until all have it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The datagram, as it goes out again.
    pub datagram: Bytes,
    /// The number in its header.
    pub node: NodeId,
    /// Who sent it first.
    pub from: Processor,
    /// The sender's byte order.
    pub order: ByteOrder,
    /// Where its payload begins.
    pub payload_at: usize,
}

impl Stored {
    /// What it carries.
    pub fn payload(&self) -> &[u8] {
        self.datagram.get(self.payload_at..).unwrap_or_default()
    }

    fn delivery(&self, seq: Seqno) -> Delivery {
        let bytes = (self.datagram.clone(), self.payload_at);
        Delivery::new((self.node, seq), self.order, bytes)
    }
}

#[derive(Debug, Clone)]
enum Slot {
    /// Not there; at so many tokens it was missed.
    Missing(u32),
    Stored(Stored),
}

/// The messages of one ring.
///
/// Bounds: [`limits::TOTEM_WINDOW_MESSAGES_MAX`] numbers from the oldest that is kept, and
/// [`limits::TOTEM_WINDOW_BYTES_MAX`], but for the message that is missed first.
/// Source: corosync 3.1.7, `include/corosync/sq.h` and the variables `my_aru`,
/// `my_high_seq_received`, `my_high_delivered`, `last_released`.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    /// From `released + 1` on.
    slots: VecDeque<Slot>,
    /// Of all messages in them.
    bytes: usize,
    released: Seqno,
    aru: Seqno,
    high: Seqno,
    delivered: Seqno,
}

impl Stream {
    /// All messages up to here are there.
    pub fn aru(&self) -> Seqno {
        self.aru
    }

    /// The highest number that is known to have been given.
    pub fn high(&self) -> Seqno {
        self.high
    }

    /// All up to here went to those above.
    pub fn delivered(&self) -> Seqno {
        self.delivered
    }

    /// All up to here are no longer kept.
    pub fn released(&self) -> Seqno {
        self.released
    }

    /// True if `seq` is not further ahead than what can be kept, and not released.
    pub fn reaches(&self, seq: Seqno) -> bool {
        self.index(seq).is_some()
    }

    fn index(&self, seq: Seqno) -> Option<usize> {
        let back = seq.distance_from(self.released.next());
        let index = usize::try_from(back).ok()?;
        (index < limits::TOTEM_WINDOW_MESSAGES_MAX).then_some(index)
    }

    /// The message of that number, if it is there.
    pub fn get(&self, seq: Seqno) -> Option<&Stored> {
        match self.slots.get(self.index(seq)?) {
            Some(Slot::Stored(stored)) => Some(stored),
            Some(Slot::Missing(_)) | None => None,
        }
    }

    /// Takes a message; false if it is there already, out of reach, or there is no room for it.
    pub fn store(&mut self, seq: Seqno, stored: Stored) -> bool {
        let Some(index) = self.index(seq) else {
            return false;
        };
        let bytes = self.bytes + stored.datagram.len();
        if bytes > limits::TOTEM_WINDOW_BYTES_MAX && seq != self.aru.next() {
            return false;
        }
        self.reach(index);
        match &mut self.slots[index] {
            Slot::Stored(_) => return false,
            slot => *slot = Slot::Stored(stored),
        }
        self.bytes = bytes;
        self.note_high(seq);
        self.advance();
        true
    }

    /// That number was given to a message, by whomever.
    pub fn note_high(&mut self, seq: Seqno) {
        self.high = self.high.later(seq);
    }

    fn advance(&mut self) {
        while self.aru != self.high && self.get(self.aru.next()).is_some() {
            self.aru = self.aru.next();
        }
    }

    fn reach(&mut self, index: usize) {
        if self.slots.len() <= index {
            self.slots.resize(index + 1, Slot::Missing(0));
        }
    }

    /// Counts each number up to `seq` that isn't there, once a token, and names those that were
    /// missed `miss_count` times; at most `most`.
    pub fn missed(&mut self, seq: Seqno, miss_count: u32, most: usize) -> Vec<Seqno> {
        let mut missed = Vec::new();
        let mut next = self.aru;
        while next.is_before(seq) && missed.len() < most {
            next = next.next();
            let Some(index) = self.index(next) else {
                break;
            };
            self.reach(index);
            if let Slot::Missing(count) = &mut self.slots[index] {
                *count = count.saturating_add(1);
                if *count >= miss_count {
                    missed.push(next);
                }
            }
        }
        missed
    }

    /// Forgets messages up to `seq`, which all have.
    pub fn release(&mut self, seq: Seqno) {
        while self.released.is_before(seq) {
            if let Some(Slot::Stored(stored)) = self.slots.pop_front() {
                self.bytes -= stored.datagram.len();
            }
            self.released = self.released.next();
        }
    }

    /// The next message to deliver without a gap.
    pub fn deliver(&mut self) -> Option<Delivery> {
        if self.delivered == self.high {
            return None;
        }
        let next = self.delivered.next();
        let delivery = self.get(next)?.delivery(next);
        self.delivered = next;
        Some(delivery)
    }

    /// The next message to deliver, over gaps, of those that `wanted` takes.
    pub fn deliver_over_gaps(&mut self, wanted: impl Fn(&Processor) -> bool) -> Option<Delivery> {
        while self.delivered != self.high {
            let next = self.delivered.next();
            self.delivered = next;
            if let Some(stored) = self.get(next)
                && wanted(&stored.from)
            {
                return Some(stored.delivery(next));
            }
        }
        None
    }

    /// Everything in it counts as delivered.
    pub fn skip_to_high(&mut self) {
        self.delivered = self.high;
    }

    /// The messages in it, in order.
    pub fn stored(&self) -> impl Iterator<Item = &Stored> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Stored(stored) => Some(stored),
            Slot::Missing(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(node: u32) -> Stored {
        Stored {
            datagram: Bytes::from(&b"x"[..]),
            node: NodeId(node),
            from: Processor::of_node(NodeId(node)),
            order: ByteOrder::Little,
            payload_at: 1,
        }
    }

    fn delivered(stream: &mut Stream) -> Vec<u32> {
        std::iter::from_fn(|| stream.deliver())
            .map(|d| d.seq.0)
            .collect()
    }

    #[test]
    fn what_is_there_goes_up_to_the_first_gap() {
        let mut stream = Stream::default();
        assert!(stream.store(Seqno(3), message(1)));
        assert!(stream.store(Seqno(1), message(1)));
        assert!(!stream.store(Seqno(1), message(1)));
        assert_eq!((stream.aru(), stream.high()), (Seqno(1), Seqno(3)));
        assert_eq!(delivered(&mut stream), [1]);
        assert_eq!(stream.missed(Seqno(4), 2, 30), []);
        assert_eq!(stream.missed(Seqno(4), 2, 30), [Seqno(2), Seqno(4)]);
        assert_eq!(stream.missed(Seqno(4), 2, 1), [Seqno(2)]);
        assert!(stream.store(Seqno(2), message(2)));
        assert_eq!((stream.aru(), stream.high()), (Seqno(3), Seqno(3)));
        assert_eq!(delivered(&mut stream), [2, 3]);
        stream.release(Seqno(2));
        assert!(stream.get(Seqno(2)).is_none() && stream.get(Seqno(3)).is_some());
        assert!(!stream.store(Seqno(2), message(2)));
    }

    #[test]
    fn gaps_are_passed_when_nobody_can_fill_them() {
        let mut stream = Stream::default();
        for (seq, node) in [(2, 1), (3, 2), (5, 1)] {
            stream.store(Seqno(seq), message(node));
        }
        stream.note_high(Seqno(9));
        let one = Processor::of_node(NodeId(1));
        let mut found = Vec::new();
        while let Some(delivery) = stream.deliver_over_gaps(|from| *from == one) {
            found.push(delivery.seq.0);
        }
        assert_eq!(found, [2, 5]);
        assert_eq!(stream.delivered(), Seqno(9));
    }

    #[test]
    fn numbers_go_round() {
        let mut stream = Stream {
            released: Seqno(u32::MAX - 1),
            aru: Seqno(u32::MAX - 1),
            high: Seqno(u32::MAX - 1),
            delivered: Seqno(u32::MAX - 1),
            ..Stream::default()
        };
        for seq in [u32::MAX, 0, 1] {
            assert!(stream.store(Seqno(seq), message(1)));
        }
        assert_eq!(stream.aru(), Seqno(1));
        assert_eq!(delivered(&mut stream), [u32::MAX, 0, 1]);
        stream.release(Seqno(0));
        assert!(stream.get(Seqno(1)).is_some());
        assert!(!stream.store(Seqno(2 + 16_384), message(1)));
    }
}
