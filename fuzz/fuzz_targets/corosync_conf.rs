//! corosync.conf: any bytes are read without a panic, and findings lie in the text.
#![no_main]

use everbeat::config::corosync_conf;
use everbeat::config::source::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = Source::from_bytes("corosync.conf", bytes);
    let (_, found) = corosync_conf::read_all(&source);
    for finding in found {
        assert!(finding.span.start <= source.text().len());
    }
    let _ = corosync_conf::parse_uidgid_d(&source);
    let _ = corosync_conf::parse_service_d(&source);
});
