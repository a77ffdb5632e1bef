//! The sockets of the daemon: scripts' FIFO, tools' control socket, clients' API.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::answers;
use super::clients::Clients;
use super::membership_clients::MembershipClients;
use super::node::Node;
use super::picture::Constant;
use crate::daemons::control::{REQUEST_BYTES_MAX, Reply, Request, SOCKET};
use crate::proto::heartbeat::{Event, Severity};
use crate::runtime::fifo::{self, Fifo};
use crate::runtime::unix_server::{ClientEvent, Credentials, Framing, UnixServer};
use crate::wire::heartbeat::{DecodeError, Message};

/// Answers that may wait for a tool: a watcher that is stopped loses its connection soon.
const REPLIES_WAITING_MAX: usize = 16;
/// How often watchers get a picture when nothing happens.
const WATCH: Duration = Duration::from_secs(1);

/// What came in on a socket.
#[derive(Debug)]
pub enum Asked {
    /// A message of a script.
    Script(Result<Message, DecodeError>),
    /// A tool.
    Tool(ClientEvent),
    /// A client of heartbeat's API.
    Client(ClientEvent),
    /// A client of the membership.
    Member(ClientEvent),
    /// Watchers want the next picture.
    Tick,
}

/// The sockets.
#[derive(Debug)]
pub struct Sockets {
    fifo: Fifo,
    control: UnixServer,
    /// Tools by connection: may they change things?
    tools: std::collections::BTreeMap<u64, bool>,
    watchers: BTreeSet<u64>,
    tick: Interval,
    clients: Clients,
    members: MembershipClients,
}

impl Sockets {
    /// Opens those that are there from the start; the API comes with [`Self::open_api`].
    pub fn open() -> std::io::Result<Self> {
        let mut tick = interval(WATCH);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let lines = Framing::Lines(REQUEST_BYTES_MAX);
        Ok(Self {
            fifo: Fifo::open(Path::new(fifo::PATH))?,
            control: UnixServer::bind(Path::new(SOCKET), 0o777, lines, REPLIES_WAITING_MAX)?,
            tools: Default::default(),
            watchers: BTreeSet::new(),
            tick,
            clients: Clients::default(),
            members: MembershipClients::default(),
        })
    }

    /// Waits for the next thing on any of them. Cancel-safe.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            message = self.fifo.message() => Asked::Script(message),
            event = self.control.event(|_| true) => Asked::Tool(event),
            event = self.clients.event() => Asked::Client(event),
            event = self.members.event() => Asked::Member(event),
            _ = self.tick.tick(), if !self.watchers.is_empty() => Asked::Tick,
        }
    }

    /// Answers it.
    pub fn serve(&mut self, asked: Asked, node: &mut Node, constant: Constant) {
        match asked {
            Asked::Script(Ok(message)) => node.send(message),
            Asked::Script(Err(why)) => {
                let text = format!("a message in the FIFO can't be read: {why}");
                node.log.log(Severity::Warning, text);
            }
            Asked::Client(event) => self.clients.handle(event, node),
            Asked::Member(event) => self.members.handle(&event, node),
            Asked::Tick => self.show(node, constant),
            Asked::Tool(ClientEvent::Connected(id, who)) => {
                let groups = self.control.peer_groups(id);
                self.tools.insert(id, may_command(&who, &groups));
            }
            Asked::Tool(ClientEvent::Closed(id, _)) => {
                self.tools.remove(&id);
                self.watchers.remove(&id);
            }
            Asked::Tool(ClientEvent::Message(id, line)) => {
                let reply = self.answer(id, &line, node, constant);
                self.control.send(id, reply.encode().into_bytes());
            }
        }
    }

    fn answer(&mut self, id: u64, line: &[u8], node: &mut Node, constant: Constant) -> Reply {
        let request = match Request::decode(line) {
            Ok(request) => request,
            Err(why) => return Reply::Refused { why },
        };
        let may_command = self.tools.get(&id).copied().unwrap_or(false);
        if !request.only_reads() && !may_command {
            let why = "only root, hacluster and the group haclient may do that".into();
            return Reply::Refused { why };
        }
        if request == Request::Watch {
            self.watchers.insert(id);
        }
        answers::answer(node, constant, request)
    }

    /// Sends the picture to those who watch.
    fn show(&mut self, node: &mut Node, constant: Constant) {
        if self.watchers.is_empty() {
            return;
        }
        let picture = answers::answer(node, constant, Request::Report)
            .encode()
            .into_bytes();
        for id in &self.watchers {
            self.control.send(*id, picture.clone());
        }
    }

    /// The node protocol has news.
    pub fn handle_events(&mut self, events: &[Event], node: &mut Node, constant: Constant) {
        self.members.tell(node);
        if events.is_empty() {
            return;
        }
        self.clients.handle_events(events, node);
        self.show(node, constant);
    }

    /// Opens the socket of heartbeat's API: the node is active.
    pub fn open_api(&mut self, node: &Node) {
        if let Err(why) = self.clients.open(node) {
            let text = format!("the clients' socket can't be made: {why}");
            node.log.log(Severity::Error, text);
        }
        if node.membership.is_on()
            && let Err(why) = self.members.open()
        {
            let text = format!("the membership's socket can't be made: {why}");
            node.log.log(Severity::Error, text);
        }
    }
}

/// Root, hacluster, and whoever is in the group haclient.
fn may_command(who: &Credentials, groups: &[u32]) -> bool {
    let cluster = crate::runtime::log::cluster_user();
    let group = nix::unistd::Group::from_name("haclient").ok().flatten();
    who.uid == 0
        || cluster.is_some_and(|(uid, _)| uid == who.uid)
        || group.is_some_and(|g| {
            let haclient = g.gid.as_raw();
            haclient == who.gid || groups.contains(&haclient)
        })
}
