//! The scheduler: from a CIB to what the cluster does.
//!
//! ```text
//!  Document --unpack::expand--> Expanded
//!    | unpack: options, nodes, resources; what the histories say of them
//!    v
//!  model::cluster::Cluster, tables that each phase fills further:
//!    constraints   locations, colocations, orders, tickets
//!    placement     scores by node, and the node that each resource gets
//!    actions       what that takes: probes, starts, stops, moves, recurring operations
//!    fencing       who has to be fenced for it
//!    ordering      what waits for what; what can't be done
//!    graph         the transition graph, as XML and as a picture
//!    v
//!  simulation, report: the same decisions for people
//! ```
//!
//! A pure function of the document and a time: no clock, no files, no globals.

pub mod actions;
mod constraints;
pub mod fencing;
pub mod graph;
pub mod model;
mod ordering;
mod placement;
pub mod report;
pub mod score;
pub mod simulation;
pub mod unpack;

use crate::cib::boolean;
use crate::rules::iso8601::Clock;
use model::cluster::Cluster;
use unpack::expand::Expanded;

/// Reads a CIB that [`expand::expand`] wrote out: options, nodes, resources and their state.
pub fn read(input: &Expanded, clock: Clock) -> Cluster<'_> {
    let mut cluster = Cluster::new(input, clock);
    cluster.have_quorum = boolean::is_true(cluster.root().attr("have-quorum"));
    cluster.unpack_options();
    cluster.unpack_nodes();
    cluster.unpack_remote_nodes();
    cluster.unpack_resources();
    cluster.unpack_status();
    cluster
}

/// Decides what the cluster does; the transition graph.
pub fn schedule(cluster: &mut Cluster<'_>) -> crate::cib::Document {
    let graph = decide(cluster);
    cluster.write_graph(&graph)
}

/// Decides what the cluster does: the parts of the transition graph.
pub fn decide(cluster: &mut Cluster<'_>) -> Vec<graph::Synapse> {
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
    cluster.note_changes();
    cluster.build_graph()
}
