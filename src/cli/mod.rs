//! The tools, one file each; [`applets`] lists them.

mod address;
pub mod applets;
mod check;
mod cl_status;
mod client;
mod control;
mod crm_error;
mod crm_rule;
mod decode;
mod demo;
mod everbeatd;
mod fifo_message;
mod getopt;
mod hb;
mod heartbeat;
mod iso8601;
mod lab;
mod links;
mod meatclient;
pub mod pacemaker;
mod ping;
mod resource_manager;
mod simulate_ring;
mod status;
mod stderr_log;

pub use applets::main;
