use super::*;

fn read(text: &str) -> (Option<Keyring>, Vec<Diagnostic>) {
    parse(&Source::new("authkeys", text))
}

fn messages(text: &str) -> Vec<String> {
    let found = read(text).1;
    found
        .iter()
        .map(|d| format!("{}:{} {}", d.line, d.column, d.message))
        .collect()
}

#[test]
fn a_plain_file_has_nothing_to_say() {
    let (ring, found) = read("# keys\nauth 2\n2 sha1 long-enough-key\n 3 md5 other-long-key # x\n");
    let ring = ring.unwrap();
    assert_eq!(ring.outbound(), 2);
    assert_eq!(ring.keys().count(), 2);
    assert_eq!(found, []);
}

#[test]
fn heartbeats_looseness_is_ours() {
    for text in [
        "auth1\n1 sha1 long-enough-key\n",
        "auth 1\r\n1sha1 long-enough-key\r\n",
        "auth\t1 # c\n01\tsha1\tlong-enough-key # c",
        "auth 0\n0 sha1 long-enough-key",
    ] {
        let (ring, found) = read(text);
        assert!(ring.is_some(), "{text:?} {found:?}");
        assert_eq!(found, [], "{text:?}");
    }
}

#[test]
fn what_heartbeat_refuses_though_it_is_plain_is_taken() {
    for text in [
        "1 sha1 long-enough-key\nauth 1\n",
        "1 sha1 long-enough-key\n",
        "AUTH 1\n1 sha1 long-enough-key\n",
        "auth 1\n1 SHA1 long-enough-key\n",
        "\u{feff}auth 1\n1 sha1 long-enough-key\n",
    ] {
        let (ring, found) = read(text);
        assert!(ring.is_some(), "{text:?} {found:?}");
        assert!(found.iter().any(|d| d.refused_by_original), "{text:?}");
        let strict = found.into_iter().map(Diagnostic::strict);
        assert!(has_errors(&strict.collect::<Vec<_>>()), "{text:?}");
    }
}

#[test]
fn errors_name_their_line() {
    let cases = [
        ("", "there is no auth line"),
        (
            "auth x\n1 sha1 long-enough-key",
            "auth needs the index of a key",
        ),
        (
            "auth 16\n16 sha1 long-enough-key",
            "auth needs the index of a key",
        ),
        (
            "auth 1\n2 sha1 long-enough-key",
            "auth 1: there is no key 1",
        ),
        ("auth 1\n1 sha1", "sha1 needs a key"),
        (
            "auth 1\n1 sha147e9336850",
            "a blank is missing between sha1 and the key",
        ),
        ("auth 1\n1 sha256 long-enough-key", "unknown method"),
        (
            "auth 1\n1 sha1 long-enough-key\nfoo",
            "neither `auth INDEX` nor `INDEX METHOD KEY`",
        ),
        (
            "auth 1\n-1 sha1 long-enough-key",
            "the index of a key is out of bounds",
        ),
    ];
    for (text, message) in cases {
        let (ring, found) = read(text);
        assert!(ring.is_none(), "{text:?}");
        assert!(
            found.iter().any(|d| d.message == message),
            "{text:?} {found:?}"
        );
    }
}

#[test]
fn odd_keys_are_pointed_out() {
    assert_eq!(
        messages("auth 1\n1 sha1 This-is-my key !\n"),
        ["2:19 a key is one word: what follows is ignored"]
    );
    let found = messages("auth 1\n1 crc   # none\n");
    assert_eq!(
        found,
        [
            "2:1 crc is a checksum, no authentication",
            "2:9 crc takes no key, and a comment behind it is one to heartbeat \
             (heartbeat refuses this)"
        ]
    );
    assert!(messages("auth 1\n1 sha1 # secret\n")[0].contains("the comment is the key"));
    assert!(messages("auth 1\n1 sha1 (stdin)= 0123456789\n")[0].contains("(stdin)="));
    assert!(messages("auth 1\n1 md5 123")[0].contains("soon guessed"));
}

#[test]
fn keys_are_never_shown() {
    let text =
        "auth 1\n1 sha1 verysecret more\n2 sha1verysecret\nverysecret\n#verysecret\n3 x verysecret";
    for finding in read(text).1 {
        let shown = crate::config::render::text(&finding, false);
        assert!(!shown.contains("verysecret"), "{shown}");
        assert!(!format!("{finding:?}").contains("verysecret"));
    }
}

#[test]
fn the_mode_must_keep_others_from_reading() {
    let source = Source::new("authkeys", "");
    for mode in [0o100_600, 0o100_400, 0o100_700, 0o100_622, 0o100_611] {
        assert_eq!(permissions(&source, mode), None, "{mode:o}");
    }
    let found = permissions(&source, 0o100_644).unwrap();
    assert_eq!(found.severity, Severity::Error);
    assert!(found.message.contains("mode 644"), "{found}");
    assert!(permissions(&source, 0o100_604).is_some());
    assert!(permissions(&source, 0o100_640).is_some());
}

/// Source: heartbeat 3.0.6 [tried]
#[test]
fn a_key_signs_when_auth_named_it_before() {
    for (text, outbound) in [
        (
            "auth 1\nauth 2\n1 sha1 long-enough-key\n2 md5 long-enough-key\n",
            2,
        ),
        (
            "auth 1\n1 sha1 long-enough-key\nauth 2\n2 md5 long-enough-key\n",
            2,
        ),
        ("auth 1\n1 sha1 long-enough-key\nauth 2\n", 1),
        (
            "auth 2\n1 sha1 long-enough-key\n2 md5 long-enough-key\nauth 1\n",
            2,
        ),
        ("2 md5 long-enough-key\n1 sha1 long-enough-key\nauth 1\n", 1),
    ] {
        let ring = read(text).0.map(|ring| ring.outbound());
        assert_eq!(ring, Some(outbound), "{text}");
    }
}
