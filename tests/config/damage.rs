//! Whatever the text, the readers return, and what they find can be shown.

use everbeat::config::check::FileKind;
use everbeat::config::identity::Hostcache;
use everbeat::config::render;
use everbeat::config::source::Source;
use proptest::prelude::*;

use super::{check_together, file};

/// Files to damage: the shapes readers know.
const SEEDS: [&str; 4] = [
    "node a,b\nbcast eth0 eth1\nucast eth0 10.0.0.1\nmcast eth0 225.0.0.1 694 1 0\n\
     keepalive 500 ms\ndeadtime 3\nudpport 700\napiauth x uid=a,b gid=c\nenv A=\"b\"\n\
     respawn root /bin/x y # z\nstonith_host * t p q\nping_group g 1.2.3.4\ncrm on\n",
    "a 10.0.0.1/24/eth0 Filesystem::/dev/x::/y::ext4 \\\n  http \\ # c\nb IPv6addr::fe80::1\n\
     // x\nb 10.0.0.1/24/eth0\n",
    "compatibility: whitetank\ntotem {\n version: 2\n token: 1000ms # x\n interface{\n  \
     bindnetaddr: 10.0.0.0\n mcastport:5405}\n}\nnodelist { node { ring0_addr: a } }\n\
     logging {\n logger_subsys {\n subsys: AMF\n}\n}\nquorum {\n two_node 1\n}\n",
    "auth 1\n1 sha1 key more\n2 crc # c\n3 md5 \"x\"\nAUTH 2\n",
];

fn read(text: &[u8]) {
    for kind in FileKind::ALL {
        let source = Source::from_bytes("FILE", text);
        let length = source.text().len();
        for finding in check_together(vec![file(kind, source)]) {
            assert!(finding.span.start <= length && finding.line >= 1 && finding.column >= 1);
            let shown = render::text(&finding, false);
            assert!(shown.contains("FILE"), "{shown}");
        }
    }
    let (cache, _) = Hostcache::parse(&Source::from_bytes("FILE", text));
    let again = Source::new("FILE", &cache.render());
    assert_eq!(Hostcache::parse(&again).0, cache);
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(128)
    }
}

/// A continued line that begins with a character of several bytes: the finding about the joint
/// once pointed into the middle of it.
#[test]
fn a_character_of_several_bytes_after_a_joint() {
    for text in ["\u{e}\\#\n\u{fffd}", "a x\\\nä::y\n", "a x\\\n\u{1f980}"] {
        read(text.as_bytes());
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn any_bytes(text in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&text);
    }

    #[test]
    fn any_words(
        words in prop::collection::vec("[ -~]{0,12}|\u{a0}|\u{feff}|\n|\r\n|#|\\\\\n|::|ä", 0..60)
    ) {
        read(words.join(" ").as_bytes());
    }

    #[test]
    fn damaged_files(
        seed in 0..SEEDS.len(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8)
    ) {
        let mut text = SEEDS[seed].as_bytes().to_vec();
        for (at, byte, how) in hits {
            let at = at.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => { text.remove(at); }
            }
            if text.is_empty() {
                break;
            }
        }
        read(&text);
    }
}
