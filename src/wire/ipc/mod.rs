//! Frames of local sockets.

pub mod ccm;
pub mod clplumbing;
pub mod groups;
