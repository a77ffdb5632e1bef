//! Identity files: hb_uuid, hb_generation, hostcache.
//!
//! They live in `/var/lib/heartbeat` and are heartbeat's own, byte for byte: a machine that
//! changes from one to the other stays the same node to its peers.

mod atomic;
mod generation;
mod hostcache;
mod uuid;

pub use atomic::write_atomically;
pub use generation::{StartedGeneration, next_generation};
pub use hostcache::{CachedHost, Hostcache};
pub use uuid::{OwnUuid, load_uuid};

/// Folder of the identity files. Source: heartbeat 3.0.6, `HA_VARLIBHBDIR`
pub const DIR: &str = "/var/lib/heartbeat";
