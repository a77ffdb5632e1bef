//! What local clients ask for.

use std::sync::Arc;

use super::{Client, ClientId, Machine, Membership, PIECE_BYTES_MAX, Process};
use crate::wire::cluster::{Cpg, CpgName, PartialKind, Reason, Source};

/// Why a request is refused. The words are those of corosync's library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is in a group, or another client with this process and group is.
    #[error("CS_ERR_EXIST")]
    Exists,
    /// Its last leave has not come back yet.
    #[error("CS_ERR_TRY_AGAIN")]
    TryAgain,
    /// It is about to leave.
    #[error("CS_ERR_BUSY")]
    Busy,
    /// It is in no group.
    #[error("CS_ERR_NOT_EXIST")]
    NoGroup,
    /// The group changed between the parts of a message.
    #[error("CS_ERR_INTERRUPT")]
    Interrupted,
    /// It is longer than a piece may be.
    #[error("CS_ERR_TOO_BIG")]
    TooLong,
}

impl Machine {
    /// A client wants into a group.
    ///
    /// Source: corosync 3.1.7, `message_handler_req_lib_cpg_join`; spec corosync-services.md 3.1
    pub fn join(&mut self, client: ClientId, pid: u32, group: &CpgName) -> Result<(), Refused> {
        let mut others = self.clients.values();
        if others.any(|c| c.pid == pid && c.group == *group) {
            return Err(Refused::Exists);
        }
        match self.clients.get(&client).map(|c| c.membership) {
            Some(Membership::LeaveStarted) => return Err(Refused::Busy),
            Some(_) => return Err(Refused::Exists),
            None => {}
        }
        let process = Process {
            node: self.node,
            pid,
            group: group.clone(),
        };
        if self.processes.contains(&process) {
            return Err(Refused::TryAgain);
        }
        let new = Client {
            pid,
            group: group.clone(),
            membership: Membership::JoinStarted,
            changes: 0,
            parts_since: None,
        };
        self.clients.insert(client, new);
        self.send(process_message(true, pid, group, Reason::JOIN));
        Ok(())
    }

    /// A client wants out of its group.
    pub fn leave(&mut self, client: ClientId) -> Result<(), Refused> {
        let known = self.clients.get_mut(&client).ok_or(Refused::NoGroup)?;
        if known.membership == Membership::LeaveStarted {
            return Err(Refused::Busy);
        }
        known.membership = Membership::LeaveStarted;
        let message = process_message(false, known.pid, &known.group, Reason::LEAVE);
        self.send(message);
        Ok(())
    }

    /// A client's connection ended.
    pub fn disconnect(&mut self, client: ClientId) {
        let Some(known) = self.clients.remove(&client) else {
            return;
        };
        if known.membership != Membership::LeaveStarted {
            let reason = Reason::PROCESS_DOWN;
            self.send(process_message(false, known.pid, &known.group, reason));
        }
    }

    /// A client says something to its group; it hears it, too.
    pub fn multicast(
        &mut self,
        client: ClientId,
        data: impl Into<Arc<[u8]>>,
    ) -> Result<(), Refused> {
        let data = data.into();
        let (group, pid) = self.speaker(client, data.len())?;
        let source = self.source(client);
        self.send(Cpg::Mcast {
            group,
            pid,
            source,
            data,
        });
        Ok(())
    }

    /// The same for a part of a message that is longer than a piece.
    ///
    /// Errors: `Interrupted` when the group changed since the first part: begin again.
    pub fn multicast_part(
        &mut self,
        client: ClientId,
        (kind, total): (PartialKind, u32),
        data: impl Into<Arc<[u8]>>,
    ) -> Result<(), Refused> {
        let data = data.into();
        let (group, pid) = self.speaker(client, data.len())?;
        if let Some(known) = self.clients.get_mut(&client) {
            if kind == PartialKind::First {
                known.parts_since = Some(known.changes);
            } else if known.parts_since != Some(known.changes) {
                return Err(Refused::Interrupted);
            }
        }
        let source = self.source(client);
        self.send(Cpg::Partial {
            group,
            total,
            pid,
            kind,
            source,
            data,
        });
        Ok(())
    }

    fn speaker(&self, client: ClientId, length: usize) -> Result<(CpgName, u32), Refused> {
        let known = self.clients.get(&client).ok_or(Refused::NoGroup)?;
        if length > PIECE_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        Ok((known.group.clone(), known.pid))
    }

    fn source(&self, client: ClientId) -> Source {
        Source {
            node: self.node,
            client: client.0,
        }
    }
}

fn process_message(joins: bool, pid: u32, group: &CpgName, reason: Reason) -> Cpg {
    Cpg::Process {
        joins,
        group: group.clone(),
        pid,
        reason,
    }
}
