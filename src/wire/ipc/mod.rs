//! Frames of local sockets.

pub mod clplumbing;
