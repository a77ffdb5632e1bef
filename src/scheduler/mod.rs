//! The scheduler: from a CIB to what the cluster knows of its nodes and resources.
//!
//! ```text
//!  Document --expand--> Expanded --status--> Cluster (roles, places, failures, node states)
//! ```
//!
//! A pure function of the document and a time: no clock, no files, no globals.

mod action_flags;
mod changes;
mod fence_orders;
pub mod graph;
mod internal;
pub mod injections;
pub mod notifications;
mod orderings;
mod plan_collective;
mod plan_migration;
mod plan_primitive;
mod plan_recurring;
mod probe_orders;
mod probes;
mod remote_orders;
mod update;
mod update_clone;
mod dot;
pub mod execution;
pub mod graph_xml;
mod summary;
pub mod simulate;
mod assign;
mod assign_bundle;
mod assign_clone;
mod assign_promotable;
mod colocate;
mod colocations;
mod constraints;
mod criteria;
mod glib_order;
mod locations;
mod order_constraints;
mod tickets;
mod utilization;
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

/// Decides what the cluster does; the transition graph.
pub fn schedule(cluster: &mut Cluster<'_>) -> crate::cib::Document {
    cluster.unpack_constraints();
    cluster.apply_node_criteria();
    for top in cluster.top.clone() {
        cluster.constrain_internally(top);
    }
    cluster.handle_changes();
    cluster.assign_resources();
    cluster.check_late();
    if cluster.options.startup_probes {
        cluster.plan_probes();
    }
    if cluster.options.stop_orphans {
        cluster.clear_orphans();
    }
    for top in cluster.top.clone() {
        cluster.plan(top);
    }
    cluster.order_remote_actions();
    cluster.plan_fencing();
    cluster.resolve_orderings();
    let graph = cluster.build_graph();
    cluster.write_graph(&graph)
}
