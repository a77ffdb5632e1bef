//! The node protocol of heartbeat.
