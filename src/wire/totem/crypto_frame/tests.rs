use super::*;

const SALT: [u8; SALT_BYTES] = *b"0123456789abcdef";

fn key() -> Vec<u8> {
    (0..128_u8)
        .map(|i| i.wrapping_mul(7).wrapping_add(42))
        .collect()
}

fn all() -> Vec<Protection> {
    let mut all = vec![Protection::bare()];
    for (sends, takes) in [(false, false), (false, true), (true, true)] {
        all.push(Protection::secauth(&key(), sends, takes).unwrap());
    }
    let hashes = [
        Hash::Md5,
        Hash::Sha1,
        Hash::Sha256,
        Hash::Sha384,
        Hash::Sha512,
    ];
    for hash in hashes {
        for cipher in [
            Cipher::None,
            Cipher::Aes128,
            Cipher::Aes192,
            Cipher::Aes256,
            Cipher::TripleDes,
        ] {
            all.push(Protection::wrapped(&key(), cipher, hash).unwrap());
        }
    }
    all.push(Protection::wrapped(&[], Cipher::None, Hash::None).unwrap());
    all
}

fn sealed(protection: &Protection, message: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    protection.seal_into(message, &SALT, &mut out);
    assert_eq!(&out[..6], b"before");
    out.split_off(6)
}

#[test]
fn what_is_sealed_is_opened() {
    for protection in all() {
        for length in [0, 1, 3, 15, 16, 17, 1400] {
            let message: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let datagram = sealed(&protection, &message);
            let mut scratch = vec![1, 2, 3];
            assert_eq!(protection.open(&datagram, &mut scratch), Ok(&message[..]));
        }
    }
}

#[test]
fn no_bit_can_be_changed_and_no_byte_left_out() {
    for protection in all().iter().filter(|p| p.is_signed()) {
        let datagram = sealed(protection, b"a message of totem");
        for at in 0..datagram.len() {
            let mut changed = datagram.clone();
            changed[at] ^= 0x10;
            let opened = protection
                .open(&changed, &mut Vec::new())
                .map(<[u8]>::to_vec);
            assert!(opened.is_err(), "{protection:?} byte {at}");
            // Without its last byte it is what openais sent.
            if matches!(protection.kind, Kind::One(_)) && at + 1 == datagram.len() {
                continue;
            }
            let cut = protection
                .open(&datagram[..at], &mut Vec::new())
                .map(<[u8]>::to_vec);
            assert!(cut.is_err(), "{protection:?} cut at {at}");
        }
    }
}

impl Protection {
    fn is_signed(&self) -> bool {
        let unsigned = Self::wrapped(&[], Cipher::None, Hash::None);
        let one = unsigned.map(|p| sealed(&p, b"").len());
        !matches!(self.kind, Kind::Bare) && Ok(sealed(self, b"").len()) != one
    }
}

#[test]
fn the_nss_form_is_taken_only_where_it_was_allowed() {
    let new = Protection::secauth(&key(), true, true).unwrap();
    let old = Protection::secauth(&key(), false, false).unwrap();
    let nss = sealed(&new, b"x");
    assert_eq!(nss.last(), Some(&1));
    assert_eq!(old.open(&nss, &mut Vec::new()), Err(OpenError::Signature));
    let sober = sealed(&old, b"x");
    assert_eq!(sober.last(), Some(&0));
    assert_eq!(new.open(&sober, &mut Vec::new()), Ok(&b"x"[..]));
}

#[test]
fn openais_has_no_last_byte() {
    let old = Protection::secauth(&key(), false, false).unwrap();
    let mut datagram = sealed(&old, b"a message");
    datagram.pop();
    assert_eq!(old.open(&datagram, &mut Vec::new()), Ok(&b"a message"[..]));
}

#[test]
fn keys_have_a_length() {
    let short = Protection::secauth(&key()[..127], false, false);
    assert_eq!(
        short.unwrap_err(),
        SetupError::ShortKey {
            bytes: 127,
            needed: 128
        }
    );
    let short = Protection::wrapped(&key()[..31], Cipher::Aes256, Hash::Sha1);
    assert_eq!(
        short.unwrap_err(),
        SetupError::ShortKey {
            bytes: 31,
            needed: 32
        }
    );
    let unsigned = Protection::wrapped(&key(), Cipher::Aes256, Hash::None);
    assert_eq!(unsigned.unwrap_err(), SetupError::CipherWithoutHash);
}

#[test]
fn keys_are_not_printed() {
    let shown = format!("{:?}", Protection::secauth(&key(), false, false).unwrap());
    assert_eq!(shown, "Protection(1.x secauth)");
}
