//! The clients' API on its socket: the machine of `proto::client_api` with its driver.

use std::io;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Group, Pid, User};

use super::unix_server::{ClientEvent, Closed, Framing, UnixServer};
use crate::config::ha_cf::{ApiAuth, HaCf};
use crate::ids::NodeName;
use crate::proto::client_api::{
    Authority, ClientApi, ConnectionId, Ending, Output, Peer, QUEUE_MESSAGES_DEFAULT, Settings,
    View,
};
use crate::proto::heartbeat::Severity;
use crate::wire::heartbeat::Message;
use crate::wire::ipc::clplumbing::{decode_body, encode_into};

/// Path of the socket. Source: heartbeat 3.0.6.
pub const SOCKET: &str = "/run/heartbeat/register";

/// What the daemon must do for the clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send to the cluster through the node protocol; `dest` in the message says to whom.
    Transmit(Message),
    /// Write a line to the log.
    Log(Severity, String),
}

/// The API, running.
#[derive(Debug)]
pub struct ClientServer {
    server: UnixServer,
    api: ClientApi,
}

impl ClientServer {
    /// Makes the socket, open to all: who may do what is a matter of signing on.
    ///
    /// Panics: outside a tokio runtime.
    pub fn open(path: &Path, settings: Settings) -> io::Result<Self> {
        let framing = Framing::Clplumbing;
        let server = UnixServer::bind(path, 0o777, framing, QUEUE_MESSAGES_DEFAULT)?;
        Ok(Self {
            server,
            api: ClientApi::new(settings),
        })
    }

    /// Waits for a client; what comes is for [`Self::handle`]. Cancel-safe.
    pub async fn event(&mut self) -> ClientEvent {
        let api = &self.api;
        self.server.event(|id| api.may_read(ConnectionId(id))).await
    }

    /// Does what a client asked.
    pub fn handle(&mut self, view: &dyn View, event: ClientEvent) -> Vec<Effect> {
        match event {
            ClientEvent::Connected(id, who) => {
                let peer = Peer {
                    pid: who.pid,
                    uid: who.uid,
                    gid: who.gid,
                };
                self.api.handle_connect(ConnectionId(id), peer);
            }
            ClientEvent::Message(id, body) => match decode_body(&body) {
                Ok(message) => self.api.handle_message(view, ConnectionId(id), message),
                Err(error) => self.api.handle_junk(ConnectionId(id), &error.to_string()),
            },
            ClientEvent::Closed(id, how) => {
                let ending = match how {
                    Closed::Eof => Ending::Eof,
                    Closed::Slow => Ending::Slow,
                    Closed::BadFrame => Ending::BadFrame,
                };
                self.api.handle_close(ConnectionId(id), ending);
            }
        }
        self.carry_out()
    }

    /// The machine, to tell it what the node protocol says; [`Self::carry_out`] must follow.
    pub fn api(&mut self) -> &mut ClientApi {
        &mut self.api
    }

    /// Sends what the machine has for clients, and hands out what is for the daemon.
    pub fn carry_out(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(output) = self.api.poll_output() {
            match output {
                Output::Send(id, message) => {
                    let mut frame = Vec::new();
                    match encode_into(&message, &mut frame) {
                        Ok(()) => self.server.send(id.0, frame),
                        Err(error) => {
                            let text = format!("cannot be told to a client: {error}: {message}");
                            effects.push(Effect::Log(Severity::Error, text));
                        }
                    }
                }
                Output::Signal { pid, signal } => {
                    if let Ok(signal) = Signal::try_from(signal) {
                        let _ = kill(Pid::from_raw(pid), signal);
                    }
                }
                Output::QueueLimit(id, messages) => self.server.set_queue_max(id.0, messages),
                Output::Close(id) => self.server.close(id.0),
                Output::Transmit(message) => effects.push(Effect::Transmit(message)),
                Output::Log(severity, text) => effects.push(Effect::Log(severity, text)),
            }
        }
        effects
    }
}

/// The settings that follow from ha.cf; users and groups that the machine doesn't know are left
/// out, since nobody can be them.
pub fn settings(config: &HaCf, local: &NodeName, version: &str) -> Settings {
    let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let pacemaker = config.parameter("pacemaker").unwrap_or("false");
    Settings {
        local: local.clone(),
        deadtime_ms: ms(config.deadtime),
        keepalive_ms: ms(config.keepalive),
        version: version.to_owned(),
        pacemaker: pacemaker.to_owned(),
        logfacility: config.logfacility.map_or(-1, |f| i32::from(f.code) * 8),
        authorities: config.apiauth.iter().map(authority).collect(),
        own_uid: nix::unistd::geteuid().as_raw(),
    }
}

fn authority(line: &ApiAuth) -> Authority {
    let uid = |word: &String| {
        let number = word.parse().ok();
        number.or_else(|| User::from_name(word).ok().flatten().map(|u| u.uid.as_raw()))
    };
    let gid = |word: &String| {
        let number = word.parse().ok();
        number.or_else(|| {
            Group::from_name(word)
                .ok()
                .flatten()
                .map(|g| g.gid.as_raw())
        })
    };
    Authority {
        client: line.client.clone(),
        uids: line.uids.iter().filter_map(uid).collect(),
        gids: line.gids.iter().filter_map(gid).collect(),
    }
}

#[cfg(test)]
mod tests;
