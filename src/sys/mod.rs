//! The only place for `unsafe`: system calls that no library wraps.
#![allow(unsafe_code)]

pub mod signal;
