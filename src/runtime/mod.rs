//! Drivers: sockets, processes, clocks, logs.

pub mod addresses;
pub mod announce;
pub mod client_api;
pub mod clock;
pub mod fifo;
pub mod interfaces;
pub mod log;
pub mod media;
pub mod pidfile;
pub mod process;
pub mod signals;
pub mod unix_server;
pub mod watchdog;
