//! One connection: sign-on, requests, answers, deadline.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd;

use crate::wire::heartbeat::Message;
use crate::wire::ipc::clplumbing::{Decoder, decode_body, encode_into};

/// The daemon's API socket.
pub const SOCKET: &str = "/run/heartbeat/register";

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens: the daemon is stopped, or not `active` yet.
    #[error("hb_api_signon: Can't initiate connection to heartbeat")]
    Unreachable(#[source] std::io::Error),
    /// The daemon doesn't take us as a client.
    #[error("{0}")]
    Refused(String),
    /// The daemon can't answer this question, in its words (`EINVAL`: no such node or link).
    #[error("{0}")]
    BadRequest(String),
    /// No answer within the time that the question allows.
    #[error("No timely response.")]
    Late,
    /// The deadline of the session passed.
    #[error("heartbeat is there but does not answer")]
    TimedOut,
    /// The connection broke, or what came is no message.
    #[error("lost the connection to heartbeat: {0}")]
    Broken(String),
}

/// A client's connection to the daemon.
#[derive(Debug)]
pub struct Session {
    stream: UnixStream,
    decoder: Decoder,
    waiting: VecDeque<Message>,
    deadline: Instant,
    /// Our name and our process id, as sent.
    id: String,
    host: String,
    welcome: Message,
}

impl Session {
    /// Connects and signs on; all must be over after `limit`.
    pub fn open(path: &Path, limit: Duration) -> Result<Self, Error> {
        let stream = UnixStream::connect(path).map_err(Error::Unreachable)?;
        Self::over(stream, limit)
    }

    /// Signs on over a connection that stands.
    pub fn over(stream: UnixStream, limit: Duration) -> Result<Self, Error> {
        let mut session = Self {
            stream,
            decoder: Decoder::new(),
            waiting: VecDeque::new(),
            deadline: Instant::now() + limit,
            id: std::process::id().to_string(),
            host: host_name(),
            welcome: Message::new(),
        };
        session.sign_on()?;
        Ok(session)
    }

    fn sign_on(&mut self) -> Result<(), Error> {
        let request = self
            .request("signon")
            .with("uid", unistd::geteuid().to_string())
            .with("gid", unistd::getegid().to_string());
        self.send(&request)?;
        let answer = self.answer("signon", self.deadline);
        self.welcome = answer.map_err(|error| match error {
            Error::BadRequest(why) => Error::Refused(why),
            other => other,
        })?;
        Ok(())
    }

    /// The daemon's answer to the sign-on: `node`, `deadtime`, `keepalive`, `hbversion`,
    /// `pacemaker`.
    pub fn welcome(&self) -> &Message {
        &self.welcome
    }

    /// Our id among the daemon's clients.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Asks and takes one answer.
    pub fn ask(&mut self, kind: &str, fields: &[(&str, &str)]) -> Result<Message, Error> {
        self.put(kind, fields)?;
        self.answer(kind, self.deadline)
    }

    /// Asks and takes answers until one is marked as the last.
    pub fn ask_list(&mut self, kind: &str, fields: &[(&str, &str)]) -> Result<Vec<Message>, Error> {
        self.put(kind, fields)?;
        let mut all = Vec::new();
        loop {
            let answer = self.answer(kind, self.deadline)?;
            let more = answer.text("result") == Some("ok/more");
            all.push(answer);
            if !more {
                return Ok(all);
            }
        }
    }

    /// Asks without waiting.
    pub fn put(&mut self, kind: &str, fields: &[(&str, &str)]) -> Result<(), Error> {
        let mut request = self.request(kind);
        for (name, value) in fields {
            request.push_text(name, value);
        }
        self.send(&request)
    }

    /// The next message that `wanted` takes; others are dropped, as a casual client may.
    ///
    /// Errors: [`Error::TimedOut`] at the session's deadline, [`Error::Late`] at `until`.
    pub fn wait(
        &mut self,
        until: Instant,
        wanted: impl Fn(&Message) -> bool,
    ) -> Result<Message, Error> {
        loop {
            match self.waiting.pop_front() {
                Some(message) if wanted(&message) => return Ok(message),
                Some(_) => {}
                None => self.read(until)?,
            }
        }
    }

    fn answer(&mut self, kind: &str, until: Instant) -> Result<Message, Error> {
        let answer = self.wait(until, |m| {
            m.kind() == Some("hbapi-resp") && m.text("reqtype") == Some(kind)
        })?;
        match answer.text("result") {
            Some("OK" | "ok/more") => Ok(answer),
            _ => Err(Error::BadRequest(
                answer.text("info").unwrap_or_default().to_owned(),
            )),
        }
    }

    fn request(&self, kind: &str) -> Message {
        Message::of_type("hbapi-req")
            .with("reqtype", kind)
            .with("dest", &self.host)
            .with("pid", &self.id)
            .with("from_id", &self.id)
    }

    fn send(&mut self, message: &Message) -> Result<(), Error> {
        let mut frame = Vec::new();
        encode_into(message, &mut frame).map_err(|e| Error::BadRequest(e.to_string()))?;
        let left = self.left(self.deadline)?;
        self.stream.set_write_timeout(Some(left)).map_err(broken)?;
        self.stream.write_all(&frame).map_err(broken)
    }

    /// Reads once and queues each message that is complete.
    fn read(&mut self, until: Instant) -> Result<(), Error> {
        let left = self.left(until)?;
        self.stream.set_read_timeout(Some(left)).map_err(broken)?;
        let mut piece = [0; 4096];
        let count = match self.stream.read(&mut piece) {
            Ok(0) => return Err(Error::Broken("closed by the daemon".into())),
            Ok(count) => count,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => 0,
            Err(e) => return Err(broken(e)),
        };
        self.decoder.push(&piece[..count]);
        while let Some(body) = self.decoder.next_frame().map_err(broken)? {
            self.waiting.push_back(decode_body(body).map_err(broken)?);
        }
        Ok(())
    }

    /// Time left; never zero, which sockets take for "for ever".
    fn left(&self, until: Instant) -> Result<Duration, Error> {
        let now = Instant::now();
        if now >= self.deadline {
            Err(Error::TimedOut)
        } else if now >= until {
            Err(Error::Late)
        } else {
            let left = until.min(self.deadline) - now;
            Ok(left.max(Duration::from_millis(1)))
        }
    }
}

impl Drop for Session {
    /// Says good-bye; the daemon sees the closed socket too, so a failure means nothing.
    fn drop(&mut self) {
        let _ = self.put("signoff", &[]);
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Broken(error.to_string())
}

/// `uname -n` in lower case: the daemon's name of this node unless `nodeinfo` says otherwise.
fn host_name() -> String {
    unistd::gethostname()
        .map(|n| n.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::fake;

    #[test]
    fn signs_on_asks_and_signs_off() {
        let (stream, daemon) = fake::daemon(&[]);
        let mut session = Session::over(stream, fake::LIMIT).unwrap();
        assert_eq!(session.welcome().text("node"), Some("ta"));
        let answer = session.ask("getrsc", &[]).unwrap();
        assert_eq!(answer.text("rsc_hold"), Some("local"));
        drop(session);
        let asked = daemon.join().unwrap();
        assert_eq!(asked, ["signon", "getrsc", "signoff"]);
    }

    #[test]
    fn a_refusal_is_told_from_a_bad_question() {
        let (stream, _) = fake::daemon(&["signon"]);
        let refused = Session::over(stream, fake::LIMIT).unwrap_err();
        assert!(matches!(refused, Error::Refused(why) if why == "EINVAL"));
        let (stream, _) = fake::daemon(&[]);
        let mut session = Session::over(stream, fake::LIMIT).unwrap();
        let bad = session.ask("nodestatus", &[("node", "nosuch")]);
        assert!(matches!(bad, Err(Error::BadRequest(why)) if why == "EINVAL"));
    }

    #[test]
    fn a_silent_daemon_costs_no_more_than_the_limit() {
        let (stream, _silent) = UnixStream::pair().unwrap();
        let start = Instant::now();
        let error = Session::over(stream, Duration::from_millis(50)).unwrap_err();
        assert!(matches!(error, Error::TimedOut));
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn garbage_breaks_the_session() {
        let (stream, mut other) = UnixStream::pair().unwrap();
        other.write_all(&[0xff; 64]).unwrap();
        let error = Session::over(stream, fake::LIMIT).unwrap_err();
        assert!(matches!(error, Error::Broken(_)));
    }
}
