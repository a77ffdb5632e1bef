//! ha.cf: who the nodes are, how they hear each other, when one counts as dead.
//!
//! ```text
//! text --lines--> directives --table--> Reader --finish--> HaCf, findings
//!                                                   on_host: name, interfaces, programs
//! ```

mod children;
mod differ;
mod directives;
mod fencing;
mod finish;
mod lines;
mod logging;
mod media;
pub mod model;
mod on_host;
mod options;
mod parameters;
mod reader;
mod timing;

pub use differ::differences;
pub use model::*;
pub use on_host::check as check_on_host;
pub use reader::{parse, read_all};

/// True for the name of a directive.
pub fn is_directive(word: &str) -> bool {
    directives::find(word).is_some()
}
