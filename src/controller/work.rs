//! What this node is told to do, and what becomes of it.
//!
//! Source: spec crm-runtime.md sections 6, 7 and 11.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::ask::{ATTRIBUTES, EXECUTOR, Purpose};
use super::history::Owner;
use super::key::TransitionKey;
use super::{Controller, status};
use crate::cib::{Document, Element, reader, writer, xpath};
use crate::executor::{Agent, Cancel, Class, Completed, Exit, Key, Operation, Outcome, Status};
use crate::ids::{NodeId, ResourceName};
use crate::proto::heartbeat::Severity;
use crate::time::Now;
use crate::wire::crm::{AttributeValue, Invoke, Message, OperationKind};

/// Most lines of a failed agent's output that are logged.
const OUTPUT_LINES_MAX: usize = 20;

/// Reads what is to be done, and by which agent.
pub(super) fn operation(action: Element<'_>, mark: &str) -> Option<(Agent, Operation)> {
    let primitive = action.child("primitive")?;
    let agent = Agent {
        class: Class::parse(primitive.attr("class")?)?,
        provider: primitive.attr("provider").map(Arc::from),
        name: primitive.attr("type")?.into(),
    };
    let list = action.child("attributes");
    let plain = list.into_iter().flat_map(|list| list.attrs());
    // Names that XML allows for no attribute, such as 1, stand in elements.
    let elements = list
        .into_iter()
        .flat_map(|list| list.children_named("param"));
    let elements = elements.filter_map(|e| Some((e.attr("name")?, e.attr("value")?)));
    let parameters: BTreeMap<String, String> = plain
        .chain(elements)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let milliseconds = |name: &str| {
        let value = parameters.get(name).and_then(|value| value.parse().ok());
        Duration::from_millis(value.unwrap_or(0))
    };
    let key = Key {
        resource: ResourceName::new(primitive.id()?),
        action: action.attr("operation")?.into(),
        interval: milliseconds("CRM_meta_interval"),
    };
    let operation = Operation {
        timeout: milliseconds("CRM_meta_timeout"),
        start_delay: milliseconds("CRM_meta_start_delay"),
        key,
        parameters: Arc::new(parameters),
        transition_key: mark.to_owned(),
    };
    Some((agent, operation))
}

/// True if a result of it belongs into the history.
fn is_recorded(action: &str) -> bool {
    !matches!(action, "notify" | "cancel" | "delete" | "meta-data")
}

impl Controller {
    pub(super) fn handle_invoke(&mut self, now: Now, from: NodeId, invoke: Invoke) {
        if invoke.node() != self.config.local {
            return;
        }
        match invoke {
            Invoke::Operation {
                transition_key,
                action,
                ..
            } if Some(from) == self.dc => self.perform(now, &transition_key, &action),
            Invoke::Operation { .. } => {
                let text = format!("Ignoring an operation that node {from} wants: it isn't the DC");
                self.log(Severity::Warning, text);
            }
            Invoke::Forget { resource, .. } => self.forget(now, &resource, None),
            Invoke::Fail { resource, .. } => self.fail(now, &resource),
        }
    }

    /// Asks the controller of a node for its state; false if that is no member. The answer is an
    /// [`Output::StateTold`](super::Output::StateTold) with this number.
    pub fn ask_state(&mut self, now: Now, number: u64, node: &str) -> bool {
        let Some(node) = self.member_named(node).map(|member| member.id) else {
            return false;
        };
        self.send(Message::StateWanted { number, node });
        self.settle(now);
        true
    }

    pub(super) fn tell_state(&mut self, asker: NodeId, number: u64, node: NodeId) {
        if node == self.config.local {
            let state = self.state.to_string();
            self.send(Message::StateTold {
                asker,
                number,
                state,
            });
        }
    }

    /// A resource is to be forgotten on a node; false if that is no member.
    pub fn forget_on(&mut self, now: Now, node: &str, resource: &str) -> bool {
        let Some(member) = self.member_named(node).map(|member| member.id) else {
            return false;
        };
        self.send(Message::Invoke(Invoke::Forget {
            node: member,
            resource: resource.to_owned(),
        }));
        self.settle(now);
        true
    }

    /// A resource is to count as failed on a node; false if that is no member.
    pub fn fail_on(&mut self, now: Now, node: &str, resource: &str) -> bool {
        let Some(member) = self.member_named(node).map(|member| member.id) else {
            return false;
        };
        self.send(Message::Invoke(Invoke::Fail {
            node: member,
            resource: resource.to_owned(),
        }));
        self.settle(now);
        true
    }

    fn perform(&mut self, now: Now, mark: &str, action: &str) {
        let element = reader::read(action).ok();
        let root = element.as_ref().map(Document::root_element);
        let Some((agent, operation)) = root.and_then(|root| operation(root, mark)) else {
            let text = format!("An operation that the DC wants can't be read: {action}");
            return self.log(Severity::Error, text);
        };
        match &*operation.key.action {
            "cancel" => self.cancel(now, &operation),
            "delete" | "lrm_delete" => {
                let resource = operation.key.resource.clone();
                self.forget(now, resource.as_str(), Some(mark.to_owned()));
            }
            _ => {
                let lock = root.and_then(|root| root.attr("shutdown-lock")?.parse().ok());
                if let Some(since) = lock {
                    self.history.lock(operation.key.resource.as_str(), since);
                }
                self.execute(now, agent, operation);
            }
        }
    }

    fn execute(&mut self, now: Now, agent: Agent, operation: Operation) {
        let text = format!(
            "Requesting local execution of {} operation for {} on {} | transition {}",
            operation.key.action,
            operation.key.resource,
            self.config.name,
            operation.transition_key
        );
        self.log(Severity::Info, text);
        let uuid = self.uuid();
        let owner = Owner {
            uuid: &uuid,
            name: &self.config.name,
        };
        let changes = !matches!(&*operation.key.action, "monitor" | "notify" | "meta-data");
        if changes && !operation.key.is_recurring() {
            let metadata = self.metadata.get(&agent);
            let state = self
                .history
                .begun(&agent, &operation, owner, now.unix_s, metadata);
            let mut request = self.request_status(now, state);
            request.client = EXECUTOR.to_owned();
            self.ask(Purpose::Plain, request);
        }
        self.executor
            .register(operation.key.resource.clone(), agent);
        if let Err(unknown) = self.executor.execute(now, operation) {
            self.log(Severity::Error, unknown.to_string());
        }
    }

    /// Takes back a recurring operation: the parameters of the action tell which.
    fn cancel(&mut self, now: Now, operation: &Operation) {
        let of = |name: &str| operation.parameters.get(name);
        let interval = of("CRM_meta_interval").and_then(|ms| ms.parse().ok());
        let key = Key {
            resource: operation.key.resource.clone(),
            action: of("CRM_meta_operation")
                .map_or("monitor", |op| op.as_str())
                .into(),
            interval: Duration::from_millis(interval.unwrap_or(0)),
        };
        if self.executor.cancel(&key) == Cancel::Unknown {
            self.remove_operation(now, key.resource.as_str(), &key.to_string());
        }
        self.acknowledge(&operation.transition_key, Exit::OK, Status::Done);
    }

    pub(super) fn acknowledge(&mut self, mark: &str, exit: Exit, status: Status) {
        self.send(Message::Acknowledge {
            transition_key: mark.to_owned(),
            exit: exit.0,
            status: status as i32,
        });
    }

    /// Forgets all about a resource, here and in the CIB, so that it is looked for again.
    fn forget(&mut self, now: Now, resource: &str, mark: Option<String>) {
        self.executor.unregister(&ResourceName::new(resource));
        self.history.forget(resource);
        let uuid = self.uuid();
        let path = format!("//node_state[@id='{uuid}']//lrm_resource[@id='{resource}']");
        let mut request = self.request(now, OperationKind::Delete, "status");
        request.section = None;
        request.xpath = Some(path);
        request.client = match mark {
            // The transition knows of it.
            Some(_) => EXECUTOR.to_owned(),
            None => "crm_resource".to_owned(),
        };
        let purpose = Purpose::Forgotten {
            transition_key: mark,
        };
        self.ask(purpose, request);
    }

    pub(super) fn forgotten(&mut self, mark: Option<String>) {
        if let Some(mark) = mark {
            self.acknowledge(&mark, Exit::OK, Status::Done);
        }
    }

    /// A result that says that the resource failed, though it did not.
    fn fail(&mut self, now: Now, resource: &str) {
        let name = ResourceName::new(resource);
        let Some(agent) = self.executor.agent(&name).cloned() else {
            let text = format!("Resource {resource} isn't active on this node: it can't fail");
            return self.log(Severity::Warning, text);
        };
        let completed = Completed {
            call: crate::executor::CallId(0),
            operation: Operation {
                key: Key {
                    resource: name,
                    action: "asyncmon".into(),
                    interval: Duration::ZERO,
                },
                timeout: Duration::ZERO,
                start_delay: Duration::ZERO,
                parameters: Arc::default(),
                transition_key: format!("-1:0:0:{}", self.config.transitioner),
            },
            outcome: Outcome {
                exit: Exit::ERROR,
                status: Status::Done,
                reason: Some("Simulated failure".to_owned()),
                output: String::new(),
            },
            last_run_s: now.unix_s,
            last_change_s: now.unix_s,
            exec_time: Duration::ZERO,
            queue_time: Duration::ZERO,
        };
        self.record(now, &agent, &completed);
    }

    pub(super) fn handle_completed(&mut self, now: Now, completed: Completed) {
        let key = &completed.operation.key;
        let Some(agent) = self.executor.agent(&key.resource).cloned() else {
            let text = format!(
                "Not recording {key} result in CIB because resource information was removed since \
                 it was initiated"
            );
            return self.log(Severity::Info, text);
        };
        self.alert_of_operation(&completed);
        if completed.outcome.status == Status::Cancelled {
            let operation = self.history.forget_operation(&completed);
            if let Some(id) = operation {
                self.remove_operation(now, key.resource.as_str(), &id);
            }
            return;
        }
        self.tell(&completed);
        if is_recorded(&key.action) {
            self.record(now, &agent, &completed);
        } else {
            let mark = completed.operation.transition_key.clone();
            let outcome = &completed.outcome;
            self.acknowledge(&mark, outcome.exit, outcome.status);
        }
    }

    /// The line that people look for.
    fn tell(&mut self, completed: &Completed) {
        let (key, outcome) = (&completed.operation.key, &completed.outcome);
        let result = match outcome.status {
            Status::Done => outcome.exit.to_string(),
            Status::Timeout => {
                format!(
                    "Timed Out after {}ms",
                    completed.operation.timeout.as_millis()
                )
            }
            status => status.to_string(),
        };
        let reason = match &outcome.reason {
            Some(reason) => format!(" ({reason})"),
            None => String::new(),
        };
        let text = format!(
            "Result of {} operation for {} on {}: {result}{reason} | call={} key={key} rc={}",
            key.action, key.resource, self.config.name, completed.call, outcome.exit.0
        );
        let severity = match outcome.status {
            Status::Done => Severity::Notice,
            _ => Severity::Error,
        };
        self.log(severity, text);
        let expected = completed.operation.transition_key.parse::<TransitionKey>();
        if expected.is_ok_and(|known| known.expected != outcome.exit.0) {
            // Source: Pacemaker 2.1.5, pacemaker-controld: what the agent of a failure said.
            for line in outcome.output.lines().take(OUTPUT_LINES_MAX) {
                let text = format!("{key}@{} output [ {line} ]", self.config.name);
                self.log(Severity::Notice, text);
            }
        }
    }

    fn record(&mut self, now: Now, agent: &Agent, completed: &Completed) {
        let uuid = self.uuid();
        let owner = Owner {
            uuid: &uuid,
            name: &self.config.name,
        };
        let metadata = self.metadata.get(agent);
        let state = self.history.completed(agent, completed, owner, metadata);
        let mut request = self.request_status(now, state);
        request.client = EXECUTOR.to_owned();
        self.ask(Purpose::Plain, request);
    }

    fn remove_operation(&mut self, now: Now, resource: &str, id: &str) {
        let uuid = self.uuid();
        let path = format!(
            "//node_state[@id='{uuid}']//lrm_resource[@id='{resource}']/lrm_rsc_op[@id='{id}']"
        );
        let mut request = self.request(now, OperationKind::Delete, "status");
        request.section = None;
        request.xpath = Some(path);
        request.client = EXECUTOR.to_owned();
        self.ask(Purpose::Plain, request);
    }

    /// The DC writes transient attributes: what is set in one request, what goes in others.
    pub(super) fn write_attributes(&mut self, now: Now, values: &[AttributeValue]) {
        self.alert_of_attributes(values);
        let mut calls = std::collections::BTreeSet::new();
        let mut by_node: BTreeMap<&str, Vec<&AttributeValue>> = BTreeMap::new();
        for value in values {
            by_node.entry(&value.node).or_default().push(value);
        }
        for (node, values) in by_node {
            let Some(uuid) = self.uuid_of(node) else {
                continue;
            };
            let (set, gone): (Vec<_>, Vec<_>) = values.into_iter().partition(|v| v.value.is_some());
            if !set.is_empty() {
                let state = attributes_of(&uuid, node, &set);
                let mut request = self.request_status(now, state);
                request.client = ATTRIBUTES.to_owned();
                calls.insert(self.ask(Purpose::Attributes, request));
            }
            for value in gone {
                let name = xpath::literal(&value.name);
                let path = format!(
                    "//node_state[@id='{uuid}']/transient_attributes//nvpair[@name={name}]"
                );
                let mut request = self.request(now, OperationKind::Delete, "status");
                request.section = None;
                request.xpath = Some(path);
                request.client = ATTRIBUTES.to_owned();
                calls.insert(self.ask(Purpose::Attributes, request));
            }
        }
        if calls.is_empty() {
            return self.attributes.handle_written(now, true);
        }
        self.attribute_write = Some((calls, true));
    }

    pub(super) fn attributes_answered(&mut self, now: Now, call: u64, well: bool) {
        let Some((calls, all_well)) = &mut self.attribute_write else {
            return;
        };
        calls.remove(&call);
        *all_well &= well;
        if calls.is_empty() {
            let well = *all_well;
            self.attribute_write = None;
            self.attributes.handle_written(now, well);
        }
    }

    /// The id in the CIB of a node, a member or not.
    pub(super) fn uuid_of(&self, name: &str) -> Option<String> {
        if let Some(member) = self.member_named(name) {
            return Some(member.uuid.clone());
        }
        let cib = self.replica.doc();
        let mut states = status::states(cib).filter(|&s| cib.attr(s, "uname") == Some(name));
        states
            .next()
            .and_then(|state| cib.id(state))
            .map(str::to_owned)
    }
}

/// A node state with transient attributes. Source: spec cib.md section 8.2.
fn attributes_of(uuid: &str, node: &str, values: &[&AttributeValue]) -> String {
    let mut doc = Document::new("node_state");
    let root = doc.root();
    doc.set_attr(root, "id", uuid);
    doc.set_attr(root, "uname", node);
    let transient = doc.add_element(root, "transient_attributes", &[("id", uuid)]);
    let set_id = format!("status-{uuid}");
    let set = doc.add_element(transient, "instance_attributes", &[("id", &set_id)]);
    for value in values {
        let id: String = format!("{set_id}-{}", value.name)
            .chars()
            .map(|c| if matches!(c, ':' | '#') { '.' } else { c })
            .collect();
        let text = value.value.as_deref().unwrap_or_default();
        let attrs = [("id", &*id), ("name", &value.name), ("value", text)];
        doc.add_element(set, "nvpair", &attrs);
    }
    writer::compact(&doc, root)
}
