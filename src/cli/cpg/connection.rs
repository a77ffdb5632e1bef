//! The connection to this machine's node: what is said to it and what it tells.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};

use crate::ids::NodeId;
use crate::wire::cluster::{CpgName, PartialKind};
use crate::wire::ipc::groups::{MESSAGE_BYTES_MAX, Moved, SOCKET, Told, Wish, body};

/// Longest body of a frame from the node, bytes: a message, or a group with all its members.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Read at a time, bytes.
const READ_BYTES: usize = 256 * 1024;

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// The group changed.
    Change {
        members: Vec<(NodeId, u32)>,
        left: Vec<Moved>,
        joined: Vec<Moved>,
    },
    /// A whole message.
    Message {
        node: NodeId,
        pid: u32,
        data: Vec<u8>,
    },
}

/// The half that listens.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    bytes: Vec<u8>,
    taken: usize,
    buffer: Vec<u8>,
    /// Messages of which not all parts came, by sender.
    parts: BTreeMap<(NodeId, u32), Vec<u8>>,
}

/// The half that speaks.
#[derive(Debug, Clone)]
pub(super) struct Mouth {
    stream: Arc<Mutex<UnixStream>>,
    finished: Arc<AtomicBool>,
}

impl Connection {
    /// Errors: no node runs here.
    pub(super) fn open() -> anyhow::Result<(Self, Mouth)> {
        let stream = UnixStream::connect(SOCKET).with_context(|| {
            format!("no node of a ring runs here ({SOCKET}); start everbeatd or corosync")
        })?;
        let mouth = Mouth {
            stream: Arc::new(Mutex::new(stream.try_clone()?)),
            finished: Arc::default(),
        };
        let connection = Self {
            stream,
            bytes: Vec::new(),
            taken: 0,
            buffer: vec![0; READ_BYTES],
            parts: BTreeMap::new(),
        };
        Ok((connection, mouth))
    }

    /// The next thing that the node tells.
    ///
    /// Errors: it refused something, or ended.
    pub(super) fn next(&mut self) -> anyhow::Result<Heard> {
        loop {
            let rest = self.bytes.get(self.taken..).unwrap_or_default();
            let Some(range) = body(rest, BODY_BYTES_MAX)? else {
                self.read()?;
                continue;
            };
            let told = Told::decode(rest.get(range.clone()).unwrap_or_default())?;
            let heard = heard(&mut self.parts, told)?;
            self.taken += range.end;
            if let Some(heard) = heard {
                return Ok(heard);
            }
        }
    }

    fn read(&mut self) -> anyhow::Result<()> {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        let count = self.stream.read(&mut self.buffer)?;
        if count == 0 {
            bail!("the node closed the connection: it ended, or too much waited to be read");
        }
        let piece = self.buffer.get(..count).unwrap_or_default();
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

/// What is told, parts put together.
fn heard(
    parts: &mut BTreeMap<(NodeId, u32), Vec<u8>>,
    told: Told<'_>,
) -> anyhow::Result<Option<Heard>> {
    match told {
        Told::Refused(why) => bail!("the node refused: {why}"),
        Told::Change {
            members,
            left,
            joined,
        } => {
            for (node, pid, _) in &left {
                parts.remove(&(*node, *pid));
            }
            Ok(Some(Heard::Change {
                members,
                left,
                joined,
            }))
        }
        Told::Message {
            node,
            pid,
            part,
            data,
        } => {
            let whole = match part {
                None => Some(data.to_vec()),
                Some(kind) => {
                    let so_far = parts.entry((node, pid)).or_default();
                    if kind == PartialKind::First {
                        so_far.clear();
                    }
                    if so_far.len() + data.len() <= MESSAGE_BYTES_MAX {
                        so_far.extend_from_slice(data);
                    }
                    match kind {
                        PartialKind::Last => parts.remove(&(node, pid)),
                        _ => None,
                    }
                }
            };
            Ok(whole.map(|data| Heard::Message { node, pid, data }))
        }
    }
}

impl Mouth {
    pub(super) fn join(&self, group: &CpgName) -> std::io::Result<()> {
        self.say(&Wish::Join(group.clone()))
    }

    pub(super) fn leave(&self) -> std::io::Result<()> {
        self.say(&Wish::Leave)
    }

    pub(super) fn send(&self, message: &[u8]) -> std::io::Result<()> {
        self.say(&Wish::Send(message))
    }

    fn say(&self, wish: &Wish<'_>) -> std::io::Result<()> {
        let mut frame = Vec::new();
        wish.encode_into(&mut frame);
        self.write(&frame)
    }

    /// Writes whole frames; waits while the node takes no more.
    pub(super) fn write(&self, frames: &[u8]) -> std::io::Result<()> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(frames)
    }

    /// All was said.
    pub(super) fn finished(&self) {
        self.finished.store(true, Ordering::Release);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }
}
