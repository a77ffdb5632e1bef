//! Tools at the socket: who may ask what, and which answers are still to come.

use std::collections::BTreeMap;
use std::path::Path;

use super::fence_requests;
use super::node::Crm;
use super::permission::{Caller, Grant};
use super::protocol::{
    Change, Failed, LINE_BYTES_MAX, Peer, Reply, Request, SOCKET, VERSION, line,
};
use super::watchers::Watchers;
use crate::cib::operation;
use crate::cib::{writer, xpath};
use crate::fencer::{Answer, History};
use crate::runtime::unix_server::{ClientEvent, Credentials, Framing, UnixServer};
use crate::runtime::users::named;
use crate::sys::local_time::ctime;
use crate::time::Now;
use crate::wire::crm::{self, AttributeChange, AttributeTask, AttributeValue, OperationKind};

/// Answers that may wait for a tool.
const REPLIES_WAITING_MAX: usize = 64;

/// A change that a tool waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) client: u64,
    pub(super) number: u64,
}

/// Whoever is connected.
#[derive(Debug, Clone)]
struct Tool {
    caller: Caller,
    /// It said which version it speaks, and the daemon speaks the same.
    greeted: bool,
}

/// The tools.
#[derive(Debug)]
pub(super) struct Clients {
    server: UnixServer,
    tools: BTreeMap<u64, Tool>,
    waiting: BTreeMap<u64, Waiting>,
    /// Who waits for the state of a controller, by the number of the question.
    states: BTreeMap<u64, Waiting>,
    /// Who waits for the fencer, by the number of the question.
    fencing: BTreeMap<u64, Waiting>,
    /// Of those who wait for its history: of which node.
    histories: BTreeMap<u64, Option<String>>,
    watchers: Watchers,
    asked: u64,
}

impl Clients {
    /// Makes the socket.
    pub(super) fn open() -> std::io::Result<Self> {
        let path = Path::new(SOCKET);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lines = Framing::Lines(LINE_BYTES_MAX);
        Ok(Self {
            server: UnixServer::bind(path, 0o777, lines, REPLIES_WAITING_MAX)?,
            tools: BTreeMap::new(),
            waiting: BTreeMap::new(),
            states: BTreeMap::new(),
            fencing: BTreeMap::new(),
            histories: BTreeMap::new(),
            watchers: Watchers::default(),
            asked: 0,
        })
    }

    /// Waits for the next thing that a tool did. Cancel-safe.
    pub(super) async fn event(&mut self, takes_more: bool) -> ClientEvent {
        self.server.event(|_| takes_more).await
    }

    pub(super) fn send(&mut self, client: u64, reply: &Reply) {
        self.server.send(client, line(reply).into_bytes());
    }

    pub(super) fn wait_for(&mut self, call: u64, waiting: Waiting) {
        self.waiting.insert(call, waiting);
    }

    /// A change ended.
    pub(super) fn answer(
        &mut self,
        call: u64,
        result: Result<operation::Change, Box<operation::Failure>>,
    ) {
        let Some(Waiting { client, number }) = self.waiting.remove(&call) else {
            return;
        };
        let reply = match result {
            Ok(change) => Reply::Done {
                number,
                what: format!("{change:?}").to_lowercase(),
            },
            Err(failure) => Reply::Failed {
                number,
                failed: Failed {
                    error: format!("{:?}", failure.error),
                    answer: failure.answer.map(|doc| writer::compact(&doc, doc.root())),
                },
            },
        };
        self.send(client, &reply);
    }

    /// A controller told its state.
    pub(super) fn tell_state(&mut self, question: u64, state: String) {
        if let Some(Waiting { client, number }) = self.states.remove(&question) {
            self.send(client, &Reply::State { number, state });
        }
    }

    /// A tool waits for the fencer; the number of its question there.
    pub(super) fn wait_for_fencer(&mut self, waiting: Waiting) -> u64 {
        self.asked += 1;
        self.fencing.insert(self.asked, waiting);
        self.asked
    }

    /// The answer will be the history of a node, or of all.
    pub(super) fn want_history(&mut self, asker: u64, target: Option<String>) {
        self.histories.insert(asker, target);
    }

    /// The fencer answered.
    pub(super) fn tell_fencing(&mut self, asker: u64, answer: Answer, history: &History) {
        let target = self.histories.remove(&asker).flatten();
        if let Some(Waiting { client, number }) = self.fencing.remove(&asker) {
            let reply = fence_requests::told(answer, history, target.as_deref());
            self.send(client, &Reply::Fencing { number, reply });
        }
    }

    /// The CIB, the members or the fencing changed.
    pub(super) fn tell_changed(&mut self) {
        for client in self.watchers.changed() {
            self.send(client, &Reply::Changed);
        }
    }

    fn admit(&mut self, id: u64, who: Credentials) {
        let groups = self.server.peer_groups(id);
        let tool = Tool {
            caller: Caller::new(who.uid, who.gid, &groups),
            greeted: false,
        };
        self.tools.insert(id, tool);
        // An answer may be a whole CIB.
        self.server.set_queue_bytes_max(id, LINE_BYTES_MAX);
    }

    fn forget(&mut self, id: u64) {
        self.tools.remove(&id);
        self.watchers.remove(id);
        self.waiting.retain(|_, waiting| waiting.client != id);
        self.states.retain(|_, waiting| waiting.client != id);
        self.fencing.retain(|_, waiting| waiting.client != id);
        let fencing = &self.fencing;
        self.histories
            .retain(|asker, _| fencing.contains_key(asker));
    }

    /// The first request of a connection says which version the tool speaks.
    fn greet(&mut self, id: u64, request: &Request, program: &str) -> Reply {
        let number = request.number();
        let refused = |why: String| Reply::Refused { number, why };
        match (request, self.tools.get_mut(&id)) {
            (Request::Hello { version, .. }, Some(tool)) if *version == VERSION => {
                tool.greeted = true;
                Reply::Hello {
                    number,
                    version: VERSION,
                    program: program.to_owned(),
                }
            }
            (Request::Hello { version, .. }, _) => refused(format!(
                "version {version} of the socket's language is spoken, and the daemon ({program}) \
                 speaks version {VERSION}: start the daemon anew, or take the tools of its version"
            )),
            _ => refused(format!(
                "the first request has to be {{\"ask\":\"hello\",\"number\":1,\
                 \"version\":{VERSION}}}"
            )),
        }
    }
}

/// Does what a tool wants.
pub(super) fn handle(crm: &mut Crm, now: Now, event: ClientEvent) {
    let (_, clients) = crm.parts();
    match event {
        ClientEvent::Connected(id, who) => clients.admit(id, who),
        ClientEvent::Closed(id, _) => clients.forget(id),
        ClientEvent::Message(id, text) => {
            let reply = match serde_json::from_slice::<Request>(&text) {
                Ok(request) => hear(crm, now, id, request),
                Err(error) => Some(Reply::Refused {
                    number: 0,
                    why: format!("no request that I know: {error}"),
                }),
            };
            if let Some(reply) = reply {
                crm.reply(id, &reply);
            }
        }
    }
}

fn hear(crm: &mut Crm, now: Now, id: u64, request: Request) -> Option<Reply> {
    let program = crm.version().to_owned();
    let (controller, clients) = crm.parts();
    let tool = clients.tools.get(&id)?;
    if !tool.greeted || matches!(request, Request::Hello { .. }) {
        return Some(clients.greet(id, &request, &program));
    }
    let caller = tool.caller.clone();
    match caller.grant(controller.cib()) {
        Ok(grant) => serve(crm, now, (id, caller, grant), request),
        Err(why) => {
            let number = request.number();
            Some(Reply::Refused { number, why })
        }
    }
}

/// The answer, or none if it comes later.
fn serve(
    crm: &mut Crm,
    now: Now,
    (id, caller, grant): (u64, Caller, Grant),
    request: Request,
) -> Option<Reply> {
    let number = request.number();
    match request {
        Request::Hello { .. } => None,
        Request::Cib { user, .. } => {
            let (controller, clients) = crm.parts();
            clients.watchers.looked(id);
            let cib = controller.cib();
            // Whoever may do everything may look with the eyes of another one.
            let grant = match caller.acts_as(user.as_deref().map(named)) {
                Some(user) => Grant::of(cib, &user),
                None => grant,
            };
            let cib = grant.readable(cib);
            let cib = cib.map(|doc| writer::compact(&doc, doc.root()));
            Some(Reply::Cib { number, cib })
        }
        Request::Subscribe { .. } => {
            let (_, clients) = crm.parts();
            clients.watchers.add(id);
            Some(done(number, "subscribed"))
        }
        Request::Change { change, .. } => {
            let Some(request) = request_of(*change, &caller, now) else {
                let why = "no operation of that name".to_owned();
                return Some(Reply::Refused { number, why });
            };
            let (controller, _) = crm.parts();
            let call = controller.change(now, request);
            crm.wait_for(call, Waiting { client: id, number });
            None
        }
        Request::Status { .. } => Some(status(crm, number)),
        Request::State { node, .. } => ask_state(crm, now, &node, Waiting { client: id, number }),
        Request::Values { name, node, .. } => Some(values(crm, &grant, number, (&name, node))),
        Request::Attribute { .. } => Some(change_attribute(crm, now, &grant, request)),
        request @ (Request::Forget { .. } | Request::Fail { .. }) => {
            Some(on_resource(crm, now, &grant, request))
        }
        Request::Fencing { request, .. } => {
            let waiting = Waiting { client: id, number };
            fence_requests::serve(crm, now, &caller, waiting, request)
        }
        Request::ShutDown { .. } if caller.is_root_equal() => {
            let (controller, _) = crm.parts();
            controller.shut_down(now);
            Some(done(number, "under way"))
        }
        Request::ShutDown { .. } => Some(Reply::Refused {
            number,
            why: "only root and hacluster may do that".into(),
        }),
    }
}

fn denied(number: u64, what: &str) -> Reply {
    Reply::Refused {
        number,
        why: format!("Permission denied: the CIB's acls don't let you {what}"),
    }
}

/// Values of an attribute, as far as the caller may read them where the CIB has them.
fn values(crm: &Crm, grant: &Grant, number: u64, (name, node): (&str, Option<String>)) -> Reply {
    let node = node.map(|node| match node.is_empty() {
        true => crm.local_name().to_owned(),
        false => node,
    });
    let controller = crm.controller();
    let values = controller.attributes().query(name, node.as_deref());
    let may_read = grant.attribute_reader(controller.cib(), name);
    let values = values.map(|mut values| {
        values.retain(|(node, _)| may_read(node));
        values
    });
    Reply::Values { number, values }
}

/// Has a node forget a resource or take it for failed; either changes its history.
fn on_resource(crm: &mut Crm, now: Now, grant: &Grant, request: Request) -> Reply {
    let number = request.number();
    let (node, resource, fails) = match request {
        Request::Forget { node, resource, .. } => (node, resource, false),
        Request::Fail { node, resource, .. } => (node, resource, true),
        _ => return done(number, "nothing"),
    };
    let (controller, _) = crm.parts();
    let path = format!(
        "//node_state[@uname={}]//lrm_resource[@id={}]",
        xpath::literal(&node),
        xpath::literal(&resource)
    );
    if !grant.may_delete(controller.cib(), &path) {
        let verb = if fails { "fail" } else { "forget" };
        return denied(number, &format!("{verb} {resource} on {node}"));
    }
    let sent = match fails {
        true => controller.fail_on(now, &node, &resource),
        false => controller.forget_on(now, &node, &resource),
    };
    match sent {
        true => done(number, "under way"),
        false => Reply::Refused {
            number,
            why: format!("node {node} is no member of the cluster"),
        },
    }
}

/// Asks a node's controller; the refusal if there is none.
fn ask_state(crm: &mut Crm, now: Now, node: &str, waiting: Waiting) -> Option<Reply> {
    let (controller, clients) = crm.parts();
    clients.asked += 1;
    let question = clients.asked;
    if controller.ask_state(now, question, node) {
        clients.states.insert(question, waiting);
        return None;
    }
    Some(Reply::Refused {
        number: waiting.number,
        why: format!("node {node} is no member of the cluster"),
    })
}

fn change_attribute(crm: &mut Crm, now: Now, grant: &Grant, request: Request) -> Reply {
    let number = request.number();
    let Request::Attribute {
        task,
        name,
        node,
        value,
        dampening_ms,
        private,
        set,
        ..
    } = request
    else {
        return done(number, "nothing");
    };
    let Some(task) = task_of(&task) else {
        let why = format!("no task {task:?}");
        return Reply::Refused { number, why };
    };
    let node = node.unwrap_or_else(|| crm.local_name().to_owned());
    let cib = crm.controller().cib();
    let may = match task {
        AttributeTask::Update | AttributeTask::Delay | AttributeTask::Both => {
            grant.may_set(cib, &node, &name)
        }
        AttributeTask::RemoveNode => grant.may_delete(cib, &attributes_path(&node, "")),
        AttributeTask::ClearFailures => {
            let of = |count: &str| match &*name {
                "" => format!("starts-with(@name,'{count}')"),
                name => {
                    let start = format!("{count}{name}#");
                    format!("starts-with(@name,{})", xpath::literal(&start))
                }
            };
            let counts = format!("{} or {}", of("fail-count-"), of("last-failure-"));
            grant.may_delete(cib, &attributes_path(&node, &counts))
        }
        // It writes again what is known.
        AttributeTask::Refresh => true,
    };
    if !may {
        return denied(number, &format!("change {name} of {node}"));
    }
    let value = AttributeValue {
        name,
        node,
        value,
        set,
        dampening_ms,
        private,
    };
    let (controller, _) = crm.parts();
    controller.change_attribute(now, AttributeChange { task, value });
    done(number, "under way")
}

/// Transient attributes of a node; all, or those of which a test says yes.
fn attributes_path(node: &str, test: &str) -> String {
    // No name stands for all nodes.
    let state = match node {
        "" => String::new(),
        node => format!("[@uname={}]", xpath::literal(node)),
    };
    let attributes = format!("//node_state{state}/transient_attributes");
    match test {
        "" => attributes,
        test => format!("{attributes}//nvpair[{test}]"),
    }
}

fn done(number: u64, what: &str) -> Reply {
    Reply::Done {
        number,
        what: what.to_owned(),
    }
}

fn request_of(change: Change, caller: &Caller, now: Now) -> Option<crm::Request> {
    let operation = match &*change.operation {
        "create" => OperationKind::Create,
        "modify" => OperationKind::Modify,
        "replace" => OperationKind::Replace,
        "delete" => OperationKind::Delete,
        "patch" => OperationKind::Patch,
        "erase" => OperationKind::Erase,
        "bump" => OperationKind::Bump,
        "upgrade" => OperationKind::Upgrade,
        _ => return None,
    };
    let user = caller.acts_as(change.user.as_deref().map(named));
    let (user, groups) = user.map_or((None, Vec::new()), |user| (Some(user.name), user.groups));
    Some(crm::Request {
        call: 0,
        operation,
        flags: crm::RequestFlags {
            can_create: change.can_create,
            multiple: change.multiple,
            dry_run: change.dry_run,
        },
        section: change.section,
        xpath: change.xpath,
        input: change.input,
        user,
        groups,
        client: change.client,
        unix_s: now.unix_s,
        time: Some(ctime(now.unix_s)),
    })
}

fn task_of(word: &str) -> Option<AttributeTask> {
    Some(match word {
        "update" => AttributeTask::Update,
        "delay" => AttributeTask::Delay,
        "both" => AttributeTask::Both,
        "remove" => AttributeTask::RemoveNode,
        "refresh" => AttributeTask::Refresh,
        "clear" => AttributeTask::ClearFailures,
        _ => return None,
    })
}

fn status(crm: &Crm, number: u64) -> Reply {
    let controller = crm.controller();
    let membership = controller.membership();
    let members = membership
        .into_iter()
        .flat_map(|membership| &membership.members);
    let peers = members.map(|member| Peer {
        id: member.id.0,
        name: member.name.clone(),
        uuid: member.uuid.clone(),
    });
    Reply::Status {
        number,
        state: controller.state().to_string(),
        dc: controller.dc().map(str::to_owned),
        quorate: membership.is_some_and(|membership| membership.quorate),
        local: crm.local_name().to_owned(),
        members: peers.collect(),
    }
}
