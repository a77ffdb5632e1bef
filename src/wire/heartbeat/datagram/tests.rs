use super::super::auth::Method;
use super::*;

fn ring() -> Keyring {
    let keys = [(1, Method::Sha1, &b"SecretOne"[..]), (2, Method::Crc, b"")];
    Keyring::new(1, keys).unwrap()
}

fn status() -> Message {
    let mut message = Message::of_type("status").with("st", "active");
    message.push("srcuuid", Value::Binary((0..16).collect()));
    message
}

fn text(message: &Message) -> Vec<u8> {
    let mut out = b"old".to_vec();
    seal_text_into(message, &ring(), &mut out).unwrap();
    out
}

#[test]
fn a_sealed_message_opens() {
    let signer = Signer {
        index: 1,
        method: Method::Sha1,
        by_outbound_key: false,
    };
    for format in [Format::Classic, Format::Netstring] {
        let opened = open(&seal(&status(), &ring(), format).unwrap(), &ring()).unwrap();
        assert_eq!((opened.form, opened.signer), (Form::Netstring, signer));
        let inner = check_inner(&opened.message, &ring());
        let expected = (format == Format::Classic).then_some(Ok(signer));
        assert_eq!(inner, expected);
        let mut message = opened.message;
        assert_eq!(message.remove("auth"), expected.is_some());
        assert_eq!(message, status());
    }
}

#[test]
fn a_message_with_a_struct_has_no_inner_token() {
    let mut message = status();
    message.push("child", Value::Struct(status()));
    let classic = seal(&message, &ring(), Format::Classic).unwrap();
    assert_eq!(classic, seal(&message, &ring(), Format::Netstring).unwrap());
    assert_eq!(open(&classic, &ring()).unwrap().message, message);
}

#[test]
fn a_retransmitted_message_keeps_its_inner_token() {
    let first = seal(&status(), &ring(), Format::Classic).unwrap();
    let message = open(&first, &ring()).unwrap().message;
    let again = Keyring::new(2, [(2, Method::Crc, &b""[..])]).unwrap();
    let second = seal(&message, &again, Format::Classic).unwrap();
    let opened = open(&second, &ring()).unwrap();
    assert_eq!((opened.message, opened.signer.index), (message, 2));
}

#[test]
fn text_opens_with_and_without_what_may_follow() {
    let bytes = text(&status());
    assert_eq!(text(&open(&bytes, &ring()).unwrap().message), bytes);
    for end in [&b"\0"[..], b"\0>>>\n", b"auth=1 0\n"] {
        let opened = open(&[&bytes[..], end].concat(), &ring()).unwrap();
        assert_eq!(opened.form, Form::Text);
    }
}

#[test]
fn text_must_be_signed_once() {
    let bytes = text(&status());
    let without = bytes.split_inclusive(|&b| b == b'\n');
    let without: Vec<_> = without.filter(|l| !l.starts_with(b"auth=")).collect();
    assert_eq!(open(&without.concat(), &ring()), Err(OpenError::NoToken));
    let end = bytes.len() - text::END.len();
    let twice = [&bytes[..end], b"auth=1 00\n", &bytes[end..]].concat();
    assert_eq!(open(&twice, &ring()), Err(OpenError::NoToken));
}

#[test]
fn every_refusal_has_its_kind_and_its_words() {
    let sealed = seal(&status(), &ring(), Format::Classic).unwrap();
    let other = Keyring::new(1, [(1, Method::Sha1, &b"other"[..])]).unwrap();
    let unknown = Keyring::new(7, [(7, Method::Sha1, &b"other"[..])]).unwrap();
    let mut wrapper = Message::new();
    wrapper.push("_compressed_payload", Value::Binary(vec![1, 2, 3]));
    wrapper.push_text("_compression_algorithm", "zlib");
    let sealed_by =
        |message: &Message, ring: &Keyring| seal(message, ring, Format::Classic).unwrap();
    for (bytes, refusal, words) in [
        (
            b"hello".to_vec(),
            Refusal::NotHeartbeat,
            "not a heartbeat message",
        ),
        (b"##".to_vec(), Refusal::Truncated, "truncated at byte 2"),
        (Vec::new(), Refusal::Truncated, "truncated at byte 0"),
        (
            sealed[..40].to_vec(),
            Refusal::Truncated,
            "truncated at byte 40",
        ),
        (
            b"###\nx".to_vec(),
            Refusal::Malformed,
            "no length and colon",
        ),
        (
            b">>>\n<<<\n".to_vec(),
            Refusal::Malformed,
            "no authentication",
        ),
        (vec![b'#'; 1 << 18], Refusal::TooLarge, "262144 bytes"),
        (
            sealed_by(&status(), &other),
            Refusal::WrongKey,
            "key 1 (sha1) doesn't match",
        ),
        (
            sealed_by(&status(), &unknown),
            Refusal::UnknownKey,
            "key index 7 is unknown",
        ),
        (
            sealed_by(&wrapper, &ring()),
            Refusal::BadCompression,
            "damaged",
        ),
    ] {
        let error = open(&bytes, &ring()).unwrap_err();
        assert_eq!(error.refusal(), refusal);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_wrapped_message_opens() {
    let message = status().with("big", "z".repeat(100_000));
    for algorithm in [Algorithm::Zlib, Algorithm::Bz2] {
        for format in [Format::Classic, Format::Netstring] {
            let mut bytes = Vec::new();
            seal_wrapped_into(&message, &ring(), (format, algorithm), &mut bytes).unwrap();
            assert!(bytes.len() < 2000);
            let mut opened = open(&bytes, &ring()).unwrap();
            assert_eq!(opened.wrapped, Some(algorithm));
            let inner = check_inner(&opened.message, &ring());
            assert_eq!(inner.is_some_and(|i| i.is_ok()), format == Format::Classic);
            opened.message.remove("auth");
            assert_eq!(opened.message, message);
        }
    }
}

#[test]
fn what_does_not_fit_leaves_nothing_to_send() {
    let message = status().with("big", "z".repeat(70_000));
    let mut out = b"old".to_vec();
    let error = seal_into(&message, &ring(), Format::Classic, &mut out).unwrap_err();
    assert!(matches!(error, EncodeError::TooLarge { max: 65_507, .. }));
    assert!(out.is_empty());
    out.extend_from_slice(b"old");
    let message = status().with("a=b", "");
    assert!(seal_into(&message, &ring(), Format::Classic, &mut out).is_err());
    assert!(out.is_empty());
    out.extend_from_slice(b"old");
    assert!(seal_text_into(&message, &ring(), &mut out).is_err());
    assert!(out.is_empty());
}
