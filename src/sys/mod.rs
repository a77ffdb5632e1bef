//! The only place for `unsafe`: system calls that no library wraps.
#![allow(unsafe_code)]

pub mod child;
pub mod pidfd;
pub mod scm;
pub mod signal;
