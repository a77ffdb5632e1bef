//! The scheduler: from a CIB to what the cluster knows of its nodes and resources.
//!
//! ```text
//!  Document --expand--> Expanded --status--> Cluster (roles, places, failures, node states)
//! ```
//!
//! A pure function of the document and a time: no clock, no files, no globals.

mod action_flags;
pub mod actions;
pub mod arena;
mod assign;
mod assign_bundle;
mod assign_clone;
mod assign_promotable;
pub mod bundle_xml;
mod changes;
pub mod cluster;
mod colocate;
mod colocations;
mod constraints;
mod criteria;
pub mod dates;
pub mod digest;
mod dot;
pub mod execution;
pub mod expand;
pub mod failcount;
pub mod fence;
mod fence_orders;
pub(crate) mod glib_order;
pub mod graph;
pub mod graph_xml;
pub mod history;
pub mod history_migration;
pub mod history_op;
pub mod injections;
mod internal;
mod locations;
pub mod model;
pub mod notifications;
pub mod operations;
pub mod options;
pub mod order;
mod order_constraints;
mod orderings;
mod plan_collective;
mod plan_migration;
mod plan_primitive;
mod plan_recurring;
mod probe_orders;
mod probes;
mod remote_orders;
pub mod report;
pub mod rules;
pub mod score;
pub mod sets;
pub mod shown;
pub mod simulate;
pub mod state;
pub mod status;
mod summary;
pub mod table;
pub mod text;
mod tickets;
mod unpack_collectives;
pub mod unpack_nodes;
pub mod unpack_resources;
mod update;
mod update_clone;
mod utilization;

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
