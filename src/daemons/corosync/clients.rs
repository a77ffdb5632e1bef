//! Tools at the socket of a node on a ring.

use std::collections::BTreeMap;
use std::path::Path;

use super::cmap::Cmap;
use super::protocol::{Entry, LINE_BYTES_MAX, Node, Process, Quorum, Reply, Request, SOCKET, line};
use super::ring::Ring;
use super::start::Loaded;
use super::trackers::Trackers;
use crate::ids::NodeId;
use crate::proto::{cpg, quorum};
use crate::runtime::unix_server::{ClientEvent, Framing, UnixServer};
use crate::time::Now;
use crate::wire::cluster::{Cfg, LongName, Message, NodeFlags, Source, Votequorum};

/// Answers that may wait for a tool.
const REPLIES_WAITING_MAX: usize = 64;

/// A key that does something when it is set to 1.
const CANCEL_WAIT: &str = "quorum.cancel_wait_for_all";

/// What a tool wants of the daemon itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    ShutDown,
    ReopenLogs,
    /// Of this tool.
    Reload(u64),
}

/// The tools.
#[derive(Debug)]
pub(super) struct Clients {
    server: UnixServer,
    /// By connection: may it change things?
    tools: BTreeMap<u64, bool>,
    cmap: Cmap,
    trackers: Trackers,
}

impl Clients {
    /// Makes the socket.
    pub(super) fn open(loaded: &Loaded) -> std::io::Result<Self> {
        let path = Path::new(SOCKET);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lines = Framing::Lines(LINE_BYTES_MAX);
        Ok(Self {
            server: UnixServer::bind(path, 0o777, lines, REPLIES_WAITING_MAX)?,
            tools: BTreeMap::new(),
            cmap: Cmap::new(loaded),
            trackers: Trackers::default(),
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
                let may = super::access::may(&self.server, (id, who), &loaded.conf.access);
                self.tools.insert(id, may);
                None
            }
            ClientEvent::Closed(id, _) => {
                self.tools.remove(&id);
                self.trackers.remove(id);
                None
            }
            ClientEvent::Message(id, text) => {
                let may = self.tools.get(&id).copied().unwrap_or(false);
                let request = serde_json::from_slice::<Request>(&text);
                let (reply, wish) = match request {
                    Ok(Request::Track { map, key, how }) if may => {
                        let from = (&self.cmap, &*ring);
                        self.trackers.add(id, (map, key, how), from);
                        return None;
                    }
                    Ok(Request::Reload) if may => return Some(Wish::Reload(id)),
                    Ok(request) if may || only_reads(&request) => {
                        serve(now, &request, ring, (loaded, &mut self.cmap))
                    }
                    Ok(_) => (refused("CS_ERR_ACCESS"), None),
                    Err(_) => (refused("CS_ERR_INVALID_PARAM"), None),
                };
                self.server.send(id, line(&reply).into_bytes());
                self.tell_trackers(ring);
                wish
            }
        }
    }

    /// The configuration was read again.
    pub(super) fn reread(&mut self, loaded: &Loaded, ring: &Ring) {
        self.cmap.reread(loaded);
        self.tell_trackers(ring);
    }

    /// The answer to a tool that had all nodes read the configuration again.
    pub(super) fn answer_reload(&mut self, tool: u64, result: Result<(), &'static str>) {
        self.server.send(tool, line(&done(result)).into_bytes());
    }

    /// The ring has these members now.
    pub(super) fn ring_changed(&mut self, members: &[NodeId], ring: &Ring) {
        self.cmap.ring_changed(members);
        self.tell_trackers(ring);
    }

    /// Keys may have changed: tells those that watch them.
    pub(super) fn tell_trackers(&mut self, ring: &Ring) {
        for (id, reply) in self.trackers.changes(&self.cmap, ring) {
            self.server.send(id, line(&reply).into_bytes());
        }
    }
}

fn only_reads(request: &Request) -> bool {
    matches!(request, Request::Quorum | Request::Links | Request::Groups)
}

fn refused(error: &str) -> Reply {
    Reply::Refused {
        error: error.to_owned(),
    }
}

fn done(result: Result<(), &'static str>) -> Reply {
    match result {
        Ok(()) => Reply::Done,
        Err(error) => refused(error),
    }
}

fn serve(
    now: Now,
    request: &Request,
    ring: &mut Ring,
    (loaded, cmap): (&Loaded, &mut Cmap),
) -> (Reply, Option<Wish>) {
    match request {
        Request::Keys { map, prefix } => {
            let keys = cmap.list(*map, prefix, ring);
            (Reply::Keys { keys }, None)
        }
        Request::DeleteKey { key } => (done(cmap.delete(key)), None),
        // The connection of the tool does these.
        Request::Track { .. } | Request::Reload => (refused("CS_ERR_INVALID_PARAM"), None),
        Request::Quorum => (Reply::Quorum(Box::new(state(ring, loaded))), None),
        Request::Links => (links(ring, loaded), None),
        Request::Groups => (groups(ring), None),
        Request::ExpectedVotes { votes } => {
            let ask = |v: &quorum::Machine| v.set_expected_votes(*votes);
            (change_votes(now, ring, ask), None)
        }
        Request::Votes { node, votes } => {
            let ask = |v: &quorum::Machine| v.set_votes(NodeId(*node), *votes);
            (change_votes(now, ring, ask), None)
        }
        Request::SetKey { entry } if entry.key == CANCEL_WAIT => {
            (cancel_wait(now, entry, ring), None)
        }
        Request::SetKey { entry } => (done(cmap.set(entry.clone())), None),
        Request::ClearCounters => {
            cmap.clear_counters(ring);
            (Reply::Done, None)
        }
        Request::Kill { node } => (kill(now, NodeId(*node), ring), None),
        Request::ShutDown => (Reply::Done, Some(Wish::ShutDown)),
        Request::ReopenLogs => (Reply::Done, Some(Wish::ReopenLogs)),
        Request::ReenableRings => {
            let node = loaded.node;
            let source = Source { node, client: 0 };
            ring.send_service(now, &Message::Cfg(Cfg::RingReenable(source)));
            (Reply::Done, None)
        }
    }
}

/// Sends what changes votes on all nodes.
fn change_votes(
    now: Now,
    ring: &mut Ring,
    ask: impl FnOnce(&quorum::Machine) -> Result<Votequorum, quorum::Refused>,
) -> Reply {
    match ring.services().votequorum().map(ask) {
        Some(Ok(message)) => {
            ring.send_service(now, &Message::Votequorum(message));
            Reply::Done
        }
        Some(Err(quorum::Refused::UnknownNode)) => refused("CS_ERR_NAME_NOT_FOUND"),
        Some(Err(_)) => refused("CS_ERR_INVALID_PARAM"),
        None => refused("CS_ERR_NOT_EXIST"),
    }
}

/// Source: corosync 3.1.7, exec/votequorum.c; spec corosync-services.md 4.7
fn cancel_wait(now: Now, entry: &Entry, ring: &mut Ring) -> Reply {
    if (entry.kind.as_str(), entry.value.as_str()) != ("u8", "1") {
        return refused("CS_ERR_INVALID_PARAM");
    }
    change_votes(now, ring, |votes| Ok(votes.cancel_wait_for_all()))
}

fn kill(now: Now, node: NodeId, ring: &mut Ring) -> Reply {
    let known = ring.srp().members().iter().any(|m| m.node() == node);
    let reason = LongName::new(b"Killed by command line request");
    match reason {
        Ok(reason) if known => {
            let kill = Cfg::KillNode { node, reason };
            ring.send_service(now, &Message::Cfg(kill));
            Reply::Done
        }
        _ => refused("CS_ERR_NOT_EXIST"),
    }
}

/// The nodes of the nodelist, and members that aren't in it.
fn nodes(ring: &Ring, loaded: &Loaded) -> Vec<Node> {
    let members: Vec<NodeId> = ring.srp().members().iter().map(|m| m.node()).collect();
    let votes = |id: NodeId| {
        let state = ring.services().votequorum().and_then(|v| v.node(id));
        state.map_or(0, |state| state.votes)
    };
    let mut ids: Vec<NodeId> = ring.listed().collect();
    ids.extend(members.iter().copied());
    ids.sort_unstable();
    ids.dedup();
    let node = |id: NodeId| {
        let listed = loaded.conf.nodes.iter().find(|node| node.nodeid == id.0);
        Node {
            id: id.0,
            votes: votes(id),
            name: listed.and_then(|node| node.name.clone()),
            addresses: addresses(ring, id),
            member: members.contains(&id),
            device: device(ring, id),
        }
    };
    ids.into_iter().map(node).collect()
}

/// The addresses of a node: those of the nodelist, or what it tells itself.
fn addresses(ring: &Ring, node: NodeId) -> Vec<String> {
    let addresses = ring.addresses_of(node).into_iter();
    addresses.map(|address| address.to_string()).collect()
}

/// The quorum device of a node, as it tells it itself.
///
/// Source: corosync 3.1.7, tools/corosync-quorumtool.c, `print_node`
fn device(ring: &Ring, node: NodeId) -> String {
    let state = ring.services().votequorum().and_then(|v| v.node(node));
    let has = |flag| state.is_some_and(|state| state.flags.has(flag));
    if !has(NodeFlags::DEVICE_REGISTERED) {
        return "NR".to_owned();
    }
    let word = |flag, yes: &'static str, no: &'static str| if has(flag) { yes } else { no };
    let words = [
        word(NodeFlags::DEVICE_ALIVE, "A", "NA"),
        word(NodeFlags::DEVICE_CASTS_VOTE, "V", "NV"),
        word(NodeFlags::DEVICE_MASTER_WINS, "MW", "NMW"),
    ];
    words.join(",")
}

fn groups(ring: &Ring) -> Reply {
    let process = |process: &cpg::Process| Process {
        group: process.group.as_bytes().to_vec(),
        node: process.node.0,
        pid: process.pid,
        address: addresses(ring, process.node).into_iter().next(),
    };
    let mut all: Vec<&cpg::Process> = ring.services().groups().processes().collect();
    all.sort_by(|a, b| (&a.group, a.node, a.pid).cmp(&(&b.group, b.node, b.pid)));
    Reply::Groups {
        processes: all.into_iter().map(process).collect(),
    }
}

fn state(ring: &Ring, loaded: &Loaded) -> Quorum {
    let votes = ring.services().votequorum();
    let count = votes.map(|votes| votes.count()).unwrap_or_default();
    let name = ring.srp().ring();
    let own = votes.and_then(|votes| votes.node(loaded.node));
    let quorate = votes.is_none_or(|votes| votes.is_quorate());
    let flags = votes.map(|votes| flags(votes.config(), quorate));
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
        flags: flags.unwrap_or_default(),
        nodes: nodes(ring, loaded),
    }
}

/// What counts, in the order of the original.
///
/// Source: corosync 3.1.7, tools/corosync-quorumtool.c, `show_status`
fn flags(config: &quorum::Config, quorate: bool) -> Vec<String> {
    let flags = [
        (config.two_node, "2Node"),
        (quorate, "Quorate"),
        (config.wait_for_all, "WaitForAll"),
        (config.last_man_standing.is_some(), "LastManStanding"),
        (config.tie_breaker.is_some(), "AutoTieBreaker"),
        (config.allow_downscale, "AllowDownscale"),
    ];
    let set = flags.into_iter().filter(|(set, _)| *set);
    set.map(|(_, word)| word.to_owned()).collect()
}

fn links(ring: &Ring, loaded: &Loaded) -> Reply {
    let conf = &loaded.conf;
    let rings = u32::try_from(loaded.addresses.len()).unwrap_or(1);
    let ipv6 = loaded.address.is_ipv6();
    let mtu = conf.totem.packet_bytes(conf.told.generation, rings, ipv6);
    Reply::Links {
        transport: conf.totem.transport.as_str().to_owned(),
        links: ring.links(),
        mtu,
        node: loaded.node.0,
        nodes: nodes(ring, loaded),
    }
}
