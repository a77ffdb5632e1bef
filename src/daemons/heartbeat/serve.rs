//! The sockets of the daemon: scripts' FIFO, tools' control socket, clients' API.

use super::node::Node;
use super::picture::Constant;
use crate::proto::heartbeat::Event;

/// What came in on a socket.
#[derive(Debug)]
pub enum Asked {}

/// The sockets.
#[derive(Debug, Default)]
pub struct Sockets {}

impl Sockets {
    /// Opens those that are there from the start.
    pub fn open(_node: &Node) -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next thing on any of them. Cancel-safe.
    pub async fn next(&mut self) -> Asked {
        std::future::pending().await
    }

    /// Answers it.
    pub fn serve(&mut self, asked: Asked, _node: &mut Node, _constant: Constant) {
        match asked {}
    }

    /// The node protocol has news for clients.
    pub fn handle_event(&mut self, _event: &Event, _node: &mut Node) {}

    /// Opens the socket of heartbeat's API: the node is active.
    pub fn open_api(&mut self, _node: &Node) {}
}
