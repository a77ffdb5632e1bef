//! The section `quorum`.
//!
//! Source: spec corosync-conf.md 3.4, corosync-services.md 4.1; corosync 3.1.7,
//! exec/votequorum.c, `votequorum_readconfig`

use super::generation::Generation;
use super::model::{Device, Node, Quorum, TieBreaker};
use super::read::Reader;
use super::section::Merged;
use super::tree::Key;
use crate::config::source::Span;

pub(super) fn read(reader: &mut Reader<'_, '_>, nodes: &[Node]) -> Quorum {
    let keys = reader.merged("quorum");
    let mut quorum = Quorum {
        provider: keys.is("provider", "corosync_votequorum"),
        expected_votes: keys.number("expected_votes").filter(|n| *n > 0),
        votes: keys.number_or("votes", 1),
        two_node: keys.flag("two_node"),
        wait_for_all: keys.text("wait_for_all").map(|v| v != "0"),
        last_man_standing: keys.flag("last_man_standing"),
        last_man_standing_window: keys.number_or("last_man_standing_window", 10_000),
        auto_tie_breaker: tie_breaker(reader, &keys),
        allow_downscale: keys.flag("allow_downscale"),
        expected_votes_tracking: keys.flag("expected_votes_tracking"),
        device: device(&keys),
    };
    quorum.expected_votes_tracking |= quorum.allow_downscale;
    if reader.generation() == Generation::One {
        return quorum;
    }
    let mut rules = Rules {
        reader,
        keys,
        nodes,
    };
    if quorum.provider {
        rules.votes(&quorum);
        rules.device(&quorum);
        rules.ties(&mut quorum);
        rules.two_nodes(&mut quorum);
    } else {
        rules.without_provider();
    }
    quorum
}

fn tie_breaker(reader: &mut Reader<'_, '_>, keys: &Merged<'_>) -> Option<TieBreaker> {
    if !keys.flag("auto_tie_breaker") {
        return None;
    }
    let Some(key) = keys.key("auto_tie_breaker_node") else {
        return Some(TieBreaker::Lowest);
    };
    match key.value.as_str() {
        "lowest" | "" => return Some(TieBreaker::Lowest),
        "highest" => return Some(TieBreaker::Highest),
        _ => {}
    }
    let ids: Result<Vec<u32>, _> = key.value.split_whitespace().map(str::parse).collect();
    match ids {
        Ok(ids) => Some(TieBreaker::List(ids)),
        Err(_) => {
            let message = format!(
                "auto_tie_breaker_node {:?} turns the tie-breaker off",
                key.value
            );
            let help = "write lowest, highest, or node ids with blanks between them";
            reader.warning(key.span(), message, help);
            None
        }
    }
}

fn device(keys: &Merged<'_>) -> Option<Device> {
    let section = keys.all("device").last()?;
    let keys = Merged::one(section);
    Some(Device {
        model: keys.text("model")?.to_owned(),
        votes: keys.number("votes"),
        timeout: keys.number_or("timeout", 10_000),
        sync_timeout: keys.number_or("sync_timeout", 30_000),
        master_wins: keys.flag("master_wins"),
    })
}

struct Rules<'a, 'r, 's, 't> {
    reader: &'a mut Reader<'r, 's>,
    keys: Merged<'t>,
    nodes: &'a [Node],
}

impl Rules<'_, '_, '_, '_> {
    fn span(&self, name: &str) -> Span {
        let section = self.keys.first().map(|s| s.span);
        let key = self.keys.key(name).map(Key::span);
        key.or(section).unwrap_or_default()
    }

    fn error(&mut self, name: &str, message: impl Into<String>, help: &str) {
        let span = self.span(name);
        self.reader.error(span, message, help);
    }

    fn warning(&mut self, name: &str, message: impl Into<String>, help: impl Into<String>) {
        let span = self.span(name);
        self.reader.warning(span, message, help);
    }

    fn sum(&self) -> u32 {
        self.nodes
            .iter()
            .fold(0, |sum: u32, n| sum.saturating_add(n.votes))
    }

    fn without_provider(&mut self) {
        let Some(section) = self.keys.first() else {
            return;
        };
        let message = "no provider: the cluster always counts as quorate";
        let help = "write provider: corosync_votequorum into it";
        self.reader.note(section.span, message, help);
    }

    fn votes(&mut self, quorum: &Quorum) {
        match quorum.expected_votes {
            None if self.nodes.is_empty() => {
                let message = "how many votes there are is not said";
                let help = "write a nodelist, or expected_votes: and the number of nodes";
                self.error("provider", message, help);
            }
            Some(expected) if !self.nodes.is_empty() && expected != self.sum() => {
                let sum = self.sum();
                let message = format!("expected_votes is {expected}, the nodelist has {sum} votes");
                let help = "take expected_votes out: the nodelist is counted";
                self.warning("expected_votes", message, help);
            }
            _ => {}
        }
    }

    fn device(&mut self, quorum: &Quorum) {
        let Some(device) = &quorum.device else { return };
        let help = "take one of the two out: corosync does not start with both";
        let others = [
            (quorum.two_node, "two_node"),
            (quorum.last_man_standing, "last_man_standing"),
            (quorum.auto_tie_breaker.is_some(), "auto_tie_breaker"),
            (quorum.allow_downscale, "allow_downscale"),
        ];
        for (_, name) in others.into_iter().filter(|(on, _)| *on) {
            self.error(name, format!("{name} and a quorum device"), help);
        }
        let help = "write votes: N into the device";
        if device.votes.is_none() && quorum.expected_votes.is_some() {
            let message = "the device needs votes where expected_votes is given";
            self.error("expected_votes", message, help);
        } else if device.votes.is_none() && self.nodes.iter().any(|n| n.votes != 1) {
            let message = "the device needs votes where a node has more or less than one";
            self.error("provider", message, help);
        }
        let expected = quorum.expected_votes.unwrap_or(u32::MAX);
        if let Some(votes) = device.votes.filter(|v| *v >= expected) {
            let message = format!("the device has {votes} of {expected} votes");
            self.error(
                "expected_votes",
                message,
                "give it fewer votes than there are",
            );
        }
        let message = "everbeat has no client for a quorum device: its votes are never cast";
        self.warning(
            "device",
            message,
            "give the cluster a third node, or two_node: 1",
        );
    }

    /// Source: votequorum 3.1.7: an odd cluster can't be halved; with wait_for_all it may
    fn ties(&mut self, quorum: &mut Quorum) {
        if quorum.auto_tie_breaker.is_none() {
            return;
        }
        let expected = quorum.expected_votes.unwrap_or_else(|| self.sum());
        let waits = quorum.wait_for_all.unwrap_or(false);
        if expected.is_multiple_of(2) || waits {
            return;
        }
        if quorum.last_man_standing {
            let message = "auto_tie_breaker and last_man_standing, and an odd number of votes";
            let help = "take last_man_standing out, and write wait_for_all: 1";
            return self.error("auto_tie_breaker", message, help);
        }
        let message = "auto_tie_breaker is off: the number of votes is odd";
        let help = "take it out, or write wait_for_all: 1";
        self.warning("auto_tie_breaker", message, help);
        quorum.auto_tie_breaker = None;
    }

    fn two_nodes(&mut self, quorum: &mut Quorum) {
        if !quorum.two_node {
            return;
        }
        if quorum.auto_tie_breaker.is_some() {
            let message = "two_node is off: it doesn't go with auto_tie_breaker";
            self.warning("two_node", message, "take one of the two out");
            quorum.two_node = false;
            return;
        }
        let nodes = self.nodes.len();
        let expected = quorum.expected_votes.unwrap_or_else(|| self.sum());
        if nodes > 2 {
            let message = format!("two_node with {nodes} nodes");
            let help = "take it out: with three nodes or more a majority decides";
            self.warning("two_node", message, help);
        } else if expected != 2 && expected != 0 {
            let message = format!("two_node has no effect with {expected} votes");
            let help = "take it out, or give each of two nodes one vote";
            self.warning("two_node", message, help);
        }
    }
}
