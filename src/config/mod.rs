//! Loaders of configuration files, with positions.
//!
//! A reader is a pure function of text: `parse(&Source, …) -> (Option<model>, Vec<Diagnostic>)`.
//! It never stops at the first finding. Files are opened by [`load`] and by the tools.

pub mod authkey;
pub mod authkeys;
pub mod check;
pub mod corosync_conf;
pub mod diagnostic;
mod differences;
mod encoding;
pub mod ha_cf;
pub mod haresources;
pub mod host;
pub mod identity;
mod load;
pub mod render;
pub mod source;
mod suggest;
pub mod value;

pub use load::{Configuration, Plain, load, load_authkeys, load_corosync};
