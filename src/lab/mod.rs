//! Hosts in namespaces on one machine.
