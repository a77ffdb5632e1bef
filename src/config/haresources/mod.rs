//! haresources: which resources run together, and on which node by preference.

mod addresses;
mod against;
mod differ;
mod keys;
mod lines;
pub mod model;
mod reader;

pub use against::{check_against_ha_cf, check_on_host};
pub use differ::differences;
pub use model::*;
pub use reader::{parse, read_all};
