//! corosync.conf of corosync 1.x, 2.x and 3.x, and of openais before them.
//!
//! ```text
//! text --tree--> sections, keys --generation--> whose rules hold
//!      --keys--> values as meant --read--> CorosyncConf, findings
//!                                   on_host: node entry, addresses, names
//! ```
//!
//! Source: spec corosync-conf.md; the error texts of the real parsers are in its vectors.

pub mod address;
pub mod cmap;
mod differ;
mod explain;
mod generation;
mod include;
mod interfaces;
mod keys;
mod local;
mod logging;
mod model;
mod mtu;
mod nodes;
mod on_host;
mod quorum;
mod read;
mod schema;
mod section;
mod timing;
mod totem;
mod tree;

pub use differ::differences;
pub use generation::{Generation, Told};
pub use include::{parse_service_d, parse_uidgid_d};
pub use local::{Local, LocalNode, address_on, find as find_local_node};
pub use model::*;
pub use on_host::check as check_on_host;
pub use read::{parse, read_all};
pub use timing::Timing;
pub use tree::{Key, Section};

use super::diagnostic::Findings;
use super::source::Source;

/// The sections of a file and their keys, as they are written.
pub fn sections(source: &Source) -> Section {
    tree::parse(&mut Findings::of(source, "corosync"))
}

/// True for the name of a section that corosync.conf may have at its top.
pub fn is_top_section(word: &str) -> bool {
    !word.is_empty() && schema::sections_in("").any(|s| s == word)
}
