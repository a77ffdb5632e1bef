//! The stream cipher SOBER-128, as corosync 1.4 keys it.
//!
//! Source: Hawkes, Paddon and Rose, "Primitive Specification for SOBER-128"; how bytes are loaded
//! is in spec totem-wire.md C.3, and held to captured datagrams of 1.4.10.

use zeroize::Zeroize;

use super::sober_table::{FEEDBACK, SUBSTITUTION};

/// Length of the shift register. Units: words
const LENGTH: usize = 17;

/// The constant before a key gives another.
const INITIAL_CONSTANT: u32 = 0x6996_C53A;

/// A keyed generator.
#[derive(Clone)]
pub(super) struct Sober128 {
    register: [u32; LENGTH],
    constant: u32,
}

impl Drop for Sober128 {
    fn drop(&mut self) {
        self.register.zeroize();
        self.constant.zeroize();
    }
}

impl Sober128 {
    /// Loads a key; a length that is no multiple of four leaves the rest out.
    pub(super) fn keyed(key: &[u8]) -> Self {
        let mut register = [1; LENGTH];
        for i in 2..LENGTH {
            register[i] = register[i - 1] + register[i - 2];
        }
        let mut new = Self {
            register,
            constant: INITIAL_CONSTANT,
        };
        new.load(key);
        // The old constant is in use until one is found whose top byte isn't 0.
        loop {
            new.step();
            let constant = new.output();
            if constant >> 24 != 0 {
                new.constant = constant;
                return new;
            }
        }
    }

    /// The generator for one initialisation vector.
    pub(super) fn with_vector(&self, vector: &[u8]) -> Self {
        let mut new = self.clone();
        new.load(vector);
        new
    }

    /// XORs the stream over bytes. A call begins at a whole word.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            self.step();
            let stream = self.output().to_le_bytes();
            for (byte, stream) in chunk.iter_mut().zip(stream) {
                *byte ^= stream;
            }
        }
    }

    fn load(&mut self, bytes: &[u8]) {
        for word in bytes.as_chunks::<4>().0 {
            self.add(u32::from_le_bytes(*word));
            self.step();
            self.register[4] ^= self.output();
        }
        self.add(bytes.len() as u32);
        for _ in 0..LENGTH {
            self.step();
            self.register[4] ^= self.output();
        }
    }

    fn add(&mut self, word: u32) {
        self.register[15] = self.register[15].wrapping_add(word);
    }

    fn step(&mut self) {
        let r = &mut self.register;
        let top = FEEDBACK[(r[0] >> 24) as usize];
        let new = r[15] ^ r[4] ^ (r[0] << 8) ^ top;
        r.copy_within(1.., 0);
        r[16] = new;
    }

    fn output(&self) -> u32 {
        let r = &self.register;
        let substituted = |t: u32| t ^ SUBSTITUTION[(t >> 24) as usize];
        let t = substituted(r[0].wrapping_add(r[16])).rotate_right(8);
        let t = (t.wrapping_add(r[1]) ^ self.constant).wrapping_add(r[6]);
        substituted(t).wrapping_add(r[13])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_follows_from_key_and_vector() {
        let stream = |key: &[u8], vector: &[u8]| {
            let mut bytes = [0; 7];
            Sober128::keyed(key).with_vector(vector).apply(&mut bytes);
            bytes
        };
        let first = stream(b"test key 128bits", &[0; 4]);
        assert_eq!(first, stream(b"test key 128bits", &[0; 4]));
        assert_ne!(first, stream(b"test key 128bitz", &[0; 4]));
        assert_ne!(first, stream(b"test key 128bits", &[1, 0, 0, 0]));
    }
}
