//! The CIB of one node, kept the same on all members.
//!
//! ```text
//!  client --change--> Replica --Send(Request)--> messaging --> every member, in one order
//!  Request --handle_request--> cib::operation::update      at each member, with the same result
//!  Replica --Answered--> client        where it was asked
//!  Replica --Changed---> controller, followers, disk
//! ```
//!
//! A change is sent as what was asked, and every member carries it out when it comes. All see all
//! requests in one order and an operation is a function of the document and the request, so the
//! documents stay the same. What is asked is acknowledged only when it was carried out here, in
//! its place of that order.
//!
//! Between a change of the membership and the members' agreement on one document (see
//! `controller::election`) requests are held; when the membership changes again meanwhile they
//! are dropped by all who hold them, and whoever asked for one sends it again.
//!
//! Source: spec pacemaker-peer.md section 5, the same design; the document is checked by digests.

mod pending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use crate::cib::acl::{Access, User};
use crate::cib::operation::{self, Change, Failure, Operation, Options, Update};
use crate::cib::schema::Checker;
use crate::cib::{Document, Error, Version, digest, reader};
use crate::ids::NodeId;
use crate::wire::crm::{Generation, OperationKind, Request};
use pending::Pending;

/// What becomes of the document.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send it to all members, this node too.
    Send(Request),
    /// What came of a change that was asked for here.
    Answered {
        /// The number that it got.
        call: u64,
        /// How far it changed the document, or why not.
        result: Result<Change, Box<Failure>>,
    },
    /// The document is another one.
    Changed(Box<Changed>),
}

/// A change that was made.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Who asked for it; none if the document came as a whole.
    pub by: Option<(NodeId, Request)>,
    /// What was asked for, read.
    pub input: Option<Document>,
    /// The document before.
    pub old: Document,
    /// How far it changed.
    pub change: Change,
}

/// The CIB of this node.
#[derive(Debug)]
pub struct Replica {
    local: NodeId,
    doc: Document,
    /// Ids of the members in the CIB.
    members: BTreeMap<NodeId, String>,
    /// The members agree on a document; otherwise requests are held.
    agreed: bool,
    pending: Pending,
    checker: Checker,
    outputs: VecDeque<Output>,
}

impl Replica {
    /// With the document that this node has: of its disk, or an empty one.
    pub fn new(local: NodeId, doc: Document) -> Self {
        Self {
            local,
            doc,
            members: BTreeMap::new(),
            agreed: false,
            pending: Pending::default(),
            checker: Checker::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The document.
    pub fn doc(&self) -> &Document {
        &self.doc
    }

    /// True if the members agree on it.
    pub fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// True while something that was asked for here has no answer.
    pub fn is_waiting(&self) -> bool {
        self.pending.is_waiting()
    }

    /// Its version and digest.
    pub fn generation(&self) -> Generation {
        let version = Version::of_root(&self.doc);
        Generation {
            admin_epoch: version.admin_epoch,
            epoch: version.epoch,
            num_updates: version.num_updates,
            digest: digest::v2(&self.doc, self.doc.root()),
        }
    }

    /// Asks all members for a change; the number that the answer will have.
    pub fn change(&mut self, mut request: Request) -> u64 {
        let call = self.pending.next_call();
        request.call = call;
        self.pending.asked(request.clone());
        self.outputs.push_back(Output::Send(request));
        call
    }

    /// The membership changed: until the members agree, requests are held. With the members come
    /// their ids in the CIB.
    pub fn handle_membership(&mut self, members: BTreeMap<NodeId, String>) {
        self.members = members;
        self.agreed = false;
        self.pending.drop_held(self.local);
    }

    /// The members agree on the document that this node has.
    pub fn handle_agreed(&mut self) {
        self.agreed = true;
        for (from, request) in self.pending.take_held() {
            self.carry_out(from, request);
        }
        for request in self.pending.again() {
            self.outputs.push_back(Output::Send(request));
        }
    }

    /// The members agree on this document, which another one sent.
    ///
    /// Errors: it isn't a document; this node keeps what it has.
    pub fn handle_sync(&mut self, cib: &str) -> Result<(), reader::ReadError> {
        let doc = reader::read(cib)?;
        let change = match operation::change_between(&self.doc, &doc) {
            Change::Nothing => Change::Status,
            change => change,
        };
        let old = std::mem::replace(&mut self.doc, doc);
        self.changed(None, None, old, change);
        Ok(())
    }

    /// A request came, in its place of the order.
    pub fn handle_request(&mut self, from: NodeId, request: Request) {
        match self.agreed {
            true => self.carry_out(from, request),
            false => self.pending.hold(from, request),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn carry_out(&mut self, from: NodeId, request: Request) {
        let (result, input) = match read_input(&request) {
            Ok(input) => {
                let update = perform(&self.doc, &request, input.as_ref());
                (update.and_then(|update| self.valid(update)), input)
            }
            Err(error) => (Err(error.into()), None),
        };
        let result = match result {
            Ok(update) if request.flags.dry_run => Ok(update.change),
            Ok(mut update) => {
                let change = update.change;
                if change == Change::Configuration {
                    let by = self.members.get(&from).cloned();
                    let by = by.unwrap_or_else(|| from.to_string());
                    sign(&mut update.doc, &request, &by);
                }
                if change != Change::Nothing {
                    let old = std::mem::replace(&mut self.doc, update.doc);
                    self.changed(Some((from, request.clone())), input, old, change);
                }
                Ok(change)
            }
            Err(failure) => Err(Box::new(failure)),
        };
        if from == self.local && self.pending.answered(request.call) {
            let call = request.call;
            self.outputs.push_back(Output::Answered { call, result });
        }
    }

    /// Refuses a configuration that its schema doesn't allow; the answer then is what it would
    /// have become.
    fn valid(&mut self, update: Update) -> Result<Update, Failure> {
        if update.change != Change::Configuration || self.checker.check(&update.doc).is_ok() {
            return Ok(update);
        }
        Err(Failure {
            error: Error::Schema,
            answer: Some(update.doc),
        })
    }

    fn changed(
        &mut self,
        by: Option<(NodeId, Request)>,
        input: Option<Document>,
        old: Document,
        change: Change,
    ) {
        let changed = Changed {
            by,
            input,
            old,
            change,
        };
        self.outputs.push_back(Output::Changed(Box::new(changed)));
    }
}

/// Who changed the configuration last, and when: what `crm_mon` shows as the last change.
///
/// Source: spec cib.md 1.1; these attributes are no part of the digest.
fn sign(doc: &mut Document, request: &Request, by: &str) {
    let Some(time) = &request.time else {
        return;
    };
    let origin = name_of(doc, by).unwrap_or_else(|| by.to_owned());
    let root = doc.root();
    for (name, value) in [
        ("cib-last-written", time.as_str()),
        ("update-origin", &origin),
        ("update-client", &request.client),
        ("update-user", request.user.as_deref().unwrap_or("root")),
    ] {
        doc.set_attr(root, name, value);
    }
}

fn name_of(doc: &Document, id: &str) -> Option<String> {
    let nodes = doc.root_element().find(&["configuration", "nodes"])?;
    let node = nodes.children_named("node").find(|n| n.id() == Some(id))?;
    node.attr("uname").map(str::to_owned)
}

fn read_input(request: &Request) -> Result<Option<Document>, Error> {
    let read = |text: &String| reader::read(text).map_err(|_| Error::Invalid);
    request.input.as_ref().map(read).transpose()
}

/// Carries out a request on a document: the same on every member.
fn perform(doc: &Document, request: &Request, input: Option<&Document>) -> Result<Update, Failure> {
    let access = request.user.as_ref().and_then(|name| {
        let user = User {
            name: name.clone(),
            groups: request.groups.clone(),
        };
        Access::of(doc, &user)
    });
    let asked = operation::Request {
        section: request.section.as_deref(),
        xpath: request.xpath.as_deref(),
        input,
        options: Options {
            can_create: request.flags.can_create,
            multiple: request.flags.multiple,
            ..Options::default()
        },
        access: access.as_ref(),
    };
    match operation_of(request.operation) {
        Some(operation) => operation::update(doc, operation, &asked),
        None => operation::upgrade(doc, access.as_ref()).map(|(update, _)| update),
    }
}

/// None for an upgrade.
fn operation_of(kind: OperationKind) -> Option<Operation> {
    Some(match kind {
        OperationKind::Create => Operation::Create,
        OperationKind::Modify => Operation::Modify,
        OperationKind::Replace => Operation::Replace,
        OperationKind::Delete => Operation::Delete,
        OperationKind::Patch => Operation::Patch,
        OperationKind::Erase => Operation::Erase,
        OperationKind::Bump => Operation::Bump,
        OperationKind::Upgrade => return None,
    })
}
