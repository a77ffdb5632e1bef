//! The CIB: the document of configuration and status that a cluster shares.
//!
//! ```text
//!  bytes --reader::read_bytes--> Document --writer::pretty--> the same bytes
//! ```
//!
//! Nothing here has a socket, a clock or a thread. The file names of the originals: `libxml2`
//! and `lib/common/xml.c` of Pacemaker.

pub mod dom;
mod names;
pub mod reader;
mod store;
pub mod writer;

pub use dom::{Document, Element, Kind, NodeRef};
pub use reader::{ReadError, read, read_bytes, read_file_text};
