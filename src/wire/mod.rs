//! Codecs: bytes to owned messages and back. No state, no clock, no I/O, no logging.

pub mod capture;
pub mod ccm;
pub mod cluster;
pub mod crm;
pub mod cursor;
pub mod heartbeat;
pub mod ipc;
pub mod ordered;
pub mod totem;
pub mod totempg;
