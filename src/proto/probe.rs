//! Probes of `everbeat ping`: does a peer hear us on this medium? Pure.
//!
//! The tool sends a request on each medium; the peer's everbeat says on which link it came, on
//! all its media. A real heartbeat takes a request for a message without a reader.

use crate::ids::{LinkName, NodeName};
use crate::wire::heartbeat::Message;

const REQUEST: &str = "NS_everbeat_probe";
const ECHO: &str = "NS_everbeat_echo";

/// Where a request goes, and how its echo is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Number of the sender's path.
    pub path: usize,
    /// The sender's word for one run of the tool.
    pub nonce: u64,
}

/// What an echo says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    /// The peer that heard the request.
    pub from: NodeName,
    /// The request.
    pub probe: Probe,
    /// The peer's link on which it came.
    pub heard_on: LinkName,
}

/// The request to `peer`.
pub fn request(local: &NodeName, peer: &NodeName, probe: &Probe, unix_s: u64) -> Message {
    Message::of_type(REQUEST)
        .with("dest", peer.as_str())
        .with("src", local.as_str())
        .with("path", probe.path.to_string())
        .with("nonce", format!("{:x}", probe.nonce))
        .with("ts", format!("{unix_s:x}"))
}

/// True for both messages: they are no business of the node protocol.
pub fn is_probe(message: &Message) -> bool {
    matches!(message.kind(), Some(REQUEST | ECHO))
}

/// The echo that a node owes for a request that it got over `link`; none for requests to others.
pub fn answer(
    message: &Message,
    local: &NodeName,
    link: &LinkName,
    unix_s: u64,
) -> Option<Message> {
    let for_us = message.text("dest") == Some(local.as_str());
    if message.kind() != Some(REQUEST) || !for_us {
        return None;
    }
    let asker = NodeName::new(message.text("src")?).ok()?;
    let probe = read_probe(message)?;
    let echo = Message::of_type(ECHO)
        .with("dest", asker.as_str())
        .with("src", local.as_str())
        .with("path", probe.path.to_string())
        .with("nonce", format!("{:x}", probe.nonce))
        .with("heard", link.as_str())
        .with("ts", format!("{unix_s:x}"));
    Some(echo)
}

/// The echo in a message, if it is one for us.
pub fn read_echo(message: &Message, local: &NodeName) -> Option<Echo> {
    let for_us = message.text("dest") == Some(local.as_str());
    if message.kind() != Some(ECHO) || !for_us {
        return None;
    }
    Some(Echo {
        from: NodeName::new(message.text("src")?).ok()?,
        probe: read_probe(message)?,
        heard_on: LinkName::new(message.text("heard")?),
    })
}

fn read_probe(message: &Message) -> Option<Probe> {
    let path = usize::try_from(message.decimal("path")?).ok()?;
    Some(Probe {
        path,
        nonce: message.hex("nonce")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(word: &str) -> NodeName {
        NodeName::new(word).expect("a name")
    }

    #[test]
    fn a_request_comes_back_with_the_link_it_was_heard_on() {
        let (a, b, link) = (name("a"), name("b"), LinkName::new("eth7"));
        let probe = Probe {
            path: 2,
            nonce: 0xfeed,
        };
        let request = request(&a, &b, &probe, 9);
        assert!(is_probe(&request));
        assert_eq!(answer(&request, &a, &link, 9), None, "not for a");
        let echo = answer(&request, &b, &link, 9).expect("an echo");
        assert_eq!(answer(&echo, &a, &link, 9), None, "an echo is not answered");
        assert_eq!(read_echo(&echo, &b), None);
        let wanted = Echo {
            from: b,
            probe,
            heard_on: link,
        };
        assert_eq!(read_echo(&echo, &a), Some(wanted));
    }

    #[test]
    fn requests_without_sense_get_no_answer() {
        let (b, link) = (name("b"), LinkName::new("eth0"));
        for field in ["src", "path", "nonce"] {
            let mut bad = request(&name("a"), &b, &Probe { path: 0, nonce: 1 }, 9);
            bad.remove(field);
            assert_eq!(answer(&bad, &b, &link, 9), None, "{field}");
        }
    }
}
