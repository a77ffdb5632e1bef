//! The scheduler: from a CIB to what the cluster knows of its nodes and resources.
//!
//! ```text
//!  Document --expand--> Expanded --status--> Cluster (roles, places, failures, node states)
//! ```
//!
//! A pure function of the document and a time: no clock, no files, no globals.

pub mod actions;
pub mod arena;
pub mod bundle_xml;
pub mod cluster;
pub mod dates;
pub mod digest;
pub mod expand;
pub mod failcount;
pub mod fence;
pub mod history;
pub mod history_migration;
pub mod history_op;
pub mod model;
pub mod operations;
pub mod options;
pub mod order;
pub mod report;
mod report_clone;
pub mod rules;
pub mod score;
pub mod sets;
pub mod state;
pub mod status;
pub mod table;
pub mod text;
pub mod unpack_nodes;
pub mod unpack_resources;

use cluster::Cluster;
use expand::Expanded;

/// Reads a CIB that [`expand::expand`] wrote out: options, nodes, resources and their state.
pub fn read(input: &Expanded, now: i64) -> Cluster<'_> {
    let mut cluster = Cluster::new(input, now);
    cluster.have_quorum = score::is_true(cluster.root().attr("have-quorum"));
    cluster.unpack_options();
    cluster.unpack_nodes();
    cluster.unpack_remote_nodes();
    cluster.unpack_resources();
    cluster.unpack_status();
    cluster
}
