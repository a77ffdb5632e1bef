//! Why a message of a service can't be read.

use crate::wire::cursor::Truncated;
use crate::wire::totem::DecodeError;

/// Why a message of a service can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// It ends too early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A field has no meaning.
    #[error("{0}")]
    Malformed(&'static str),
    /// A service or function that nobody has.
    #[error("unknown function {function} of service {service}")]
    Unknown {
        /// Its number.
        service: u16,
        /// Its function.
        function: u16,
    },
    /// The ring's name can't be read.
    #[error(transparent)]
    Ring(#[from] DecodeError),
}
