//! corosync's tools for a running node: quorum, links, keys, groups.
//!
//! Source: corosync 3.1.7, their output on two nodes over udpu; spec corosync-services.md 4.

pub mod cfgtool;
pub mod cmapctl;
pub mod cpgtool;
pub mod quorumtool;
mod value;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::daemons::corosync::protocol::{Reply, Request, SOCKET, line};

/// How long the daemon may take for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// Why a file can't be used, in the words of strerror(3).
fn reason(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

/// Asks the node of this machine; none if none runs here.
fn ask(request: &Request) -> Option<Reply> {
    let stream = UnixStream::connect(SOCKET).ok()?;
    stream.set_read_timeout(Some(ANSWER_WAIT)).ok()?;
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(line(request).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_line(&mut answer).ok()?;
    serde_json::from_str(&answer).ok()
}
