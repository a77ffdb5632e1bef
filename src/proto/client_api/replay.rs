//! The captured talks of real clients with a real daemon, held with ours in its place.

use serde_json::Value as Json;

use super::tests::{World, api, name, world};
use super::*;
use crate::ids::LinkName;
use crate::proto::heartbeat::{Delivery, LinkChange, Mode, NodeChange, NodeStatus};
use crate::wire::ipc::clplumbing::{Decoder, decode_body, encode_into};

const CLIENT: ConnectionId = ConnectionId(1);

struct Talk {
    api: ClientApi,
    world: World,
    local: String,
    /// What we sent and the capture hasn't shown yet.
    sent: VecDeque<Message>,
    transmitted: Vec<Message>,
}

impl Talk {
    fn pump(&mut self) {
        while let Some(output) = self.api.poll_output() {
            match output {
                Output::Send(_, message) => self.sent.push_back(message),
                Output::Transmit(message) => self.transmitted.push(message),
                _ => {}
            }
        }
    }

    fn client_says(&mut self, message: Message) {
        let local = message.text("dest").unwrap_or(&self.local).to_owned();
        if message.text("reqtype") == Some("signon") {
            let number = |field| message.decimal(field).expect("a number");
            let small = |field| u32::try_from(number(field)).expect("an id");
            let pid = i32::try_from(number("pid")).expect("a pid");
            self.api.settings.local = name(&local);
            self.api.handle_connect(
                CLIENT,
                Peer {
                    pid,
                    uid: small("uid"),
                    gid: small("gid"),
                },
            );
            self.local = local;
        }
        self.api.handle_message(&self.world, CLIENT, message);
        self.pump();
    }

    /// The real daemon said this: ours must say the same, once it hears what that one heard.
    fn daemon_says(&mut self, message: &Message) {
        let own = self.sent.iter().position(|sent| sent == message);
        if own.is_none() {
            self.cluster_says(message);
            self.pump();
        }
        let own = self.sent.iter().position(|sent| sent == message);
        assert!(own.is_some(), "not said: {message}\nsaid: {:#?}", self.sent);
        self.sent.remove(own.unwrap_or(0));
    }

    fn cluster_says(&mut self, message: &Message) {
        let src = message.text("src").unwrap_or_default();
        match (message.kind(), message.text("seq")) {
            (Some("status"), Some("1")) => self.node_dies(message),
            (Some("ifstat"), _) => {
                let word = |field| message.text(field).unwrap_or_default();
                let link = LinkName::new(word("ifname"));
                let up = word("st") == "up";
                self.api.handle_link(&LinkChange {
                    node: name(word("node")),
                    link,
                    up,
                });
            }
            _ => {
                let local = src == self.local;
                let message = message.clone();
                let delivery = Delivery {
                    from: name(src),
                    local,
                    message,
                };
                self.api.handle_delivery(&self.world, &delivery);
            }
        }
    }

    fn node_dies(&mut self, message: &Message) {
        let src = message.text("src").unwrap_or_default();
        let node = self.world.nodes.iter_mut().find(|n| n.name.as_str() == src);
        let node = node.expect("a node of the table");
        node.status = NodeStatus::Dead;
        let change = NodeChange {
            node: node.name.clone(),
            kind: node.kind,
            mode: Mode::Unknown,
            was: NodeStatus::Active,
            status: NodeStatus::Dead,
            cause: None,
        };
        self.api
            .handle_node(&change, message.hex("ts").expect("a time"));
    }
}

/// Plays a capture; gives what the client sent to the cluster.
fn play(capture: &str, generation: u64) -> Vec<Message> {
    let mut talk = Talk {
        api: api("a"),
        world: world(),
        local: "a".into(),
        sent: VecDeque::new(),
        transmitted: Vec::new(),
    };
    talk.api.generation = generation;
    let mut frames = 0;
    for line in capture.lines().filter(|line| !line.is_empty()) {
        let line: Json = serde_json::from_str(line).expect("JSON");
        let bytes = bytes(line["hex"].as_str().expect("hex"));
        let message = message(&bytes);
        if line["dir"] == "client->server" {
            talk.client_says(message);
        } else {
            let mut again = Vec::new();
            encode_into(&message, &mut again).expect("encodable");
            assert_eq!(again, bytes, "byte for byte");
            talk.daemon_says(&message);
        }
        frames += 1;
    }
    assert!(frames > 2, "{frames}");
    talk.transmitted
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn message(frame: &[u8]) -> Message {
    let mut decoder = Decoder::new();
    decoder.push(frame);
    let body = decoder.next_frame().expect("a frame").expect("all of it");
    decode_body(body).expect("a message")
}

/// What the client sent to its like, without the sign-on's own message.
fn talk_of(transmitted: &[Message]) -> Vec<String> {
    let own = transmitted
        .iter()
        .filter(|m| m.kind() != Some("hbapi-clstat"));
    own.map(|m| m.to_string()).collect()
}

#[test]
fn cl_status() {
    play(
        include_str!("../../../tests/wire/heartbeat-api/cl_status-hbstatus.jsonl"),
        0,
    );
    play(
        include_str!("../../../tests/wire/heartbeat-api/cl_status-listnodes.jsonl"),
        0,
    );
    play(
        include_str!("../../../tests/wire/heartbeat-api/cl_status-nodestatus.jsonl"),
        0,
    );
}

#[test]
fn a_refused_sign_on() {
    play(
        include_str!("../../../tests/wire/heartbeat-api/refused-signon.jsonl"),
        2,
    );
}

#[test]
fn ipfail() {
    let sent = play(
        include_str!("../../../tests/wire/heartbeat-api/ipfail.jsonl"),
        1,
    );
    let wanted =
        "t=num_ping_nodes src=b num_ping=1 dest=a from_id=ipfail to_id=ipfail client_gen=1";
    assert_eq!(talk_of(&sent)[0], wanted);
}

#[test]
fn ipfail_when_all_links_fail() {
    let sent = play(
        include_str!("../../../tests/wire/heartbeat-api/ipfail-linkloss.jsonl"),
        1,
    );
    let last = talk_of(&sent).pop().expect("sent");
    assert!(last.contains("num_ping=0"), "{last}");
}

#[test]
fn ccm() {
    let sent = play(
        include_str!("../../../tests/wire/heartbeat-api/ccm.jsonl"),
        0,
    );
    let kinds: Vec<_> = sent.iter().filter_map(Message::kind).collect();
    let wanted = [
        "hbapi-clstat",
        "CCM_TYPE_PROTOVERSION",
        "CCM_TYPE_PROTOVERSION_RESP",
        "CCM_TYPE_MEM_LIST",
    ];
    assert_eq!(kinds, wanted);
}
