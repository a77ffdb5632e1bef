//! The tools, one file each; [`applets`] lists them.

mod address;
pub mod applets;
mod check;
mod cibadmin;
mod cl_status;
mod client;
mod control;
mod corosync_keygen;
pub mod crm;
mod crm_attribute;
mod crm_diff;
mod crm_error;
mod crm_failcount;
mod crm_resource;
mod crm_rule;
mod crm_shadow;
mod crm_simulate;
mod decode;
mod demo;
mod everbeatd;
mod fifo_message;
mod getopt;
mod getopt_long;
mod hb;
mod heartbeat;
mod iso8601;
mod lab;
mod links;
mod meatclient;
mod members;
mod ping;
mod resource_manager;
mod simulate_ring;
mod status;
mod stderr_log;

pub use applets::main;
