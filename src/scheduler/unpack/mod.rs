//! From elements of the CIB to the tables: options, nodes, resources, and their histories.

pub mod age;
pub mod bundle_xml;
pub(super) mod collectives;
pub mod digest;
pub mod expand;
pub mod failcount;
pub mod history;
pub mod history_migration;
pub mod history_op;
pub mod nodes;
pub mod operations;
pub mod options;
pub mod resources;
pub mod sets;
pub mod status;
