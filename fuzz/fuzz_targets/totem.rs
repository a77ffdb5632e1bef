//! A datagram of totem in each generation: what was read is written and read again the same.
#![no_main]

use everbeat::wire::cursor::ByteOrder;
use everbeat::wire::totem::{Body, Datagram, Dialect};
use everbeat::wire::totempg::{Addressed, Packet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for dialect in [Dialect::V1, Dialect::V2, Dialect::V3] {
        let Ok(datagram) = Datagram::decode(bytes, dialect) else {
            continue;
        };
        assert!(!datagram.to_string().is_empty());
        if let Body::Mcast(mcast) = &datagram.body {
            packet(mcast.payload, datagram.order);
        }
        let mut again = Vec::new();
        datagram.encode_into(dialect, &mut again);
        assert_eq!(again.len() + datagram.surplus, bytes.len());
        let datagram = Datagram {
            surplus: 0,
            ..datagram
        };
        assert_eq!(Datagram::decode(&again, dialect), Ok(datagram));
    }
});

fn packet(payload: &[u8], order: ByteOrder) {
    let Ok(packet) = Packet::decode(payload, order) else {
        return;
    };
    for part in &packet.parts {
        let _ = Addressed::decode(part, order);
    }
    let mut again = Vec::new();
    packet.encode_into(&mut again);
    assert_eq!(Packet::decode(&again, ByteOrder::NATIVE), Ok(packet));
}
