//! haresources: which resources run together, and on which node by preference.

pub mod model;

pub use model::*;
