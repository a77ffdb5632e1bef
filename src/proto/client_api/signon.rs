//! Signing on: is the client who it says, and may it.
//!
//! Source: `spec/heartbeat-api.md` sections 2 and 3; heartbeat 3.0.6, `api_add_client`.

use super::{CLIENT_NAME_BYTES_MAX, Client, ClientApi, ConnectionId, Output, Peer, View};
use crate::proto::heartbeat::Severity;
use crate::wire::heartbeat::Message;

/// Filter of a new client: messages in order.
const FILTER_NORMAL: u32 = 1;

impl ClientApi {
    pub(super) fn handle_signon(&mut self, view: &dyn View, id: ConnectionId, message: &Message) {
        let Some(peer) = self.connections.get(&id).map(|c| c.peer) else {
            return;
        };
        let name = message.text("from_id").unwrap_or_default().to_owned();
        let casual = is_casual(&name, message);
        let refusal = match view.is_built_in(&name) {
            true => Some("duplicate add request"),
            false => self.refusal(&peer, &name, message).err(),
        };
        let generation = self.generation;
        self.generation += 1;
        let client = Client {
            name,
            casual,
            generation,
            filter: FILTER_NORMAL,
            signal: 0,
        };
        let reply = self.signon_reply(refusal);
        self.outputs.push_back(Output::Send(id, reply));
        match refusal {
            Some(reason) => self.refuse(id, &client, reason),
            None => self.admit(id, client),
        }
    }

    fn admit(&mut self, id: ConnectionId, client: Client) {
        if !client.casual {
            let joined = self.client_status(&client, "join", "signon");
            self.outputs.push_back(Output::Transmit(joined));
        }
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.client = Some(client);
        }
    }

    /// Differs: heartbeat tells the whole cluster that the client it refused has left, which
    /// makes other nodes believe it of the real client of that name.
    fn refuse(&mut self, id: ConnectionId, client: &Client, reason: &str) {
        let name = &client.name;
        let text = format!(
            "API client {} refused as {name:?}: {reason}",
            self.title(id)
        );
        self.log(Severity::Warning, text);
        if !client.casual {
            let left = self.client_status(client, "leave", reason);
            self.outputs.push_back(Output::Send(id, left));
        }
        self.connections.remove(&id);
        self.outputs.push_back(Output::Close(id));
    }

    fn refusal(&self, peer: &Peer, name: &str, message: &Message) -> Result<(), &'static str> {
        let pid = message
            .decimal("pid")
            .filter(|&pid| pid > 0)
            .ok_or("bad pid")?;
        let printable = name.bytes().all(|b| b.is_ascii_graphic());
        if name.is_empty() || name.len() > CLIENT_NAME_BYTES_MAX || !printable {
            return Err("invalid id info");
        }
        if self.client_names().any(|client| client == name) {
            return Err("duplicate add request");
        }
        let uid = message.decimal("uid").ok_or("invalid id info")?;
        let gid = message.decimal("gid").ok_or("invalid id info")?;
        if (uid, gid) != (peer.uid.into(), peer.gid.into()) {
            return Err("incorrect/false credentials");
        }
        self.authorise(
            peer,
            if is_casual(name, message) {
                "anon"
            } else {
                name
            },
        )?;
        if i64::try_from(pid) != Ok(peer.pid.into()) {
            return Err("pid mismatch");
        }
        Ok(())
    }

    fn authorise(&self, peer: &Peer, name: &str) -> Result<(), &'static str> {
        let find = |name: &str| self.settings.authorities.iter().find(|a| a.client == name);
        let authority = match (find(name), name) {
            (Some(authority), _) => authority,
            (None, "anon") => return Err("apiauth anon missing"),
            (None, _) => find("default").ok_or("no default client auth")?,
        };
        let granted = authority.uids.contains(&peer.uid) || authority.gids.contains(&peer.gid);
        if granted {
            Ok(())
        } else {
            Err("client failed authorization")
        }
    }

    fn signon_reply(&self, refusal: Option<&str>) -> Message {
        let settings = &self.settings;
        let mut reply = Message::of_type("hbapi-resp").with("reqtype", "signon");
        if let Some(reason) = refusal {
            reply.push_text("info", reason);
        }
        reply
            .with("result", if refusal.is_none() { "OK" } else { "badreq" })
            .with("deadtime", format!("{:x}", settings.deadtime_ms))
            .with("keepalive", format!("{:x}", settings.keepalive_ms))
            .with("node", settings.local.as_str())
            .with("hbversion", &settings.version)
            .with("pacemaker", &settings.pacemaker)
            .with("logfacility", settings.logfacility.to_string())
    }
}

/// A client whose name is the number of its process; another number is a name like any.
fn is_casual(name: &str, message: &Message) -> bool {
    message.text("pid") == Some(name)
}
