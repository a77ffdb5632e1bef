//! The CIB of a running cluster, through the daemon of this node.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::session::UpdateError;
use crate::cib::operation::{Change, Operation, Request};
use crate::cib::{Document, Error, reader, writer};
use crate::daemons::crm::protocol::fencing::{Answer, Ask};
use crate::daemons::crm::protocol::{self, LINE_BYTES_MAX, Reply, SOCKET};

/// How long the cluster may take: a change waits while nodes come and go.
/// Source: Pacemaker 2.1.5, time-out of its tools.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// A connection to the daemon.
#[derive(Debug)]
pub struct Live {
    stream: BufReader<UnixStream>,
    last: u64,
    /// The daemon said that something changed, and nobody has asked whether it did.
    changed: bool,
    /// What came of a line before the time was over.
    part: Vec<u8>,
    /// Why the last request was refused, if it was.
    refusal: Option<String>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No daemon runs here.
    #[error("no daemon runs here: {0}")]
    Absent(std::io::Error),
    /// The daemon doesn't talk with this program.
    #[error("the daemon refuses: {0}")]
    Refused(String),
}

impl Live {
    /// Connects; none if no daemon runs here. Why a running one refuses is told on standard error.
    pub fn open() -> Option<Self> {
        match Self::connect(Path::new(SOCKET)) {
            Ok(live) => Some(live),
            Err(OpenError::Absent(_)) => None,
            Err(refused) => {
                eprintln!("{}: {refused}", client());
                None
            }
        }
    }

    /// Connects to the daemon of a socket.
    ///
    /// Errors: there is none, or it speaks another version.
    pub fn connect(path: &Path) -> Result<Self, OpenError> {
        let connect = || {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(ANSWER_WAIT))?;
            stream.set_write_timeout(Some(ANSWER_WAIT))?;
            Ok(stream)
        };
        let mut live = Self {
            stream: BufReader::new(connect().map_err(OpenError::Absent)?),
            last: 0,
            changed: false,
            part: Vec::new(),
            refusal: None,
        };
        let hello = live.ask(|number| protocol::Request::Hello {
            number,
            version: protocol::VERSION,
            client: client(),
        });
        match hello.map_err(OpenError::Absent)? {
            Reply::Hello { .. } => Ok(live),
            Reply::Refused { why, .. } => Err(OpenError::Refused(why)),
            other => Err(OpenError::Refused(format!("it answered {other:?}"))),
        }
    }

    /// Asks, and takes the answer. `request` gets its number.
    pub fn ask(
        &mut self,
        request: impl FnOnce(u64) -> protocol::Request,
    ) -> std::io::Result<Reply> {
        self.send(request)?;
        self.answer()
    }

    fn send(&mut self, request: impl FnOnce(u64) -> protocol::Request) -> std::io::Result<()> {
        self.last += 1;
        self.refusal = None;
        let line = protocol::line(&request(self.last));
        self.stream.get_mut().write_all(line.as_bytes())
    }

    fn answer(&mut self) -> std::io::Result<Reply> {
        loop {
            match self.read()? {
                Reply::Changed => self.changed = true,
                Reply::Refused { number, why } => {
                    self.refusal = Some(why.clone());
                    return Ok(Reply::Refused { number, why });
                }
                reply => return Ok(reply),
            }
        }
    }

    /// Why the daemon refused the last request, in its words.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    fn read(&mut self) -> std::io::Result<Reply> {
        let room = LINE_BYTES_MAX.saturating_sub(self.part.len());
        let most = u64::try_from(room).unwrap_or(u64::MAX);
        // What came before an error stays in `part`, for the next time.
        (&mut self.stream)
            .take(most)
            .read_until(b'\n', &mut self.part)?;
        if !self.part.ends_with(b"\n") {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = std::mem::take(&mut self.part);
        serde_json::from_slice(&line).map_err(std::io::Error::other)
    }

    /// Has the daemon tell of changes: [`Self::wait_changed`] hears it.
    ///
    /// Errors: the connection broke, or the daemon refuses.
    pub fn subscribe(&mut self) -> std::io::Result<()> {
        match self.ask(|number| protocol::Request::Subscribe { number })? {
            Reply::Done { .. } => Ok(()),
            Reply::Refused { why, .. } => Err(std::io::Error::other(why)),
            other => Err(std::io::Error::other(format!("{other:?}"))),
        }
    }

    /// Waits until the CIB, the members or the fencing changed, at most so long; whether they did.
    /// Another change is told once [`Self::cib`] was asked for.
    ///
    /// Who waits for other things too polls the connection as a file ([`AsFd`]) and then comes
    /// here with no time, but first when something was read along with an answer:
    /// [`Self::has_changed`].
    ///
    /// Errors: the daemon ended, or the connection broke.
    pub fn wait_changed(&mut self, at_most: Duration) -> std::io::Result<bool> {
        if std::mem::take(&mut self.changed) {
            return Ok(true);
        }
        let limit = self.stream.get_ref().read_timeout()?;
        // No time at all would be no limit.
        let at_most = at_most.max(Duration::from_millis(1));
        self.stream.get_ref().set_read_timeout(Some(at_most))?;
        let read = self.read();
        self.stream.get_ref().set_read_timeout(limit)?;
        match read {
            Ok(reply) => Ok(matches!(reply, Reply::Changed)),
            Err(error) if is_late(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// True if [`Self::wait_changed`] need not wait.
    pub fn has_changed(&self) -> bool {
        self.changed || !self.stream.buffer().is_empty()
    }

    /// The CIB, as far as a user may read it.
    pub fn cib(&mut self, user: Option<&str>) -> Result<Document, Error> {
        let reply = self.ask(|number| protocol::Request::Cib {
            number,
            user: user.map(str::to_owned),
        });
        match reply {
            Ok(Reply::Cib { cib: Some(cib), .. }) => reader::read(&cib).map_err(|_| Error::Invalid),
            Ok(_) => Err(Error::Denied),
            Err(_) => Err(Error::NotConnected),
        }
    }

    /// Has a node forget a resource and its failures, so that it is looked for again.
    ///
    /// Errors: why not, in the daemon's words.
    pub fn forget(&mut self, node: &str, resource: &str) -> Result<(), String> {
        let clear = self.ask(|number| protocol::Request::Attribute {
            number,
            task: "clear".to_owned(),
            name: resource.to_owned(),
            node: Some(node.to_owned()),
            value: None,
            dampening_ms: 0,
            private: false,
            set: None,
        });
        let forget = self.ask(|number| protocol::Request::Forget {
            number,
            node: node.to_owned(),
            resource: resource.to_owned(),
        });
        taken(clear)?;
        taken(forget)
    }

    /// Has a resource count as failed on a node, so that it is recovered.
    ///
    /// Errors: why not, in the daemon's words.
    pub fn fail(&mut self, node: &str, resource: &str) -> Result<(), String> {
        let reply = self.ask(|number| protocol::Request::Fail {
            number,
            node: node.to_owned(),
            resource: resource.to_owned(),
        });
        taken(reply)
    }

    /// Who is there: the members, with what else the daemon says of the cluster.
    pub fn status(&mut self) -> Option<Reply> {
        let reply = self
            .ask(|number| protocol::Request::Status { number })
            .ok()?;
        matches!(reply, Reply::Status { .. }).then_some(reply)
    }

    /// How long answers may take from now on; what is no time above zero changes nothing.
    pub fn wait_at_most(&mut self, ms: i64) {
        let ms = u64::try_from(ms).unwrap_or(0);
        if ms > 0 {
            let limit = Some(Duration::from_millis(ms));
            // It fails for a limit of nothing only.
            let _ = self.stream.get_ref().set_read_timeout(limit);
        }
    }

    /// The state of a node's controller, or why it can't be asked.
    ///
    /// Errors: there was no answer.
    pub fn state_of(&mut self, node: &str) -> std::io::Result<Result<String, String>> {
        let reply = self.ask(|number| protocol::Request::State {
            number,
            node: node.to_owned(),
        })?;
        Ok(match reply {
            Reply::State { state, .. } => Ok(state),
            Reply::Refused { why, .. } => Err(why),
            _ => Err("the daemon gave another answer".to_owned()),
        })
    }

    /// Asks the fencer, however long it takes: how long that may be is in the request. `waiting`
    /// is called about every second meanwhile.
    ///
    /// Errors: the daemon ended, or the connection broke; in it why the daemon refuses.
    pub fn fencing(
        &mut self,
        request: Ask,
        mut waiting: impl FnMut(),
    ) -> std::io::Result<Result<Answer, String>> {
        self.send(|number| protocol::Request::Fencing { number, request })?;
        let limit = self.stream.get_ref().read_timeout()?;
        let stream = self.stream.get_ref();
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let reply = loop {
            match self.answer() {
                Err(error) if is_late(&error) => waiting(),
                answer => break answer,
            }
        };
        self.stream.get_ref().set_read_timeout(limit)?;
        Ok(match reply? {
            Reply::Fencing { reply, .. } => Ok(reply),
            Reply::Refused { why, .. } => Err(why),
            _ => Err("the daemon gave another answer".to_owned()),
        })
    }

    /// Has the cluster make a change.
    pub fn update(
        &mut self,
        operation: Operation,
        request: &Request,
        user: Option<&str>,
    ) -> Result<Change, UpdateError> {
        self.change(protocol::Change {
            operation: word(operation).to_owned(),
            section: request.section.map(str::to_owned),
            xpath: request.xpath.map(str::to_owned),
            input: request.input.map(|doc| writer::compact(doc, doc.root())),
            can_create: request.options.can_create,
            multiple: request.options.multiple,
            dry_run: false,
            user: user.map(str::to_owned),
            client: client(),
        })
    }

    /// Has the cluster bring its CIB to the newest edition.
    pub fn upgrade(&mut self, user: Option<&str>) -> Result<Change, UpdateError> {
        self.change(protocol::Change {
            operation: "upgrade".to_owned(),
            section: None,
            xpath: None,
            input: None,
            can_create: false,
            multiple: false,
            dry_run: false,
            user: user.map(str::to_owned),
            client: client(),
        })
    }

    fn change(&mut self, change: protocol::Change) -> Result<Change, UpdateError> {
        let change = Box::new(change);
        let reply = self.ask(|number| protocol::Request::Change { number, change });
        match reply.map_err(|_| Error::NotConnected)? {
            Reply::Done { what, .. } => Ok(match &*what {
                "configuration" => Change::Configuration,
                "status" => Change::Status,
                _ => Change::Nothing,
            }),
            Reply::Failed { failed, .. } => {
                let answer = failed.answer.and_then(|text| reader::read(&text).ok());
                let answer = answer.map(Box::new);
                let error = Error::named(&failed.error);
                let (rejected, answer) = match error {
                    Error::Schema => (answer, None),
                    _ => (None, answer),
                };
                Err(UpdateError {
                    error,
                    answer,
                    rejected,
                })
            }
            _ => Err(Error::Denied.into()),
        }
    }
}

impl AsFd for Live {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.get_ref().as_fd()
    }
}

fn is_late(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// Whether the daemon took a request on.
fn taken(reply: std::io::Result<Reply>) -> Result<(), String> {
    match reply {
        Ok(Reply::Done { .. }) => Ok(()),
        Ok(Reply::Refused { why, .. }) => Err(why),
        Ok(_) => Err("the daemon gave another answer".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn word(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "create",
        Operation::Modify => "modify",
        Operation::Replace => "replace",
        Operation::Delete => "delete",
        Operation::Patch => "patch",
        Operation::Erase => "erase",
        Operation::Bump => "bump",
    }
}

/// Name of the tool that runs.
fn client() -> String {
    let name = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&name).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
