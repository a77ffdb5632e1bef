//! Encrypted traffic of corosync 1.4.10 and 2.4.6: opened, explained, and sealed to the same bytes.

use std::path::{Path, PathBuf};

use everbeat::wire::totem::crypto_frame::{Cipher, Hash, OpenError, Protection, SALT_BYTES};
use everbeat::wire::totem::{Datagram, Dialect};

use crate::hex;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

fn key() -> Vec<u8> {
    let file = root().join("tests/wire/totem/authkey-128.hex");
    let text = std::fs::read_to_string(file).unwrap();
    let digits: String = text.split_whitespace().collect();
    hex::unhex(&digits)
}

/// What a capture was protected with, by its name.
struct Case {
    dialect: Dialect,
    protection: Protection,
    /// Where the salt stands.
    salt: usize,
}

fn case(name: &str) -> Option<Case> {
    let key = key();
    let one = |sends, takes| Case {
        dialect: Dialect::V1,
        protection: Protection::secauth(&key, sends, takes).unwrap(),
        salt: 20,
    };
    let two = |cipher, hash| Case {
        dialect: Dialect::V2,
        protection: Protection::wrapped(&key, cipher, hash).unwrap(),
        salt: 4,
    };
    Some(match name.trim_end_matches(".jsonl") {
        "c14-secauth-on-sober" => one(false, false),
        "c14-secauth-on-sober-accept-new" => one(false, true),
        "c14-secauth-on-nss" => one(true, true),
        "c246-crypto-3des-sha384" => two(Cipher::TripleDes, Hash::Sha384),
        "c246-crypto-aes128-sha256" => two(Cipher::Aes128, Hash::Sha256),
        "c246-crypto-aes192-md5" => two(Cipher::Aes192, Hash::Md5),
        "c246-crypto-aes256-sha1" => two(Cipher::Aes256, Hash::Sha1),
        "c246-crypto-none-sha512" => two(Cipher::None, Hash::Sha512),
        "c246-crypto-none" => two(Cipher::None, Hash::None),
        _ => return None,
    })
}

/// The selection in tests/wire, and the whole where it is there.
fn files() -> Vec<(PathBuf, Case)> {
    let mut files = hex::files(&root().join("tests/wire/totem"));
    let whole = root().join("../shared/vectors/totem");
    if whole.is_dir() {
        files.extend(hex::files(&whole));
    } else {
        println!("../shared/vectors is not there, only the selection is tested");
    }
    let known = |file: PathBuf| {
        let case = case(file.file_name()?.to_str()?)?;
        Some((file, case))
    };
    files.into_iter().filter_map(known).collect()
}

#[test]
fn every_datagram_is_opened_and_sealed_to_the_same_bytes() {
    let mut count = 0;
    for (file, case) in files() {
        for (place, object) in hex::objects(&file) {
            let datagram = hex::unhex(object["hex"].as_str().unwrap());
            let mut scratch = Vec::new();
            let message = case.protection.open(&datagram, &mut scratch);
            let message = message.unwrap_or_else(|e| panic!("{place}: {e}"));
            let decoded = Datagram::decode(message, case.dialect);
            let decoded = decoded.unwrap_or_else(|e| panic!("{place}: {e}"));
            assert_eq!(decoded.surplus, 0, "{place}");
            let mut salt = [0; SALT_BYTES];
            if case.protection.needs_salt() {
                salt.copy_from_slice(&datagram[case.salt..case.salt + SALT_BYTES]);
            }
            let mut sealed = Vec::new();
            case.protection.seal_into(message, &salt, &mut sealed);
            assert!(sealed == datagram, "{place}: sealed to other bytes");
            count += 1;
        }
    }
    println!("{count} datagrams");
    assert!(count >= 320, "{count} datagrams");
}

#[test]
fn other_keys_and_other_settings_are_refused() {
    let mut wrong_key = key();
    wrong_key[100] ^= 1;
    let strangers = [
        Protection::secauth(&wrong_key, false, false).unwrap(),
        Protection::wrapped(&wrong_key, Cipher::Aes256, Hash::Sha1).unwrap(),
        Protection::wrapped(&wrong_key, Cipher::None, Hash::Sha512).unwrap(),
        Protection::wrapped(&key(), Cipher::Aes256, Hash::Sha384).unwrap(),
    ];
    for (file, _) in files() {
        if file.ends_with("c246-crypto-none.jsonl") {
            continue;
        }
        for (place, object) in hex::objects(&file).into_iter().take(20) {
            let datagram = hex::unhex(object["hex"].as_str().unwrap());
            for stranger in &strangers {
                // The same cipher and hash with the right key is no stranger.
                let same = place.contains("3des-sha384");
                let opened = stranger
                    .open(&datagram, &mut Vec::new())
                    .map(<[u8]>::to_vec);
                let refused = matches!(opened, Err(OpenError::Signature | OpenError::Short));
                assert!(refused || same, "{place}: {opened:?}");
            }
        }
    }
}
