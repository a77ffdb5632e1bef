//! One file per role: wires machines to drivers.

pub mod control;
pub mod corosync;
pub mod crm;
pub mod heartbeat;
pub mod report;
