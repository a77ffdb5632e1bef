//! Whole messages from packets, for each sender apart.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::ids::NodeId;
use crate::limits;
use crate::wire::cursor::ByteOrder;
use crate::wire::totempg::{Packet, PacketError};

/// Puts messages together.
///
/// There are two sets of buffers. From a regular configuration until synchronisation ends the
/// second one is used: what a change of members cut in two goes on in the first one afterwards,
/// as its sender kept the rest back.
///
/// Differs: corosync changes sets at the transitional configuration already. What then comes of
/// the old ring behind a hole finds no beginning there: a message whose first packet came before
/// the hole is lost, even to its own sender.
///
/// Bounds: [`limits::TOTEMPG_ASSEMBLY_BYTES_MAX`] for each sender and set
#[derive(Debug, Default)]
pub struct Assembler {
    usual: BTreeMap<NodeId, Buffer>,
    synchronising: BTreeMap<NodeId, Buffer>,
    is_synchronising: bool,
}

#[derive(Debug, Default)]
struct Buffer {
    /// What there is of a message that isn't whole.
    begun: Vec<u8>,
    /// The fragment it ends with; 0: nothing is begun.
    last: u8,
    /// The message is lost or too long: its other parts are passed over.
    dropping: bool,
}

impl Assembler {
    /// None of any sender.
    pub fn new() -> Self {
        Self::default()
    }

    /// A regular configuration came.
    pub fn begin_synchronising(&mut self) {
        self.is_synchronising = true;
        self.synchronising.clear();
    }

    /// Those above have synchronised.
    pub fn end_synchronising(&mut self) {
        self.is_synchronising = false;
        self.synchronising.clear();
    }

    /// A node left: what it began is never finished.
    pub fn forget(&mut self, node: NodeId) {
        self.usual.remove(&node);
        self.synchronising.remove(&node);
    }

    /// The messages that a packet completes, in order.
    ///
    /// Errors: the packet can't be read; real nodes pass it over, too.
    ///
    /// Differs: where a fragment is missing, the real one drops the whole packet and the first
    /// part of the next; here only the message is dropped that can't be whole.
    pub fn receive<'a>(
        &mut self,
        from: NodeId,
        payload: &'a [u8],
        order: ByteOrder,
    ) -> Result<Vec<Cow<'a, [u8]>>, PacketError> {
        let packet = Packet::decode(payload, order)?;
        let set = match self.is_synchronising {
            true => &mut self.synchronising,
            false => &mut self.usual,
        };
        Ok(set.entry(from).or_default().receive(&packet))
    }
}

impl Buffer {
    fn receive<'a>(&mut self, packet: &Packet<'a>) -> Vec<Cow<'a, [u8]>> {
        let continues = packet.continuation != 0;
        if packet.continuation != self.last {
            self.begun.clear();
            self.dropping = continues;
        }
        let count = packet.parts.len();
        let mut whole = Vec::with_capacity(count);
        for (at, part) in packet.parts.iter().enumerate() {
            let is_cut = packet.fragmented != 0 && at + 1 == count;
            // Most messages are whole in one packet: these stay where they are.
            if self.begun.is_empty() && !is_cut && !self.dropping {
                whole.push(Cow::Borrowed(*part));
                continue;
            }
            self.add(part);
            if !is_cut {
                let message = std::mem::take(&mut self.begun);
                if !std::mem::take(&mut self.dropping) {
                    whole.push(Cow::Owned(message));
                }
            }
        }
        self.last = packet.fragmented;
        whole
    }

    fn add(&mut self, part: &[u8]) {
        if self.begun.len() + part.len() > limits::TOTEMPG_ASSEMBLY_BYTES_MAX {
            self.dropping = true;
        }
        if self.dropping {
            self.begun.clear();
        } else {
            self.begun.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests;
