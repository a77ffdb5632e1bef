//! The node protocol of heartbeat: who is alive, on which link, in which order messages count.
//!
//! Owns: the node table, sequence numbers and generations, acknowledgement, retransmission,
//! flow control, link state, joining. Called by `daemons::heartbeat`, which authenticates
//! datagrams before ([`crate::wire::heartbeat`]) and puts what comes out on the media.
//! Must not: know of resources, read clocks, log.
//!
//! Source: `spec/heartbeat-wire.md` sections 3 and 6 to 15.

mod event;

pub use event::{
    CommUp, DeathCause, Delivery, Event, LinkChange, Mode, NodeChange, NodeKind, NodeStatus,
    Output, Severity,
};
