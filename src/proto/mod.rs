//! Protocol machines without sockets, clocks, threads or randomness of their own.
//!
//! The contract of each (inherent methods, no trait needed):
//!
//! ```text
//! fn handle_…(&mut self, now: Now, …);              // an input
//! fn handle_timeout(&mut self, now: Now);           // early or late calls are harmless
//! fn poll_output(&mut self) -> Option<Output>;      // call until None after any handle_*
//! fn poll_timeout(&self) -> Option<Instant>;        // may change after any handle_*
//! ```
//!
//! No clock, file, socket, log or `HashMap` iteration inside. Jitter is asked of a seeded
//! generator handed in at construction. Values that must be ordered among themselves are one
//! `Output` variant.

pub mod ccm;
pub mod client_api;
pub mod cpg;
pub mod heartbeat;
pub mod probe;
pub mod quorum;
pub mod rng;
pub mod services;
pub mod sync;
pub mod totem;
pub mod totempg;
