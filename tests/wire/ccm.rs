//! Everything that real `ccm` daemons said to one another and to their clients is explained.

use std::collections::BTreeMap;

use everbeat::wire::ccm::{CcmMessage, is_ccm};
use everbeat::wire::heartbeat::{Field, Message, open};
use everbeat::wire::ipc::ccm::ClientEvent;
use everbeat::wire::ipc::clplumbing;

use crate::capture::rows;

/// What the client's daemon and the node protocol add.
const COMMON: [&str; 14] = [
    "dest",
    "destuuid",
    "from_id",
    "to_id",
    "client_gen",
    "oseq",
    "src",
    "srcuuid",
    "seq",
    "hg",
    "ts",
    "ld",
    "ttl",
    "auth",
];

#[test]
fn every_message_is_explained_and_comes_out_the_same() {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for row in rows("ccm") {
        let message = open(&row.bytes, &row.keyring()).unwrap().message;
        if !is_ccm(&message) {
            continue;
        }
        let decoded =
            CcmMessage::decode(&message).unwrap_or_else(|error| panic!("{}: {error}", row.place));
        let own = |field: &&Field| {
            let name = String::from_utf8_lossy(&field.name);
            !COMMON.contains(&name.as_ref())
        };
        let own: Vec<&Field> = message.fields().iter().filter(own).collect();
        let again: Message = decoded.encode();
        let again: Vec<&Field> = again.fields().iter().collect();
        assert_eq!(again, own, "{}", row.place);
        *counts.entry(decoded.body.name()).or_default() += 1;
    }
    println!("{counts:?}");
    // The types that a cluster of real nodes shows; ABORT was never seen.
    assert_eq!(counts.len(), 13);
}

#[test]
fn every_event_for_clients_is_explained_and_comes_out_the_same() {
    let mut events = 0;
    let rows = rows("heartbeat-api");
    for row in rows
        .iter()
        .filter(|row| row.place.starts_with("ccm-testclient"))
    {
        let mut decoder = clplumbing::Decoder::new();
        decoder.push(&row.bytes);
        let body = decoder.next_frame().unwrap().unwrap();
        let event = ClientEvent::decode(body).unwrap_or_else(|| panic!("{}", row.place));
        assert_eq!(event.encode(), body, "{}", row.place);
        events += 1;
    }
    println!("{events} events");
    assert!(events >= 2);
}
