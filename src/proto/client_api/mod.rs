//! The clients' API of heartbeat: who may sign on, what they may ask, what they are told.
//!
//! Owns: the table of clients. Called by the daemon's glue with connections, messages off the
//! socket, and what the node protocol delivers. Must not: touch sockets, know of resources.
//!
//! ```text
//!  socket --Peer, Message--> ClientApi --Output::Send--> socket
//!                              |  ^
//!            Output::Transmit  v  |  Event::Deliver, Node, Link, FlowControl
//!                        proto::heartbeat::Cluster
//! ```
//!
//! Source: `spec/heartbeat-api.md` sections 2, 3, 5; heartbeat 3.0.6, `hb_api.c`, seen in
//! `tests/wire/heartbeat-api/`.

use std::collections::{BTreeMap, VecDeque};

use crate::ids::NodeName;
use crate::proto::heartbeat::{NodeView, Severity};
use crate::wire::heartbeat::{Message, Value};

mod deliver;
mod requests;
mod signon;

#[cfg(test)]
mod replay;
#[cfg(test)]
mod tests;

/// Number of a connection, given by the driver, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Who is at the other end, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Process.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
}

/// Who may sign on under one name: any of the users or any of the groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Name of the client; `anon` for clients without a name, `default` for those not listed.
    pub client: String,
    /// Users, by number.
    pub uids: Vec<u32>,
    /// Groups, by number.
    pub gids: Vec<u32>,
}

/// What doesn't change while the daemon runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Own name.
    pub local: NodeName,
    /// Units: milliseconds
    pub deadtime_ms: u64,
    /// Units: milliseconds
    pub keepalive_ms: u64,
    /// What `hbversion` says.
    pub version: String,
    /// What `pacemaker` says, as written: `false`, `off`, or how the CRM runs.
    pub pacemaker: String,
    /// Syslog facility, -1 for none. Units: as in syslog.h, eight times the number.
    pub logfacility: i32,
    /// Who may sign on.
    pub authorities: Vec<Authority>,
    /// User that the daemon runs as; it may set every filter.
    pub own_uid: u32,
}

/// What the daemon knows at the moment of a call.
pub trait View {
    /// All nodes in the order of the table.
    fn nodes(&self) -> Vec<NodeView>;
    /// Value of a directive of ha.cf, as written or by default.
    fn parameter(&self, name: &str) -> Option<String>;
    /// The word of `rsc_hold`; none where the CRM has the resources.
    fn resources_held(&self) -> Option<String>;

    /// True for a client that the daemon itself stands in for.
    fn is_built_in(&self, client: &str) -> bool {
        let _ = client;
        false
    }

    /// One node; case doesn't count. Source: heartbeat 3.0.6, `cl_status nodestatus`.
    fn node(&self, name: &str) -> Option<NodeView> {
        let mut nodes = self.nodes().into_iter();
        nodes.find(|node| node.name.as_str().eq_ignore_ascii_case(name))
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The client closed it.
    Eof,
    /// It doesn't read what it is sent.
    Slow,
    /// It sent what is no frame.
    BadFrame,
}

impl Ending {
    /// The word in `info`.
    fn reason(self) -> &'static str {
        match self {
            Self::Eof => "EOF",
            Self::Slow => "died",
            Self::BadFrame => "badclient",
        }
    }
}

/// What the driver must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a frame to a client.
    Send(ConnectionId, Message),
    /// Send a signal to a process: its client asked for that with each message.
    Signal {
        /// The process.
        pid: i32,
        /// Number of the signal.
        signal: i32,
    },
    /// From now on so many messages may wait for a client.
    QueueLimit(ConnectionId, usize),
    /// Close a connection when what was sent before is on its way.
    Close(ConnectionId),
    /// Send to the cluster; the node in `dest`, or all, ourselves among them.
    Transmit(Message),
    /// A line for the log.
    Log(Severity, String),
}

/// Messages that may wait for a client unless it asks for more.
/// Source: cluster-glue 1.0.12, `DEFAULT_MAX_QLEN`.
pub const QUEUE_MESSAGES_DEFAULT: usize = 64;
/// Most that a client can ask for. Ours: ccm asks for 1024.
pub const QUEUE_MESSAGES_MAX: usize = 4096;
/// Longest name of a client. Source: heartbeat 3.0.6.
pub const CLIENT_NAME_BYTES_MAX: usize = 31;
/// Comings and goings of clients that wait for missing messages, all nodes. Ours.
const HELD_BACK_MAX: usize = 256;

/// The machine.
#[derive(Debug)]
pub struct ClientApi {
    settings: Settings,
    connections: BTreeMap<ConnectionId, Connection>,
    /// Counter of sign-ons.
    generation: u64,
    paused: bool,
    /// `hbapi-clstat` of nodes of which messages are missing.
    held_back: VecDeque<(NodeName, Message)>,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone)]
struct Connection {
    peer: Peer,
    client: Option<Client>,
}

/// A client that signed on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Client {
    name: String,
    /// Without a name of its own: it may ask, not send.
    casual: bool,
    generation: u64,
    filter: u32,
    signal: i32,
}

impl ClientApi {
    /// The API of a daemon without clients.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            connections: BTreeMap::new(),
            generation: 0,
            paused: false,
            held_back: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes other settings: ha.cf was read again. Clients stay.
    pub fn reconfigure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Somebody connected; nothing happens until they sign on.
    pub fn handle_connect(&mut self, id: ConnectionId, peer: Peer) {
        self.connections
            .insert(id, Connection { peer, client: None });
    }

    /// A message came from a client.
    pub fn handle_message(&mut self, view: &dyn View, id: ConnectionId, message: Message) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let request = message.kind() == Some("hbapi-req");
        match &connection.client {
            None if request && message.text("reqtype") == Some("signon") => {
                self.handle_signon(view, id, &message);
            }
            None => self.drop_connection(id, "a message before signing on"),
            Some(_) if request => self.handle_request(view, id, &message),
            Some(client) if client.casual => self.remove(id, "badclient"),
            Some(_) => self.handle_broadcast(id, message),
        }
    }

    /// What a client sent is no message: it is dropped, the connection stays.
    pub fn handle_junk(&mut self, id: ConnectionId, why: &str) {
        let text = format!("API client {}: {why}", self.title(id));
        self.log(Severity::Warning, text);
    }

    /// A connection ended.
    pub fn handle_close(&mut self, id: ConnectionId, how: Ending) {
        if how == Ending::Slow && self.connections.contains_key(&id) {
            let text = format!("API client {} doesn't read, dropped", self.title(id));
            self.log(Severity::Error, text);
        }
        self.remove(id, how.reason());
    }

    /// Peers lag behind: clients must wait, or may go on.
    pub fn handle_flow_control(&mut self, paused: bool) {
        if self.paused != paused {
            let what = if paused { "paused" } else { "resumed" };
            self.log(Severity::Debug, format!("all clients are now {what}"));
        }
        self.paused = paused;
    }

    /// Whether the driver may read from this connection now. Clients that can't send are never
    /// held up.
    pub fn may_read(&self, id: ConnectionId) -> bool {
        !self.paused || self.client(id).is_none_or(|client| client.casual)
    }

    /// The next thing to do, none when all is done until the next input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Names of the clients that signed on, those without a name by their process.
    pub fn client_names(&self) -> impl Iterator<Item = &str> {
        self.connections
            .values()
            .filter_map(|c| c.client.as_ref())
            .map(|c| c.name.as_str())
    }

    /// A message of a client to its like on other nodes.
    fn handle_broadcast(&mut self, id: ConnectionId, mut message: Message) {
        let Some(client) = self.client(id).cloned() else {
            return;
        };
        let kind = message.kind().unwrap_or_default();
        // These would speak for the daemon.
        let ours = kind.starts_with("NS_")
            || matches!(kind, "status" | "reqnodes" | "repnodes" | "query-cstatus")
            || kind.starts_with("hbapi-")
            || kind == "respond-cstatus";
        if ours || kind.is_empty() {
            let text = format!("API client {}: may not send {message}", client.name);
            return self.log(Severity::Error, text);
        }
        let generation = client.generation.to_string();
        let fields = [
            ("from_id", &client.name),
            ("to_id", &client.name),
            ("client_gen", &generation),
        ];
        for (field, word) in fields {
            message.set(field, Value::Text(word.clone().into_bytes()));
        }
        self.outputs.push_back(Output::Transmit(message));
    }

    /// Takes a client out of the table and tells the cluster.
    fn remove(&mut self, id: ConnectionId, reason: &str) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        if let Some(client) = connection.client.filter(|client| !client.casual) {
            let message = self.client_status(&client, "leave", reason);
            self.outputs.push_back(Output::Send(id, message.clone()));
            self.outputs.push_back(Output::Transmit(message));
        }
        self.outputs.push_back(Output::Close(id));
    }

    fn drop_connection(&mut self, id: ConnectionId, why: &str) {
        let text = format!("API client {}: {why}, dropped", self.title(id));
        self.log(Severity::Warning, text);
        self.connections.remove(&id);
        self.outputs.push_back(Output::Close(id));
    }

    /// `hbapi-clstat`: a client came or went.
    fn client_status(&self, client: &Client, status: &str, info: &str) -> Message {
        Message::of_type("hbapi-clstat")
            .with("st", status)
            .with("from_id", &client.name)
            .with("to_id", &client.name)
            .with("src", self.settings.local.as_str())
            .with("info", info)
            .with("client_gen", client.generation.to_string())
    }

    fn client(&self, id: ConnectionId) -> Option<&Client> {
        self.connections.get(&id)?.client.as_ref()
    }

    fn client_mut(&mut self, id: ConnectionId) -> Option<&mut Client> {
        self.connections.get_mut(&id)?.client.as_mut()
    }

    fn is_online(&self, view: &dyn View, name: &str) -> bool {
        view.is_built_in(name) || self.client_names().any(|client| client == name)
    }

    /// Name and process, for the log.
    fn title(&self, id: ConnectionId) -> String {
        let Some(connection) = self.connections.get(&id) else {
            return "?".into();
        };
        let pid = connection.peer.pid;
        match &connection.client {
            Some(client) if !client.casual => format!("{} [{pid}]", client.name),
            _ => format!("[{pid}]"),
        }
    }

    fn reply(&mut self, id: ConnectionId, message: Message) {
        self.outputs.push_back(Output::Send(id, message));
        self.signal(id);
    }

    fn signal(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(&id) else {
            return;
        };
        let signal = connection.client.as_ref().map_or(0, |client| client.signal);
        let pid = connection.peer.pid;
        if signal != 0 {
            self.outputs.push_back(Output::Signal { pid, signal });
        }
    }

    fn log(&mut self, severity: Severity, text: String) {
        self.outputs.push_back(Output::Log(severity, text));
    }
}
