//! Clients of the membership: they connect, say nothing, and hear each membership.
//!
//! Source: heartbeat 3.0.6, `membership/ccm/ccmclient.c`; `spec/ccm.md` section 9.

use std::future::pending;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::node::Node;
use crate::runtime::log::cluster_user;
use crate::runtime::unix_server::{self, Framing, UnixServer};
use crate::wire::ipc::ccm::{self, SOCKET};
use crate::wire::ipc::clplumbing::encode_frame_into;

/// Events that may wait for a client.
const WAITING_MAX: usize = 64;

/// The socket, where this node takes part in a membership.
#[derive(Debug, Default)]
pub struct MembershipClients(Option<UnixServer>);

impl MembershipClients {
    /// Makes the socket, in a folder for heartbeat's user and group.
    pub fn open(&mut self) -> io::Result<()> {
        let path = Path::new(SOCKET);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
            if let Some((uid, gid)) = cluster_user() {
                std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
            }
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o750))?;
        }
        let server = UnixServer::bind(path, 0o777, Framing::Clplumbing, WAITING_MAX)?;
        self.0 = Some(server);
        Ok(())
    }

    /// Waits for the next thing a client did; for ever while there is no socket. Cancel-safe.
    pub async fn event(&mut self) -> unix_server::ClientEvent {
        match &mut self.0 {
            Some(server) => server.event(|_| true).await,
            None => pending().await,
        }
    }

    /// Greets a client that connected. What one says means nothing.
    pub fn handle(&mut self, event: &unix_server::ClientEvent, node: &Node) {
        if let (unix_server::ClientEvent::Connected(id, _), Some(server)) = (event, &mut self.0) {
            for event in node.membership.greeting() {
                send(server, *id, &event);
            }
        }
    }

    /// Tells all clients what is new.
    pub fn tell(&mut self, node: &mut Node) {
        let news = node.membership.take_told();
        let Some(server) = &mut self.0 else { return };
        for event in &news {
            for id in server.ids() {
                send(server, id, event);
            }
        }
    }
}

fn send(server: &mut UnixServer, id: u64, event: &ccm::ClientEvent) {
    let mut frame = Vec::new();
    if encode_frame_into(&event.encode(), &mut frame).is_ok() {
        server.send(id, frame);
    }
}
