//! Capture files; the first byte says how the file is cut.
#![no_main]

use everbeat::wire::capture::{Assembler, Decoder, Packet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((size, file)) = data.split_first() else {
        return;
    };
    let whole = packets(file, file.len().max(1));
    assert_eq!(whole, packets(file, usize::from(*size).max(1)));
});

fn packets(file: &[u8], piece: usize) -> Vec<Packet> {
    let mut decoder = Decoder::new();
    let mut assembler = Assembler::new();
    let mut found = Vec::new();
    for piece in file.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next_record() {
                Ok(Some(record)) => found.extend(assembler.push(&record)),
                Ok(None) => break,
                Err(_) => return found,
            }
        }
    }
    found
}
