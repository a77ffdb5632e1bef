//! What a lab's keeper is asked and answers: one line of JSON each, over a local socket.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use serde::{Deserialize, Serialize};

/// Longest line either side reads, bytes. Ours: a process list of a large lab stays below.
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A wish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "do")]
pub enum Request {
    /// Hand over a process descriptor of the host's init.
    Enter {
        /// The host.
        host: String,
    },
    /// Power off: kill everything on the host at once.
    Kill {
        /// The host.
        host: String,
    },
    /// Power on.
    Boot {
        /// The host.
        host: String,
    },
    /// Unplug (or plug) the cable of an interface.
    Cable {
        /// The host.
        host: String,
        /// The interface: 0 is eth0.
        port: usize,
        /// Whether it is plugged in from now on.
        plugged: bool,
    },
    /// Drop a share of what comes in.
    Loss {
        /// The host.
        host: String,
        /// Share, percent; 0 drops nothing.
        percent: u8,
    },
    /// Tell hosts and processes.
    Ps,
    /// End the lab.
    Down,
}

/// The answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Reply {
    /// Why it could not be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The lab has a user namespace of its own, to be entered first.
    #[serde(default)]
    pub user_namespace: bool,
    /// Answer to [`Request::Ps`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostState>,
}

/// A host as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostState {
    /// Its name.
    pub name: String,
    /// Whether its power is on.
    pub on: bool,
    /// Its interfaces.
    pub ports: Vec<PortState>,
    /// Share of incoming packets that is dropped, percent.
    pub loss: u8,
    /// Its processes, its init left out.
    pub processes: Vec<Process>,
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortState {
    /// Its name on the host.
    pub name: String,
    /// The addresses it is booted with.
    pub addresses: Vec<String>,
    /// Whether its cable is plugged in.
    pub plugged: bool,
}

/// A process of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Its number on the host.
    pub pid: u32,
    /// Its parent's number on the host; 0 for one that was started from outside.
    pub parent: u32,
    /// Resident memory, KiB.
    pub resident_kib: u64,
    /// Its command line.
    pub command: String,
}

/// Reads up to a line feed, which is left out.
///
/// Errors: the connection's; `UnexpectedEof` without a line; `InvalidData` past
/// [`LINE_BYTES_MAX`].
pub fn read_line(stream: &mut UnixStream, mut line: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 4096];
    let mut seen = 0;
    loop {
        if let Some(end) = line[seen..].iter().position(|&b| b == b'\n') {
            line.truncate(seen + end);
            return Ok(line);
        }
        seen = line.len();
        if line.len() > LINE_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => line.extend_from_slice(&buffer[..n]),
        }
    }
}
