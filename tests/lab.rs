//! Tests on hosts in namespaces. Where no lab can be made they are skipped, each with a line.

#[path = "lab/cluster.rs"]
mod cluster;
#[path = "lab/faults.rs"]
mod faults;
#[path = "lab/host.rs"]
mod host;
#[path = "lab/many.rs"]
mod many;
#[path = "lab/selftest.rs"]
mod selftest;
#[path = "lab/tour.rs"]
mod tour;
