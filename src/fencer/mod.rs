//! Fence devices: which of them can fence a node, in which order, and how they are called.
//!
//! ```text
//!  CIB --devices--> [Device]    --plan(target)--> levels, each with devices that all must do it
//!  Device --call(action, target)--> program and what it reads
//! ```
//!
//! Pure: whoever carries it out is in `daemons::crm`.
//!
//! Source: spec crm-runtime.md section 9. Differs: the DC's node uses the devices itself, where
//! the original asks all nodes and picks one; only node names count in a topology, no patterns.

mod device;
mod plan;
#[cfg(test)]
mod tests;

pub use device::{Call, Covers, Device, devices};
pub use plan::{Level, Step, levels, steps};
