//! Clients of process groups: their socket, what they say to their groups, what they hear.
//!
//! Owns: the socket `/run/everbeat/groups.sock`, and what is to be sent to each client at the end
//! of a turn. Back pressure is the socket's own: while many packets wait for the token no client
//! is read, and a client that sends waits in its `write`; so it does while too much waits to be
//! read by itself. One that doesn't read what it is told is dropped.

use std::collections::BTreeMap;
use std::path::Path;

use super::access;
use super::ring::Ring;
use crate::config::corosync_conf::Access;
use crate::limits;
use crate::proto::cpg::{self, ClientId, Machine, Moved, PIECE_BYTES_MAX, Refused};
use crate::runtime::unix_server::{ClientEvent, Credentials, Framing, UnixServer};
use crate::time::Now;
use crate::wire::cluster::PartialKind;
use crate::wire::ipc::groups::{BODY_BYTES_MAX, SOCKET, Told, Wish};

/// Frames that may wait for a client; octets bound them more strictly.
const QUEUE_MAX: usize = 1 << 20;

/// Numbers of clients on the ring begin here; below are those of this process.
const FIRST_CLIENT: u64 = 1 << 32;

/// The clients.
#[derive(Debug)]
pub(super) struct Groups {
    server: UnixServer,
    /// By connection: its process, if it may be in a group.
    clients: BTreeMap<u64, Option<u32>>,
    /// What each is told in this turn.
    told: BTreeMap<u64, Vec<u8>>,
}

impl Groups {
    /// Makes the socket.
    pub(super) fn open() -> std::io::Result<Self> {
        let path = Path::new(SOCKET);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let framing = Framing::Groups(BODY_BYTES_MAX);
        Ok(Self {
            server: UnixServer::bind(path, 0o777, framing, QUEUE_MAX)?,
            clients: BTreeMap::new(),
            told: BTreeMap::new(),
        })
    }

    /// Waits for the next thing that a client did; what they say waits unless `takes_more`.
    /// Cancel-safe.
    pub(super) async fn event(&mut self, takes_more: bool) -> ClientEvent {
        self.server.event(|_| takes_more).await
    }

    /// Does what clients want: `first`, and what else they said already, within limits. Short
    /// messages of one turn share packets.
    pub(super) fn handle(
        &mut self,
        now: Now,
        first: ClientEvent,
        ring: &mut Ring,
        access: &[Access],
    ) {
        let takes_more = ring.takes_more();
        ring.with_groups(now, |machine| {
            let mut next = Some(first);
            let (mut count, mut bytes) = (0, 0);
            while let Some(event) = next {
                count += 1;
                let speaker = match &event {
                    ClientEvent::Message(id, body) => {
                        bytes += body.len();
                        Some(*id)
                    }
                    _ => None,
                };
                self.did(machine, event, access);
                let full =
                    count >= limits::CPG_TURN_MESSAGES_MAX || bytes >= limits::CPG_TURN_BYTES_MAX;
                next = match full {
                    true => None,
                    false => self.next_now(speaker, takes_more),
                };
            }
        });
    }

    /// What the client that spoke said behind that, else what any did.
    fn next_now(&mut self, speaker: Option<u64>, takes_more: bool) -> Option<ClientEvent> {
        let more = speaker.and_then(|id| Some((id, self.server.message_read(id)?)));
        match more {
            Some((id, body)) => Some(ClientEvent::Message(id, body)),
            None => self.server.event_now(|_| takes_more),
        }
    }

    fn did(&mut self, machine: &mut Machine, event: ClientEvent, access: &[Access]) {
        match event {
            ClientEvent::Connected(id, who) => {
                let pid = self.admitted((id, who), access);
                self.clients.insert(id, pid);
                let bytes = limits::CPG_CLIENT_QUEUE_BYTES_MAX;
                self.server.set_queue_bytes_max(id, bytes);
                let unread = limits::CPG_CLIENT_UNREAD_BYTES_MAX;
                self.server.set_unread_bytes_max(id, unread);
            }
            ClientEvent::Closed(id, _) => {
                self.clients.remove(&id);
                self.told.remove(&id);
                machine.disconnect(ClientId(FIRST_CLIENT + id));
            }
            ClientEvent::Message(id, body) => {
                let Some(Some(pid)) = self.clients.get(&id).copied() else {
                    return self.refuse(id, "CS_ERR_ACCESS");
                };
                match Wish::decode(&body) {
                    Ok(wish) => {
                        if let Err(refused) = serve(machine, ClientId(FIRST_CLIENT + id), pid, wish)
                        {
                            self.refuse(id, &refused.to_string());
                        }
                    }
                    Err(_) => self.refuse(id, "CS_ERR_INVALID_PARAM"),
                }
            }
        }
    }

    /// The process of a client that may be in groups; a process whose number the kernel can't
    /// tell has no place in a list of them.
    fn admitted(&self, (id, who): (u64, Credentials), access: &[Access]) -> Option<u32> {
        let pid = u32::try_from(who.pid).ok().filter(|pid| *pid != 0)?;
        access::may(&self.server, (id, who), access).then_some(pid)
    }

    fn refuse(&mut self, id: u64, why: &str) {
        self.say(id, &Told::Refused(why.to_owned()));
    }

    /// Tells a client what happened; those of this process hear it otherwise.
    pub(super) fn tell(&mut self, client: ClientId, event: &cpg::Event) {
        let Some(id) = client.0.checked_sub(FIRST_CLIENT) else {
            return;
        };
        match event {
            cpg::Event::Change {
                members,
                left,
                joined,
                ..
            } => {
                let moved = |m: &Moved| (m.node, m.pid, m.reason);
                let told = Told::Change {
                    members: members.clone(),
                    left: left.iter().map(moved).collect(),
                    joined: joined.iter().map(moved).collect(),
                };
                self.say(id, &told);
            }
            cpg::Event::Message {
                node,
                pid,
                part,
                data,
                ..
            } => self.say(
                id,
                &Told::Message {
                    node: *node,
                    pid: *pid,
                    part: part.map(|(kind, _)| kind),
                    data,
                },
            ),
        }
    }

    fn say(&mut self, id: u64, told: &Told<'_>) {
        if self.clients.contains_key(&id) {
            told.encode_into(self.told.entry(id).or_default());
        }
    }

    /// Sends what was told in this turn.
    pub(super) fn flush(&mut self) {
        while let Some((id, bytes)) = self.told.pop_first() {
            self.server.send(id, bytes);
        }
    }
}

fn serve(machine: &mut Machine, client: ClientId, pid: u32, wish: Wish<'_>) -> Result<(), Refused> {
    match wish {
        Wish::Join(group) => machine.join(client, pid, &group),
        Wish::Leave => machine.leave(client),
        Wish::Send(data) if data.len() <= PIECE_BYTES_MAX => machine.multicast(client, data),
        Wish::Send(data) => {
            let total = data.len() as u32;
            let pieces = data.chunks(PIECE_BYTES_MAX);
            let last = pieces.len() - 1;
            for (at, piece) in pieces.enumerate() {
                let kind = match at {
                    0 => PartialKind::First,
                    at if at == last => PartialKind::Last,
                    _ => PartialKind::Middle,
                };
                machine.multicast_part(client, (kind, total), piece)?;
            }
            Ok(())
        }
    }
}
