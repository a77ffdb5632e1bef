//! Packets, in the order of the ring.

use super::{CONFIG_VERSION, Output, Services};
use crate::ids::NodeId;
use crate::limits;
use crate::wire::cluster::{self, Cmap, CmapValue, Message};
use crate::wire::cursor::ByteOrder;
use crate::wire::totempg::Addressed;

impl Services {
    /// A packet of `from`, which may be this node. What can't be read is passed over, as real
    /// nodes do; what no member sent, too: nothing says when to forget it.
    pub fn handle_packet(&mut self, from: NodeId, order: ByteOrder, payload: &[u8]) {
        if !self.members.contains(&from) {
            return;
        }
        let Ok(messages) = self.assembler.receive(from, payload, order) else {
            return;
        };
        for message in messages {
            self.message(from, order, &message);
        }
        self.pump();
    }

    fn message(&mut self, from: NodeId, order: ByteOrder, message: &[u8]) {
        let Ok(addressed) = Addressed::decode(message, order) else {
            return;
        };
        if addressed.is_for(cluster::SYNC) {
            if let Ok(message) = cluster::decode_sync(addressed.body, self.dialect) {
                self.barriers.handle_message(from, &message);
                self.pump_barriers();
            }
        } else if addressed.is_for(cluster::SERVICES)
            && let Ok(message) = Message::decode(addressed.body, order)
        {
            self.service_message(from, message);
        }
    }

    /// A barrier acts before the message behind it is looked at.
    fn pump_barriers(&mut self) {
        while let Some(output) = self.barriers.poll_output() {
            self.barrier(output);
        }
    }

    fn service_message(&mut self, from: NodeId, message: Message) {
        match message {
            Message::Cmap(cmap) => self.version(from, &cmap),
            Message::Cfg(cfg) => self.outputs.push_back(Output::Cfg(from, cfg)),
            Message::Cpg(message) => self.cpg.handle_message(from, message),
            Message::Votequorum(message) => {
                if let Some(votequorum) = &mut self.votequorum {
                    votequorum.handle_message(from, &message);
                }
            }
        }
    }

    fn version(&mut self, from: NodeId, cmap: &Cmap) {
        let mut items = cmap.items.iter();
        let Some(item) = items.find(|item| item.key.as_bytes() == CONFIG_VERSION) else {
            return;
        };
        let version = match item.value {
            CmapValue::U64(version) => version,
            _ => 0,
        };
        self.highest_version = self.highest_version.max(version);
        let room = self.versions.len() < limits::TOTEM_MEMBERS_MAX;
        if room || self.versions.contains_key(&from) {
            self.versions.insert(from, version);
        }
    }
}
