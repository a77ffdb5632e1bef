//! everbeat: the high-availability stack in one program.
//!
//! From packet to action, each arrow one function, each value on an arrow one public type:
//!
//! ```text
//!  datagram --runtime::media--> (bytes, link, now)
//!    | wire::heartbeat::open                         Err(reason) -> counted, dropped
//!    v
//!  proto::heartbeat::Cluster                         handle_message / handle_timeout
//!    | Output::Transmit(message) -> wire::heartbeat::seal_into -> runtime::media
//!    v Output::Event(Delivered | Node | Link | ...)
//!  v1::Manager                                       haresources: who holds which group
//!    v Output::Run(work)
//!  agents (scripts, built-in addresses) via runtime::process
//!    v Completed { work, result }
//!  v1::Manager --Output::Send(message)--> proto::heartbeat::Cluster
//! ```
//!
//! And on a ring, with the CRM above it:
//!
//! ```text
//!  datagram --runtime::totem--> proto::totem::Srp --Deliver--> proto::services
//!    v Event::Group(message) in the order of all
//!  messaging::MessagingLayer --Event::Message--> daemons::crm
//!    v wire::crm
//!  controller::Controller { replica, attributes, executor }
//!    | Output::Schedule --> scheduler::schedule(&cib, now) --> controller::transition
//!    | Output::Execute  --> agents, systemctl, fence agents via runtime::process
//!    v Output::Send(message) --> messaging::MessagingLayer --> the ring
//! ```
//!
//! Import rule (checked by `tests/tidy.rs`): `wire` imports only [`ids`], [`time`] and
//! [`limits`]; `proto` adds `wire`; `v1`'s machine adds `proto` and the `config` models. Only
//! `runtime`, `sys`, `agents`, `lab`, `daemons` and `cli` touch the operating system.

pub mod agents;
pub mod alerts;
pub mod attributes;
pub mod cib;
pub mod cli;
pub mod config;
pub mod controller;
pub mod daemons;
pub mod executor;
pub mod explain;
pub mod fencer;
pub mod ids;
pub mod lab;
pub mod limits;
pub mod lint;
pub mod messaging;
pub mod migrate;
#[cfg(test)]
#[path = "../tests/programs/mod.rs"]
mod programs;
pub mod proto;
pub mod replica;
pub mod rules;
pub mod runtime;
pub mod scheduler;
pub mod score;
pub mod sim;
pub mod sys;
pub mod time;
pub mod v1;
pub mod verify;
pub mod wire;
