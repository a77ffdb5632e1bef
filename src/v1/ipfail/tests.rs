use super::*;
use crate::ids::LinkName;
use crate::proto::heartbeat::{CommUp, Mode};

const QUIET: Situation = Situation {
    in_transition: false,
    holds_foreign: true,
    holds_any: true,
};

fn name(word: &str) -> NodeName {
    NodeName::new(word).expect("a name")
}

fn at(ms: u64) -> Now {
    Now {
        mono: Instant(ms),
        unix_s: 0,
    }
}

fn node(word: &str, kind: NodeKind, status: NodeStatus) -> Event {
    Event::Node(NodeChange {
        node: name(word),
        kind,
        mode: Mode::Unknown,
        was: NodeStatus::Init,
        status,
        cause: None,
    })
}

fn said(kind: &str, number: Option<&str>) -> Event {
    let mut message = Message::of_type(kind);
    if let Some(number) = number {
        message.push_text("num_ping", number);
    }
    Event::Deliver(Delivery {
        from: name("b"),
        local: false,
        message: client_fields(message),
    })
}

/// Node a with two ping nodes that answer, b active, all said.
fn ready(failback: bool) -> Ipfail {
    let pings = [name("gw"), name("grp")];
    let mut ipfail = Ipfail::new(name("a"), &pings, Duration::from_secs(1), failback);
    for ping in ["gw", "grp"] {
        ipfail.handle_event(at(0), QUIET, &node(ping, NodeKind::Ping, NodeStatus::Ping));
    }
    let event = node("b", NodeKind::Normal, NodeStatus::Active);
    ipfail.handle_event(at(0), QUIET, &event);
    ipfail.handle_event(at(0), QUIET, &Event::CommUp(CommUp { complete: true }));
    sent(&mut ipfail);
    ipfail
}

fn sent(ipfail: &mut Ipfail) -> Vec<String> {
    let mut sent = Vec::new();
    while let Some(output) = ipfail.poll_output() {
        if let Output::Send(message) = output {
            sent.push(message.to_string());
        }
    }
    sent
}

#[test]
fn a_dead_link_makes_it_tell_its_count_in_the_captured_form() {
    let mut ipfail = ready(false);
    ipfail.handle_event(at(0), QUIET, &node("gw", NodeKind::Ping, NodeStatus::Dead));
    assert_eq!(sent(&mut ipfail), Vec::<String>::new());
    let event = Event::Link(LinkChange {
        node: name("gw"),
        link: LinkName::new("gw"),
        up: false,
    });
    ipfail.handle_event(at(0), QUIET, &event);
    assert_eq!(
        sent(&mut ipfail),
        ["t=num_ping_nodes src=a num_ping=1 dest=b from_id=ipfail to_id=ipfail client_gen=0"]
    );
}

#[test]
fn who_reaches_more_tells_the_other() {
    let mut ipfail = ready(false);
    ipfail.handle_event(at(0), QUIET, &said("num_ping_nodes", Some("1")));
    assert_eq!(
        sent(&mut ipfail),
        ["t=you_are_dead dest=b from_id=ipfail to_id=ipfail client_gen=0"]
    );
    assert_eq!(ipfail.poll_timeout(), None);
}

#[test]
fn who_is_told_gives_up_two_keepalives_later() {
    let mut ipfail = ready(false);
    ipfail.handle_event(at(1_000), QUIET, &said("you_are_dead", None));
    ipfail.handle_event(at(1_500), QUIET, &said("you_are_dead", None));
    assert_eq!(ipfail.poll_timeout(), Some(Instant(3_000)));
    ipfail.handle_timeout(at(2_999), QUIET);
    assert_eq!(sent(&mut ipfail), Vec::<String>::new());
    ipfail.handle_timeout(at(3_000), QUIET);
    assert_eq!(
        sent(&mut ipfail),
        ["t=ask_resources rsc_hold=all src=a info=me from_id=ipfail to_id=ipfail client_gen=0"]
    );
}

#[test]
fn equal_counts_call_it_off() {
    let mut ipfail = ready(false);
    ipfail.handle_event(at(0), QUIET, &said("num_ping_nodes", Some("5")));
    assert!(ipfail.poll_timeout().is_some());
    sent(&mut ipfail);
    ipfail.handle_event(at(1), QUIET, &said("num_ping_nodes", Some("2")));
    assert_eq!(
        sent(&mut ipfail),
        ["t=abort_giveup src=a dest=b from_id=ipfail to_id=ipfail client_gen=0"]
    );
    assert_eq!(ipfail.poll_timeout(), None);
    ipfail.handle_event(at(2), QUIET, &said("you_are_dead", None));
    ipfail.handle_event(at(3), QUIET, &said("abort_giveup", None));
    assert_eq!(ipfail.poll_timeout(), None);
}

#[test]
fn a_transition_puts_it_off() {
    let mut ipfail = ready(false);
    ipfail.handle_event(at(0), QUIET, &said("you_are_dead", None));
    sent(&mut ipfail);
    let busy = Situation {
        in_transition: true,
        ..QUIET
    };
    ipfail.handle_timeout(at(2_000), busy);
    assert_eq!(sent(&mut ipfail), Vec::<String>::new());
    assert_eq!(ipfail.poll_timeout(), Some(Instant(12_000)));
}

#[test]
fn with_failback_equal_counts_send_foreign_groups_home() {
    let mut ipfail = ready(true);
    ipfail.handle_event(at(0), QUIET, &said("num_ping_nodes", Some("2")));
    sent(&mut ipfail);
    ipfail.handle_timeout(at(2_000), QUIET);
    let sent = sent(&mut ipfail);
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert!(sent[0].contains("rsc_hold=foreign"), "{sent:?}");
}

#[test]
fn messages_of_others_and_odd_numbers_change_nothing() {
    let mut ipfail = ready(true);
    for number in [None, Some(""), Some("-1"), Some("99999999999999999999")] {
        ipfail.handle_event(at(0), QUIET, &said("num_ping_nodes", number));
    }
    let event = Event::Deliver(Delivery {
        from: name("b"),
        local: false,
        message: Message::of_type("you_are_dead").with("to_id", "dopd"),
    });
    ipfail.handle_event(at(0), QUIET, &event);
    assert_eq!(sent(&mut ipfail), Vec::<String>::new());
    assert_eq!(ipfail.poll_timeout(), None);
}
