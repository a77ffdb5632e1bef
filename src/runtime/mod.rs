//! Drivers: sockets, processes, clocks, logs.

pub mod process;
