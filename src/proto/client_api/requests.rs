//! Requests of clients and their answers.
//!
//! Source: `spec/heartbeat-api.md` section 2.1.

use super::{ClientApi, ConnectionId, Output, QUEUE_MESSAGES_MAX, View};
use crate::ids::NodeUuid;
use crate::proto::heartbeat::{NodeKind, NodeStatus, NodeView, Severity};
use crate::wire::heartbeat::{Message, Value};

/// Bits of the filter: 1 normal, 2 nochange, 4 drop, 8 duplicate, 0x10 apicall, 0x20 protocol.
const FILTER_ALL: u64 = 0x3f;
/// The bit that everybody may set.
const FILTER_NORMAL: u64 = 1;
/// Signals that can't be asked for: they can't be caught.
const UNCATCHABLE: [u64; 2] = [9, 19];

/// What a request comes to.
enum Answer {
    /// One reply with these fields before its `result`.
    Fields(Vec<(&'static str, Value)>),
    /// One reply for each of these.
    List(Vec<Vec<(&'static str, Value)>>),
    /// `badreq`, with this `info`.
    Bad(&'static str),
    /// No reply, or none yet.
    Nothing,
}

const OK: Answer = Answer::Fields(Vec::new());
const INVALID: Answer = Answer::Bad("EINVAL");

fn text(text: impl AsRef<[u8]>) -> Value {
    Value::Text(text.as_ref().to_vec())
}

fn one(name: &'static str, value: impl AsRef<[u8]>) -> Answer {
    Answer::Fields(vec![(name, text(value))])
}

impl ClientApi {
    pub(super) fn handle_request(&mut self, view: &dyn View, id: ConnectionId, message: &Message) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let Some(client) = &connection.client else {
            return;
        };
        let pid = connection.peer.pid;
        let stated = message.text("pid").and_then(|pid| pid.parse::<i32>().ok());
        if message.text("from_id") != Some(&client.name) || stated != Some(pid) {
            let text = format!(
                "API client {}: Client mismatch! (impersonation?)",
                self.title(id)
            );
            return self.log(Severity::Warning, text);
        }
        let kind = message.text("reqtype").unwrap_or_default().to_owned();
        let answer = match kind.as_str() {
            "signon" => Answer::Bad("duplicate add request"),
            "signoff" => return self.remove(id, "signoff"),
            "setfilter" => self.set_filter(id, message),
            "setsignal" => self.set_signal(id, message),
            "set_sendqlen" => self.set_queue_limit(id, message),
            "clientstatus" => self.client_status_of(view, id, message),
            "getparm" => self.parameter(view, message),
            kind => look_up(view, kind, message),
        };
        if matches!(answer, Answer::Bad(_)) {
            let text = format!("API client {}: bad request {message}", self.title(id));
            self.log(Severity::Debug, text);
        }
        self.answer(id, &kind, answer);
    }

    fn answer(&mut self, id: ConnectionId, kind: &str, answer: Answer) {
        let start = || Message::of_type("hbapi-resp").with("reqtype", kind);
        match answer {
            Answer::Nothing => {}
            Answer::Bad(info) => {
                self.reply(id, start().with("info", info).with("result", "badreq"));
            }
            Answer::Fields(fields) => self.answer(id, kind, Answer::List(vec![fields])),
            Answer::List(list) => {
                let last = list.len().saturating_sub(1);
                for (place, fields) in list.into_iter().enumerate() {
                    let mut reply = start();
                    for (name, value) in fields {
                        reply.push(name, value);
                    }
                    let result = if place == last { "OK" } else { "ok/more" };
                    self.reply(id, reply.with("result", result));
                }
            }
        }
    }

    fn set_filter(&mut self, id: ConnectionId, message: &Message) -> Answer {
        let own_uid = self.settings.own_uid;
        let uid = self.connections.get(&id).map_or(u32::MAX, |c| c.peer.uid);
        let Some(mask) = message.hex("fmask").filter(|mask| mask & !FILTER_ALL == 0) else {
            return INVALID;
        };
        if mask & !FILTER_NORMAL != 0 && uid != 0 && uid != own_uid {
            return Answer::Bad("EPERM");
        }
        if let (Some(client), Ok(mask)) = (self.client_mut(id), u32::try_from(mask)) {
            client.filter = mask;
        }
        OK
    }

    fn set_signal(&mut self, id: ConnectionId, message: &Message) -> Answer {
        let signal = message
            .decimal("signal")
            .filter(|s| *s < 32 && !UNCATCHABLE.contains(s));
        match (
            self.client_mut(id),
            signal.and_then(|s| i32::try_from(s).ok()),
        ) {
            (Some(client), Some(signal)) => {
                client.signal = signal;
                OK
            }
            _ => INVALID,
        }
    }

    fn set_queue_limit(&mut self, id: ConnectionId, message: &Message) -> Answer {
        let wanted = message
            .decimal("sendqlen")
            .and_then(|n| usize::try_from(n).ok());
        if let Some(wanted) = wanted.filter(|&n| n > 0) {
            let limit = wanted.min(QUEUE_MESSAGES_MAX);
            self.outputs.push_back(Output::QueueLimit(id, limit));
        }
        Answer::Nothing
    }

    /// Local clients we know; of others we ask their node, whose answer goes to the client.
    fn client_status_of(&mut self, view: &dyn View, id: ConnectionId, message: &Message) -> Answer {
        let (Some(name), Some(cn)) = (message.text("node"), message.text("cn")) else {
            return INVALID;
        };
        let Some(node) = view.node(name) else {
            return INVALID;
        };
        let online = if node.name == self.settings.local {
            self.is_online(view, cn)
        } else if node.status == NodeStatus::Active {
            let asker = self.client(id).map(|c| c.name.clone()).unwrap_or_default();
            let query = Message::of_type("query-cstatus")
                .with("dest", name)
                .with("cn", cn)
                .with("from_id", asker);
            self.outputs.push_back(Output::Transmit(query));
            return Answer::Nothing;
        } else {
            false
        };
        let cs = if online { "online" } else { "offline" };
        Answer::Fields(vec![("subt", text("respond-cstatus")), ("cs", text(cs))])
    }

    fn parameter(&self, view: &dyn View, message: &Message) -> Answer {
        let Some(name) = message.text("pname") else {
            return INVALID;
        };
        let value = match name {
            "hbversion" => Some(self.settings.version.clone()),
            "crm" => view
                .parameter("crm")
                .or_else(|| view.parameter("pacemaker")),
            name => view.parameter(name),
        };
        value.map_or(OK, |value| one("pvalue", value))
    }
}

/// Requests that only look at the table of nodes.
fn look_up(view: &dyn View, kind: &str, message: &Message) -> Answer {
    let named = || view.node(message.text("node")?);
    let of_node = |answer: fn(NodeView) -> Answer| named().map_or(INVALID, answer);
    match kind {
        "nodelist" => Answer::List(view.nodes().iter().map(list_entry).collect()),
        "nodestatus" => of_node(|node| one("st", node.status.as_str())),
        "nodeweight" => of_node(|node| one("weight", node.weight.to_string())),
        "nodesite" => of_node(|node| one("site", node.site)),
        "nodetype" => of_node(|node| one("nodetype", type_word(&node))),
        "numnodes" => {
            let normal = view
                .nodes()
                .iter()
                .filter(|n| n.kind == NodeKind::Normal)
                .count();
            one("numnodes", normal.to_string())
        }
        "iflist" => of_node(links),
        "ifstatus" => named().map_or(INVALID, |node| link_status(&node, message)),
        "getrsc" => match view.resources_held() {
            Some(hold) => one("rsc_hold", hold),
            None => Answer::Bad("Resource is managed by crm. Use crm tool to query resource"),
        },
        "getuuid" => match message.text("queryname").and_then(|name| view.node(name)) {
            Some(node) => Answer::Fields(vec![("queryuuid", Value::Binary(node.uuid.0.to_vec()))]),
            None => INVALID,
        },
        "getnodename" => {
            let uuid = message
                .uuid("queryuuid")
                .filter(|uuid: &NodeUuid| !uuid.is_nil());
            let found = uuid.and_then(|uuid| view.nodes().into_iter().find(|n| n.uuid == uuid));
            found.map_or(INVALID, |node| one("queryname", node.name.as_str()))
        }
        _ => INVALID,
    }
}

fn type_word(node: &NodeView) -> &'static str {
    match node.kind {
        NodeKind::Normal => "normal",
        NodeKind::Ping => "ping",
    }
}

fn list_entry(node: &NodeView) -> Vec<(&'static str, Value)> {
    vec![
        ("node", text(node.name.as_str())),
        ("nodetype", text(type_word(node))),
        ("st", text(node.status.as_str())),
    ]
}

fn links(node: NodeView) -> Answer {
    let entry = |link: &crate::proto::heartbeat::LinkView| {
        vec![
            ("ifname", text(link.name.as_str())),
            ("st", text(up_word(link.up))),
        ]
    };
    if node.links.is_empty() {
        return INVALID;
    }
    Answer::List(node.links.iter().map(entry).collect())
}

fn link_status(node: &NodeView, message: &Message) -> Answer {
    let wanted = message.text("ifname").unwrap_or_default();
    let link = node.links.iter().find(|link| link.name.as_str() == wanted);
    link.map_or(INVALID, |link| one("st", up_word(link.up)))
}

fn up_word(up: bool) -> &'static str {
    if up { "up" } else { "dead" }
}
