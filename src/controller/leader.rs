//! What only the DC does: keep the record of nodes, ask the scheduler, carry out the transition.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::action::{Action, Kind};
use super::ask::Purpose;
use super::journal::{self, Causes, Event};
use super::key::TransitionKey;
use super::state::State;
use super::transition::{ActionNumber, After, Ending, Transition};
use super::{Controller, Member, Output, status};
use crate::cib::version::FEATURE_SET;
use crate::cib::{Document, NodeRef, patch, reader, writer};
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::score::INFINITY;
use crate::time::{Instant, Now};
use crate::wire::crm::{Invoke, Message, OperationKind};

/// Time for a message to come back, on top of an action's own, if the CIB says nothing.
/// Source: spec cib.md section 9, `cluster-delay`.
const CLUSTER_DELAY: Duration = Duration::from_secs(60);

/// Whether the scheduler is asked at once: `transition-delay`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum PutOff {
    /// Nobody wants it asked.
    #[default]
    No,
    /// Not before this.
    Until(Instant),
    /// It was waited long enough.
    Over,
}

/// The state of a DC.
#[derive(Debug, Default)]
pub(super) struct Leader {
    /// Members that are ready.
    confirmed: BTreeSet<NodeId>,
    pub(super) transition: Option<Transition>,
    transitions: u64,
    /// Number of the last question to the scheduler.
    asked: u64,
    /// An answer is awaited.
    scheduling: bool,
    /// Until when begun actions have to be confirmed.
    deadlines: BTreeMap<ActionNumber, Instant>,
    cluster_delay: Option<Duration>,
    /// The scheduler is asked later.
    pub(super) put_off: PutOff,
    /// When the scheduler is asked again though nothing happened.
    pub(super) recheck_at: Option<Instant>,
    /// Where the input of the transition was saved.
    saved: String,
    failed_start_offset: String,
    /// Why the next transition is computed.
    causes: Causes,
    /// How often fencing of a node failed since it last went well.
    pub(super) fence_failures: BTreeMap<String, u32>,
}

impl Leader {
    /// The membership changed: all have to be ready again.
    pub(super) fn begin_round(&mut self) {
        self.confirmed.clear();
        self.scheduling = false;
    }

    /// A member is ready; how many are.
    pub(super) fn confirmed(&mut self, node: NodeId) -> usize {
        self.confirmed.insert(node);
        self.confirmed.len()
    }

    /// Members that are not ready.
    pub(super) fn is_confirmed(&self, node: NodeId) -> bool {
        self.confirmed.contains(&node)
    }

    /// The earliest time at which something is overdue.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.values().min().copied()
    }

    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<ActionNumber> {
        let overdue = self.deadlines.extract_if(.., |_, at| *at <= now);
        overdue.map(|(number, _)| number).collect()
    }

    /// What a failed start counts: `INFINITY` unless `start-failure-is-fatal` is false.
    pub(super) fn start_failure_counts(&self) -> &str {
        &self.failed_start_offset
    }

    pub(super) fn put_off_until(&self) -> Option<Instant> {
        match self.put_off {
            PutOff::Until(at) => Some(at),
            PutOff::No | PutOff::Over => None,
        }
    }

    pub(super) fn no_longer_due(&mut self, number: ActionNumber) {
        self.deadlines.remove(&number);
    }
}

impl Controller {
    /// Writes down what a new DC has to, or one whose membership changed.
    pub(super) fn take_over(&mut self, now: Now) {
        self.write_properties(now);
        self.write_root(now);
        self.write_lost(now);
    }

    /// Whoever replaces all options forgets those that the cluster writes; without this one no
    /// watchdog would count.
    pub(super) fn keep_watchdog(&mut self, now: Now) {
        let told = super::option(self.replica.doc(), "have-watchdog") == Some("true");
        if self.config.have_watchdog && !told {
            self.write_properties(now);
        }
    }

    /// Options that tell of the software.
    fn write_properties(&mut self, now: Now) {
        let watchdog = if self.config.have_watchdog {
            "true"
        } else {
            "false"
        };
        let wanted = [
            ("have-watchdog", Some(watchdog.to_owned())),
            ("dc-version", Some(self.config.version.clone())),
            (
                "cluster-infrastructure",
                Some(self.config.infrastructure.to_owned()),
            ),
            ("cluster-name", self.config.cluster_name.clone()),
        ];
        let mut doc = Document::new("cluster_property_set");
        let root = doc.root();
        doc.set_attr(root, "id", "cib-bootstrap-options");
        for (name, value) in wanted {
            let Some(value) = value else { continue };
            if super::option(self.replica.doc(), name) == Some(&value) {
                continue;
            }
            let id = format!("cib-bootstrap-options-{name}");
            let attrs = [("id", &*id), ("name", name), ("value", &value)];
            doc.add_element(root, "nvpair", &attrs);
        }
        if doc.first_node(root).is_some() {
            let mut request = self.request(now, OperationKind::Modify, "crm_config");
            request.flags.can_create = true;
            request.input = Some(writer::compact(&doc, root));
            self.ask(Purpose::Plain, request);
        }
    }

    /// Attributes of the root: who leads, with which features, and whether there is quorum.
    fn write_root(&mut self, now: Now) {
        let quorate = self.membership.as_ref().is_some_and(|m| m.quorate);
        let wanted = [
            ("crm_feature_set", FEATURE_SET.to_owned()),
            ("have-quorum", u8::from(quorate).to_string()),
            ("dc-uuid", self.uuid()),
        ];
        let cib = self.replica.doc();
        let mut doc = Document::new("cib");
        let root = doc.root();
        for (name, value) in &wanted {
            if cib.attr(cib.root(), name) != Some(value) {
                doc.set_attr(root, name, value);
            }
        }
        if doc.attr_count(root) > 0 {
            let mut request = self.request(now, OperationKind::Modify, "");
            request.section = None;
            request.input = Some(writer::compact(&doc, root));
            self.ask(Purpose::Plain, request);
        }
    }

    /// Nodes that the CIB thinks of as members and that are none.
    fn write_lost(&mut self, now: Now) {
        let members = self
            .membership
            .as_ref()
            .map(|m| m.members.clone())
            .unwrap_or_default();
        let cib = self.replica.doc();
        let lost = status::states(cib).filter_map(|node| {
            let is = |name: &str, value: &str| cib.attr(node, name) == Some(value);
            let there = !is("in_ccm", "false") || !is("crmd", "offline") || !is("join", "down");
            let (id, name) = (cib.id(node)?, cib.attr(node, "uname")?);
            let remote = is("remote_node", "true");
            let member = members.iter().any(|member| member.uuid == id);
            (there && !remote && !member).then(|| (id.to_owned(), name.to_owned()))
        });
        for (id, name) in lost.collect::<Vec<_>>() {
            let left = self.may_be_gone(&id);
            let state = status::lost_state(&id, &name, left.then_some("down"));
            self.ask_status(now, Purpose::Plain, state);
            let path = status::attributes_path(&id);
            self.ask_delete_path(now, Purpose::Plain, &path);
        }
    }

    /// A member belongs into the list of nodes; with what it had there if only its id is new, as
    /// after a change of the nodelist.
    pub(super) fn write_node(&mut self, now: Now, member: &Member) {
        if status::knows(self.replica.doc(), member) {
            return;
        }
        if let Some(patch) = self.renumbered(member) {
            let mut request = self.request(now, OperationKind::Patch, "");
            request.section = None;
            request.input = Some(patch);
            self.ask(Purpose::Plain, request);
            return;
        }
        let mut doc = Document::new("node");
        let root = doc.root();
        doc.set_attr(root, "id", &member.uuid);
        doc.set_attr(root, "uname", &member.name);
        let mut request = self.request(now, OperationKind::Modify, "nodes");
        request.flags.can_create = true;
        request.input = Some(writer::compact(&doc, root));
        self.ask(Purpose::Plain, request);
    }

    /// The patch that gives a node of this name the id that it has now; none if there is no such
    /// node, or the id is another's.
    fn renumbered(&self, member: &Member) -> Option<String> {
        let cib = self.replica.doc();
        let nodes = cib.find(cib.root(), &["configuration", "nodes"])?;
        let of_ring = |node: &NodeRef| {
            let kind = cib.attr(*node, "type").unwrap_or("member");
            matches!(kind, "member" | "normal")
        };
        let mut all = cib.children_named(nodes, "node");
        let taken = |node: NodeRef| cib.id(node) == Some(&member.uuid);
        let node = all.find(|n| of_ring(n) && cib.attr(*n, "uname") == Some(&member.name))?;
        if cib.children_named(nodes, "node").any(taken) {
            return None;
        }
        let mut new = cib.clone();
        new.set_attr(node, "id", &member.uuid);
        let options = patch::Options {
            no_version: true,
            ..patch::Options::default()
        };
        let patch = patch::create(cib, &new, options)?;
        Some(writer::compact(&patch, patch.root()))
    }

    /// Quorum came or went without a node.
    pub(super) fn quorum_changed(&mut self, now: Now) {
        if self.is_dc() {
            self.write_root(now);
            self.abort(now, "Quorum change");
        }
    }

    /// Goes on with what can go on; false if there is nothing.
    pub(super) fn advance(&mut self, now: Now) -> bool {
        match self.state {
            State::FinalizeJoin if self.is_settled() => {
                self.enter(State::PolicyEngine, "I_FINALIZED");
                true
            }
            State::PolicyEngine => self.ask_scheduler(now),
            State::Stopping => self.drive(now) || self.try_leave(),
            _ => self.drive(now),
        }
    }

    /// What was begun before the membership changed has ended, and the CIB has it.
    fn is_settled(&self) -> bool {
        let leader = self.leader.as_ref();
        !self.replica.is_waiting() && leader.is_some_and(|leader| leader.transition.is_none())
    }

    fn ask_scheduler(&mut self, now: Now) -> bool {
        let ready = self.replica.is_agreed() && !self.replica.is_waiting();
        let delay = status::span_option(self.cib(), "transition-delay", Duration::ZERO);
        let Some(leader) = self
            .leader
            .as_mut()
            .filter(|leader| ready && !leader.scheduling)
        else {
            return false;
        };
        match leader.put_off {
            PutOff::No if !delay.is_zero() => {
                leader.put_off = PutOff::Until(now.mono + delay);
                return false;
            }
            PutOff::Until(_) => return false,
            PutOff::No | PutOff::Over => leader.put_off = PutOff::No,
        }
        leader.scheduling = true;
        leader.asked += 1;
        let number = leader.asked;
        let cib = self.replica.doc().clone();
        self.outputs.push_back(Output::Schedule { number, cib });
        true
    }

    pub(super) fn begin_transition(
        &mut self,
        now: Now,
        number: u64,
        graph: &Document,
        saved: &str,
    ) {
        let (jobs, batch) = self.limits();
        let nodes: BTreeMap<String, NodeId> = self
            .membership
            .iter()
            .flat_map(|m| &m.members)
            .map(|member| (member.name.to_lowercase(), member.id))
            .collect();
        let Some(leader) = &mut self.leader else {
            return;
        };
        if number != leader.asked || !leader.scheduling || self.state != State::PolicyEngine {
            return;
        }
        leader.scheduling = false;
        leader.deadlines.clear();
        let root = graph.root_element();
        leader.cluster_delay = root.attr("cluster-delay").and_then(status::span);
        leader.failed_start_offset = root
            .attr("failed-start-offset")
            .unwrap_or("INFINITY")
            .into();
        leader.saved = saved.to_owned();
        let until = root
            .attr("recheck-by")
            .and_then(|by| by.parse::<u64>().ok());
        let until = until.map(|by| Duration::from_secs(by.saturating_sub(now.unix_s).max(1)));
        leader.recheck_at = until.map(|until| now.mono + until);
        let mut transition = Transition::read(leader.transitions, graph, |name| {
            nodes.get(&name.to_lowercase()).copied()
        });
        transition.limit(jobs, batch);
        leader.transitions += 1;
        let number = transition.number();
        leader.transition = Some(transition);
        let causes = leader.causes.take();
        let (steps, more) = journal::steps(graph);
        if !steps.is_empty() {
            self.tell_all(&Event::Transition {
                dc: self.config.name.clone(),
                number,
                causes,
                steps,
                more,
                input: saved.to_owned(),
            });
        }
        self.log(
            Severity::Notice,
            format!("Calculated transition {number}, saving inputs in {saved}"),
        );
        self.enter(State::TransitionEngine, "I_PE_SUCCESS");
    }

    fn drive(&mut self, now: Now) -> bool {
        let Some(transition) = self.leader.as_mut().and_then(|l| l.transition.as_mut()) else {
            return false;
        };
        if let Some(action) = transition.poll_action() {
            self.begin(now, action);
            return true;
        }
        match transition.ending() {
            Some(ending) => {
                self.end_transition(now, ending);
                true
            }
            None => false,
        }
    }

    fn begin(&mut self, now: Now, action: Action) {
        match action.kind {
            Kind::Pseudo => {}
            Kind::Resource => self.invoke(now, &action),
            Kind::Cluster => self.begin_cluster_action(now, &action),
        }
    }

    fn invoke(&mut self, now: Now, action: &Action) {
        let on = action.on.clone().unwrap_or_default();
        let text = format!(
            "Initiating {} operation {} on {on} | action {}",
            action.task, action.key, action.number
        );
        self.log(Severity::Notice, text);
        let key = self.transition_key(action);
        let Some(leader) = &mut self.leader else {
            return;
        };
        let Some(node) = action.node else {
            self.lost_action(now, action.number);
            return;
        };
        let delay = leader.cluster_delay.unwrap_or(CLUSTER_DELAY);
        leader
            .deadlines
            .insert(action.number, now.mono + action.timeout + delay);
        self.send(Message::Invoke(Invoke::Operation {
            node,
            transition_key: key,
            action: action.xml.clone(),
        }));
    }

    fn transition_key(&self, action: &Action) -> String {
        let transition = self
            .leader
            .as_ref()
            .and_then(|leader| leader.transition.as_ref());
        let key = TransitionKey {
            action: i64::from(action.number),
            transition: transition.map_or(0, Transition::number),
            expected: action.expected,
            dc: self.config.transitioner.clone(),
        };
        key.to_string()
    }

    fn begin_cluster_action(&mut self, now: Now, action: &Action) {
        match &*action.task {
            "stonith" => self.begin_fencing(now, action),
            "do_shutdown" => {
                if let Some(node) = action.node {
                    let name = action.on.as_deref().unwrap_or_default();
                    let text = format!("Telling {name} that it may leave");
                    self.log(Severity::Notice, text);
                    self.send(Message::ShutdownGranted { node });
                }
                self.confirm_action(action.number, true);
            }
            "clear_failcount" => {
                self.clear_failures(action);
                self.confirm_action(action.number, true);
            }
            "lrm_delete" => self.end_lock(now, action),
            _ => drop(self.confirm_action(action.number, true)),
        }
    }

    /// A resource has waited long enough for its node: what it waits by is taken away.
    fn end_lock(&mut self, now: Now, action: &Action) {
        if let (Some(uuid), Some(resource)) = (&action.on_uuid, &action.resource) {
            let path = format!("//node_state[@id='{uuid}']//lrm_resource[@id='{resource}']");
            self.ask_delete_path(now, Purpose::Plain, &path);
        }
        self.confirm_action(action.number, true);
        self.abort(now, "Shutdown lock cleared");
    }

    pub(super) fn confirm_action(&mut self, number: ActionNumber, well: bool) -> bool {
        let Some(leader) = &mut self.leader else {
            return false;
        };
        leader.deadlines.remove(&number);
        let transition = leader.transition.as_mut();
        transition.is_some_and(|transition| transition.confirm(number, well))
    }

    fn end_transition(&mut self, now: Now, ending: Ending) {
        let Some(leader) = &mut self.leader else {
            return;
        };
        let Some(transition) = leader.transition.take() else {
            return;
        };
        leader.deadlines.clear();
        let progress = transition.progress();
        let (after, why) = transition.after();
        let ended =
            (progress.complete > 0 || progress.incomplete > 0).then(|| Event::Transitioned {
                dc: self.config.name.clone(),
                number: transition.number(),
                ending: ending.to_string(),
                complete: progress.complete,
                incomplete: progress.incomplete,
                aborted: why.map(str::to_owned),
            });
        let text = format!(
            "Transition {} (Complete={}, Pending={}, Fired=0, Skipped={}, Incomplete={}, \
             Source={}): {ending}",
            transition.number(),
            progress.complete,
            progress.pending,
            progress.skipped,
            progress.incomplete,
            leader.saved,
        );
        let severity = match ending {
            Ending::Complete | Ending::Stopped => Severity::Notice,
            Ending::Terminated => Severity::Warning,
        };
        self.log(severity, text);
        if let Some(ended) = ended {
            self.tell_all(&ended);
        }
        if self.state != State::TransitionEngine {
            return;
        }
        match after {
            After::Rest => {
                self.rest(now);
                self.enter(State::Idle, "I_TE_SUCCESS");
            }
            After::Again | After::Leave => self.enter(State::PolicyEngine, "I_PE_CALC"),
        }
    }

    /// What is under way is no longer right: the scheduler is asked anew.
    pub(super) fn abort(&mut self, _now: Now, reason: &str) {
        let Some(leader) = &mut self.leader else {
            return;
        };
        leader.causes.add(reason);
        match &mut leader.transition {
            Some(transition) => {
                let number = transition.number();
                if transition.abort(INFINITY.into(), After::Again, reason) {
                    let text = format!("Transition {number} aborted: {reason}");
                    self.log(Severity::Notice, text);
                }
            }
            None => {
                // An answer that is on its way is of a CIB that is no more.
                leader.scheduling = false;
                leader.put_off = PutOff::No;
                if self.state == State::Idle {
                    self.log(Severity::Info, format!("The scheduler is asked: {reason}"));
                    self.enter(State::PolicyEngine, "I_PE_CALC");
                }
            }
        }
    }

    /// A node is gone: what it was to do won't be done.
    pub(super) fn fail_actions_of(&mut self, node: NodeId) {
        let transition = self
            .leader
            .as_ref()
            .and_then(|leader| leader.transition.as_ref());
        let of_node = |action: &&Action| action.node == Some(node) && action.kind == Kind::Resource;
        let begun = transition
            .into_iter()
            .flat_map(Transition::begun)
            .filter(of_node);
        for number in begun.map(|action| action.number).collect::<Vec<_>>() {
            self.confirm_action(number, false);
        }
    }

    /// An action was sent and nothing came back in time.
    pub(super) fn lost_action(&mut self, now: Now, number: ActionNumber) {
        let leader = self.leader.as_ref();
        let transition = leader.and_then(|leader| leader.transition.as_ref());
        let Some(action) = transition.and_then(|t| t.action(number)).cloned() else {
            return;
        };
        let on = action.on.clone().unwrap_or_default();
        let text = format!(
            "Node {on} did not send {} result within {}ms (action timeout plus cluster-delay)",
            action.task,
            action.timeout.as_millis()
        );
        self.log(Severity::Error, text);
        self.record_lost(now, &action);
        if let Some(leader) = &mut self.leader
            && let Some(transition) = &mut leader.transition
        {
            transition.confirm(number, false);
            transition.abort_by_failure(number, "Action lost");
        }
    }

    /// The history of the node gets the result that it did not send.
    fn record_lost(&mut self, now: Now, action: &Action) {
        let (Some(uuid), Some(name)) = (&action.on_uuid, &action.on) else {
            return;
        };
        let Ok(element) = reader::read(&action.xml) else {
            return;
        };
        let key = self.transition_key(action);
        let owner = super::history::Owner { uuid, name };
        if let Some((agent, operation)) = super::work::operation(element.root_element(), &key) {
            let state = super::history::lost(&agent, &operation, owner, now.unix_s);
            let mut request = self.request_status(now, state);
            request.client = super::ask::EXECUTOR.to_owned();
            self.ask(Purpose::Plain, request);
        }
    }
}
