//! The services of a node hear any packets: they carry on.
#![no_main]

use everbeat::ids::NodeId;
use everbeat::proto::services::Services;
use everbeat::wire::cursor::ByteOrder;
use everbeat::wire::totem::Dialect;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut services = Services::new(NodeId(1), Dialect::V3, 1410, 1, None);
    for (i, packet) in bytes.split(|b| *b == 0xFF).enumerate() {
        let from = NodeId(1 + i as u32 % 3);
        services.handle_packet(from, ByteOrder::NATIVE, packet);
        while services.poll_output().is_some() {}
    }
});
