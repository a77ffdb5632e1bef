//! Drivers: sockets, processes, clocks, logs.

pub mod addresses;
pub mod announce;
pub mod cib_store;
pub mod client_api;
pub mod clock;
pub mod fifo;
pub mod interfaces;
pub mod journal;
pub mod log;
pub mod media;
pub mod pidfile;
pub mod process;
pub mod signals;
pub mod sniffer;
pub mod totem;
pub mod unix_server;
pub mod users;
pub mod watchdog;
