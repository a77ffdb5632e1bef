//! Totem's messages against captured traffic of corosync 3.1.7, 2.4.6 and 1.4.10.

use std::collections::BTreeMap;
use std::path::Path;

use everbeat::wire::cursor::ByteOrder;
use everbeat::wire::totem::{Body, Datagram, Dialect, Encapsulated, Mcast, looks_like};
use proptest::prelude::*;

use crate::{hex, no_files};

/// A datagram that isn't encrypted.
struct Row {
    place: String,
    bytes: Vec<u8>,
    dialect: Dialect,
}

/// The selection in tests/wire, and the whole where it is there.
fn rows() -> Vec<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = root.join("../shared/vectors/totem");
    let mut files = hex::files(&root.join("tests/wire/totem"));
    if whole.is_dir() {
        files.extend(hex::files(&whole));
    } else {
        println!("../shared/vectors is not there, only the selection is tested");
    }
    let rows: Vec<Row> = files.iter().flat_map(|file| of_file(file)).collect();
    assert!(!rows.is_empty());
    rows
}

/// The rows of the selection alone.
fn selection() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/totem");
    hex::files(&folder)
        .iter()
        .flat_map(|f| of_file(f))
        .collect()
}

fn of_file(file: &Path) -> Vec<Row> {
    let name = file.file_name().unwrap().to_string_lossy();
    let dialect = match &name[..4] {
        "c14-" if name.contains("secauth-off") => Dialect::V1,
        "c246" if name.contains("rrp") || name.ends_with("none.jsonl") => Dialect::V2,
        "udp-" | "udpu" => Dialect::V3,
        _ => return Vec::new(),
    };
    let row = |(place, object): (String, serde_json::Value)| {
        let mut bytes = hex::unhex(object["hex"].as_str().unwrap());
        if dialect == Dialect::V2 {
            assert_eq!(bytes[..4], [0xfe, 0xfe, 0, 0], "{place}: the frame of 2.x");
            bytes.drain(..4);
        }
        Row {
            place,
            bytes,
            dialect,
        }
    };
    hex::objects(file).into_iter().map(row).collect()
}

/// Where the real ones leave what was in memory: header's target, mcast's node_id.
fn uninitialised(dialect: Dialect, body: &Body) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    if dialect == Dialect::V3 {
        ranges.push(9..13);
    }
    if matches!(body, Body::Mcast(_)) {
        ranges.push(match dialect {
            Dialect::V3 => 37..41,
            Dialect::V2 => 91..95,
            Dialect::V1 => 90..94,
        });
    }
    ranges
}

fn encode(datagram: &Datagram, dialect: Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    datagram.encode_into(dialect, &mut out);
    out
}

/// Decodes, encodes, compares; then the same with the message inside.
fn check(place: &str, bytes: &[u8], dialect: Dialect) -> &'static str {
    assert!(looks_like(bytes, dialect), "{place}");
    let datagram = Datagram::decode(bytes, dialect).unwrap_or_else(|e| panic!("{place}: {e}"));
    assert_eq!(datagram.surplus, 0, "{place}: bytes are left over");
    let mut real = bytes.to_vec();
    for range in uninitialised(dialect, &datagram.body) {
        real[range].fill(0);
    }
    assert_eq!(encode(&datagram, dialect), real, "{place}: {datagram}");
    // A node of the other byte order would say the same.
    let turned = Datagram {
        order: ByteOrder::Big,
        ..datagram.clone()
    };
    let bytes_turned = encode(&turned, dialect);
    assert_eq!(
        Datagram::decode(&bytes_turned, dialect),
        Ok(turned),
        "{place}"
    );
    if let Body::Mcast(Mcast {
        encapsulated: Encapsulated::Message,
        payload,
        ..
    }) = datagram.body
    {
        check(place, payload, dialect);
        return "mcast in recovery";
    }
    datagram.body.kind().name()
}

#[test]
fn every_plain_datagram_encodes_to_the_same_bytes() {
    let mut counts: BTreeMap<(Dialect, &str), u32> = BTreeMap::new();
    for row in rows() {
        let kind = check(&row.place, &row.bytes, row.dialect);
        *counts.entry((row.dialect, kind)).or_default() += 1;
    }
    println!("{counts:?}");
    for kind in [
        "orf_token",
        "mcast",
        "memb_merge_detect",
        "memb_join",
        "memb_commit_token",
        "token_hold_cancel",
    ] {
        for dialect in [Dialect::V3, Dialect::V2, Dialect::V1] {
            let count = counts.get(&(dialect, kind)).copied().unwrap_or(0);
            assert!(count > 0, "no {kind} of {dialect}");
        }
    }
    assert!(counts.contains_key(&(Dialect::V3, "mcast in recovery")));
    assert!(counts.contains_key(&(Dialect::V2, "ring_test_activate")));
}

#[test]
fn a_message_cut_anywhere_is_refused_or_shorter() {
    for row in selection() {
        for length in 0..row.bytes.len() {
            match Datagram::decode(&row.bytes[..length], row.dialect) {
                Err(_) => {}
                // The payload of an mcast has no length of its own.
                Ok(datagram) => assert!(
                    matches!(datagram.body, Body::Mcast(_)),
                    "{} cut to {length}: {datagram}",
                    row.place
                ),
            }
        }
    }
}

#[test]
fn a_message_with_any_bit_flipped_does_no_harm() {
    let mut refused = 0;
    for row in selection().into_iter().filter(|row| row.bytes.len() < 300) {
        let mut bytes = row.bytes.clone();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            match Datagram::decode(&bytes, row.dialect) {
                Ok(datagram) => {
                    assert!(!datagram.to_string().is_empty());
                    let again = encode(&datagram, row.dialect);
                    assert_eq!(again.len() + datagram.surplus, bytes.len());
                }
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
    assert!(refused > 1000, "{refused}");
}

proptest! {
    #![proptest_config(no_files())]

    #[test]
    fn random_bytes_behind_a_good_header(
        kind in 0_u8..8,
        rest in prop::collection::vec(any::<u8>(), 0..200)
    ) {
        let v3 = [&[0x70, 0xc0, 3, kind, 2], &rest[..]].concat();
        let old = [&[kind, 2, 0x22, 0xff], &rest[..]].concat();
        for (bytes, dialect) in [(&v3, Dialect::V3), (&old, Dialect::V2), (&old, Dialect::V1)] {
            if let Ok(datagram) = Datagram::decode(bytes, dialect) {
                let again = encode(&datagram, dialect);
                let datagram = Datagram { surplus: 0, ..datagram };
                prop_assert_eq!(Datagram::decode(&again, dialect), Ok(datagram));
            }
        }
    }
}
