//! Requests on their way: asked for here, or held until the members agree.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::NodeId;
use crate::wire::crm::Request;

/// Requests that are not done.
#[derive(Debug, Default)]
pub(super) struct Pending {
    last_call: u64,
    /// Asked for here and not answered.
    asked: BTreeMap<u64, Request>,
    /// Came, and wait for the agreement.
    held: Vec<(NodeId, Request)>,
    /// Asked for here, came, and were dropped: to be sent again.
    again: BTreeSet<u64>,
}

impl Pending {
    pub(super) fn next_call(&mut self) -> u64 {
        self.last_call += 1;
        self.last_call
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.asked.is_empty()
    }

    pub(super) fn asked(&mut self, request: Request) {
        self.asked.insert(request.call, request);
    }

    /// False if nobody waits for it: it was asked for before a restart.
    pub(super) fn answered(&mut self, call: u64) -> bool {
        self.asked.remove(&call).is_some()
    }

    pub(super) fn hold(&mut self, from: NodeId, request: Request) {
        self.held.push((from, request));
    }

    pub(super) fn drop_held(&mut self, local: NodeId) {
        let held = self.held.drain(..);
        let own = held.filter(|(from, _)| *from == local);
        self.again.extend(own.map(|(_, request)| request.call));
    }

    pub(super) fn take_held(&mut self) -> Vec<(NodeId, Request)> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn again(&mut self) -> Vec<Request> {
        let calls = std::mem::take(&mut self.again);
        let requests = calls.iter().filter_map(|call| self.asked.get(call));
        requests.cloned().collect()
    }
}
