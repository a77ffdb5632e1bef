//! How a node leaves: it asks, the DC moves its resources away and lets it go.
//!
//! Source: spec crm-runtime.md section 13.

use std::time::Duration;

use super::state::State;
use super::{Controller, Output};
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::time::Now;
use crate::wire::crm::Message;

/// After that the node leaves though nobody let it go.
/// Source: spec cib.md section 9, `shutdown-escalation`.
const ESCALATION: Duration = Duration::from_secs(20 * 60);

impl Controller {
    /// How long this node waits to be let go.
    pub(super) fn escalation(&self) -> Duration {
        super::status::span_option(self.cib(), "shutdown-escalation", ESCALATION)
    }

    /// This node wants to leave; [`Output::Leave`] comes when nothing runs here any more.
    pub fn shut_down(&mut self, now: Now) {
        if self.shutdown_since.is_some() {
            return;
        }
        self.shutdown_since = Some(now.mono);
        if self.membership.is_none() {
            self.leave();
            return self.settle(now);
        }
        let dc = self.dc().unwrap_or("not there").to_owned();
        let text = format!("Sending shutdown request to all peers (DC is {dc})");
        self.log(Severity::Notice, text);
        self.send(Message::ShutdownWanted);
        self.settle(now);
    }

    pub(super) fn handle_shutdown_wanted(&mut self, now: Now, from: NodeId) {
        self.leaving.insert(from);
        let Some(name) = self.name_of(from).map(str::to_owned) else {
            return;
        };
        if self.is_dc() {
            self.log(
                Severity::Notice,
                format!("Creating shutdown request for {name}"),
            );
            self.set_attribute("shutdown".to_owned(), &name, Some(now.unix_s.to_string()));
        }
    }

    /// Asks again a new DC that did not hear it.
    pub(super) fn ask_again_to_leave(&mut self) {
        if self.shutdown_since.is_some() && self.state != State::Stopping {
            self.send(Message::ShutdownWanted);
        }
    }

    pub(super) fn handle_shutdown_granted(&mut self, now: Now, from: NodeId, node: NodeId) {
        self.leaving.insert(node);
        if node != self.config.local || Some(from) != self.dc {
            return;
        }
        if self.shutdown_since.is_none() {
            self.shutdown_since = Some(now.mono);
        }
        let dc = self.dc().unwrap_or_default().to_owned();
        let text = format!("Shutting down controller after confirmation from {dc}");
        self.log(Severity::Notice, text);
        self.leave();
    }

    /// Nothing of this node is needed any more; what runs still comes to its end.
    pub(super) fn leave(&mut self) {
        if self.state == State::Stopping {
            return;
        }
        self.enter(State::Stopping, "I_STOP");
        for resource in self.executor.resources().cloned().collect::<Vec<_>>() {
            self.executor.cancel_recurring(&resource);
        }
    }

    /// Leaves once agents have ended and their results are in the CIB.
    pub(super) fn try_leave(&mut self) -> bool {
        let told = self.membership.is_none() || !self.replica.is_waiting();
        let ready = !self.is_gone && told && self.executor.is_idle();
        if ready {
            self.is_gone = true;
            self.outputs.push_back(Output::Leave);
        }
        ready
    }

    /// True for a node that asked to leave, by its id in the CIB: it need not be fenced.
    pub(super) fn may_be_gone(&self, uuid: &str) -> bool {
        self.left.contains(uuid)
    }
}
