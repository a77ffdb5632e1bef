//! How many bytes of totem messages a datagram carries.

use super::generation::Generation;
use super::model::{Cipher, Crypto, Hash, Totem};

impl Crypto {
    /// Bytes that 2.x and 1.x take off for the wrapping.
    ///
    /// Source: spec totem-wire.md A.7 and C.2
    fn overhead(self) -> u32 {
        match self {
            Self::Bare => 0,
            Self::Sober { .. } => 36,
            Self::Wrapped { cipher, hash } => {
                let hash = match hash {
                    Hash::None => 0,
                    Hash::Md5 => 16,
                    Hash::Sha1 => 20,
                    Hash::Sha256 => 32,
                    Hash::Sha384 => 48,
                    Hash::Sha512 => 64,
                };
                let cipher = match cipher {
                    Cipher::None => 0,
                    Cipher::TripleDes => 16 + 2 * 8,
                    _ => 16 + 2 * 16,
                };
                4 + hash + cipher
            }
        }
    }
}

impl Totem {
    /// Largest totempg packet, its header included. Units: bytes
    ///
    /// Source: spec totem-wire.md A.7; seen in captures of each generation
    pub fn packet_bytes(&self, generation: Generation, rings: u32, ipv6: bool) -> u32 {
        let ip = if ipv6 { 48 } else { 28 };
        let off = match generation {
            Generation::Three => 2 * 45,
            Generation::Two => 2 * 99 + (self.crypto.overhead() + ip).saturating_mul(rings.max(1)),
            Generation::One => 98 + ip + self.crypto.overhead(),
        };
        self.timing.netmtu.saturating_sub(off)
    }
}
