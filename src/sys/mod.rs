//! The only place for `unsafe`: system calls that no library wraps.
#![allow(unsafe_code)]

pub mod child;
pub mod datagrams;
pub mod icmp_filter;
pub mod link_layer;
pub mod local_time;
pub mod peer_groups;
pub mod pidfd;
pub mod reactor;
pub mod realtime;
pub mod reboot;
pub mod scm;
pub mod signal;
pub mod terminal;
pub mod watchdog;
