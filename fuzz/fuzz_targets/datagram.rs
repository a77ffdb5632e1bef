//! Whole datagrams: with keys, without, and sealed again.
#![no_main]

use std::sync::LazyLock;

use everbeat::wire::heartbeat::datagram::{check_inner, open_unauthenticated};
use everbeat::wire::heartbeat::{Format, Keyring, Method, compress, open, seal, seal_text_into};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<Keyring> = LazyLock::new(|| {
    let keys = [
        (0, Method::Crc, &b""[..]),
        (1, Method::Sha1, b"SecretOne"),
        (2, Method::Md5, b"hello"),
    ];
    Keyring::new(1, keys).unwrap()
});

fuzz_target!(|data: &[u8]| {
    if let Err(error) = open(data, &KEYS) {
        assert!(!error.to_string().is_empty() && !error.refusal().name().is_empty());
    }
    let Ok(found) = open_unauthenticated(data) else {
        return;
    };
    let mut message = found.message;
    let _ = check_inner(&message, &KEYS);
    let _ = compress::open_fields(&message);
    message.remove("auth");
    if message.get("_compressed_payload").is_some() {
        return;
    }
    for format in [Format::Classic, Format::Netstring] {
        if let Ok(sealed) = seal(&message, &KEYS, format) {
            let mut opened = open(&sealed, &KEYS).unwrap();
            opened.message.remove("auth");
            assert_eq!(opened.message, message);
        }
    }
    let mut text = Vec::new();
    if seal_text_into(&message, &KEYS, &mut text).is_ok() {
        open(&text, &KEYS).unwrap();
    }
});
