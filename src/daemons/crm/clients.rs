//! Tools at the socket: who may ask what, and which answers are still to come.

use std::collections::BTreeMap;
use std::path::Path;

use super::node::Crm;
use super::protocol::{Change, Failed, LINE_BYTES_MAX, Peer, Reply, Request, SOCKET, line};
use crate::cib::acl::{Access, User};
use crate::cib::operation;
use crate::cib::{Document, writer};
use crate::runtime::unix_server::{ClientEvent, Credentials, Framing, UnixServer};
use crate::sys::local_time::ctime;
use crate::time::Now;
use crate::wire::crm::{self, AttributeChange, AttributeTask, AttributeValue, OperationKind};

/// Answers that may wait for a tool.
const REPLIES_WAITING_MAX: usize = 64;

/// Users and groups that may do everything. Source: spec crm-runtime.md section 16.
const CLUSTER_USER: &str = "hacluster";
const CLUSTER_GROUP: &str = "haclient";

/// A change that a tool waits for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) client: u64,
    pub(super) number: u64,
}

/// Whoever is connected.
#[derive(Debug, Clone)]
struct Tool {
    /// None may do everything.
    user: Option<User>,
    /// May use the socket at all: root, hacluster, members of haclient.
    allowed: bool,
}

/// The tools.
#[derive(Debug)]
pub(super) struct Clients {
    server: UnixServer,
    tools: BTreeMap<u64, Tool>,
    waiting: BTreeMap<u64, Waiting>,
    /// Who waits for the state of a controller, by the number of the question.
    states: BTreeMap<u64, Waiting>,
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
            asked: 0,
        })
    }

    /// Waits for the next thing that a tool did. Cancel-safe.
    pub(super) async fn event(&mut self) -> ClientEvent {
        self.server.event(|_| true).await
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

    fn admit(&mut self, id: u64, who: Credentials) {
        let groups = self.server.peer_groups(id);
        let haclient = nix::unistd::Group::from_name(CLUSTER_GROUP).ok().flatten();
        let haclient = haclient.map(|group| group.gid.as_raw());
        let member = haclient.is_some_and(|gid| gid == who.gid || groups.contains(&gid));
        let name = nix::unistd::User::from_uid(who.uid.into()).ok().flatten();
        let name = name.map_or_else(|| who.uid.to_string(), |user| user.name);
        let everything = who.uid == 0 || name == CLUSTER_USER;
        let names = groups.iter().chain([&who.gid]).filter_map(|gid| {
            let group = nix::unistd::Group::from_gid((*gid).into()).ok().flatten();
            group.map(|group| group.name)
        });
        let user = User {
            name,
            groups: names.collect(),
        };
        let tool = Tool {
            user: (!everything).then_some(user),
            allowed: everything || member,
        };
        self.tools.insert(id, tool);
        // An answer may be a whole CIB.
        self.server.set_queue_bytes_max(id, LINE_BYTES_MAX);
    }
}

/// Does what a tool wants.
pub(super) fn handle(crm: &mut Crm, now: Now, event: ClientEvent) {
    let (_, clients) = crm.parts();
    match event {
        ClientEvent::Connected(id, who) => clients.admit(id, who),
        ClientEvent::Closed(id, _) => {
            clients.tools.remove(&id);
            clients.waiting.retain(|_, waiting| waiting.client != id);
            clients.states.retain(|_, waiting| waiting.client != id);
        }
        ClientEvent::Message(id, text) => {
            let tool = clients.tools.get(&id).cloned();
            let reply = match (serde_json::from_slice::<Request>(&text), tool) {
                (Ok(request), Some(tool)) if tool.allowed => serve(crm, now, (id, tool), request),
                (Ok(request), _) => Some(Reply::Refused {
                    number: request.number(),
                    why: "only root, hacluster and the group haclient may use the cluster".into(),
                }),
                (Err(error), _) => Some(Reply::Refused {
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

/// The answer, or none if it comes later.
fn serve(crm: &mut Crm, now: Now, (id, tool): (u64, Tool), request: Request) -> Option<Reply> {
    let number = request.number();
    match request {
        Request::Cib { user, .. } => {
            let user = tool.user.or_else(|| user.map(named));
            let cib = readable(crm.controller().cib(), user.as_ref());
            Some(Reply::Cib { number, cib })
        }
        Request::Change { change, .. } => {
            let Some(request) = request_of(*change, tool.user, now) else {
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
        Request::Values { name, node, .. } => {
            let node = node.map(|node| match node.is_empty() {
                true => crm.local_name().to_owned(),
                false => node,
            });
            let attributes = crm.controller().attributes();
            let values = attributes.query(&name, node.as_deref());
            Some(Reply::Values { number, values })
        }
        _ if tool.user.is_some() => Some(Reply::Refused {
            number,
            why: "only root and hacluster may do that".into(),
        }),
        Request::Attribute { .. } => Some(change_attribute(crm, now, request)),
        Request::Forget { node, resource, .. } => {
            let (controller, _) = crm.parts();
            let sent = controller.forget_on(now, &node, &resource);
            Some(sent_to(&node, number, sent))
        }
        Request::Fail { node, resource, .. } => {
            let (controller, _) = crm.parts();
            let sent = controller.fail_on(now, &node, &resource);
            Some(sent_to(&node, number, sent))
        }
        Request::ShutDown { .. } => {
            let (controller, _) = crm.parts();
            controller.shut_down(now);
            Some(done(number, "under way"))
        }
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

fn change_attribute(crm: &mut Crm, now: Now, request: Request) -> Reply {
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

/// What became of a message to one node.
fn sent_to(node: &str, number: u64, sent: bool) -> Reply {
    match sent {
        true => done(number, "under way"),
        false => Reply::Refused {
            number,
            why: format!("node {node} is no member of the cluster"),
        },
    }
}

fn done(number: u64, what: &str) -> Reply {
    Reply::Done {
        number,
        what: what.to_owned(),
    }
}

fn named(name: String) -> User {
    User {
        name,
        groups: Vec::new(),
    }
}

fn readable(cib: &Document, user: Option<&User>) -> Option<String> {
    let text = |doc: &Document| writer::compact(doc, doc.root());
    match user.and_then(|user| Access::of(cib, user)) {
        None => Some(text(cib)),
        Some(access) => access.filtered(cib).ok().map(|doc| text(&doc)),
    }
}

fn request_of(change: Change, user: Option<User>, now: Now) -> Option<crm::Request> {
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
    let (user, groups) = match user {
        Some(user) => (Some(user.name), user.groups),
        None => (change.user, Vec::new()),
    };
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
