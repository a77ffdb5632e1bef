//! Messages of the membership, in text form one after the other, as a machine hears them.
#![no_main]

use std::time::Duration;

use everbeat::ids::NodeName;
use everbeat::proto::ccm::{Ccm, CcmConfig, CcmNode, Output, quorum};
use everbeat::proto::heartbeat::NodeStatus;
use everbeat::time::{Instant, Now};
use everbeat::wire::ccm::CcmMessage;
use everbeat::wire::heartbeat::text;
use everbeat::wire::ipc::ccm::ClientEvent;
use libfuzzer_sys::fuzz_target;

fn name(word: &str) -> NodeName {
    NodeName::new(word).expect("a name")
}

fn at(ms: u64) -> Now {
    Now {
        mono: Instant(ms),
        unix_s: ms / 1000,
    }
}

fuzz_target!(|data: &[u8]| {
    if let Some(event) = ClientEvent::decode(data) {
        assert_eq!(ClientEvent::decode(&event.encode()), Some(event));
    }
    let node = |word: &&str| CcmNode {
        name: name(word),
        status: NodeStatus::Active,
        weight: 100,
    };
    let config = CcmConfig {
        local: name("a"),
        nodes: ["a", "b", "c"].iter().map(node).collect(),
        keepalive: Duration::from_secs(1),
        quorum: quorum::DEFAULT.into(),
    };
    let mut machine = Ccm::new(config, at(0), 1);
    let (mut rest, mut now) = (data, 0);
    while let Ok((message, length)) = text::decode(rest) {
        rest = rest.get(length..).unwrap_or_default();
        if let Ok(decoded) = CcmMessage::decode(&message) {
            assert_eq!(CcmMessage::decode(&decoded.encode()), Ok(decoded));
        }
        let from = if message.text("src") == Some("b") {
            "b"
        } else {
            "c"
        };
        machine.handle_message(at(now), &name(from), &message);
        settle(&mut machine, now);
        now += 1500;
        machine.handle_timeout(at(now));
        settle(&mut machine, now);
    }
});

/// What the machine sends to all comes back to it.
fn settle(machine: &mut Ccm, now: u64) {
    while let Some(output) = machine.poll_output() {
        if let Output::Send(None, message) = output {
            machine.handle_message(at(now), &name("a"), &message.encode());
        }
    }
}
