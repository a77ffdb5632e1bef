//! A configuration file of each kind.
#![no_main]

use everbeat::config::check::{self, File, FileKind, Place, Set};
use everbeat::config::host::DistantHost;
use everbeat::config::identity::Hostcache;
use everbeat::config::render;
use everbeat::config::source::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for kind in FileKind::ALL {
        let file = File {
            kind,
            source: Source::from_bytes("FILE", data),
            mode: Some(0o100_600),
            reported: true,
        };
        let set = Set {
            files: vec![file],
            place: Place::Loose,
            host_named: false,
            dir: "/etc/ha.d".into(),
        };
        for finding in check::check_set(&set, &DistantHost::default()).0 {
            assert!(render::text(&finding, false).contains("FILE"));
        }
    }
    let (cache, _) = Hostcache::parse(&Source::from_bytes("FILE", data));
    let again = Source::new("FILE", &cache.render());
    assert_eq!(Hostcache::parse(&again).0, cache);
});
