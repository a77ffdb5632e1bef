//! Client side of everbeat's control socket.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::daemons::control::{REPLY_BYTES_MAX, Reply, Request};

/// How long the daemon may take for an answer.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// A connection to the running everbeat.
#[derive(Debug)]
pub struct Control {
    stream: BufReader<UnixStream>,
}

impl Control {
    /// Connects; `None` if no everbeat runs (nothing runs, or a real heartbeat).
    ///
    /// Errors: the socket is there but closed to us.
    pub fn open(path: &Path) -> anyhow::Result<Option<Self>> {
        match UnixStream::connect(path) {
            Ok(stream) => Ok(Some(Self::over(stream)?)),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(e) => Err(e).with_context(|| format!("can't connect to {}", path.display())),
        }
    }

    fn over(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        stream.set_write_timeout(Some(ANSWER_WAIT))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Asks and takes the answer.
    pub fn ask(&mut self, request: &Request) -> anyhow::Result<Reply> {
        let line = request.encode();
        let sent = self.stream.get_mut().write_all(line.as_bytes());
        sent.context("the daemon closed its control socket")?;
        self.next()
    }

    /// The next answer; for [`Request::Watch`] after the first.
    pub fn next(&mut self) -> anyhow::Result<Reply> {
        let mut line = Vec::new();
        let limit = REPLY_BYTES_MAX as u64;
        let read = (&mut self.stream).take(limit).read_until(b'\n', &mut line);
        match read {
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                bail!("the daemon runs but did not answer within 5 s")
            }
            // So ends a stream whose last request the daemon never read.
            Err(e) if e.kind() == ErrorKind::ConnectionReset => 0,
            other => other.context("lost the control socket")?,
        };
        if line.last() != Some(&b'\n') {
            bail!("the daemon closed its control socket");
        }
        Reply::decode(&line).map_err(anyhow::Error::msg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_line_by_line() {
        let (client, mut daemon) = UnixStream::pair().unwrap();
        let mut control = Control::over(client).unwrap();
        let yes = Reply::Accepted { text: "yes".into() };
        let no = Reply::Refused { why: "no".into() };
        let lines = yes.encode() + &no.encode();
        daemon.write_all(lines.as_bytes()).unwrap();
        assert_eq!(control.ask(&Request::Report).unwrap(), yes);
        assert_eq!(control.next().unwrap(), no);
        drop(daemon);
        let end = control.next().unwrap_err();
        assert!(end.to_string().contains("closed"), "{end}");
    }

    #[test]
    fn no_socket_means_no_everbeat() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Control::open(&dir.path().join("s")).unwrap().is_none());
        drop(std::os::unix::net::UnixListener::bind(dir.path().join("s")));
        assert!(Control::open(&dir.path().join("s")).unwrap().is_none());
    }
}
