//! Drivers: sockets, processes, clocks, logs.

pub mod addresses;
pub mod announce;
pub mod process;
