//! Cut, flipped and random bytes: refused, never a panic.

use everbeat::wire::heartbeat::datagram::{open_unauthenticated, seal_wrapped_into};
use everbeat::wire::heartbeat::{
    Format, Keyring, Method, OpenError, compress, decode_unauthenticated, open, text,
};
use everbeat::wire::ipc::clplumbing;
use proptest::prelude::*;

use crate::capture::{Row, selection};
use crate::no_files;

/// A few of the selection: the smaller of each file, since every byte of each is damaged.
fn samples() -> Vec<Row> {
    let mut rows = selection("heartbeat");
    rows.retain(|row| row.bytes.len() < 1500);
    rows.into_iter().step_by(5).collect()
}

fn never_opens(bytes: &[u8], keyring: &Keyring, what: &str) -> OpenError {
    match open(bytes, keyring) {
        Err(error) => error,
        Ok(opened) => panic!("{what}: opened as {}", opened.message),
    }
}

#[test]
fn a_datagram_cut_anywhere_is_refused() {
    for row in samples() {
        let ring = row.keyring();
        for length in 0..row.bytes.len() {
            let what = format!("{} cut to {length}", row.place);
            never_opens(&row.bytes[..length], &ring, &what);
            let _ = open_unauthenticated(&row.bytes[..length]);
        }
    }
}

#[test]
fn a_datagram_with_one_bit_flipped_is_refused() {
    let mut flipped = 0;
    // The index in a token is not signed: among several keys it may become one that the
    // tolerant check takes.
    let one_key = |row: &Row| row.keyring().keys().count() == 1;
    for row in samples().into_iter().filter(one_key).step_by(5) {
        let ring = row.keyring();
        let mut bytes = row.bytes.clone();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let what = format!("{} with bit {bit} flipped", row.place);
            never_opens(&bytes, &ring, &what);
            let _ = open_unauthenticated(&bytes);
            let _ = decode_unauthenticated(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
            flipped += 1;
        }
        assert!(open(&bytes, &ring).is_ok(), "{}", row.place);
    }
    assert!(flipped > 50_000);
}

#[test]
fn a_compressed_payload_that_is_damaged_does_no_harm() {
    let ring = Keyring::new(1, [(1, Method::Crc, &b""[..])]).unwrap();
    let message = open(&samples()[0].bytes, &samples()[0].keyring()).unwrap();
    for algorithm in [compress::Algorithm::Zlib, compress::Algorithm::Bz2] {
        let mut sealed = Vec::new();
        let how = (Format::Classic, algorithm);
        seal_wrapped_into(&message.message, &ring, how, &mut sealed).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut bytes = sealed.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // The reader of a capture without key decompresses what nobody signed.
            let _ = open_unauthenticated(&bytes);
        }
    }
}

/// What the forms are made of.
const PIECES: &[&[u8]] = &[
    b"###\n",
    b"%%%\n",
    b">>>\n",
    b"<<<\n",
    b"11:(0)t=status,",
    b"t=status\n",
    b"auth=1 ffffffff\n",
    b"10:1 ffffffff,",
    b"(2)m=>>>\x14",
    b"(3)l=1:a,\n",
    b"(1)b=AAAA\n",
    b"99999:(2)m=",
    b"\0",
    b"\n",
    b",",
    b"=",
];

/// Bytes that look like the forms, so that the readers get past the first line.
fn like_a_message() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(PIECES);
    let noise = prop::collection::vec(any::<u8>(), 0..6);
    prop::collection::vec((piece, noise), 0..12).prop_map(|parts| {
        let joined = parts.iter().map(|(piece, noise)| [*piece, noise].concat());
        joined.collect::<Vec<_>>().concat()
    })
}

proptest! {
    #![proptest_config(no_files())]

    #[test]
    fn random_bytes_are_refused_by_every_reader(bytes in like_a_message()) {
        let ring = Keyring::new(1, [(1, Method::Sha1, &b"key"[..])]).unwrap();
        prop_assert!(open(&bytes, &ring).is_err());
        let _ = open_unauthenticated(&bytes);
        let _ = decode_unauthenticated(&bytes);
        let mut splitter = text::Splitter::new();
        splitter.push(&bytes, |message| {
            let _ = text::decode(message);
        });
        let mut decoder = clplumbing::Decoder::new();
        decoder.push(&bytes);
        while let Ok(Some(body)) = decoder.next_frame() {
            let _ = clplumbing::decode_body(body);
        }
    }
}
