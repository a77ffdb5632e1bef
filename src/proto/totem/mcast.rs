//! Ordered messages: taken from others, made of our own.

use super::output::{Bytes, Output, Reason};
use super::srp::{Srp, State};
use super::stream::Stored;
use crate::ids::NodeId;
use crate::time::Instant;
use crate::wire::cursor::ByteOrder;
use crate::wire::totem::{
    Body, Datagram, DecodeError, Dialect, Encapsulated, Mcast, RingId, Seqno, mcast_header_length,
};

impl Srp {
    /// A message came.
    ///
    /// Source: corosync 3.1.7, `message_handler_mcast`; `spec/totem-wire.md` D.8.
    pub(super) fn handle_mcast(
        &mut self,
        now: Instant,
        (node, order): (NodeId, ByteOrder),
        mcast: &Mcast,
        bytes: &[u8],
    ) {
        self.stats.mcast_rx += 1;
        if mcast.ring != self.ring {
            let reasons = (
                Reason::ForeignMessageOperational,
                Reason::ForeignMessageGather,
            );
            return self.hear_of_stranger(now, (mcast.from, mcast.ring), reasons);
        }
        let stream = match (self.state, mcast.encapsulated) {
            (State::Recovery, Encapsulated::Message) => &mut self.recovered,
            (State::Operational, Encapsulated::Packet) => &mut self.stream,
            // The old ring is still the only one.
            (State::Gather, Encapsulated::Packet) if self.ring == self.old_ring => &mut self.stream,
            _ => return,
        };
        if !stream.reaches(mcast.seq) || stream.get(mcast.seq).is_some() {
            return;
        }
        let stored = Stored {
            datagram: bytes.into(),
            node,
            from: mcast.from,
            order,
            payload_at: bytes.len() - mcast.payload.len(),
        };
        stream.store(mcast.seq, stored);
        if self.state == State::Operational {
            self.deliver();
        }
    }

    /// A whole mcast message as it is kept, with its ring and number.
    pub(super) fn stored_of(&self, bytes: &[u8]) -> Result<((RingId, Seqno), Stored), DecodeError> {
        let datagram = Datagram::decode(bytes, self.config.dialect)?;
        let Body::Mcast(mcast) = datagram.body else {
            return Err(DecodeError::Malformed("no mcast message inside"));
        };
        let stored = Stored {
            datagram: bytes.into(),
            node: datagram.node,
            from: mcast.from,
            order: datagram.order,
            payload_at: bytes.len() - mcast.payload.len(),
        };
        Ok(((mcast.ring, mcast.seq), stored))
    }

    /// Sends up to `allowed` messages of ours with the next numbers; gives how many, and the
    /// last number.
    ///
    /// Source: corosync 3.1.7, `orf_token_mcast`; `spec/totem-wire.md` D.7 step 12.
    pub(super) fn send_new(&mut self, allowed: u32, mut seq: Seqno) -> (u32, Seqno) {
        let mut sent = 0;
        while sent < allowed {
            let next = match self.state {
                State::Recovery => self.outbox.pop_old().map(Payload::Old),
                _ => self.outbox.pop().map(Payload::New),
            };
            let Some(payload) = next else {
                break;
            };
            seq = seq.next();
            let stored = self.make(seq, &payload);
            self.multicast_message(stored.datagram.clone());
            self.stream_in_use().store(seq, stored);
            sent += 1;
        }
        self.stats.mcast_tx += u64::from(sent);
        (sent, seq)
    }

    fn make(&mut self, seq: Seqno, payload: &Payload) -> Stored {
        let (encapsulated, payload) = match payload {
            Payload::Old(bytes) => (Encapsulated::Message, &bytes[..]),
            Payload::New(bytes) => (Encapsulated::Packet, &bytes[..]),
        };
        let mcast = Mcast {
            encapsulated,
            from: self.config.me,
            seq,
            this_seqno: self.sent_ever,
            ring: self.ring,
            guarantee: 0,
            payload,
        };
        self.sent_ever = self.sent_ever.wrapping_add(1);
        let node = self.node();
        Stored {
            datagram: self.encode(node, Body::Mcast(mcast)),
            node,
            from: self.config.me,
            order: ByteOrder::NATIVE,
            payload_at: mcast_header_length(self.config.dialect),
        }
    }

    /// A message goes to all others; in 2.x and 1.4 not when there are none.
    pub(super) fn multicast_message(&mut self, datagram: Bytes) {
        let alone = self.members.new.len() < 2;
        if self.config.dialect == Dialect::V3 || !alone {
            self.output(Output::Multicast(datagram));
        }
    }
}

enum Payload {
    /// A message of the old ring.
    Old(Bytes),
    /// A packet from above.
    New(Vec<u8>),
}
