//! Protected datagrams: whatever the bytes, they are opened or refused.
#![no_main]

use std::sync::LazyLock;

use everbeat::wire::totem::crypto_frame::{Cipher, Hash, Protection};
use libfuzzer_sys::fuzz_target;

static ALL: LazyLock<Vec<Protection>> = LazyLock::new(|| {
    let key = [0x5A; 128];
    let mut all = vec![Protection::bare()];
    all.extend(Protection::secauth(&key, true, true));
    all.extend(Protection::wrapped(&key, Cipher::None, Hash::None));
    all.extend(Protection::wrapped(&key, Cipher::Aes256, Hash::Sha1));
    all.extend(Protection::wrapped(&key, Cipher::TripleDes, Hash::Md5));
    all
});

fuzz_target!(|bytes: &[u8]| {
    let mut scratch = Vec::new();
    for protection in ALL.iter() {
        let _ = protection.open(bytes, &mut scratch);
        // With the right key the way behind the signature is walked, too.
        let mut sealed = Vec::new();
        protection.seal_into(bytes, &[7; 16], &mut sealed);
        assert_eq!(protection.open(&sealed, &mut scratch), Ok(bytes));
    }
});
