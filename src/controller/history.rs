//! What this node's executor did with each resource: the history that the CIB has of it.
//!
//! Source: spec cib.md section 8.4.

use std::collections::BTreeMap;

use super::key::TransitionKey;
use super::metadata::Metadata;
use crate::cib::version::FEATURE_SET;
use crate::cib::{Document, NodeRef, digest, writer};
use crate::executor::{Agent, Completed, Exit, Operation, Outcome, Parameters, Status};

/// How long an operation that failed might have taken. The original doesn't keep that.
pub(super) const EXEC_TIMEOUT: &str = "exec-timeout";

/// Longest last words of an agent that are kept, in bytes.
const WORDS_BYTES_MAX: usize = 512;

/// Attributes of a `lrm_rsc_op`, in the order they are written.
type Attributes = Vec<(&'static str, String)>;

/// What is known of one resource.
#[derive(Debug, Clone)]
struct Resource {
    agent: Agent,
    /// By their ids.
    operations: BTreeMap<String, Attributes>,
    /// It waits for this node, which was shut down at that time; 0 if it does no more.
    lock: Option<u64>,
}

/// The history of all resources of this node.
#[derive(Debug, Default)]
pub(super) struct History {
    resources: BTreeMap<String, Resource>,
    /// Of operations under way: the time since which their resources wait for this node.
    locks: BTreeMap<String, u64>,
}

/// Names of the node whose history it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// Its id in the CIB.
    pub(super) uuid: &'a str,
    /// Its name.
    pub(super) name: &'a str,
}

impl History {
    /// Forgets a resource.
    pub(super) fn forget(&mut self, resource: &str) {
        self.resources.remove(resource);
    }

    /// The next result of a resource tells whether it waits for this node.
    pub(super) fn lock(&mut self, resource: &str, since: u64) {
        self.locks.insert(resource.to_owned(), since);
    }

    /// Forgets an operation; its id if it was there.
    pub(super) fn forget_operation(&mut self, completed: &Completed) -> Option<String> {
        let resource = completed.operation.key.resource.as_str();
        let id = completed.operation.key.to_string();
        let operations = &mut self.resources.get_mut(resource)?.operations;
        operations.remove(&id).map(|_| id)
    }

    /// Notes that an operation was begun; the update for the CIB.
    pub(super) fn begun(
        &mut self,
        agent: &Agent,
        operation: &Operation,
        owner: Owner,
        unix_s: u64,
        metadata: Option<&Metadata>,
    ) -> String {
        let record = Record {
            operation,
            call: -1,
            exit: Exit::PENDING,
            status: Status::Pending,
            reason: "",
            changed_s: unix_s,
            times: Some(("0".to_owned(), "0".to_owned())),
            timeout: None,
            metadata,
        };
        // The result takes the place of the mark.
        let ids = ids(operation, false);
        self.note(agent, &record, owner, ids)
    }

    /// Notes a result; the update for the CIB.
    pub(super) fn completed(
        &mut self,
        agent: &Agent,
        done: &Completed,
        owner: Owner,
        metadata: Option<&Metadata>,
    ) -> String {
        let operation = &done.operation;
        let expected = operation.transition_key.parse::<TransitionKey>();
        let expected = expected.map_or(0, |key| key.expected);
        let failed = done.outcome.exit.0 != expected || done.outcome.status != Status::Done;
        let recurring = operation.key.is_recurring();
        let milliseconds = |span: std::time::Duration| span.as_millis().to_string();
        let record = Record {
            operation,
            call: i64::from(done.call.0),
            exit: done.outcome.exit,
            status: done.outcome.status,
            reason: match (&done.outcome.reason, failed) {
                (Some(reason), _) => reason,
                (None, true) => last_words(&done.outcome.output),
                (None, false) => "",
            },
            changed_s: match recurring {
                true => done.last_change_s,
                false => done.last_run_s,
            },
            times: Some((milliseconds(done.exec_time), milliseconds(done.queue_time))),
            timeout: (failed && !operation.timeout.is_zero())
                .then(|| milliseconds(operation.timeout)),
            metadata,
        };
        let ids = ids(operation, failed);
        if let Some(since) = self.locks.remove(operation.key.resource.as_str()) {
            let lock = if keeps_lock(operation, &done.outcome) {
                since
            } else {
                0
            };
            let resource = self.resource(agent, operation.key.resource.as_str());
            resource.lock = Some(lock);
        }
        self.note(agent, &record, owner, ids)
    }

    fn resource(&mut self, agent: &Agent, name: &str) -> &mut Resource {
        let resource = self.resources.entry(name.to_owned());
        let resource = resource.or_insert_with(|| Resource {
            agent: agent.clone(),
            operations: BTreeMap::new(),
            lock: None,
        });
        resource.agent = agent.clone();
        resource
    }

    fn note(&mut self, agent: &Agent, record: &Record, owner: Owner, ids: Vec<String>) -> String {
        let name = record.operation.key.resource.as_str();
        let resource = self.resource(agent, name);
        let attributes = record.attributes(owner);
        let mut update = BTreeMap::new();
        for id in ids {
            resource.operations.insert(id.clone(), attributes.clone());
            update.insert(id, attributes.clone());
        }
        let part = Resource {
            agent: agent.clone(),
            operations: update,
            lock: resource.lock,
        };
        let mut doc = Document::new("node_state");
        let root = doc.root();
        doc.set_attr(root, "id", owner.uuid);
        doc.set_attr(root, "uname", owner.name);
        let list = lists(&mut doc, root, owner);
        write(&mut doc, list, name, &part);
        writer::compact(&doc, root)
    }

    /// All of it, as `<lrm>`.
    pub(super) fn whole(&self, owner: Owner) -> String {
        let mut doc = Document::new("lrm");
        let root = doc.root();
        doc.set_attr(root, "id", owner.uuid);
        let list = doc.add_element(root, "lrm_resources", &[]);
        for (name, resource) in &self.resources {
            write(&mut doc, list, name, resource);
        }
        writer::compact(&doc, root)
    }
}

/// The node state with a result that the node itself did not send: its time was over.
pub(super) fn lost(agent: &Agent, operation: &Operation, owner: Owner, unix_s: u64) -> String {
    let record = Record {
        operation,
        call: -1,
        exit: Exit::ERROR,
        status: Status::Timeout,
        reason: "The node did not send a result in time",
        changed_s: unix_s,
        times: None,
        timeout: None,
        metadata: None,
    };
    History::default().note(agent, &record, owner, ids(operation, true))
}

fn lists(doc: &mut Document, state: NodeRef, owner: Owner) -> NodeRef {
    let lrm = doc.add_element(state, "lrm", &[("id", owner.uuid)]);
    doc.add_element(lrm, "lrm_resources", &[])
}

fn write(doc: &mut Document, list: NodeRef, name: &str, resource: &Resource) {
    let agent = &resource.agent;
    let entry = doc.add_element(list, "lrm_resource", &[("id", name)]);
    doc.set_attr(entry, "type", &agent.name);
    doc.set_attr(entry, "class", agent.class.as_str());
    if let Some(provider) = &agent.provider {
        doc.set_attr(entry, "provider", provider);
    }
    if let Some(since) = resource.lock {
        doc.set_attr(entry, "shutdown-lock", &since.to_string());
    }
    for (id, attributes) in &resource.operations {
        let op = doc.add_element(entry, "lrm_rsc_op", &[("id", id)]);
        for (name, value) in attributes {
            doc.set_attr(op, name, value);
        }
    }
}

/// The last thing that an agent said which gave no reason.
/// Differs: the original has a reason only where the agent marks one.
fn last_words(output: &str) -> &str {
    let mut lines = output.lines().map(str::trim);
    let last = lines.rfind(|line| !line.is_empty()).unwrap_or("");
    &last[..last.floor_char_boundary(WORDS_BYTES_MAX)]
}

/// True if a resource that waits for this node goes on to after such a result.
/// Source: Pacemaker 2.1.5, `should_preserve_lock`.
fn keeps_lock(operation: &Operation, outcome: &Outcome) -> bool {
    match &*operation.key.action {
        "stop" => outcome.exit == Exit::OK,
        "monitor" => outcome.exit == Exit::NOT_RUNNING,
        _ => false,
    }
}

/// Where a result is kept.
fn ids(operation: &Operation, failed: bool) -> Vec<String> {
    let key = &operation.key;
    let (last, failure) = (
        format!("{}_last_0", key.resource),
        format!("{}_last_failure_0", key.resource),
    );
    match &*key.action {
        "migrate_to" | "migrate_from" => vec![key.to_string()],
        _ if failed && key.is_recurring() => vec![failure],
        _ if failed => vec![failure, last],
        _ if key.is_recurring() => vec![key.to_string()],
        _ => vec![last],
    }
}

/// One entry.
struct Record<'a> {
    operation: &'a Operation,
    call: i64,
    exit: Exit,
    status: Status,
    reason: &'a str,
    changed_s: u64,
    times: Option<(String, String)>,
    timeout: Option<String>,
    metadata: Option<&'a Metadata>,
}

impl Record<'_> {
    fn attributes(&self, owner: Owner) -> Attributes {
        let operation = self.operation;
        // A parameter change that was taken in is from then on what it was started with.
        let task = match &*operation.key.action {
            "reload" | "reload-agent" if self.status == Status::Done => "start",
            "reload" | "reload-agent" => "monitor",
            task => task,
        };
        let interval = operation.key.interval.as_millis();
        let key = format!("{}_{task}_{interval}", operation.key.resource);
        let (status, exit) = (self.status as i32, self.exit.0);
        let mark = &operation.transition_key;
        let mut attributes = vec![
            ("operation_key", key),
            ("operation", task.to_owned()),
            ("crm-debug-origin", "everbeat".to_owned()),
            ("crm_feature_set", FEATURE_SET.to_owned()),
            ("transition-key", mark.clone()),
            ("transition-magic", format!("{status}:{exit};{mark}")),
            ("exit-reason", self.reason.to_owned()),
            ("on_node", owner.name.to_owned()),
            ("call-id", self.call.to_string()),
            ("rc-code", exit.to_string()),
            ("op-status", status.to_string()),
            ("interval", interval.to_string()),
            ("last-rc-change", self.changed_s.to_string()),
        ];
        if let Some((exec, queue)) = &self.times {
            attributes.push(("exec-time", exec.clone()));
            attributes.push(("queue-time", queue.clone()));
        }
        if let Some(timeout) = &self.timeout {
            attributes.push((EXEC_TIMEOUT, timeout.clone()));
        }
        for name in ["migrate_source", "migrate_target"] {
            if let Some(node) = operation.parameters.get(&format!("CRM_meta_{name}"))
                && task.starts_with("migrate_")
            {
                attributes.push((name, node.clone()));
            }
        }
        attributes.push(("op-digest", digest(&operation.parameters, interval > 0)));
        if let Some(metadata) = self.metadata {
            attributes.extend(metadata.attributes(&operation.parameters, interval > 0));
        }
        attributes
    }
}

/// The digest by which the scheduler sees whether parameters changed since.
pub(super) fn digest(parameters: &Parameters, recurring: bool) -> String {
    let counting = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let counting = counting.filter(|(name, _)| digest::counts_in_operation(name, recurring));
    digest::of_parameters(counting)
}
