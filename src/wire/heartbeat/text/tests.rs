use super::*;

fn encoded(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(message, &mut out).unwrap();
    out
}

#[test]
fn every_type_has_its_line() {
    let mut child = Message::of_type("in");
    child.push("b", Value::Binary(vec![1, 2]));
    let mut message = Message::of_type("out").with("two", "a\nb");
    message.push("s", Value::Struct(child));
    message.push("l", Value::List(vec![b"one".to_vec(), b"four".to_vec()]));
    message.push("c", Value::Compressed(vec![0xff]));
    message.push("e", Value::Binary(Vec::new()));
    let bytes = encoded(&message);
    assert_eq!(
        bytes,
        b">>>\nt=out\ntwo=a\x13b\n(2)s=>>>\x14t=in\x14(1)b=AQI=\x14<<<\x14\n\
          (3)l=3:one,4:four,\n(4)c=/w==\n(1)e=\n<<<\n"
    );
    assert_eq!(decode(&bytes), Ok((message, bytes.len())));
}

#[test]
fn blank_lines_and_an_explicit_type_0_are_taken() {
    let (message, end) = decode(b">>>\n\n(0)t=x\n\nempty=\n<<<\n\0").unwrap();
    assert_eq!(message, Message::of_type("x").with("empty", ""));
    assert_eq!(end, 24);
}

#[test]
fn lines_that_break_the_form_are_named() {
    for (line, what) in [
        (&b"word"[..], "a field without ="),
        (b"=x", "a field's name is empty or illegal"),
        (b"(5)m=x", "a type is (0) to (4)"),
        (b"(1)b=AQI", "not base64"),
        (b"(2)m=x", "truncated"),
        (b"(3)l=4:one,", "truncated"),
        (b"a=\0", "NUL in a string"),
    ] {
        let bytes = [b">>>\nt=x\n", line, b"\n<<<\n"].concat();
        let error = decode(&bytes).unwrap_err().to_string();
        assert!(error.contains(what), "{line:?}: {error}");
    }
}

#[test]
fn a_byte_that_ends_an_outer_line_is_refused() {
    let wrap = |message| {
        let mut outer = Message::new();
        outer.push("m", Value::Struct(message));
        outer
    };
    let plain = Message::new().with("a", "\x14\x15");
    assert_eq!(decode(&encoded(&plain)).unwrap().0, plain);
    assert!(matches!(
        encode_into(&wrap(plain), &mut Vec::new()),
        Err(EncodeError::BadByte { byte: 20, .. })
    ));
    let one = wrap(Message::new().with("a", "\x15"));
    assert_eq!(decode(&encoded(&one)).unwrap().0, one);
    assert!(matches!(
        encode_into(&wrap(one), &mut Vec::new()),
        Err(EncodeError::BadByte { byte: 21, .. })
    ));
}

#[test]
fn sixteen_levels_and_no_more() {
    let nest = |levels: usize| {
        (0..levels).fold(Message::of_type("x"), |inner, _| {
            let mut outer = Message::new();
            outer.push("m", Value::Struct(inner));
            outer
        })
    };
    let bytes = encoded(&nest(16));
    assert_eq!(decode(&bytes), Ok((nest(16), bytes.len())));
    assert_eq!(
        encode_into(&nest(17), &mut Vec::new()),
        Err(EncodeError::TooDeep)
    );
}
