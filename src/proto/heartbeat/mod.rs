//! The node protocol of heartbeat: who is alive, on which link, in which order messages count.
//!
//! Owns: the node table, sequence numbers and generations, acknowledgement, retransmission,
//! flow control, link state, joining. Called by `daemons::heartbeat`, which authenticates
//! datagrams before ([`crate::wire::heartbeat`]) and puts what comes out on the media.
//! Must not: know of resources, read clocks, log.
//!
//! Source: `spec/heartbeat-wire.md` sections 3 and 6 to 15.

mod above;
mod cluster;
mod config;
mod event;
mod history;
mod join;
mod life;
mod limiter;
mod node;
mod receive;
mod reliability;
mod sequence;
mod start;
mod status;
mod view;

pub use cluster::Cluster;
pub use config::{Autojoin, ClusterConfig, KnownNode, Timing, WEIGHT_DEFAULT};
pub use event::{
    CommUp, DeathCause, Delivery, Event, LinkChange, Mode, NodeChange, NodeKind, NodeStatus,
    Output, Severity,
};
pub use limiter::Oddity;
pub use sequence::Repairs;
pub use status::EVERBEAT_VERSION;
pub use view::{LinkView, NodeView, StartView};
