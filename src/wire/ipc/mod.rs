//! Frames of local sockets.

pub mod ccm;
pub mod clplumbing;
