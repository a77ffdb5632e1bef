//! Tests on hosts in namespaces. Where no lab can be made they are skipped, each with a line.

#[path = "lab/fence.rs"]
mod fence;
#[path = "lab/host.rs"]
mod host;
#[path = "lab/selftest.rs"]
mod selftest;
