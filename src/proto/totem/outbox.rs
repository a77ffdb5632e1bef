//! What waits for the token.

use std::collections::VecDeque;

use super::output::Bytes;
use super::stream::Stored;
use crate::limits;

/// There are as many packets waiting as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many packets wait for the token")]
pub struct QueueFull;

/// Packets of this node that have no number yet.
///
/// Bounds: [`limits::TOTEM_QUEUE_PACKETS_MAX`] each.
/// Source: corosync 3.1.7, `new_message_queue`, `new_message_queue_trans`,
/// `retrans_message_queue`.
#[derive(Debug, Default)]
pub struct Outbox {
    normal: VecDeque<Vec<u8>>,
    /// Packets since the last change of configuration, while those above synchronise.
    sync: VecDeque<Vec<u8>>,
    /// In recovery: messages of the old ring.
    old: VecDeque<Bytes>,
    synchronising: bool,
}

impl Outbox {
    /// True from a transitional configuration until those above have synchronised.
    pub fn is_synchronising(&self) -> bool {
        self.synchronising
    }

    /// From here on packets of those who synchronise go, and no others. What they left of an
    /// earlier time goes too: it names its ring, and receivers leave it alone.
    pub fn start_sync(&mut self) {
        self.synchronising = true;
    }

    /// Those above have synchronised.
    pub fn end_sync(&mut self) {
        self.synchronising = false;
    }

    /// Takes a packet of the applications; it waits while those above synchronise.
    pub fn push(&mut self, packet: Vec<u8>) -> Result<(), QueueFull> {
        push(&mut self.normal, packet)
    }

    /// Takes a packet of those who synchronise.
    pub fn push_sync(&mut self, packet: Vec<u8>) -> Result<(), QueueFull> {
        push(&mut self.sync, packet)
    }

    /// True if another packet of the applications may wait.
    pub fn has_room(&self) -> bool {
        self.normal.len() < limits::TOTEM_QUEUE_PACKETS_MAX
    }

    /// The same of those who synchronise.
    pub fn has_room_for_sync(&self) -> bool {
        self.sync.len() < limits::TOTEM_QUEUE_PACKETS_MAX
    }

    /// The next packet of the queue in use.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        match self.synchronising {
            true => self.sync.pop_front(),
            false => self.normal.pop_front(),
        }
    }

    /// How many packets wait in the queue in use.
    pub fn len(&self) -> usize {
        if self.synchronising {
            self.sync.len()
        } else {
            self.normal.len()
        }
    }

    /// Takes the messages of the old ring that are to be sent in recovery.
    pub fn set_old<'a>(&mut self, messages: impl Iterator<Item = &'a Stored>) {
        self.old = messages.map(|stored| stored.datagram.clone()).collect();
    }

    /// The next of them.
    pub fn pop_old(&mut self) -> Option<Bytes> {
        self.old.pop_front()
    }

    /// How many of them there are.
    pub fn old_len(&self) -> usize {
        self.old.len()
    }
}

fn push(queue: &mut VecDeque<Vec<u8>>, packet: Vec<u8>) -> Result<(), QueueFull> {
    if queue.len() >= limits::TOTEM_QUEUE_PACKETS_MAX {
        return Err(QueueFull);
    }
    queue.push_back(packet);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_synchronise_have_room_though_the_others_have_none() {
        let mut outbox = Outbox::default();
        outbox.start_sync();
        while outbox.has_room() {
            assert_eq!(outbox.push(vec![1]), Ok(()));
        }
        assert_eq!(outbox.push(vec![1]), Err(QueueFull));
        assert!(outbox.has_room_for_sync());
        assert_eq!(outbox.push_sync(vec![2]), Ok(()));
        assert_eq!(outbox.pop(), Some(vec![2]));
        assert_eq!(outbox.pop(), None, "the others wait");
        outbox.end_sync();
        assert_eq!(outbox.pop(), Some(vec![1]));
        assert!(outbox.has_room());
    }
}
