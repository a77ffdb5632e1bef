//! What clients are told of the cluster.
//!
//! Source: `spec/heartbeat-api.md` sections 2.3 and 5.
//! Differs: only bit 1 of the filter brings messages: copies, dropped ones, unchanged status
//! and the daemon's own talk are never handed out.

use super::{ClientApi, ConnectionId, HELD_BACK_MAX, Output, View};
use crate::proto::heartbeat::{Delivery, LinkChange, NodeChange, NodeKind, NodeStatus};
use crate::wire::heartbeat::Message;

/// The class of messages in order.
const FILTER_NORMAL: u32 = 1;

impl ClientApi {
    /// The node protocol delivered a message.
    pub fn handle_delivery(&mut self, view: &dyn View, delivery: &Delivery) {
        self.handle_progress(view);
        let message = &delivery.message;
        let kind = message.kind().unwrap_or_default();
        if kind.starts_with("NS_") {
            return;
        }
        if kind == "query-cstatus" {
            return self.answer_query(view, message, delivery);
        }
        let missing = || {
            view.node(delivery.from.as_str())
                .is_some_and(|node| node.missing > 0)
        };
        let waits = |(node, _): &(crate::ids::NodeName, Message)| *node == delivery.from;
        if kind == "hbapi-clstat" && (missing() || self.held_back.iter().any(waits)) {
            return self.hold_back(delivery);
        }
        self.hand_out(message);
    }

    /// Messages that were missing may have come, or are given up: lets go of what waited for
    /// them. To be called when the node protocol did anything.
    pub fn handle_progress(&mut self, view: &dyn View) {
        if self.held_back.is_empty() {
            return;
        }
        let nodes = view.nodes();
        let waits = |name: &crate::ids::NodeName| {
            nodes.iter().any(|node| {
                node.name == *name && node.missing > 0 && node.status != NodeStatus::Dead
            })
        };
        let held = std::mem::take(&mut self.held_back);
        for (from, message) in held {
            if waits(&from) {
                self.held_back.push_back((from, message));
            } else {
                self.hand_out(&message);
            }
        }
    }

    /// A node's status changed. Its death, and what ping nodes do, nobody says in a message.
    pub fn handle_node(&mut self, change: &NodeChange, unix_s: u64) {
        let ping = change.kind == NodeKind::Ping;
        let name = change.node.as_str();
        let ts = format!("{unix_s:x}");
        let message = match change.status {
            NodeStatus::Dead => {
                let dead = Message::of_type("status")
                    .with("seq", "1")
                    .with("ts", ts)
                    .with("src", name)
                    .with("st", "dead");
                if ping {
                    dead.with("info", "ping")
                } else {
                    dead
                }
            }
            status if ping => Message::of_type("NS_st")
                .with("st", status.as_str())
                .with("info", "ping")
                .with("src", name)
                .with("ts", ts),
            _ => return,
        };
        self.hand_out(&message);
    }

    /// A link changed.
    pub fn handle_link(&mut self, change: &LinkChange) {
        let message = Message::of_type("ifstat")
            .with("node", change.node.as_str())
            .with("ifname", change.link.as_str())
            .with("st", if change.up { "up" } else { "dead" });
        self.hand_out(&message);
    }

    /// Gives a message to the client it names, or to all that want messages in order.
    fn hand_out(&mut self, message: &Message) {
        let to = message.text("to_id");
        let wants = |client: &super::Client| match to {
            Some(name) => client.name == name,
            None => client.filter & FILTER_NORMAL != 0,
        };
        let takers = self
            .connections
            .iter()
            .filter(|(_, c)| c.client.as_ref().is_some_and(wants));
        let takers: Vec<ConnectionId> = takers.map(|(id, _)| *id).collect();
        for id in takers {
            self.outputs.push_back(Output::Send(id, message.clone()));
            self.signal(id);
        }
    }

    /// A client's leaving must not overtake what it sent before.
    fn hold_back(&mut self, delivery: &Delivery) {
        if self.held_back.len() >= HELD_BACK_MAX
            && let Some((_, oldest)) = self.held_back.pop_front()
        {
            self.hand_out(&oldest);
        }
        self.held_back
            .push_back((delivery.from.clone(), delivery.message.clone()));
    }

    /// Another node asks whether one of our clients is there.
    fn answer_query(&mut self, view: &dyn View, message: &Message, delivery: &Delivery) {
        let (Some(cn), Some(asker)) = (message.text("cn"), message.text("from_id")) else {
            return;
        };
        if delivery.local {
            return;
        }
        let cs = if self.is_online(view, cn) {
            "online"
        } else {
            "offline"
        };
        let answer = Message::of_type("respond-cstatus")
            .with("dest", delivery.from.as_str())
            .with("result", "OK")
            .with("cn", cn)
            .with("to_id", asker)
            .with("cs", cs);
        self.outputs.push_back(Output::Transmit(answer));
    }
}
