//! Messages of corosync's services and totempg's packets: what is read is written the same.
#![no_main]

use everbeat::wire::cluster::{self, Message};
use everbeat::wire::cursor::ByteOrder;
use everbeat::wire::totem::Dialect;
use everbeat::wire::totempg::{Addressed, Packet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        if let Ok(message) = Message::decode(bytes, order) {
            let again = Message::decode(&message.encode(), ByteOrder::NATIVE);
            assert_eq!(again, Ok(message));
        }
        if let Ok(addressed) = Addressed::decode(bytes, order) {
            let _ = addressed.is_for(cluster::SYNC);
        }
        if let Ok(packet) = Packet::decode(bytes, order) {
            let mut out = Vec::new();
            packet.encode_into(&mut out);
            assert_eq!(Packet::decode(&out, ByteOrder::NATIVE), Ok(packet));
        }
    }
    for dialect in [Dialect::V3, Dialect::V2] {
        if let Ok(message) = cluster::decode_sync(bytes, dialect) {
            let again = cluster::encode_sync(&message, dialect);
            assert_eq!(cluster::decode_sync(&again, dialect), Ok(message));
        }
    }
});
