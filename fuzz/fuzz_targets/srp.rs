//! A node of a ring hears any datagrams while time passes: it carries on.
//!
//! Input: u8 tenths of a second that pass, u16 length of a datagram, the datagram; and so on.
#![no_main]

use everbeat::ids::NodeId;
use everbeat::proto::totem::{Config, Srp};
use everbeat::time::Instant;
use everbeat::wire::totem::Processor;
use libfuzzer_sys::fuzz_target;

/// Outputs that one input may have at most: a window of messages, and what goes with it.
const OUTPUTS_MAX: usize = 20_000;

fuzz_target!(|bytes: &[u8]| {
    let config = Config::new(Processor::of_node(NodeId(1)));
    let mut now = Instant(1000);
    let mut srp = Srp::new(config, now, 7);
    drain(&mut srp);
    let mut rest = bytes;
    while let [tenths, a, b, more @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*a, *b])).min(more.len());
        let (datagram, behind) = more.split_at(length);
        rest = behind;
        let until = Instant(now.0 + 100 * u64::from(*tenths));
        // Timers due on the way, but not without end.
        for _ in 0..50 {
            match srp.poll_timeout() {
                Some(due) if due <= until => now = now.max(due),
                _ => break,
            }
            srp.handle_timeout(now);
            drain(&mut srp);
        }
        now = until;
        let _ = srp.send(now, vec![*tenths; 20]);
        srp.handle_datagram(now, datagram);
        drain(&mut srp);
    }
});

fn drain(srp: &mut Srp) {
    let mut count = 0;
    while srp.poll_output().is_some() {
        count += 1;
        assert!(count < OUTPUTS_MAX, "outputs without end");
    }
}
