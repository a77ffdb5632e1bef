//! What the controller itself changes in the CIB, and what the replica brings back.

use super::{Controller, Output};
use crate::attributes;
use crate::cib::operation::{Change, Failure};
use crate::executor;
use crate::proto::heartbeat::Severity;
use crate::replica;
use crate::time::Now;
use crate::wire::crm::{Message, OperationKind, Request, RequestFlags};

/// Name that the DC's own changes have.
pub(super) const CONTROLLER: &str = "crmd";

/// Name that results of operations have.
pub(super) const EXECUTOR: &str = "lrmd";

/// Name that transient attributes have.
pub(super) const ATTRIBUTES: &str = "attrd";

/// What a change is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Only that it is made before the scheduler looks.
    Plain,
    /// Part of the write of attributes.
    Attributes,
    /// A resource was forgotten: the DC is told then.
    Forgotten {
        /// Mark of the action, if one asked.
        transition_key: Option<String>,
    },
}

impl Controller {
    /// Asks for a change that the controller wants.
    pub(super) fn ask(&mut self, purpose: Purpose, request: Request) -> u64 {
        let call = self.replica.change(request);
        self.asked.insert(call, purpose);
        call
    }

    pub(super) fn request(&self, now: Now, operation: OperationKind, section: &str) -> Request {
        Request {
            call: 0,
            operation,
            flags: RequestFlags::default(),
            section: Some(section.to_owned()),
            xpath: None,
            input: None,
            user: None,
            groups: Vec::new(),
            client: CONTROLLER.to_owned(),
            unix_s: now.unix_s,
            time: None,
        }
    }

    /// Merges a node state into the status section.
    pub(super) fn ask_status(&mut self, now: Now, purpose: Purpose, state: String) -> u64 {
        let request = self.request_status(now, state);
        self.ask(purpose, request)
    }

    pub(super) fn request_status(&self, now: Now, state: String) -> Request {
        let mut request = self.request(now, OperationKind::Modify, "status");
        request.flags.can_create = true;
        request.input = Some(state);
        request
    }

    /// Removes all that an XPath selects.
    pub(super) fn ask_delete_path(&mut self, now: Now, purpose: Purpose, path: &str) -> u64 {
        let mut request = self.request(now, OperationKind::Delete, "status");
        request.section = None;
        request.xpath = Some(path.to_owned());
        request.flags.multiple = true;
        self.ask(purpose, request)
    }

    /// Brings outputs of the parts where they belong, until there are none.
    pub(super) fn settle(&mut self, now: Now) {
        loop {
            if let Some(output) = self.replica.poll_output() {
                self.of_replica(now, output);
            } else if let Some(output) = self.attributes.poll_output() {
                self.of_attributes(now, output);
            } else if let Some(output) = self.executor.poll_output() {
                self.of_executor(now, output);
            } else if !self.advance(now) {
                return;
            }
        }
    }

    fn of_replica(&mut self, now: Now, output: replica::Output) {
        match output {
            replica::Output::Send(request) => self.send(Message::Request(request)),
            replica::Output::Answered { call, result } => match self.asked.remove(&call) {
                Some(purpose) => self.answered(now, call, purpose, &result),
                None => self.outputs.push_back(Output::Answered { call, result }),
            },
            replica::Output::Changed(changed) => {
                self.handle_changed(now, &changed);
                self.outputs.push_back(Output::Changed(changed));
            }
        }
    }

    fn answered(
        &mut self,
        now: Now,
        call: u64,
        purpose: Purpose,
        result: &Result<Change, Box<Failure>>,
    ) {
        if let Err(failure) = result {
            let text = format!(
                "The CIB refused an update of the controller: {}",
                failure.error
            );
            self.log(Severity::Error, text);
        }
        match purpose {
            Purpose::Plain => {}
            Purpose::Attributes => self.attributes_answered(now, call, result.is_ok()),
            Purpose::Forgotten { transition_key } => self.forgotten(transition_key),
        }
    }

    fn of_attributes(&mut self, now: Now, output: attributes::Output) {
        match output {
            attributes::Output::Send(change) => self.send(Message::Attribute(change)),
            attributes::Output::Write(values) => self.write_attributes(now, &values),
            attributes::Output::Log(text) => self.log(Severity::Notice, text),
        }
    }

    fn of_executor(&mut self, now: Now, output: executor::Output) {
        match output {
            executor::Output::Completed(completed) => self.handle_completed(now, *completed),
            run => self.outputs.push_back(Output::Execute(run)),
        }
    }
}
