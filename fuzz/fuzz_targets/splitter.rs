//! A stream of text; the first byte says how it is cut.
#![no_main]

use everbeat::wire::heartbeat::text::{self, Splitter};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let whole = messages(stream, stream.len().max(1));
    assert_eq!(whole, messages(stream, usize::from(*size).max(1)));
    for message in whole {
        assert!(message.starts_with(text::START) && message.ends_with(text::END));
        if let Ok((_, used)) = text::decode(&message) {
            assert_eq!(used, message.len());
        }
    }
});

fn messages(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut splitter = Splitter::new();
    let mut found: Vec<Vec<u8>> = Vec::new();
    for piece in stream.chunks(piece) {
        splitter.push(piece, |message| found.push(message.to_vec()));
    }
    let kept: usize = found.iter().map(Vec::len).sum();
    assert!(splitter.skipped_bytes() + kept as u64 <= stream.len() as u64);
    found
}
