use std::time::Duration;

use super::*;
use crate::ids::{Generation, LinkName, NodeUuid};
use crate::proto::heartbeat::{
    Delivery, LinkChange, LinkView, Mode, NodeChange, NodeKind, NodeStatus,
};

pub(super) struct World {
    pub(super) nodes: Vec<NodeView>,
    pub(super) hold: Option<&'static str>,
}

impl View for World {
    fn nodes(&self) -> Vec<NodeView> {
        self.nodes.clone()
    }
    fn parameter(&self, name: &str) -> Option<String> {
        let value = match name {
            "auto_failback" | "pacemaker" => "off",
            "cluster" => "linux-ha",
            _ => return None,
        };
        Some(value.to_owned())
    }
    fn resources_held(&self) -> Option<String> {
        self.hold.map(str::to_owned)
    }
}

pub(super) fn name(word: &str) -> NodeName {
    NodeName::new(word).expect("a name")
}

pub(super) fn node(word: &str, kind: NodeKind, status: NodeStatus, link: &str) -> NodeView {
    let link = LinkView {
        name: LinkName::new(link),
        up: true,
        last_heard: None,
    };
    NodeView {
        name: name(word),
        kind,
        status,
        status_since: crate::time::Instant(0),
        mode: Mode::Unknown,
        generation: Generation(0),
        uuid: NodeUuid([word.as_bytes()[0]; 16]),
        weight: 100,
        site: String::new(),
        dead_after: Duration::ZERO,
        last_status: None,
        dead_at: None,
        missing: 0,
        seq: None,
        acked: 0,
        links: vec![link],
    }
}

pub(super) fn world() -> World {
    let ping = "10.33.130.1";
    World {
        nodes: vec![
            node("a", NodeKind::Normal, NodeStatus::Active, "eth0"),
            node("b", NodeKind::Normal, NodeStatus::Active, "eth0"),
            node(ping, NodeKind::Ping, NodeStatus::Ping, ping),
        ],
        hold: Some("transition"),
    }
}

pub(super) fn api(local: &str) -> ClientApi {
    let authority = |client: &str, uids: &[u32], gids: &[u32]| Authority {
        client: client.into(),
        uids: uids.to_vec(),
        gids: gids.to_vec(),
    };
    ClientApi::new(Settings {
        local: name(local),
        deadtime_ms: 4000,
        keepalive_ms: 500,
        version: "3.0.6 (node: 958e11be8686759f1b99204c17812f2c2633b169)".into(),
        pacemaker: "off".into(),
        logfacility: -1,
        authorities: vec![
            authority("ipfail", &[102], &[]),
            authority("ccm", &[102], &[]),
            authority("ping", &[], &[105]),
            authority("anon", &[0], &[105]),
        ],
        own_uid: 0,
    })
}

fn request(kind: &str, client: &str, pid: i32) -> Message {
    Message::of_type("hbapi-req")
        .with("reqtype", kind)
        .with("dest", "a")
        .with("pid", pid.to_string())
        .with("from_id", client)
}

fn outputs(api: &mut ClientApi) -> Vec<Output> {
    std::iter::from_fn(|| api.poll_output()).collect()
}

/// What was sent to clients, a line each.
fn sent(api: &mut ClientApi) -> Vec<String> {
    let lines = outputs(api).into_iter().filter_map(|output| match output {
        Output::Send(id, message) => Some(format!("{} {message}", id.0)),
        _ => None,
    });
    lines.collect()
}

fn sign_on(api: &mut ClientApi, id: u64, client: &str, (uid, gid): (u32, u32)) -> Vec<Output> {
    let id = ConnectionId(id);
    let pid = 300 + i32::try_from(id.0).expect("small");
    api.handle_connect(id, Peer { pid, uid, gid });
    let from_id = if client.is_empty() {
        pid.to_string()
    } else {
        client.into()
    };
    let signon = request("signon", &from_id, pid)
        .with("uid", uid.to_string())
        .with("gid", gid.to_string());
    api.handle_message(&world(), id, signon);
    outputs(api)
}

fn ask(api: &mut ClientApi, extra: &[(&str, &str)]) -> Vec<String> {
    let mut message = request(extra[0].1, "ipfail", 301);
    for (field, word) in &extra[1..] {
        message.push_text(field, word);
    }
    api.handle_message(&world(), ConnectionId(1), message);
    sent(api)
}

fn delivery(from: &str, message: Message) -> Delivery {
    Delivery {
        from: name(from),
        local: false,
        message: message.with("src", from),
    }
}

#[test]
fn a_named_client_joins_for_all_and_a_casual_one_for_nobody() {
    let mut api = api("a");
    let named = sign_on(&mut api, 1, "ipfail", (102, 105));
    let joined =
        "t=hbapi-clstat st=join from_id=ipfail to_id=ipfail src=a info=signon client_gen=0";
    assert!(
        matches!(&named[1], Output::Transmit(m) if m.to_string() == joined),
        "{named:?}"
    );
    let casual = sign_on(&mut api, 2, "", (0, 105));
    assert!(matches!(&casual[..], [Output::Send(_, m)] if m.text("result") == Some("OK")));
}

#[test]
fn each_reason_of_refusal_has_its_words() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ipfail", (102, 105));
    let mut refused = |change: &dyn Fn(&mut Message)| {
        let id = ConnectionId(9);
        api.handle_connect(
            id,
            Peer {
                pid: 9,
                uid: 102,
                gid: 105,
            },
        );
        let mut signon = request("signon", "ccm", 9)
            .with("uid", "102")
            .with("gid", "105");
        change(&mut signon);
        api.handle_message(&world(), id, signon);
        let outputs = outputs(&mut api);
        assert_eq!(outputs.last(), Some(&Output::Close(id)));
        assert!(
            !outputs.iter().any(|o| matches!(o, Output::Transmit(_))),
            "others hear nothing"
        );
        match &outputs[0] {
            Output::Send(_, reply) => reply.text("info").unwrap_or_default().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    let set = |field: &'static str, word: &'static str| {
        move |m: &mut Message| m.set(field, Value::Text(word.into()))
    };
    assert_eq!(refused(&set("pid", "0")), "bad pid");
    assert_eq!(refused(&set("pid", "junk")), "bad pid");
    assert_eq!(refused(&set("from_id", "ipfail")), "duplicate add request");
    assert_eq!(refused(&set("uid", "root")), "invalid id info");
    assert_eq!(refused(&set("uid", "0")), "incorrect/false credentials");
    assert_eq!(refused(&set("from_id", "nosuch")), "no default client auth");
    assert_eq!(refused(&set("pid", "8")), "pid mismatch");
    assert_eq!(refused(&set("from_id", "a\nb")), "invalid id info");
    assert_eq!(refused(&|m| assert!(m.remove("gid"))), "invalid id info");
}

#[test]
fn requests_are_answered() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ipfail", (102, 105));
    let one = |mut lines: Vec<String>| lines.pop().expect("a reply");
    let tests = [
        (&[("", "numnodes")][..], "numnodes=2 result=OK"),
        (&[("", "nodestatus"), ("node", "b")], "st=active result=OK"),
        (&[("", "nodestatus"), ("node", "B")], "st=active result=OK"),
        (
            &[("", "nodestatus"), ("node", "c")],
            "info=EINVAL result=badreq",
        ),
        (&[("", "nodestatus")], "info=EINVAL result=badreq"),
        (
            &[("", "nodetype"), ("node", "10.33.130.1")],
            "nodetype=ping result=OK",
        ),
        (
            &[("", "iflist"), ("node", "b")],
            "ifname=eth0 st=up result=OK",
        ),
        (
            &[("", "ifstatus"), ("node", "b"), ("ifname", "eth0")],
            "st=up result=OK",
        ),
        (
            &[("", "ifstatus"), ("node", "b"), ("ifname", "eth9")],
            "info=EINVAL result=badreq",
        ),
        (&[("", "getparm"), ("pname", "crm")], "pvalue=off result=OK"),
        (&[("", "getparm"), ("pname", "nosuch")], "result=OK"),
        (&[("", "getuuid"), ("queryname", "b")], "result=OK"),
        (
            &[("", "setsignal"), ("signal", "9")],
            "info=EINVAL result=badreq",
        ),
        (
            &[("", "setfilter"), ("fmask", "2")],
            "info=EPERM result=badreq",
        ),
        (
            &[("", "setfilter"), ("fmask", "100")],
            "info=EINVAL result=badreq",
        ),
        (&[("", "dance")], "info=EINVAL result=badreq"),
        (
            &[("", "signon")],
            "info=duplicate add request result=badreq",
        ),
        (
            &[("", "clientstatus"), ("node", "a"), ("cn", "ipfail")],
            "subt=respond-cstatus cs=online result=OK",
        ),
    ];
    for (question, answer) in tests {
        let line = one(ask(&mut api, question));
        assert!(line.ends_with(answer), "{question:?}: {line}");
    }
    assert!(ask(&mut api, &[("", "set_sendqlen"), ("sendqlen", "1024")]).is_empty());
}

#[test]
fn the_status_of_a_remote_client_is_asked_of_its_node() {
    let (mut a, mut b) = (api("a"), api("b"));
    sign_on(&mut a, 1, "ipfail", (102, 105));
    sign_on(&mut b, 1, "ccm", (102, 105));
    let query = request("clientstatus", "ipfail", 301)
        .with("node", "b")
        .with("cn", "ccm");
    a.handle_message(&world(), ConnectionId(1), query);
    let [Output::Transmit(query)] = &outputs(&mut a)[..] else {
        panic!("no query")
    };
    assert_eq!(
        query.to_string(),
        "t=query-cstatus dest=b cn=ccm from_id=ipfail"
    );
    b.handle_delivery(&world(), &delivery("a", query.clone()));
    let [Output::Transmit(answer)] = &outputs(&mut b)[..] else {
        panic!("no answer")
    };
    let wanted = "t=respond-cstatus dest=a result=OK cn=ccm to_id=ipfail cs=online";
    assert_eq!(answer.to_string(), wanted);
    a.handle_delivery(&world(), &delivery("b", answer.clone()));
    assert_eq!(sent(&mut a), [format!("1 {wanted} src=b")]);
}

#[test]
fn what_a_client_sends_goes_out_under_its_own_name() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ipfail", (102, 105));
    let message = Message::of_type("num_ping_nodes")
        .with("from_id", "ccm")
        .with("dest", "b");
    api.handle_message(&world(), ConnectionId(1), message);
    let [Output::Transmit(out)] = &outputs(&mut api)[..] else {
        panic!("not sent")
    };
    let wanted = "t=num_ping_nodes from_id=ipfail dest=b to_id=ipfail client_gen=0";
    assert_eq!(out.to_string(), wanted);
    for forged in [
        "status",
        "NS_ackmsg",
        "hbapi-clstat",
        "respond-cstatus",
        "repnodes",
    ] {
        api.handle_message(&world(), ConnectionId(1), Message::of_type(forged));
        assert!(
            matches!(&outputs(&mut api)[..], [Output::Log(..)]),
            "{forged}"
        );
    }
    sign_on(&mut api, 2, "", (0, 105));
    api.handle_message(
        &world(),
        ConnectionId(2),
        Message::of_type("num_ping_nodes"),
    );
    assert_eq!(
        outputs(&mut api),
        [Output::Close(ConnectionId(2))],
        "a casual client may not"
    );
}

#[test]
fn messages_go_to_whom_they_name_or_to_all() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ipfail", (102, 105));
    sign_on(&mut api, 2, "ccm", (102, 105));
    let to = Message::of_type("x").with("to_id", "ccm");
    api.handle_delivery(&world(), &delivery("b", to));
    assert_eq!(sent(&mut api), ["2 t=x to_id=ccm src=b"]);
    api.handle_delivery(&world(), &delivery("b", Message::of_type("starting")));
    assert_eq!(sent(&mut api).len(), 2);
    ask(&mut api, &[("", "setfilter"), ("fmask", "0")]);
    api.handle_delivery(&world(), &delivery("b", Message::of_type("starting")));
    assert_eq!(sent(&mut api), ["2 t=starting src=b"]);
    api.handle_delivery(&world(), &delivery("b", Message::of_type("NS_ackmsg")));
    assert!(sent(&mut api).is_empty());
}

#[test]
fn a_leave_does_not_overtake_missing_messages() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ccm", (102, 105));
    let mut gap = world();
    gap.nodes[1].missing = 1;
    let leave = Message::of_type("hbapi-clstat")
        .with("st", "leave")
        .with("to_id", "ccm");
    api.handle_delivery(&gap, &delivery("b", leave));
    assert!(sent(&mut api).is_empty());
    api.handle_delivery(
        &gap,
        &delivery("b", Message::of_type("x").with("to_id", "ccm")),
    );
    assert_eq!(sent(&mut api), ["1 t=x to_id=ccm src=b"], "others pass");
    api.handle_progress(&world());
    assert_eq!(
        sent(&mut api),
        ["1 t=hbapi-clstat st=leave to_id=ccm src=b"]
    );
}

#[test]
fn deaths_pings_and_links_are_told() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ipfail", (102, 105));
    let change = |node: &str, kind, status| NodeChange {
        node: name(node),
        kind,
        mode: Mode::Unknown,
        was: NodeStatus::Active,
        status,
        cause: None,
    };
    api.handle_node(
        &change("b", NodeKind::Normal, NodeStatus::Dead),
        0x6b02_d6e4,
    );
    api.handle_node(&change("b", NodeKind::Normal, NodeStatus::Up), 1);
    api.handle_node(&change("r", NodeKind::Ping, NodeStatus::Dead), 1);
    api.handle_node(&change("r", NodeKind::Ping, NodeStatus::Ping), 1);
    let link = LinkName::new("eth0");
    api.handle_link(&LinkChange {
        node: name("b"),
        link,
        up: false,
    });
    let wanted = [
        "1 t=status seq=1 ts=6b02d6e4 src=b st=dead",
        "1 t=status seq=1 ts=1 src=r st=dead info=ping",
        "1 t=NS_st st=ping info=ping src=r ts=1",
        "1 t=ifstat node=b ifname=eth0 st=dead",
    ];
    assert_eq!(sent(&mut api), wanted);
}

#[test]
fn endings_are_told_to_the_cluster_with_their_reason() {
    for (how, info) in [
        (Ending::Eof, "EOF"),
        (Ending::BadFrame, "badclient"),
        (Ending::Slow, "died"),
    ] {
        let mut api = api("a");
        sign_on(&mut api, 1, "ipfail", (102, 105));
        api.handle_close(ConnectionId(1), how);
        let told = outputs(&mut api).into_iter().find_map(|o| match o {
            Output::Transmit(m) => Some(m),
            _ => None,
        });
        let told = told.expect("a leave");
        assert_eq!(
            (told.text("st"), told.text("info")),
            (Some("leave"), Some(info))
        );
        api.handle_close(ConnectionId(1), how);
        assert!(outputs(&mut api).is_empty(), "once");
    }
}

#[test]
fn impersonation_silence_and_strangers() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ipfail", (102, 105));
    api.handle_message(&world(), ConnectionId(1), request("numnodes", "ccm", 301));
    api.handle_message(&world(), ConnectionId(1), request("numnodes", "ipfail", 7));
    assert!(sent(&mut api).is_empty());
    api.handle_connect(
        ConnectionId(5),
        Peer {
            pid: 5,
            uid: 0,
            gid: 0,
        },
    );
    api.handle_message(&world(), ConnectionId(5), request("nodelist", "5", 5));
    assert!(outputs(&mut api).contains(&Output::Close(ConnectionId(5))));
    api.handle_message(&world(), ConnectionId(77), request("nodelist", "5", 5));
    assert!(outputs(&mut api).is_empty());
}

#[test]
fn while_peers_lag_only_clients_that_send_wait() {
    let mut api = api("a");
    sign_on(&mut api, 1, "ipfail", (102, 105));
    sign_on(&mut api, 2, "", (0, 105));
    api.handle_flow_control(true);
    assert!(!api.may_read(ConnectionId(1)) && api.may_read(ConnectionId(2)));
    assert!(api.may_read(ConnectionId(3)), "one that has yet to sign on");
    api.handle_flow_control(false);
    assert!(api.may_read(ConnectionId(1)));
}
