//! ha.cf: who the nodes are, how they hear each other, when one counts as dead.

pub mod model;

pub use model::*;
