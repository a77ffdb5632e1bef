use super::*;

fn value() -> AttributeValue {
    AttributeValue {
        name: "fail-count-db#monitor_10000".into(),
        node: "a".into(),
        value: Some("value++".into()),
        set: None,
        dampening_ms: 5000,
        private: true,
    }
}

fn ticket() -> FenceTicket {
    FenceTicket {
        origin: NodeId(2),
        number: 7,
    }
}

fn of_nodes() -> Vec<Message> {
    vec![
        Message::Vote(Vote {
            membership: MembershipId(u64::MAX),
            name: "a".into(),
            feature_set: "3.16.1".into(),
            uptime_ms: 1,
            dc: Some(NodeId(3)),
            eligible: true,
            ready: false,
            jobs_max: 8,
            term: 5,
            generation: Generation {
                admin_epoch: -1,
                epoch: 2,
                num_updates: 3,
                digest: "d".into(),
            },
        }),
        Message::Sync {
            membership: MembershipId(4),
            cib: "<cib/>".into(),
        },
        Message::Request(Request {
            call: 9,
            operation: OperationKind::Modify,
            flags: RequestFlags {
                can_create: true,
                multiple: false,
                dry_run: true,
            },
            section: Some(String::new()),
            xpath: None,
            input: Some("<nodes/>".into()),
            user: Some("alice".into()),
            groups: vec!["ops".into()],
            client: "cibadmin".into(),
            unix_s: 1_700_000_000,
            time: Some("Thu Nov 26 18:55:45 2026".into()),
        }),
        Message::Confirm(Confirm {
            membership: MembershipId(1),
            history: Some("<lrm/>".into()),
            attributes: vec![value()],
        }),
        Message::Attribute(AttributeChange {
            task: AttributeTask::Both,
            value: value(),
        }),
        Message::AttributeSync(vec![value(), value()]),
        Message::Recount,
        Message::Noted("{\"event\":\"leader\",\"dc\":\"a\"}".into()),
        Message::Throttle {
            mode: 3,
            jobs_max: 9,
        },
        Message::Ping { number: 1 },
        Message::Acknowledge {
            transition_key: "3:5:0:x".into(),
            exit: 0,
            status: 1,
        },
        Message::Pong {
            number: 1,
            generation: Generation::default(),
        },
        Message::ShutdownWanted,
        Message::ShutdownGranted { node: NodeId(1) },
    ]
}

fn of_tools() -> Vec<Message> {
    vec![
        Message::StateWanted {
            number: 3,
            node: NodeId(2),
        },
        Message::StateTold {
            asker: NodeId(1),
            number: 3,
            state: "S_NOT_DC".into(),
        },
    ]
}

fn of_actions() -> Vec<Message> {
    let (node, resource) = (NodeId(1), "db".to_owned());
    vec![
        Message::Invoke(Invoke::Operation {
            node,
            transition_key: "1:2:0:x".into(),
            action: "<rsc_op/>".into(),
        }),
        Message::Invoke(Invoke::Forget {
            node,
            resource: resource.clone(),
        }),
        Message::Invoke(Invoke::Fail { node, resource }),
    ]
}

fn of_watchdogs() -> Vec<Message> {
    vec![Message::Vigil(Vigil {
        number: 7,
        asks: true,
        resets_ms: Some(10_000),
        heard: vec![(NodeId(2), 6)],
        gone: vec![("c".into(), None), ("d".into(), Some(0))],
    })]
}

fn of_fencing() -> Vec<Message> {
    vec![
        Message::FenceQuery(FenceQuery {
            ticket: ticket(),
            leader: NodeId(4),
            target: "b".into(),
            action: "off".into(),
            client: "crmd".into(),
            timeout_ms: 1,
            delay_s: -1,
        }),
        Message::FenceableBy(FenceableBy {
            ticket: ticket(),
            devices: vec![Capable {
                device: "ipmi".into(),
                verified: true,
                priority: -7,
                timeout_ms: Some(0),
                delay_ms: 9,
                unfences: false,
            }],
        }),
        Message::FenceStart(FenceStart {
            ticket: ticket(),
            node: NodeId(1),
            device: "ipmi".into(),
            target: "b".into(),
            action: "reboot".into(),
            timeout_ms: 3,
            delay_s: 4,
            last: true,
        }),
        Message::FenceResult(FenceResult {
            ticket: ticket(),
            last: true,
            device: "ipmi".into(),
            target: "b".into(),
            action: "reboot".into(),
            client: "crmd".into(),
            exit: -1,
            status: 10,
            reason: String::new(),
            unix_s: 5,
            delegate: "c".into(),
        }),
        Message::FenceHistory(vec![FenceRecord {
            ticket: ticket(),
            leader: NodeId(1),
            origin: "a".into(),
            target: "b".into(),
            action: "reboot".into(),
            client: "crmd".into(),
            state: FenceState::Failed,
            delegate: "c".into(),
            exit: 1,
            status: 4,
            reason: "no answer".into(),
            completed_s: 6,
        }]),
        Message::FenceCleanup {
            target: Some("b".into()),
        },
        Message::FenceHistoryWanted,
    ]
}

#[test]
fn each_message_is_read_as_it_was_written_and_no_part_of_it_is() {
    for message in of_nodes()
        .into_iter()
        .chain(of_actions())
        .chain(of_fencing())
        .chain(of_watchdogs())
        .chain(of_tools())
    {
        let mut bytes = message.encode();
        assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message));
        for end in 0..bytes.len() {
            assert!(Message::decode(&bytes[..end]).is_err(), "{message:?}");
        }
        bytes.extend(b"more of a newer version");
        assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message));
    }
}

#[test]
fn strange_bytes_are_refused() {
    assert_eq!(Message::decode(b"PK\x01\x01"), Err(CrmError::Foreign));
    assert_eq!(Message::decode(b"EB\x02\x01"), Err(CrmError::Format(2)));
    assert_eq!(
        Message::decode(b"EB\x01\xff"),
        Err(CrmError::UnknownKind(255))
    );
    // A list of four thousand million values in no bytes.
    assert!(Message::decode(b"EB\x01\x07\xff\xff\xff\xff").is_err());
    assert_eq!(
        Message::decode(b"EB\x01\x05\x09\0\0\0\0"),
        Err(CrmError::BadValue {
            field: "invocation",
            value: 9
        })
    );
}
