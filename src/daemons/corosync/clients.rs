//! Tools at the socket of a node on a ring.

use std::collections::BTreeMap;
use std::path::Path;

use super::protocol::{LINE_BYTES_MAX, Node, Quorum, Reply, Request, SOCKET, line};
use super::ring::Ring;
use super::start::Loaded;
use crate::config::corosync_conf::Access;
use crate::ids::NodeId;
use crate::runtime::unix_server::{ClientEvent, Credentials, Framing, UnixServer};
use crate::time::Now;
use crate::wire::cluster::{Cfg, LongName, Message};

/// Answers that may wait for a tool.
const REPLIES_WAITING_MAX: usize = 64;

/// What a tool wants of the daemon itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    ShutDown,
    ReopenLogs,
}

/// The tools.
#[derive(Debug)]
pub(super) struct Clients {
    server: UnixServer,
    /// By connection: may it change things?
    tools: BTreeMap<u64, bool>,
}

impl Clients {
    /// Makes the socket.
    pub(super) fn open() -> std::io::Result<Self> {
        let path = Path::new(SOCKET);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lines = Framing::Lines(LINE_BYTES_MAX);
        Ok(Self {
            server: UnixServer::bind(path, 0o777, lines, REPLIES_WAITING_MAX)?,
            tools: BTreeMap::new(),
        })
    }

    /// Waits for the next thing that a tool did. Cancel-safe.
    pub(super) async fn event(&mut self) -> ClientEvent {
        self.server.event(|_| true).await
    }

    /// Does what a tool wants; what is the daemon's to do is handed on.
    pub(super) fn handle(
        &mut self,
        now: Now,
        event: ClientEvent,
        ring: &mut Ring,
        loaded: &Loaded,
    ) -> Option<Wish> {
        match event {
            ClientEvent::Connected(id, who) => {
                let may = who.uid == 0 || self.is_named(id, who, &loaded.conf.access);
                self.tools.insert(id, may);
                None
            }
            ClientEvent::Closed(id, _) => {
                self.tools.remove(&id);
                None
            }
            ClientEvent::Message(id, text) => {
                let may = self.tools.get(&id).copied().unwrap_or(false);
                let request = serde_json::from_slice::<Request>(&text);
                let (reply, wish) = match request {
                    Ok(request) if may || only_reads(&request) => {
                        serve(now, &request, ring, loaded)
                    }
                    Ok(_) => (refused("CS_ERR_ACCESS"), None),
                    Err(_) => (refused("CS_ERR_INVALID_PARAM"), None),
                };
                self.server.send(id, line(&reply).into_bytes());
                wish
            }
        }
    }

    fn is_named(&self, id: u64, who: Credentials, access: &[Access]) -> bool {
        let groups = self.server.peer_groups(id);
        let user = nix::unistd::User::from_uid(who.uid.into()).ok().flatten();
        access.iter().any(|entry| match entry {
            Access::User(name) => {
                user.as_ref().is_some_and(|user| user.name == *name) || *name == who.uid.to_string()
            }
            Access::Group(name) => {
                let group = nix::unistd::Group::from_name(name).ok().flatten();
                let gid = group
                    .map(|group| group.gid.as_raw())
                    .or_else(|| name.parse().ok());
                gid.is_some_and(|gid| gid == who.gid || groups.contains(&gid))
            }
        })
    }
}

fn only_reads(request: &Request) -> bool {
    matches!(request, Request::Quorum | Request::Links)
}

fn refused(error: &str) -> Reply {
    Reply::Refused {
        error: error.to_owned(),
    }
}

fn serve(now: Now, request: &Request, ring: &mut Ring, loaded: &Loaded) -> (Reply, Option<Wish>) {
    match request {
        Request::Quorum => (Reply::Quorum(Box::new(quorum(ring, loaded))), None),
        Request::Links => (links(ring, loaded), None),
        Request::ExpectedVotes { votes } => {
            let message = ring
                .services()
                .votequorum()
                .map(|v| v.set_expected_votes(*votes));
            match message {
                Some(Ok(message)) => {
                    ring.send_service(now, &Message::Votequorum(message));
                    (Reply::Done, None)
                }
                Some(Err(_)) => (refused("CS_ERR_INVALID_PARAM"), None),
                None => (refused("CS_ERR_NOT_EXIST"), None),
            }
        }
        Request::Kill { node } => {
            let known = ring
                .srp()
                .members()
                .iter()
                .any(|m| m.node() == NodeId(*node));
            let reason = LongName::new(b"Killed by command line request");
            match reason {
                Ok(reason) if known => {
                    let node = NodeId(*node);
                    let kill = Cfg::KillNode { node, reason };
                    ring.send_service(now, &Message::Cfg(kill));
                    (Reply::Done, None)
                }
                _ => (refused("CS_ERR_NOT_EXIST"), None),
            }
        }
        Request::ShutDown => (Reply::Done, Some(Wish::ShutDown)),
        Request::ReopenLogs => (Reply::Done, Some(Wish::ReopenLogs)),
    }
}

/// The nodes of the nodelist, and members that aren't in it.
fn nodes(ring: &Ring, loaded: &Loaded) -> Vec<Node> {
    let members: Vec<NodeId> = ring.srp().members().iter().map(|m| m.node()).collect();
    let votes = |id: NodeId| {
        let state = ring.services().votequorum().and_then(|v| v.node(id));
        state.map_or(0, |state| state.votes)
    };
    let mut ids: Vec<NodeId> = ring.addresses().keys().copied().collect();
    ids.extend(members.iter().copied());
    ids.sort_unstable();
    ids.dedup();
    let node = |id: NodeId| {
        let listed = loaded.conf.nodes.iter().find(|node| node.nodeid == id.0);
        let address = ring.addresses().get(&id).map(ToString::to_string);
        Node {
            id: id.0,
            votes: votes(id),
            name: listed.and_then(|node| node.name.clone()),
            address: address.or_else(|| Some(ring.address_of(id)?.to_string())),
            member: members.contains(&id),
        }
    };
    ids.into_iter().map(node).collect()
}

fn quorum(ring: &Ring, loaded: &Loaded) -> Quorum {
    let votes = ring.services().votequorum();
    let count = votes.map(|votes| votes.count()).unwrap_or_default();
    let name = ring.srp().ring();
    let own = votes.and_then(|votes| votes.node(loaded.node));
    let quorate = votes.is_none_or(|votes| votes.is_quorate());
    let settings = &loaded.conf.quorum;
    let flags = [
        (settings.two_node, "2Node"),
        (votes.is_some() && quorate, "Quorate"),
        (
            settings.wait_for_all.unwrap_or(settings.two_node),
            "WaitForAll",
        ),
        (settings.last_man_standing, "LastManStanding"),
        (settings.auto_tie_breaker.is_some(), "AutoTieBreaker"),
        (settings.allow_downscale, "AllowDownscale"),
    ];
    let flags = flags.into_iter().filter(|(set, _)| *set);
    Quorum {
        node: loaded.node.0,
        representative: name.rep.node.0,
        ring_seq: name.seq,
        provider: votes.is_some(),
        quorate,
        expected: own.map_or(0, |own| own.expected_votes),
        highest_expected: count.highest_expected,
        total: count.total,
        quorum: votes.map_or(0, |votes| votes.quorum()),
        flags: flags.map(|(_, word)| word.to_owned()).collect(),
        nodes: nodes(ring, loaded),
    }
}

fn links(ring: &Ring, loaded: &Loaded) -> Reply {
    let conf = &loaded.conf;
    let mtu = conf
        .totem
        .packet_bytes(conf.told.generation, 1, loaded.address.is_ipv6());
    Reply::Links {
        transport: conf.totem.transport.as_str().to_owned(),
        address: loaded.address.to_string(),
        mtu,
        node: loaded.node.0,
        nodes: nodes(ring, loaded),
    }
}
