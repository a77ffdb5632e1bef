//! What an ordered message carries, in words.

use std::fmt::Write;

use crate::wire::cluster::{self, Cpg, Message, Old, Source};
use crate::wire::cursor::ByteOrder;
use crate::wire::totem::{Body, Datagram, Dialect, Encapsulated};
use crate::wire::totempg::{Addressed, Packet};

/// Bytes shown of what nobody here can read further.
const BYTES_SHOWN: usize = 32;

/// Appends a line for each part of a datagram.
///
/// Errors: bytes that have no meaning.
pub fn explain(
    datagram: &Datagram,
    dialect: Dialect,
    lines: &mut Vec<String>,
) -> Result<(), String> {
    if datagram.surplus > 0 {
        return Err(format!("{} bytes behind the message", datagram.surplus));
    }
    let Body::Mcast(mcast) = &datagram.body else {
        return Ok(());
    };
    match mcast.encapsulated {
        Encapsulated::Packet => explain_packet(mcast.payload, datagram.order, dialect, lines),
        Encapsulated::Message => {
            let old = Datagram::decode(mcast.payload, dialect);
            let old = old.map_err(|e| format!("in the message of the old ring: {e}"))?;
            lines.push(format!("of the old ring: {old}"));
            match &old.body {
                // Recovery wraps messages once.
                Body::Mcast(old_mcast) if old_mcast.encapsulated == Encapsulated::Packet => {
                    explain(&old, dialect, lines)
                }
                _ => Err("a message of the old ring that isn't one of a client".into()),
            }
        }
    }
}

fn explain_packet(
    payload: &[u8],
    order: ByteOrder,
    dialect: Dialect,
    lines: &mut Vec<String>,
) -> Result<(), String> {
    let packet = Packet::decode(payload, order).map_err(|e| e.to_string())?;
    let last = packet.parts.len() - 1;
    for (i, part) in packet.parts.iter().enumerate() {
        let begins = i > 0 || packet.continuation == 0;
        let ends = i < last || packet.fragmented == 0;
        let bytes = part.len();
        lines.push(match (begins, ends) {
            (true, true) => whole(part, order, dialect)?,
            (true, false) => format!("begin of a message{}, {bytes} bytes", group(part, order)),
            (false, true) => format!("end of a message, {bytes} bytes"),
            (false, false) => format!("more of a message, {bytes} bytes"),
        });
    }
    Ok(())
}

fn group(part: &[u8], order: ByteOrder) -> &'static str {
    match Addressed::decode(part, order) {
        Ok(part) if part.is_for(cluster::SERVICES) => " to group a",
        Ok(part) if part.is_for(cluster::SYNC) => " to group sync",
        Ok(part) if part.is_for(cluster::SYNC_V2) => " to group syncv2",
        _ => "",
    }
}

fn whole(message: &[u8], order: ByteOrder, dialect: Dialect) -> Result<String, String> {
    let addressed = Addressed::decode(message, order).map_err(|e| e.to_string())?;
    let body = addressed.body;
    if dialect == Dialect::V1 {
        return old(&addressed, order);
    }
    if addressed.is_for(cluster::SYNC) {
        if order != ByteOrder::NATIVE {
            return Ok(format!("sync, in another byte order: {}", bytes(body)));
        }
        let sync = cluster::decode_sync(body, dialect).map_err(|e| format!("sync: {e}"))?;
        return Ok(format!("sync {sync:?}"));
    }
    if !addressed.is_for(cluster::SERVICES) {
        return Ok(format!("message to another group: {}", bytes(body)));
    }
    match Message::decode(body, order) {
        Ok(message) => Ok(words(&message)),
        Err(error @ cluster::ClusterError::Unknown { .. }) => {
            Ok(format!("{error}: {}", bytes(body)))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A message of 1.x.
fn old(addressed: &Addressed<'_>, order: ByteOrder) -> Result<String, String> {
    let body = addressed.body;
    let groups = [cluster::SERVICES, cluster::SYNC, cluster::SYNC_V2];
    let Some(group) = groups.into_iter().find(|group| addressed.is_for(group)) else {
        return Ok(format!("message to another group: {}", bytes(body)));
    };
    let name = String::from_utf8_lossy(group);
    match Old::decode(group, body, order) {
        Ok(Old::Cpg(message)) => Ok(words(&Message::Cpg(message))),
        Ok(Old::Sync(sync)) => Ok(format!("{name} {sync:?}")),
        Ok(Old::Service(service, function)) => {
            Ok(format!("{service} function {function}: {}", bytes(body)))
        }
        Err(error @ cluster::ClusterError::Unknown { .. }) => {
            Ok(format!("{name}: {error}: {}", bytes(body)))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// A message of a service; of what clients say the first bytes.
fn words(message: &Message) -> String {
    let client = |source: &Source| format!("of client {}:{:x}", source.node, source.client);
    match message {
        Message::Cpg(Cpg::Process {
            joins,
            group,
            pid,
            reason,
        }) => {
            let what = if *joins { "join" } else { "leave" };
            format!("cpg {what} group {group} pid {pid} reason {}", reason.0)
        }
        Message::Cpg(Cpg::Mcast {
            group,
            pid,
            source,
            data,
        }) => {
            let (client, data) = (client(source), bytes(data));
            format!("cpg mcast group {group} pid {pid} {client}: {data}")
        }
        Message::Cpg(Cpg::Partial {
            group,
            total,
            pid,
            kind,
            source,
            data,
        }) => {
            let (client, data) = (client(source), bytes(data));
            format!("cpg {kind:?} part of {total} bytes group {group} pid {pid} {client}: {data}")
        }
        Message::Cmap(message) => format!("cmap {message:?}"),
        Message::Cfg(message) => format!("cfg {message:?}"),
        Message::Cpg(message) => format!("cpg {message:?}"),
        Message::Votequorum(message) => format!("votequorum {message:?}"),
    }
}

fn bytes(bytes: &[u8]) -> String {
    let mut out = format!("{} bytes", bytes.len());
    for (i, byte) in bytes.iter().take(BYTES_SHOWN).enumerate() {
        out.push_str(if i % 4 == 0 { " " } else { "" });
        let _ = write!(out, "{byte:02x}");
    }
    if bytes.len() > BYTES_SHOWN {
        out.push_str(" ...");
    }
    out
}
