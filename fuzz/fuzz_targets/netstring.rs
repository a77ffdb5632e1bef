//! The netstring form of a message.
#![no_main]

use everbeat::wire::heartbeat::{EncodeError, netstring};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok((message, used)) = netstring::decode(data) else {
        return;
    };
    let mut out = Vec::new();
    match netstring::encode_into(&message, &mut out) {
        Ok(()) => assert_eq!(out, data[..used]),
        // Longer lists are read than written.
        Err(error) => assert!(matches!(error, EncodeError::BadList(_))),
    }
});
