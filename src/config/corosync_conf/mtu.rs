//! How many bytes of totem messages a datagram carries.

use super::generation::Generation;
use super::model::{Crypto, Totem};

impl Crypto {
    /// Bytes that 2.x and 1.x take off for the wrapping.
    ///
    /// Source: spec totem-wire.md A.7 and C.2
    fn overhead(self) -> u32 {
        match self {
            Self::Bare => 0,
            Self::Sober { .. } => 36,
            Self::Wrapped { cipher, hash } => {
                let block = cipher.block_bytes() as u32;
                let cipher = if block == 0 { 0 } else { 16 + 2 * block };
                4 + hash.bytes() as u32 + cipher
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

#[cfg(test)]
mod tests {
    use crate::config::corosync_conf::read_all;
    use crate::config::source::Source;

    fn first_part(totem: &str) -> u32 {
        let text = format!("totem {{\nversion: 2\n{totem}\n}}\n");
        let (model, _) = read_all(&Source::new("f", &text));
        let generation = model.told.generation;
        model.totem.packet_bytes(generation, 1, false) - 8 - 2
    }

    #[test]
    fn packets_are_as_long_as_in_the_captures() {
        assert_eq!(first_part("link_mode: rr\ntransport: udp"), 1400);
        assert_eq!(first_part("crypto_cipher: none\ncrypto_hash: none"), 1260);
        assert_eq!(first_part("crypto_cipher: aes256\ncrypto_hash: sha1"), 1192);
        assert_eq!(first_part("crypto_cipher: 3des\ncrypto_hash: sha384"), 1180);
        assert_eq!(first_part("secauth: off"), 1364);
        assert_eq!(first_part("secauth: on"), 1328);
    }
}
