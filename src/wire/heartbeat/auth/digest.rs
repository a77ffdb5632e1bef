//! Digests, and how they are written.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;

use super::Method;

/// Appends the digest of the parts, one after the other, to `out`.
pub fn print<'a>(
    (method, secret): (Method, &[u8]),
    parts: impl Iterator<Item = &'a [u8]>,
    out: &mut Printed,
) {
    match method {
        Method::Crc => out.push_number(!parts.fold(0, crc)),
        Method::Md5 => out.push_bytes(&mac::<Hmac<Md5>>(secret, parts)),
        Method::Sha1 => out.push_bytes(&mac::<Hmac<Sha1>>(secret, parts)),
    }
}

/// HMAC takes a key of any length: one that is longer than its block is replaced by its digest.
fn mac<'a, M: Mac + KeyInit>(
    secret: &[u8],
    parts: impl Iterator<Item = &'a [u8]>,
) -> hmac::digest::Output<M> {
    let mut mac = <M as KeyInit>::new_from_slice(secret)
        .unwrap_or_else(|_| <M as KeyInit>::new(&Default::default()));
    parts.for_each(|part| mac.update(part));
    mac.finalize().into_bytes()
}

fn crc(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, &byte| {
        (sum << 8) ^ CRC_TABLE[usize::from((sum >> 24) as u8 ^ byte)]
    })
}

/// CRC-32, polynomial 04C11DB7, most significant bit first.
const CRC_TABLE: [u32; 256] = {
    let mut table = [0_u32; 256];
    let mut i = 0;
    while i < 256 {
        let mut sum = (i as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            let carry = sum & 0x8000_0000 != 0;
            sum <<= 1;
            if carry {
                sum ^= 0x04c1_1db7;
            }
            bit += 1;
        }
        table[i] = sum;
        i += 1;
    }
    table
};

/// Two digits of the index, a blank, 40 digits.
const PRINTED_BYTES_MAX: usize = 2 + 1 + 40;

/// A digest or a token as it is written: lower-case hexadecimal.
pub struct Printed {
    bytes: [u8; PRINTED_BYTES_MAX],
    length: usize,
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

impl Printed {
    /// Nothing.
    pub fn new() -> Self {
        Self {
            bytes: [0; PRINTED_BYTES_MAX],
            length: 0,
        }
    }

    /// What was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Appends a number below 100.
    pub fn push_decimal(&mut self, number: u8) {
        if number >= 10 {
            self.push(b'0' + number / 10);
        }
        self.push(b'0' + number % 10);
    }

    /// Appends a byte.
    pub fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push_half(byte >> 4);
            self.push_half(byte & 15);
        }
    }

    /// Without leading zeros, as C's `%x`.
    fn push_number(&mut self, number: u32) {
        let digits = (32 - number.leading_zeros()).div_ceil(4).max(1);
        for place in (0..digits).rev() {
            self.push_half((number >> (4 * place)) as u8 & 15);
        }
    }

    fn push_half(&mut self, half: u8) {
        self.push(HEX_DIGITS[usize::from(half & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(key: (Method, &[u8]), signed: &[u8]) -> String {
        let mut out = Printed::new();
        // In two parts: where they are cut makes no difference.
        let (a, b) = signed.split_at(signed.len() / 2);
        print(key, [a, b].into_iter(), &mut out);
        String::from_utf8(out.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn digests_of_rfc_2202() {
        let signed = b"what do ya want for nothing?";
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        for (method, secret, signed, digest) in [
            (
                Method::Md5,
                &b"Jefe"[..],
                &signed[..],
                "750c783e6ab0b503eaa86e310a5db738",
            ),
            (
                Method::Md5,
                &[0xaa; 80],
                long,
                "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
            ),
            (
                Method::Sha1,
                b"Jefe",
                signed,
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            ),
            (
                Method::Sha1,
                &[0xaa; 80],
                long,
                "aa4ae5e15272d00e95705637ce8a3b55ed402112",
            ),
        ] {
            assert_eq!(printed((method, secret), signed), digest);
        }
    }

    #[test]
    fn numbers_print_without_padding() {
        assert_eq!(printed((Method::Crc, b""), b""), "ffffffff");
        for (number, text) in [(0x00ab_0c00, "ab0c00"), (0, "0"), (u32::MAX, "ffffffff")] {
            let mut out = Printed::new();
            out.push_number(number);
            assert_eq!(out.as_bytes(), text.as_bytes());
        }
        let mut out = Printed::new();
        out.push_decimal(7);
        out.push_decimal(15);
        assert_eq!(out.as_bytes(), b"715");
    }
}
