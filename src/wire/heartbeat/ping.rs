//! What the ping media put into an ICMP echo, to know its reply by.
//!
//! Source: heartbeat 3.0.6, `lib/plugins/HBcomm/ping.c`, `ping_group.c`, `ping6.c`;
//! `spec/heartbeat-wire.md` sections 6 and 12.

use super::auth::Keyring;
use super::datagram::{Format, OpenError, open, seal_into};
use super::message::Message;
use super::{DecodeError, EncodeError};

/// The medium that sends an echo; its name is the field `info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// `ping`: one host over IPv4.
    Ping,
    /// `ping_group`: several hosts that are one node.
    PingGroup,
    /// `ping6`: one host over IPv6.
    Ping6,
}

impl Medium {
    /// Its directive in ha.cf.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::PingGroup => "ping_group",
            Self::Ping6 => "ping6",
        }
    }
}

/// Makes the echo's body in `out`, whose old content goes: a status message of the ping node
/// `node`, for the reply to bring back.
pub fn seal_echo_into(
    (medium, node): (Medium, &str),
    unix_s: u64,
    (keyring, format): (&Keyring, Format),
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let message = Message::of_type("NS_st")
        .with("st", "ping")
        .with("info", medium.name())
        .with("src", node)
        .with("ts", format!("{unix_s:x}"));
    seal_into(&message, keyring, format, out)
}

/// Opens the body of an echo reply: the message as if the ping node itself had sent it.
///
/// Errors: as [`open`], and `Malformed` for a message that is no ping status.
pub fn open_echo(body: &[u8], keyring: &Keyring) -> Result<Message, OpenError> {
    let message = open(body, keyring)?.message;
    let fits = message.kind() == Some("NS_st")
        && message.text("st") == Some("ping")
        && message.text("src").is_some();
    if fits {
        Ok(message)
    } else {
        let what = "an echo reply that isn't a ping node's status";
        Err(DecodeError::Malformed { at: 0, what }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::auth::Method;
    use super::super::datagram::seal;
    use super::*;

    #[test]
    fn an_echo_comes_back_as_the_ping_nodes_status() {
        let ring = Keyring::new(1, [(1, Method::Md5, &b"key"[..])]).unwrap();
        let mut body = Vec::new();
        let to = (Medium::PingGroup, "routers");
        seal_echo_into(to, 0x6b02_d69c, (&ring, Format::Netstring), &mut body).unwrap();
        let message = open_echo(&body, &ring).unwrap();
        let line = "t=NS_st st=ping info=ping_group src=routers ts=6b02d69c";
        assert_eq!(message.to_string(), line);

        let status = Message::of_type("status").with("src", "a");
        let forged = seal(&status, &ring, Format::Classic).unwrap();
        assert!(open_echo(&forged, &ring).is_err());
    }
}
