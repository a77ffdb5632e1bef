//! The CIB of a running cluster, through the daemon of this node.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::session::UpdateError;
use crate::cib::operation::{Change, Operation, Request};
use crate::cib::{Document, Error, reader, writer};
use crate::daemons::crm::protocol::{self, LINE_BYTES_MAX, Reply, SOCKET};

/// How long the cluster may take: a change waits while nodes come and go.
/// Source: Pacemaker 2.1.5, time-out of its tools.
const ANSWER_WAIT: Duration = Duration::from_secs(30);

/// A connection to the daemon.
#[derive(Debug)]
pub struct Live {
    stream: BufReader<UnixStream>,
    last: u64,
}

impl Live {
    /// Connects; none if no daemon runs here.
    pub fn open() -> Option<Self> {
        let stream = UnixStream::connect(Path::new(SOCKET)).ok()?;
        stream.set_read_timeout(Some(ANSWER_WAIT)).ok()?;
        stream.set_write_timeout(Some(ANSWER_WAIT)).ok()?;
        Some(Self {
            stream: BufReader::new(stream),
            last: 0,
        })
    }

    /// Asks, and takes the answer. `request` gets its number.
    pub fn ask(
        &mut self,
        request: impl FnOnce(u64) -> protocol::Request,
    ) -> std::io::Result<Reply> {
        self.last += 1;
        let line = protocol::line(&request(self.last));
        self.stream.get_mut().write_all(line.as_bytes())?;
        let mut answer = Vec::new();
        let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        (&mut self.stream)
            .take(most)
            .read_until(b'\n', &mut answer)?;
        serde_json::from_slice(&answer).map_err(std::io::Error::other)
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
