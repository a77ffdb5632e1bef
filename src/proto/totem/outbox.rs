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

    /// From here on packets of those who synchronise go first, and no others. What is left of
    /// an earlier time goes too: it names its ring, and receivers leave it alone.
    pub fn start_sync(&mut self) {
        self.synchronising = true;
    }

    /// Those above have synchronised.
    pub fn end_sync(&mut self) {
        self.synchronising = false;
    }

    /// Puts a packet into the queue in use.
    pub fn push(&mut self, packet: Vec<u8>) -> Result<(), QueueFull> {
        let queue = self.in_use_mut();
        if queue.len() >= limits::TOTEM_QUEUE_PACKETS_MAX {
            return Err(QueueFull);
        }
        queue.push_back(packet);
        Ok(())
    }

    /// The next packet of the queue in use.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        self.in_use_mut().pop_front()
    }

    /// How many packets wait in the queue in use.
    pub fn len(&self) -> usize {
        if self.synchronising {
            self.sync.len()
        } else {
            self.normal.len()
        }
    }

    fn in_use_mut(&mut self) -> &mut VecDeque<Vec<u8>> {
        if self.synchronising {
            &mut self.sync
        } else {
            &mut self.normal
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
