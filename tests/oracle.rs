//! The same questions to the original's tools and to ours, where the original is installed.

#[allow(dead_code, reason = "shared with the lab tests, which use all of it")]
#[path = "lab/host.rs"]
mod host;

#[path = "oracle/agent.rs"]
mod agent;
#[path = "oracle/api.rs"]
mod api;
#[path = "oracle/attribute.rs"]
mod attribute;
#[path = "oracle/cib.rs"]
mod cib;
#[path = "oracle/cl_status.rs"]
mod cl_status;
#[path = "oracle/config.rs"]
mod config;
#[path = "oracle/lint.rs"]
mod lint;
#[path = "oracle/metadata.rs"]
mod metadata;
#[path = "oracle/mon.rs"]
mod mon;
#[path = "oracle/offline.rs"]
mod offline;
#[path = "oracle/options.rs"]
mod options;
#[path = "oracle/pair.rs"]
mod pair;
#[path = "oracle/parsers.rs"]
mod parsers;
#[path = "oracle/resource.rs"]
mod resource;
#[path = "oracle/schema.rs"]
mod schema;
#[path = "oracle/shells.rs"]
mod shells;
#[path = "oracle/simulate.rs"]
mod simulate;
#[path = "oracle/ticket.rs"]
mod ticket;
#[path = "oracle/verify.rs"]
mod verify;
