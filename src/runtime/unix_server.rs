//! A local stream socket and its clients, in the daemon's own thread.
//!
//! Owns: connections, their buffers and limits. Called by the daemon: [`UnixServer::event`]
//! waits for the next thing that a client did, [`UnixServer::send`] queues and never waits. A
//! client that doesn't read, floods, or sends nonsense loses its connection, nothing else.
//!
//! Source: `spec/heartbeat-api.md` section 1.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{UnixListener, UnixStream};

use super::clock::mono;
use crate::limits;
use crate::sys::peer_groups::peer_groups;
use crate::time::Instant;
use crate::wire::ipc::clplumbing::Decoder;
use crate::wire::ipc::groups;

/// Bytes read of one client at a time.
const READ_BYTES: usize = 64 * 1024;
/// What a client may send before its first whole message.
const FIRST_MESSAGE_BYTES_MAX: usize = 16 * 1024;
/// A connection that said nothing for this long makes room for others.
const SILENT_MAX: Duration = Duration::from_secs(10);
/// Bytes that may wait for one client, whatever its limit of messages.
const QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How messages are told apart in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Frames of cluster-glue's sockets.
    Clplumbing,
    /// Lines, newline included, of at most so many bytes.
    Lines(usize),
    /// Frames of the groups' socket, with bodies of at most so many bytes.
    Groups(usize),
}

/// Who is at the other end, as the kernel says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Process; 0 if it lives in another pid namespace.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
}

/// What a client did.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// It connected.
    Connected(u64, Credentials),
    /// It sent a message: the body of a frame, or a line without its newline.
    Message(u64, Vec<u8>),
    /// It is gone, and its number with it.
    Closed(u64, Closed),
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// The client closed it or ended.
    Eof,
    /// It didn't read what it was sent.
    Slow,
    /// It sent no message.
    BadFrame,
}

/// The socket.
#[derive(Debug)]
pub struct UnixServer {
    path: PathBuf,
    listener: UnixListener,
    framing: Framing,
    queue_default: usize,
    clients: BTreeMap<u64, Client>,
    next_id: u64,
    /// Whose turn it is: the first number not yet served.
    turn: u64,
    /// Clients that went while something was sent to them.
    gone: VecDeque<(u64, Closed)>,
    refused: u64,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    credentials: Credentials,
    since: Instant,
    input: Input,
    read: usize,
    spoke: bool,
    ended: bool,
    queue: VecDeque<Vec<u8>>,
    queued_bytes: usize,
    /// How much of the queue's first message is sent.
    sent: usize,
    queue_max: usize,
    queue_bytes_max: usize,
    unread_bytes_max: usize,
    closing: bool,
}

#[derive(Debug)]
enum Input {
    Frames(Decoder),
    Lines {
        bytes: Vec<u8>,
        max: usize,
    },
    /// What is before `taken` was handed on.
    Groups {
        bytes: Vec<u8>,
        taken: usize,
        max: usize,
    },
}

impl Input {
    fn new(framing: Framing) -> Self {
        match framing {
            Framing::Clplumbing => Self::Frames(Decoder::new()),
            Framing::Lines(max) => Self::Lines {
                bytes: Vec::new(),
                max,
            },
            Framing::Groups(max) => Self::Groups {
                bytes: Vec::new(),
                taken: 0,
                max,
            },
        }
    }

    fn push(&mut self, piece: &[u8]) {
        match self {
            Self::Frames(decoder) => decoder.push(piece),
            Self::Lines { bytes, .. } => bytes.extend_from_slice(piece),
            Self::Groups { bytes, taken, .. } => {
                bytes.drain(..std::mem::take(taken));
                bytes.extend_from_slice(piece);
            }
        }
    }

    /// The next whole message; an error when the stream can't be read on.
    fn next(&mut self) -> Result<Option<Vec<u8>>, ()> {
        match self {
            Self::Frames(decoder) => decoder
                .next_frame()
                .map(|body| body.map(<[u8]>::to_vec))
                .map_err(drop),
            Self::Lines { bytes, max } => match bytes.iter().position(|&b| b == b'\n') {
                Some(end) if end < *max => {
                    let mut line: Vec<u8> = bytes.drain(..=end).collect();
                    line.pop();
                    Ok(Some(line))
                }
                Some(_) => Err(()),
                None if bytes.len() >= *max => Err(()),
                None => Ok(None),
            },
            Self::Groups { bytes, taken, max } => {
                let rest = bytes.get(*taken..).unwrap_or_default();
                let Some(body) = groups::body(rest, *max).map_err(drop)? else {
                    return Ok(None);
                };
                *taken += body.end;
                Ok(rest.get(body).map(<[u8]>::to_vec))
            }
        }
    }
}

impl UnixServer {
    /// Makes the socket, in place of an old one, open to the users that `mode` says.
    ///
    /// `queue_default` messages may wait for a client.
    ///
    /// Panics: outside a tokio runtime.
    pub fn bind(
        path: &Path,
        mode: u32,
        framing: Framing,
        queue_default: usize,
    ) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        Ok(Self {
            path: path.to_owned(),
            listener,
            framing,
            queue_default,
            clients: BTreeMap::new(),
            next_id: 1,
            turn: 0,
            gone: VecDeque::new(),
            refused: 0,
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Waits for the next thing that a client did. Cancel-safe.
    ///
    /// Clients of whom `may_read` says no are not read just now. What is queued is sent here,
    /// too: it must be waited on all the time.
    pub async fn event(&mut self, may_read: impl Fn(u64) -> bool) -> ClientEvent {
        std::future::poll_fn(|cx| self.poll_event(cx, &may_read)).await
    }

    /// The next thing that a client did, if it can be had without waiting. [`Self::event`] must
    /// be waited on afterwards, as always.
    pub fn event_now(&mut self, may_read: impl Fn(u64) -> bool) -> Option<ClientEvent> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match self.poll_event(&mut cx, &may_read) {
            Poll::Ready(event) => Some(event),
            Poll::Pending => None,
        }
    }

    /// The next message of a client that was read already. It may be none though others wait in
    /// its socket: [`Self::event`] has these.
    pub fn message_read(&mut self, id: u64) -> Option<Vec<u8>> {
        let client = self.clients.get_mut(&id)?;
        if client.closing || client.is_deaf() {
            return None;
        }
        // What is wrong with the stream is found when it is read on.
        client.input.next().ok().flatten()
    }

    /// Numbers of all clients.
    pub fn ids(&self) -> Vec<u64> {
        self.clients.keys().copied().collect()
    }

    /// The supplementary groups of a client; none if it is gone or the kernel can't say.
    pub fn peer_groups(&self, id: u64) -> Vec<u32> {
        let client = self.clients.get(&id);
        let groups = client.map(|client| peer_groups(&client.stream));
        groups.and_then(Result::ok).unwrap_or_default()
    }

    /// Queues a message; a client that has too many waiting is dropped.
    pub fn send(&mut self, id: u64, message: Vec<u8>) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        client.queued_bytes += message.len();
        client.queue.push_back(message);
        let _ = client.flush();
        if client.queue.len() > client.queue_max || client.queued_bytes > client.queue_bytes_max {
            self.drop_client(id, Closed::Slow);
        }
    }

    /// Sets how many messages may wait for a client.
    pub fn set_queue_max(&mut self, id: u64, messages: usize) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.queue_max = messages;
        }
    }

    /// Sets how many bytes may wait for a client, in place of 16 MiB.
    pub fn set_queue_bytes_max(&mut self, id: u64, bytes: usize) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.queue_bytes_max = bytes;
        }
    }

    /// A client for whom more bytes than that wait is not read: who doesn't listen waits before
    /// it speaks.
    pub fn set_unread_bytes_max(&mut self, id: u64, bytes: usize) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.unread_bytes_max = bytes;
        }
    }

    /// Closes a connection once what was queued is on its way; no event follows.
    pub fn close(&mut self, id: u64) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.closing = true;
            if client.flush().is_err() || client.queue.is_empty() {
                self.clients.remove(&id);
            }
        }
    }

    /// Connections that were refused because there were too many.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Clients that are connected.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// True without clients.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    fn drop_client(&mut self, id: u64, how: Closed) {
        if let Some(client) = self.clients.remove(&id)
            && !client.closing
        {
            self.gone.push_back((id, how));
        }
    }

    fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
        may_read: &dyn Fn(u64) -> bool,
    ) -> Poll<ClientEvent> {
        if let Some((id, how)) = self.gone.pop_front() {
            return Poll::Ready(ClientEvent::Closed(id, how));
        }
        if let Some(event) = self.poll_accept(cx) {
            return Poll::Ready(event);
        }
        // Those from the one whose turn it is, then those before.
        let after = self.clients.range(self.turn..).map(|(id, _)| *id);
        let before = self.clients.range(..self.turn).map(|(id, _)| *id);
        let order: Vec<u64> = after.chain(before).collect();
        for id in order {
            if let Some(event) = self.poll_client(cx, id, may_read) {
                self.turn = id + 1;
                return Poll::Ready(event);
            }
        }
        match self.gone.pop_front() {
            Some((id, how)) => Poll::Ready(ClientEvent::Closed(id, how)),
            None => Poll::Pending,
        }
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Option<ClientEvent> {
        while let Poll::Ready(accepted) = self.listener.poll_accept(cx) {
            // Out of descriptors: the next wake-up tries again.
            let Ok((stream, _)) = accepted else {
                return None;
            };
            let Ok(peer) = stream.peer_cred() else {
                continue;
            };
            let credentials = Credentials {
                pid: peer.pid().unwrap_or(0),
                uid: peer.uid(),
                gid: peer.gid(),
            };
            if !self.make_room(credentials.uid) {
                self.refused += 1;
                continue;
            }
            let id = self.next_id;
            self.next_id += 1;
            let client = Client::new(stream, credentials, (self.framing, self.queue_default));
            self.clients.insert(id, client);
            return Some(ClientEvent::Connected(id, credentials));
        }
        None
    }

    /// True if one more connection of this user may be had; silent ones make room.
    fn make_room(&mut self, uid: u32) -> bool {
        let of_user = self
            .clients
            .values()
            .filter(|c| c.credentials.uid == uid)
            .count();
        let user_full = uid != 0 && of_user >= limits::LOCAL_CLIENTS_OF_USER_MAX;
        if self.clients.len() < limits::LOCAL_CLIENTS_MAX && !user_full {
            return true;
        }
        let now = mono();
        let silent = self.clients.iter().find(|(_, c)| {
            let candidate = !user_full || c.credentials.uid == uid;
            candidate && !c.spoke && now.since(c.since) > SILENT_MAX
        });
        let Some(id) = silent.map(|(id, _)| *id) else {
            return false;
        };
        self.drop_client(id, Closed::Eof);
        true
    }

    fn poll_client(
        &mut self,
        cx: &mut Context<'_>,
        id: u64,
        may_read: &dyn Fn(u64) -> bool,
    ) -> Option<ClientEvent> {
        let client = self.clients.get_mut(&id)?;
        if client.poll_flush(cx).is_err() {
            self.drop_client(id, Closed::Eof);
            return None;
        }
        if client.closing {
            if client.queue.is_empty() {
                self.clients.remove(&id);
            }
            return None;
        }
        if client.is_deaf() || !may_read(id) {
            return None;
        }
        match client.poll_message(cx, &mut self.buffer) {
            Poll::Pending => None,
            Poll::Ready(Ok(message)) => Some(ClientEvent::Message(id, message)),
            Poll::Ready(Err(how)) => {
                self.drop_client(id, how);
                None
            }
        }
    }
}

impl Drop for UnixServer {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Client {
    fn new(
        stream: UnixStream,
        credentials: Credentials,
        (framing, queue_max): (Framing, usize),
    ) -> Self {
        Self {
            stream,
            credentials,
            since: mono(),
            input: Input::new(framing),
            read: 0,
            spoke: false,
            ended: false,
            queue: VecDeque::new(),
            queued_bytes: 0,
            sent: 0,
            queue_max,
            queue_bytes_max: QUEUE_BYTES_MAX,
            unread_bytes_max: usize::MAX,
            closing: false,
        }
    }

    fn is_deaf(&self) -> bool {
        self.queued_bytes > self.unread_bytes_max
    }

    /// The next message; what came before the end of the stream still counts.
    fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<Vec<u8>, Closed>> {
        loop {
            match self.input.next() {
                Ok(Some(message)) => {
                    self.spoke = true;
                    return Poll::Ready(Ok(message));
                }
                Err(()) => return Poll::Ready(Err(Closed::BadFrame)),
                Ok(None) if self.ended => return Poll::Ready(Err(Closed::Eof)),
                Ok(None) if !self.spoke && self.read > FIRST_MESSAGE_BYTES_MAX => {
                    return Poll::Ready(Err(Closed::BadFrame));
                }
                Ok(None) => {}
            }
            // Not `try_read`: this tells the runtime when less came than there was room for, and
            // nobody has to ask the kernel a second time.
            let mut room = ReadBuf::new(buffer);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room)) {
                Ok(()) if room.filled().is_empty() => self.ended = true,
                Ok(()) => {
                    let piece = room.filled();
                    self.read = self.read.saturating_add(piece.len());
                    self.input.push(piece);
                }
                Err(_) => self.ended = true,
            }
        }
    }

    /// Sends what goes without waiting, and has the rest wake us.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.queue.is_empty() {
            match self.stream.poll_write_ready(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(ready) => ready?,
            }
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(first) = self.queue.front() {
            let rest = first.get(self.sent..).unwrap_or_default();
            match self.stream.try_write(rest) {
                Ok(n) if n < rest.len() => self.sent += n,
                Ok(_) => {
                    self.queued_bytes = self.queued_bytes.saturating_sub(first.len());
                    self.queue.pop_front();
                    self.sent = 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
