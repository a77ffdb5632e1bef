//! Any message comes back as it went, in either form.

use everbeat::wire::heartbeat::datagram::check_inner;
use everbeat::wire::heartbeat::{
    Format, Keyring, Message, Method, Value, netstring, open, seal, seal_text_into, text,
};
use everbeat::wire::ipc::clplumbing;
use proptest::prelude::*;

use crate::no_files;

fn name() -> impl Strategy<Value = String> {
    // `auth` would be taken for the token.
    "[a-zA-Z_][a-zA-Z0-9_()-]{0,12}".prop_filter("no auth", |n| n != "auth")
}

/// Text that both forms can carry at every depth: newlines, but none of the bytes that stand for
/// one.
fn string() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("ends lines", |b| *b == b'\n' || *b >= 32);
    prop::collection::vec(byte, 0..40)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn list() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = any::<u8>().prop_filter("ends lines", |b| *b >= 32);
    prop::collection::vec(prop::collection::vec(byte, 1..10), 0..5)
}

fn flat() -> impl Strategy<Value = Value> {
    prop_oneof![
        string().prop_map(Value::Text),
        bytes().prop_map(Value::Binary),
        list().prop_map(Value::List),
    ]
}

fn of_fields(fields: Vec<(String, Value)>) -> Message {
    let mut message = Message::new();
    for (name, value) in fields {
        message.push(name, value);
    }
    message
}

fn flat_message() -> impl Strategy<Value = Message> {
    prop::collection::vec((name(), flat()), 0..8).prop_map(of_fields)
}

/// Any message; type 5 fields where `uncompressed`.
fn message(uncompressed: bool) -> impl Strategy<Value = Message> {
    let leaf = prop_oneof![4 => flat(), 1 => bytes().prop_map(Value::Compressed)];
    let value = leaf.prop_recursive(6, 40, 5, move |inner| {
        let child = prop::collection::vec((name(), inner), 0..5).prop_map(of_fields);
        if uncompressed {
            let kinds = (child, any::<bool>());
            let five = |(c, five)| match five {
                true => Value::Uncompressed(c),
                false => Value::Struct(c),
            };
            kinds.prop_map(five).boxed()
        } else {
            child.prop_map(Value::Struct).boxed()
        }
    });
    prop::collection::vec((name(), value), 0..8).prop_map(of_fields)
}

fn keyring() -> impl Strategy<Value = Keyring> {
    let key = prop::collection::vec(any::<u8>(), 1..100);
    (0_u8..=15, 0..3, key).prop_map(|(index, method, key)| {
        let (method, key) = match method {
            0 => (Method::Crc, &[][..]),
            1 => (Method::Md5, &key[..]),
            _ => (Method::Sha1, &key[..]),
        };
        Keyring::new(index, [(index, method, key)]).unwrap()
    })
}

proptest! {
    #![proptest_config(no_files())]

    #[test]
    fn netstring(message in message(true)) {
        let mut out = Vec::new();
        netstring::encode_into(&message, &mut out).unwrap();
        prop_assert_eq!(netstring::decode(&out), Ok((message, out.len())));
    }

    #[test]
    fn text_form(message in message(false)) {
        let mut out = Vec::new();
        text::encode_into(&message, &mut out).unwrap();
        prop_assert_eq!(text::decode(&out), Ok((message, out.len())));
    }

    #[test]
    fn datagram(message in message(true), ring in keyring()) {
        for format in [Format::Classic, Format::Netstring] {
            let mut opened = open(&seal(&message, &ring, format).unwrap(), &ring).unwrap();
            if let Some(inner) = check_inner(&opened.message, &ring) {
                prop_assert_eq!(inner, Ok(opened.signer));
                opened.message.remove("auth");
            }
            prop_assert_eq!(&opened.message, &message);
        }
    }

    #[test]
    fn signed_text(message in message(false), ring in keyring()) {
        let mut out = Vec::new();
        seal_text_into(&message, &ring, &mut out).unwrap();
        let mut opened = open(&out, &ring).unwrap();
        prop_assert!(opened.message.remove("auth"));
        prop_assert_eq!(opened.message, message);
    }

    #[test]
    fn stream_of_text(messages in prop::collection::vec(flat_message(), 0..5), cut in 1..64_usize) {
        let mut stream = b"noise\n".to_vec();
        for message in &messages {
            text::encode_into(message, &mut stream).unwrap();
        }
        let mut splitter = text::Splitter::new();
        let mut found = Vec::new();
        for piece in stream.chunks(cut) {
            splitter.push(piece, |m| found.push(text::decode(m).unwrap().0));
        }
        prop_assert_eq!(found, messages);
    }

    #[test]
    fn frames(messages in prop::collection::vec(message(false), 0..5), cut in 1..64_usize) {
        let mut stream = Vec::new();
        for message in &messages {
            clplumbing::encode_into(message, &mut stream).unwrap();
        }
        let mut decoder = clplumbing::Decoder::new();
        let mut found = Vec::new();
        for piece in stream.chunks(cut) {
            decoder.push(piece);
            while let Some(body) = decoder.next_frame().unwrap() {
                found.push(clplumbing::decode_body(body).unwrap());
            }
        }
        prop_assert_eq!(found, messages);
    }
}
