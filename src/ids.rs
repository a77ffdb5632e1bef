//! Names and numbers that identify things, each a type of its own.

use std::fmt;
use std::sync::Arc;

use crate::limits;

/// Name of a node, as `uname -n` gives it in lower case.
///
/// Bounds: 1..=[`limits::NODE_NAME_BYTES_MAX`] bytes, no white space or control characters.
/// Source: heartbeat 3.0.6, `HOSTLENG`; names of the node table are lowered, names in messages
/// are compared as they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Arc<str>);

/// Why a word can't be the name of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeNameError {
    /// The word has no character.
    #[error("a node name can't be empty")]
    Empty,
    /// The word is longer than [`limits::NODE_NAME_BYTES_MAX`].
    #[error("a node name has at most {} bytes", limits::NODE_NAME_BYTES_MAX)]
    TooLong,
    /// White space or a control character.
    #[error("a node name has no blanks and no control characters")]
    BadCharacter,
}

impl NodeName {
    /// Takes the word as it is.
    pub fn new(word: &str) -> Result<Self, NodeNameError> {
        if word.is_empty() {
            Err(NodeNameError::Empty)
        } else if word.len() > limits::NODE_NAME_BYTES_MAX {
            Err(NodeNameError::TooLong)
        } else if word.chars().any(|c| c.is_whitespace() || c.is_control()) {
            Err(NodeNameError::BadCharacter)
        } else {
            Ok(Self(word.into()))
        }
    }

    /// Takes the word in lower case (ASCII), as configuration files are read.
    pub fn lowered(word: &str) -> Result<Self, NodeNameError> {
        Self::new(&word.to_ascii_lowercase())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq<str> for NodeName {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

/// UUID of a node, in the order it is printed.
///
/// Source: heartbeat 3.0.6, `/var/lib/heartbeat/hb_uuid` and field `srcuuid`: 16 raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeUuid(pub [u8; 16]);

impl NodeUuid {
    /// All zero: the node is known, its uuid isn't yet.
    pub const NIL: Self = Self([0; 16]);

    /// The uuid in `bytes`, if there are exactly 16 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// True for [`Self::NIL`].
    pub fn is_nil(&self) -> bool {
        *self == Self::NIL
    }
}

impl fmt::Display for NodeUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for NodeUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Generation of a node's daemon: grows with each of its starts, hexadecimal on the wire (`hg`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

/// Sequence number of a sender's message, hexadecimal on the wire (`seq`), first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// Number of a node in corosync's messages and configuration (`nodeid`), never 0 for a node.
///
/// Source: corosync 3.1.7, `nodelist.node.X.nodeid`; 2.4 and 1.4: `totem.nodeid`, or the IPv4
/// address as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeId(pub u32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Number of a membership: the same at all of its members, and another one than those of the
/// memberships before and after it. It says nothing about their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MembershipId(pub u64);

impl fmt::Display for MembershipId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A name that is compared and shown as it is written; cheap to copy.
macro_rules! name {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(Arc<str>);

        impl $Name {
            /// Takes the word as it is.
            pub fn new(word: &str) -> Self {
                Self(word.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name! {
    /// Name of a link: the interface, the tty, or the ping node of a medium.
    ///
    /// Media of one name share one link, as in heartbeat (two `ucast eth0 …` lines are link
    /// `eth0`).
    LinkName
}

name! {
    /// Name of a resource of the CRM, as the executor and its history have it: the primitive's
    /// id, with `:NUMBER` behind it for an instance of a unique clone.
    ResourceName
}
