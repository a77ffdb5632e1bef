//! The consensus membership on top of the node protocol: heartbeat's `ccm`.
//!
//! The nodes that hear one another agree on who is a member, number each membership, and say
//! whether it has quorum. One member leads: it lets nodes in and out without a vote while all
//! goes well ([`joined`], [`wait_for_change`]), and after anything else a voting round makes the
//! next membership ([`joining`], [`sent_memlistreq`], [`memlist_res`]).
//!
//! ```text
//!  NONE --> VERSION_REQUEST --nobody leads, and I am the highest--------> JOINED
//!               | somebody leads                                        ^  |  ^
//!               v                                                       |  |  |
//!           NEW_NODE_WAIT_FOR_MEM_LIST ----------MEM_LIST---------------+  |  |
//!                                                                          |  |
//!   leader: a node comes or goes -> WAIT_FOR_CHANGE --all agree------------|--+
//!   others:                         WAIT_FOR_MEM_LIST --MEM_LIST-----------|--+
//!                                      | time, doubt                       |  |
//!                                      v                                   v  |
//!                  JOINING <-----------+---- the leader is gone, JOIN -----+  |
//!                     | all voted                                             |
//!                     +--first among the voters--> SENT_MEMLISTREQ --answers--+
//!                     +--otherwise---------------> MEMLIST_RES --FINAL--------+
//! ```
//!
//! Owns: the table of nodes, states, numbers. Called by `daemons::heartbeat` with what the node
//! protocol delivers; it hears its own messages too, and relies on that. Must not: know of
//! sockets, clients, resources.
//!
//! Source: heartbeat 3.0.6, `membership/ccm/ccm.c`, `ccm_statemachine.c`; `spec/ccm.md`. The
//! states have the real names.

mod blocks;
mod clique;
mod compute;
mod event;
mod joined;
mod joining;
mod machine;
mod memlist_res;
pub mod quorum;
mod round;
mod sent_memlistreq;
mod service;
mod state;
mod table;
mod version_request;
mod wait_for_change;
mod wait_for_mem_list;

pub use clique::largest_clique;
pub use event::{CcmConfig, CcmNode, Event, Member, Membership, Output};
pub use machine::Ccm;
pub use service::{CLIENT, Service, ServiceOutput};
pub use state::State;
