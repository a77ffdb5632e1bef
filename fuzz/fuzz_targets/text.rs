//! The text form of a message.
#![no_main]

use everbeat::wire::heartbeat::text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok((message, used)) = text::decode(data) else {
        return;
    };
    assert!(used <= data.len());
    let mut out = Vec::new();
    // A byte that ends lines further out may be read where it can't be written.
    if text::encode_into(&message, &mut out).is_ok() {
        assert_eq!(text::decode(&out), Ok((message, out.len())));
    }
});
