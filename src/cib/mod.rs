//! The CIB: the document of configuration and status that a cluster shares.
//!
//! ```text
//!  bytes --reader::read_bytes--> Document --writer::pretty--> the same bytes
//! ```
//!
//! Nothing here has a socket, a clock or a thread. The file names of the originals: `libxml2`
//! and `lib/common/xml.c` of Pacemaker.

pub mod acl;
pub mod boolean;
pub mod digest;
pub mod dom;
pub mod empty;
mod error;
mod merge;
mod names;
pub mod operation;
pub mod options;
pub mod patch;
pub mod reader;
pub mod schema;
pub mod section;
mod store;
pub mod upgrade;
pub mod version;
pub mod writer;
pub mod xpath;

pub use dom::{Document, Element, Kind, NodeRef};
pub use error::Error;
pub use reader::{ReadError, read, read_bytes, read_file_text};
pub use version::Version;
