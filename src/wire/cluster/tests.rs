use super::*;
use crate::ids::NodeId;
use crate::wire::totem::RingId;

fn name(text: &str) -> CpgName {
    CpgName::new(text.as_bytes()).unwrap()
}

fn all() -> Vec<Message> {
    let source = Source {
        node: NodeId(7),
        client: 0xDEAD_BEEF_0102_0304,
    };
    vec![
        Message::Cmap(Cmap {
            reason: CmapReason::NewConfigVersion,
            items: vec![
                CmapItem {
                    key: LongName::new(b"totem.config_version").unwrap(),
                    value: CmapValue::U64(9),
                },
                CmapItem {
                    key: LongName::new(b"x").unwrap(),
                    value: CmapValue::Other {
                        kind: 11,
                        bytes: b"abc".to_vec(),
                    },
                },
                CmapItem {
                    key: LongName::new(b"y").unwrap(),
                    value: CmapValue::Absent,
                },
            ],
        }),
        Message::Cfg(Cfg::RingReenable(source)),
        Message::Cfg(Cfg::CryptoReconfigure { phase: 1 }),
        Message::Cpg(Cpg::JoinList(vec![JoinListEntry {
            pid: 3,
            group: name("web"),
        }])),
        Message::Cpg(Cpg::Partial {
            group: name("web"),
            total: 10,
            pid: 3,
            kind: PartialKind::Middle,
            source,
            data: b"part".as_slice().into(),
        }),
        Message::Votequorum(Votequorum::DeviceRegistration {
            registers: true,
            name: b"qnetd".to_vec(),
        }),
        Message::Votequorum(Votequorum::DeviceRename {
            old: b"a".to_vec(),
            new: b"b".to_vec(),
        }),
    ]
}

#[test]
fn what_no_capture_has_is_read_as_it_was_written() {
    for message in all() {
        let body = message.encode();
        assert_eq!(Message::decode(&body, ByteOrder::NATIVE), Ok(message));
        for end in 0..body.len() {
            let _ = Message::decode(&body[..end], ByteOrder::NATIVE);
        }
    }
    let sizes = |at: usize| all()[at].encode().len();
    assert_eq!((sizes(2), sizes(5), sizes(6)), (24, 280, 528));
}

#[test]
fn barriers_of_two_generations() {
    let ring = RingId::default();
    for (dialect, barrier, build) in [(Dialect::V3, 32, 552), (Dialect::V2, 48, 568)] {
        let services = vec![Service::CMAP, Service::CPG];
        let list = Sync::ServiceBuild { ring, services };
        let body = encode_sync(&list, dialect);
        assert_eq!(body.len(), build);
        assert_eq!(decode_sync(&body, dialect), Ok(list));
        let body = encode_sync(&Sync::Barrier(ring), dialect);
        assert_eq!(body.len(), barrier);
        assert_eq!(decode_sync(&body, dialect), Ok(Sync::Barrier(ring)));
    }
}

#[test]
fn lengths_are_checked() {
    let mut body = all()[4].encode();
    body[16..20].copy_from_slice(&200_u32.to_ne_bytes());
    let error = Message::decode(&body, ByteOrder::NATIVE).unwrap_err();
    assert_eq!(
        error,
        ClusterError::Malformed("a name longer than its place")
    );
    let ring = RingId::default();
    let services = vec![Service(64)];
    let body = encode_sync(&Sync::ServiceBuild { ring, services }, Dialect::V3);
    assert!(decode_sync(&body, Dialect::V3).is_err());
    let unknown = Header::of_service(Service(9), 3);
    let mut out = Vec::new();
    unknown.encode(&mut Writer::new(&mut out, ByteOrder::NATIVE));
    let error = Message::decode(&out, ByteOrder::NATIVE).unwrap_err();
    let expected = ClusterError::Unknown {
        service: 9,
        function: 3,
    };
    assert_eq!(error, expected);
}

/// Found by the fuzz target `cluster`.
#[test]
fn a_device_name_without_a_nul_ends_before_its_last_place() {
    let rename = |new: Vec<u8>| {
        let old = b"old".to_vec();
        Message::Votequorum(Votequorum::DeviceRename { old, new })
    };
    let mut body = rename(vec![b'x'; 254]).encode();
    let last = body.iter().rposition(|byte| *byte == b'x').unwrap() + 1;
    body[last] = b'x';
    let read = Message::decode(&body, ByteOrder::NATIVE).unwrap();
    assert_eq!(read, rename(vec![b'x'; 254]));
    assert_eq!(Message::decode(&read.encode(), ByteOrder::NATIVE), Ok(read));
}
