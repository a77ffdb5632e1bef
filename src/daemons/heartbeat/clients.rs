//! Clients of heartbeat's API, from the time the node is active.

use std::future::pending;
use std::path::Path;

use super::node::Node;
use crate::messaging;
use crate::proto::ccm::CLIENT;
use crate::proto::client_api::View;
use crate::proto::heartbeat::{Event, NodeView};
use crate::runtime::client_api::{ClientServer, Effect, SOCKET, settings};
use crate::runtime::clock;
use crate::runtime::unix_server::ClientEvent;

/// The clients' socket, once it is open.
#[derive(Debug, Default)]
pub struct Clients(Option<ClientServer>);

impl Clients {
    /// Makes the socket.
    pub fn open(&mut self, node: &Node) -> std::io::Result<()> {
        let local = &node.cluster.config().local;
        let settings = settings(&node.config, local, super::HBVERSION);
        self.0 = Some(ClientServer::open(Path::new(SOCKET), settings)?);
        Ok(())
    }

    /// Waits for the next thing a client did; for ever while there is no socket.
    pub async fn event(&mut self) -> ClientEvent {
        match &mut self.0 {
            Some(server) => server.event().await,
            None => pending().await,
        }
    }

    /// Answers a client.
    pub fn handle(&mut self, event: ClientEvent, node: &mut Node) {
        let Some(server) = &mut self.0 else { return };
        let effects = server.handle(&Seen(node), event);
        carry_out(effects, node);
    }

    /// The node protocol has news.
    pub fn handle_events(&mut self, events: &[Event], node: &mut Node) {
        let Some(server) = &mut self.0 else { return };
        let (api, view) = (server.api(), Seen(node));
        for event in events {
            match event {
                Event::Deliver(delivery) => api.handle_delivery(&view, delivery),
                Event::Node(change) => api.handle_node(change, clock::now().unix_s),
                Event::Link(change) => api.handle_link(change),
                Event::FlowControl(paused) => api.handle_flow_control(*paused),
                _ => {}
            }
        }
        api.handle_progress(&view);
        let effects = server.carry_out();
        carry_out(effects, node);
    }
}

fn carry_out(effects: Vec<Effect>, node: &mut Node) {
    for effect in effects {
        match effect {
            Effect::Transmit(message) => node.send(message),
            Effect::Log(severity, text) => node.log.log(severity, text),
        }
    }
}

/// The node as clients see it.
struct Seen<'a>(&'a Node);

impl View for Seen<'_> {
    fn nodes(&self) -> Vec<NodeView> {
        self.0.cluster.nodes().collect()
    }

    fn parameter(&self, name: &str) -> Option<String> {
        match name {
            "hbversion" => Some(super::HBVERSION.into()),
            "crm" => self.0.config.parameter("pacemaker").map(str::to_owned),
            name => self.0.config.parameter(name).map(str::to_owned),
        }
    }

    fn is_built_in(&self, client: &str) -> bool {
        client == CLIENT && self.0.membership.is_on()
            || client == messaging::heartbeat::CLIENT && self.0.crm.is_some()
    }

    fn resources_held(&self) -> Option<String> {
        self.0
            .manager
            .as_ref()
            .map(|manager| manager.view().holding.to_string())
    }
}
