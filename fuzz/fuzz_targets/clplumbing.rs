//! Frames of local sockets; the first byte says how the stream is cut.
#![no_main]

use everbeat::wire::ipc::clplumbing::{Decoder, decode_body, encode_frame_into};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let whole = frames(stream, stream.len().max(1));
    assert!(stream.starts_with(&whole));
    assert_eq!(whole, frames(stream, usize::from(*size).max(1)));
});

/// The frames of the stream, written anew.
fn frames(stream: &[u8], piece: usize) -> Vec<u8> {
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    for piece in stream.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(body)) => {
                    let _ = decode_body(body);
                    encode_frame_into(body, &mut out).unwrap();
                }
                Ok(None) => break,
                Err(_) => return out,
            }
        }
    }
    out
}
