use super::*;

fn ring(outbound: u8, keys: &[(u8, Method, &str)]) -> Keyring {
    let keys = keys.iter().map(|&(i, m, k)| (i, m, k.as_bytes()));
    Keyring::new(outbound, keys).unwrap()
}

#[test]
fn keys_are_never_printed() {
    let ring = ring(1, &[(1, Method::Sha1, "SecretOne")]);
    let text = format!("{ring:?}");
    assert!(text.contains("Key(sha1, 9 bytes)") && !text.contains("Secret"));
}

#[test]
fn keys_that_make_no_ring() {
    let error = |outbound, keys: &[(u8, Method, &'static str)]| {
        let keys = keys.iter().map(|&(i, m, k)| (i, m, k.as_bytes()));
        Keyring::new(outbound, keys).unwrap_err()
    };
    use KeyringError::*;
    let key = (1, Method::Sha1, "a");
    assert_eq!(error(2, &[key]), NoOutboundKey(2));
    assert_eq!(error(1, &[]), NoOutboundKey(1));
    assert_eq!(error(200, &[key]), NoOutboundKey(200));
    assert_eq!(error(16, &[(16, Method::Crc, "")]), IndexTooLarge(16));
    assert_eq!(error(1, &[(1, Method::Crc, "a")]), KeyUseless(Method::Crc));
    assert_eq!(error(1, &[(1, Method::Md5, "")]), KeyMissing(Method::Md5));
}

#[test]
fn tokens_are_read_exactly() {
    assert_eq!(split_token(b"1 abc"), Ok((1, &b"abc"[..])));
    assert_eq!(split_token(b"15 abc"), Ok((15, &b"abc"[..])));
    for bad in ["", "1", "1 ", "01 a", "100 a", "x a", "1a", " 1 a", "-1 a"] {
        assert_eq!(split_token(bad.as_bytes()), Err(TokenError::Malformed));
    }
    let long = format!("1 {}", "a".repeat(41));
    assert_eq!(split_token(long.as_bytes()), Err(TokenError::Malformed));
}

/// `spec/heartbeat-wire.md` 5.4: what real heartbeat signs, and what it takes.
#[test]
fn the_second_try_is_the_outbound_key_with_the_method_of_the_index() {
    use Method::{Crc, Md5, Sha1};
    let ours = ring(1, &[(1, Sha1, "one"), (2, Md5, "two"), (3, Crc, "")]);
    let check = |outbound, keys: &[(u8, Method, &str)]| {
        ours.check_netstring(ring(outbound, keys).token(b"x").as_bytes(), b"x")
    };
    let ok = |index, method, by_outbound_key| {
        Ok(Signer {
            index,
            method,
            by_outbound_key,
        })
    };
    assert_eq!(check(1, &[(1, Sha1, "one")]), ok(1, Sha1, false));
    assert_eq!(check(2, &[(2, Md5, "two")]), ok(2, Md5, false));
    assert_eq!(check(2, &[(2, Md5, "one")]), ok(2, Md5, true));
    assert_eq!(check(3, &[(3, Crc, "")]), ok(3, Crc, false));
    let wrong = TokenError::WrongKey {
        index: 2,
        method: Md5,
    };
    assert_eq!(check(2, &[(2, Md5, "three")]), Err(wrong));
    assert_eq!(check(2, &[(2, Sha1, "one")]), Err(wrong));
    let unknown = TokenError::UnknownKey { index: 4 };
    assert_eq!(check(4, &[(4, Sha1, "one")]), Err(unknown));
}

#[test]
fn an_empty_outbound_key_opens_nothing() {
    let ours = ring(3, &[(3, Method::Crc, ""), (2, Method::Md5, "two")]);
    // HMAC-MD5 of "x" with an empty key.
    let mut token = Printed::new();
    token.push_decimal(2);
    token.push(b' ');
    digest::print((Method::Md5, b""), std::iter::once(&b"x"[..]), &mut token);
    let result = ours.check_netstring(token.as_bytes(), b"x");
    assert!(matches!(result, Err(TokenError::WrongKey { .. })));
}

#[test]
fn upper_case_digests_are_refused() {
    let ours = ring(1, &[(1, Method::Sha1, "one")]);
    let token = ours.token(b"x").as_bytes().to_ascii_uppercase();
    assert!(ours.check_netstring(&token, b"x").is_err());
}
