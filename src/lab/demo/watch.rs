//! Who serves the page: asked ten times a second from a host of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::page::HEADER;
use crate::lab::HostRef;

/// Time between two questions, and for an answer: what a time that is shown may be off.
pub const INTERVAL: Duration = Duration::from_millis(100);
/// The line for a question without an answer.
const NOBODY: &str = "-";

/// On the client: asks at `address` and writes a line with the host that answers, until its
/// output is closed.
pub fn ask_until_closed(address: SocketAddr) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    loop {
        let asked = Instant::now();
        let owner = ask(address).unwrap_or_else(|_| NOBODY.to_owned());
        if writeln!(out, "{owner}").and_then(|()| out.flush()).is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(INTERVAL.saturating_sub(asked.elapsed()));
    }
}

fn ask(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, INTERVAL)?;
    stream.set_read_timeout(Some(INTERVAL))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: demo\r\n\r\n")?;
    let mut text = String::new();
    stream.take(64 * 1024).read_to_string(&mut text)?;
    named_in(&text).context("the answer names no host")
}

/// The host that a response names.
fn named_in(response: &str) -> Option<String> {
    let (head, _) = response.split_once("\r\n\r\n")?;
    let mut names = head.lines().filter_map(|line| line.strip_prefix(HEADER));
    names.next().map(|name| name.trim().to_owned())
}

/// One answer, or that there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When it came.
    pub at: Instant,
    /// The host that serves the page.
    pub owner: Option<String>,
}

/// The watching process on the client.
#[derive(Debug)]
pub struct Watch {
    child: Child,
    samples: Receiver<Sample>,
}

impl Watch {
    /// Starts to watch the page at `address` from `client`.
    pub fn start(client: &HostRef<'_>, address: SocketAddr) -> Result<Self> {
        let mut command = client.command("everbeat");
        command.args(["demo", "watch", &address.to_string()]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (sender, samples) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let sample = Sample {
                    at: Instant::now(),
                    owner: Some(line).filter(|owner| owner != NOBODY),
                };
                if sender.send(sample).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, samples })
    }

    /// Waits for the next answer, at most till `end`; None when that is over.
    pub fn next(&self, end: Instant) -> Result<Option<Sample>> {
        let left = end.saturating_duration_since(Instant::now());
        match self.samples.recv_timeout(left) {
            Ok(sample) => Ok(Some(sample)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the client has stopped asking"),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read_from_the_head_only() {
        let text = "HTTP/1.1 200 OK\r\nX-Served-By: alpha\r\n\r\nX-Served-By: beta";
        assert_eq!(named_in(text).as_deref(), Some("alpha"));
        assert_eq!(named_in("HTTP/1.1 200 OK\r\n\r\nX-Served-By: beta"), None);
        assert_eq!(named_in("X-Served-By: alpha"), None);
    }
}
