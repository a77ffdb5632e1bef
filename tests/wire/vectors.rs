//! Everything that real daemons sent decodes, authenticates, and encodes to the same bytes.

use everbeat::wire::heartbeat::compress::Algorithm;
use everbeat::wire::heartbeat::datagram::{self, Form, check_inner};
use everbeat::wire::heartbeat::{
    Format, Message, Value, compress, netstring, open, seal, seal_text_into, text,
};
use everbeat::wire::ipc::clplumbing;

use crate::capture::{Row, rows};

#[test]
fn every_datagram_opens_and_seals_to_the_same_bytes() {
    let mut counts = [0; 4];
    for folder in ["heartbeat", "ccm"] {
        for row in rows(folder) {
            let opened = open(&row.bytes, &row.keyring())
                .unwrap_or_else(|error| panic!("{}: {error}", row.place));
            assert!(!opened.signer.by_outbound_key, "{}", row.place);
            counts[0] += 1;
            counts[1] += usize::from(opened.form == Form::Text);
            counts[2] += usize::from(opened.wrapped.is_some());
            counts[3] += usize::from(check_sealing(&row, &opened));
        }
    }
    let [all, text, wrapped, inner] = counts;
    println!("{all} datagrams: {text} text, {wrapped} compressed whole, {inner} inner tokens");
    assert!(text > 0 && wrapped > 0 && inner > 0);
}

/// Seals what was opened again; true if it had an inner token.
fn check_sealing(row: &Row, opened: &datagram::Opened) -> bool {
    let (place, ring) = (&row.place, row.keyring());
    if opened.form == Form::Text {
        let mut out = Vec::new();
        seal_text_into(&opened.message, &ring, &mut out).unwrap();
        assert_eq!(out, row.bytes, "{place}");
        return false;
    }
    let (outer, _) = netstring::decode(&row.bytes).unwrap();
    let format = match opened.wrapped {
        Some(_) => Format::Netstring,
        None => Format::Classic,
    };
    if opened.wrapped.is_some() || outer.get("auth").is_some() {
        assert_eq!(seal(&outer, &ring, format).unwrap(), row.bytes, "{place}");
    } else {
        let sealed = seal(&outer, &ring, Format::Netstring).unwrap();
        assert_eq!(sealed, row.bytes, "{place}");
    }
    if let Some((inner, algorithm)) = compress::unwrap(&outer).map(Result::unwrap) {
        check_payload(place, &outer, (&inner, algorithm));
    }
    let Some(inner) = check_inner(&opened.message, &ring) else {
        return false;
    };
    let signer = inner.unwrap_or_else(|error| panic!("{place}: inner token: {error}"));
    if opened.wrapped.is_none() && signer.index == opened.signer.index {
        let mut bare = opened.message.clone();
        bare.remove("auth");
        let made = seal(&bare, &ring, Format::Classic).unwrap();
        assert_eq!(made, row.bytes, "{place}: inner token made anew");
    }
    true
}

/// What is in a wrapper encodes to the bytes that were compressed.
fn check_payload(place: &str, outer: &Message, inner: (&Message, Algorithm)) {
    let Some(Value::Binary(payload)) = outer.get("_compressed_payload") else {
        panic!("{place}: no payload");
    };
    let form = inner.1.decompress(payload).unwrap();
    let again = inner.1.compress(&form).unwrap();
    match inner.1 {
        // Another zlib finds other matches; what it makes is read by all.
        Algorithm::Zlib => assert_eq!(inner.1.decompress(&again).as_ref(), Ok(&form), "{place}"),
        Algorithm::Bz2 => assert_eq!(&again, payload, "{place}"),
    }
    let mut out = Vec::new();
    if form.starts_with(text::START) {
        text::encode_into(inner.0, &mut out).unwrap();
        out.push(0);
    } else {
        netstring::encode_into(inner.0, &mut out).unwrap();
    }
    assert_eq!(out, form, "{place}: compressed payload");
}

#[test]
fn compressed_fields_open() {
    let mut opened_fields = 0;
    for row in rows("heartbeat") {
        let message = open(&row.bytes, &row.keyring()).unwrap().message;
        let opened = compress::open_fields(&message).unwrap();
        for (before, after) in message.fields().iter().zip(opened.fields()) {
            if let (Value::Compressed(_), Value::Uncompressed(child)) =
                (&before.value, &after.value)
            {
                assert!(!child.fields().is_empty(), "{}", row.place);
                opened_fields += 1;
            }
        }
    }
    assert!(opened_fields > 0);
}

#[test]
fn every_message_has_a_text_form_that_decodes_to_itself() {
    for row in rows("heartbeat") {
        let message = open(&row.bytes, &row.keyring()).unwrap().message;
        let mut out = Vec::new();
        if text::encode_into(&message, &mut out).is_ok() {
            assert_eq!(
                text::decode(&out),
                Ok((message, out.len())),
                "{}",
                row.place
            );
        } else {
            // Only a field of type 5 has no text.
            assert!(message.to_string().contains('{'), "{}", row.place);
        }
    }
}

#[test]
fn a_datagram_of_another_key_is_refused() {
    let rows = rows("heartbeat");
    let of = |key: &str| {
        let row = rows.iter().find(|r| r.place.starts_with(key));
        row.unwrap().keyring()
    };
    let other = of("auth_md5_1");
    for row in rows.iter().filter(|r| r.place.starts_with("start_join")) {
        let refusal = open(&row.bytes, &other).unwrap_err().refusal();
        assert_eq!(refusal, datagram::Refusal::UnknownKey, "{}", row.place);
    }
    // Both of these are index 1 of method sha1.
    let other = of("start_join");
    for row in rows.iter().filter(|r| r.place.starts_with("bad_key")) {
        let refusal = open(&row.bytes, &other).unwrap_err().refusal();
        assert_eq!(refusal, datagram::Refusal::WrongKey, "{}", row.place);
    }
}

#[test]
fn serial_text_comes_out_of_a_stream() {
    let rows: Vec<Row> = rows("heartbeat")
        .into_iter()
        .filter(|row| row.place.starts_with("serial"))
        .collect();
    let stream: Vec<u8> = rows.iter().flat_map(|r| r.bytes.clone()).collect();
    let mut splitter = text::Splitter::new();
    let mut messages = Vec::new();
    for piece in stream.chunks(7) {
        splitter.push(piece, |message| messages.push(message.to_vec()));
    }
    assert!(rows.iter().map(|r| &r.bytes).eq(&messages));
    assert_eq!((splitter.dropped(), splitter.skipped_bytes()), (0, 0));
}

#[test]
fn every_frame_of_local_sockets_encodes_to_the_same_bytes() {
    let mut messages = 0;
    for row in rows("heartbeat-api") {
        let mut decoder = clplumbing::Decoder::new();
        decoder.push(&row.bytes);
        let body = decoder.next_frame().unwrap().unwrap().to_vec();
        assert!(decoder.is_empty(), "{}", row.place);
        let mut out = Vec::new();
        if row.place.starts_with("ccm-testclient") {
            // Events of the membership service are C structures.
            clplumbing::encode_frame_into(&body, &mut out).unwrap();
        } else {
            let message = clplumbing::decode_body(&body)
                .unwrap_or_else(|error| panic!("{}: {error}", row.place));
            clplumbing::encode_into(&message, &mut out).unwrap();
            messages += 1;
        }
        assert_eq!(out, row.bytes, "{}", row.place);
    }
    assert!(messages > 100);
}
