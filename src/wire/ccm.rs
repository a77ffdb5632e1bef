//! Messages of the consensus membership, as fields of heartbeat messages.
//!
//! ```text
//!  heartbeat::Message --CcmMessage::decode--> CcmMessage --encode--> heartbeat::Message
//! ```
//!
//! Layout: `t, ccmmajor, numnodes`, then for all but two types `ccmcookie, ccmmajor, ccmuptime,
//! ccmminor`, then what the type adds. `ccmmajor` is there twice, with the same value.
//! Source: heartbeat 3.0.6, `membership/ccm/ccmmsg.h`; `spec/ccm.md` section 2; seen in
//! `tests/wire/ccm`.

use std::fmt;

use crate::wire::heartbeat::{Message, Value};

mod bitmap;
mod uptimes;

pub use bitmap::Bitmap;

/// Longest part of a cookie that counts. Source: heartbeat 3.0.6, `COOKIESIZE`.
const COOKIE_BYTES_MAX: usize = 15;
/// What each type's name starts with.
const PREFIX: &str = "CCM_TYPE_";
/// Largest number that the real daemon reads.
const NUMBER_MAX: u32 = i32::MAX as u32;

/// Names one membership and the round that made it: messages of another are not for us.
///
/// Bounds: 15 bytes; of a longer one the rest doesn't count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cookie(Vec<u8>);

impl Cookie {
    /// Takes the bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes[..bytes.len().min(COOKIE_BYTES_MAX)].to_vec())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A message of one `ccm` to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CcmMessage {
    /// Major transition number: grows with each membership.
    pub major: u32,
    /// How many nodes the sender's table has.
    pub nodes: u32,
    /// Where the sender stands; none in the types that come before any membership.
    pub context: Option<Context>,
    /// What it says.
    pub body: Body,
}

/// Where a sender stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Of its membership.
    pub cookie: Cookie,
    /// Major number at which the sender became a member; 0 if it never did.
    pub uptime: u32,
    /// Minor transition number: grows with each voting round.
    pub minor: u32,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Is there a membership? No context.
    ProtoVersion,
    /// There is this one.
    ProtoVersionResp {
        /// Always 0; 2 and more is refused.
        protocol: u32,
        /// Members of the sender's membership.
        members: u32,
    },
    /// I want to become a member.
    Alive,
    /// To the leader: this node wants to become a member.
    NewNode(Vec<u8>),
    /// The next membership, without a vote.
    MemList(MemList),
    /// I take part in the voting round of this minor number.
    Join,
    /// To the voters: whom do you hear? From the would-be leader.
    ReqMemList,
    /// Those that I heard in this round.
    ResMemList {
        /// Largest major number that the sender ever had.
        largest_major: u32,
        /// None when the sender follows somebody else.
        heard: Option<Bitmap>,
    },
    /// The next membership, after a vote.
    FinalMemList {
        /// Its major number.
        major: u32,
        /// Its members.
        members: Bitmap,
        /// Whether it has quorum.
        quorum: bool,
        /// Cookie from now on.
        cookie: Cookie,
    },
    /// Your round is outdated.
    Abort,
    /// From the leader: this member is gone.
    NodeLeaveNotice(Vec<u8>),
    /// To the leader: I saw it go. The real sender writes the leader's name here.
    NodeLeave(Vec<u8>),
    /// To a node that came back: the name of my state.
    StateInfo(Vec<u8>),
    /// Two memberships met: begin anew. No context.
    Restart,
}

/// A membership that changes by one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemList {
    /// Members by index.
    pub members: Bitmap,
    /// Whether they have quorum.
    pub quorum: bool,
    /// Major number at which each became a member, in the order of their indices.
    pub uptimes: Vec<u32>,
    /// Cookie from now on.
    pub cookie: Cookie,
}

/// Why a message is none of the membership's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CcmError {
    /// Another type, or none.
    #[error("{0:?} is no type of the membership")]
    UnknownType(String),
    /// A field is missing, or no such value.
    #[error("{kind} without a good {field}")]
    Field {
        /// Type of the message.
        kind: String,
        /// The field.
        field: &'static str,
    },
}

/// True for a type that [`CcmMessage::decode`] may know.
pub fn is_ccm(message: &Message) -> bool {
    message.kind().is_some_and(|kind| kind.starts_with(PREFIX))
}

impl CcmMessage {
    /// Reads a message.
    ///
    /// Errors: a type that isn't known, a field that is missing or no number.
    pub fn decode(message: &Message) -> Result<Self, CcmError> {
        let kind = message.kind().unwrap_or_default();
        let name = kind.strip_prefix(PREFIX);
        let name = name.ok_or_else(|| CcmError::UnknownType(kind.to_owned()))?;
        let fields = Fields(message);
        let body = body(name, &fields)?;
        let context = match body {
            Body::ProtoVersion | Body::Restart => None,
            _ => Some(Context {
                cookie: fields.cookie("ccmcookie")?,
                uptime: fields.number("ccmuptime")?,
                minor: fields.number("ccmminor")?,
            }),
        };
        Ok(Self {
            major: fields.number("ccmmajor")?,
            nodes: fields.number("numnodes")?,
            context,
            body,
        })
    }

    /// Writes it as the real daemon does, field by field.
    pub fn encode(&self) -> Message {
        let mut out = Message::of_type(&format!("{PREFIX}{}", self.body.name()));
        out.push_text("ccmmajor", self.major.to_string());
        out.push_text("numnodes", self.nodes.to_string());
        if let Some(context) = &self.context {
            out.push_text("ccmcookie", context.cookie.as_bytes());
            out.push_text("ccmmajor", self.major.to_string());
            out.push_text("ccmuptime", context.uptime.to_string());
            out.push_text("ccmminor", context.minor.to_string());
        }
        self.body.encode_into(&mut out);
        out
    }
}

fn body(name: &str, fields: &Fields<'_>) -> Result<Body, CcmError> {
    Ok(match name {
        "PROTOVERSION" => Body::ProtoVersion,
        "PROTOVERSION_RESP" => Body::ProtoVersionResp {
            protocol: fields.number("ccmproto")?,
            members: fields.number("ccmclsize")?,
        },
        "ALIVE" => Body::Alive,
        "NEW_NODE" => Body::NewNode(fields.bytes("node")?.to_vec()),
        "MEM_LIST" => Body::MemList(MemList {
            members: fields.bitmap()?.ok_or_else(|| fields.bad("ccmmemlist"))?,
            quorum: fields.number("ccmquorum")? != 0,
            uptimes: fields.uptimes()?,
            cookie: fields.cookie("ccmnewcookie")?,
        }),
        "JOIN" => Body::Join,
        "REQ_MEMLIST" => Body::ReqMemList,
        "RES_MEMLIST" => Body::ResMemList {
            largest_major: fields.number("ccmmaxt")?,
            heard: fields.bitmap()?,
        },
        "FINAL_MEMLIST" => Body::FinalMemList {
            major: fields.number("ccmmaxt")?,
            members: fields.bitmap()?.ok_or_else(|| fields.bad("ccmmemlist"))?,
            quorum: fields.number("ccmquorum")? != 0,
            cookie: fields.cookie("ccmnewcookie")?,
        },
        "ABORT" => Body::Abort,
        "NODE_LEAVE_NOTICE" => Body::NodeLeaveNotice(fields.bytes("node")?.to_vec()),
        "NODE_LEAVE" => Body::NodeLeave(fields.bytes("node")?.to_vec()),
        "STATE_INFO" => Body::StateInfo(fields.bytes("state")?.to_vec()),
        "RESTART" => Body::Restart,
        other => return Err(CcmError::UnknownType(format!("{PREFIX}{other}"))),
    })
}

impl Body {
    /// The type without its prefix.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ProtoVersion => "PROTOVERSION",
            Self::ProtoVersionResp { .. } => "PROTOVERSION_RESP",
            Self::Alive => "ALIVE",
            Self::NewNode(_) => "NEW_NODE",
            Self::MemList(_) => "MEM_LIST",
            Self::Join => "JOIN",
            Self::ReqMemList => "REQ_MEMLIST",
            Self::ResMemList { .. } => "RES_MEMLIST",
            Self::FinalMemList { .. } => "FINAL_MEMLIST",
            Self::Abort => "ABORT",
            Self::NodeLeaveNotice(_) => "NODE_LEAVE_NOTICE",
            Self::NodeLeave(_) => "NODE_LEAVE",
            Self::StateInfo(_) => "STATE_INFO",
            Self::Restart => "RESTART",
        }
    }

    fn encode_into(&self, out: &mut Message) {
        match self {
            Self::ProtoVersion | Self::Alive | Self::Join => {}
            Self::ReqMemList | Self::Abort | Self::Restart => {}
            Self::ProtoVersionResp { protocol, members } => {
                out.push_text("ccmproto", protocol.to_string());
                out.push_text("ccmclsize", members.to_string());
            }
            Self::NewNode(node) | Self::NodeLeaveNotice(node) | Self::NodeLeave(node) => {
                out.push_text("node", node);
            }
            Self::StateInfo(state) => out.push_text("state", state),
            Self::MemList(list) => {
                out.push_text("ccmmemlist", list.members.encode());
                out.push_text("ccmquorum", u8::from(list.quorum).to_string());
                out.push("ccmuptimelist", uptimes::encode(&list.uptimes));
                out.push_text("ccmnewcookie", list.cookie.as_bytes());
            }
            Self::ResMemList {
                largest_major,
                heard,
            } => {
                out.push_text("ccmmaxt", largest_major.to_string());
                let heard = heard.as_ref().map(Bitmap::encode);
                out.push_text("ccmmemlist", heard.unwrap_or_default());
            }
            Self::FinalMemList {
                major,
                members,
                quorum,
                cookie,
            } => {
                out.push_text("ccmmaxt", major.to_string());
                out.push_text("ccmmemlist", members.encode());
                out.push_text("ccmquorum", u8::from(*quorum).to_string());
                out.push_text("ccmnewcookie", cookie.as_bytes());
            }
        }
    }
}

/// The fields of a message of the membership.
struct Fields<'a>(&'a Message);

impl Fields<'_> {
    fn bad(&self, field: &'static str) -> CcmError {
        let kind = self.0.kind().unwrap_or_default().to_owned();
        CcmError::Field { kind, field }
    }

    fn bytes(&self, field: &'static str) -> Result<&[u8], CcmError> {
        match self.0.get(field) {
            Some(Value::Text(bytes)) => Ok(bytes),
            _ => Err(self.bad(field)),
        }
    }

    fn number(&self, field: &'static str) -> Result<u32, CcmError> {
        let number = self.0.text(field).and_then(|text| text.parse().ok());
        let number = number.filter(|number| *number <= NUMBER_MAX);
        number.ok_or_else(|| self.bad(field))
    }

    fn cookie(&self, field: &'static str) -> Result<Cookie, CcmError> {
        self.bytes(field).map(Cookie::new)
    }

    /// Empty stands for no list at all.
    fn bitmap(&self) -> Result<Option<Bitmap>, CcmError> {
        match self.bytes("ccmmemlist")? {
            [] => Ok(None),
            text => match Bitmap::decode(text) {
                Some(bitmap) => Ok(Some(bitmap)),
                None => Err(self.bad("ccmmemlist")),
            },
        }
    }

    fn uptimes(&self) -> Result<Vec<u32>, CcmError> {
        let list = self.0.get("ccmuptimelist").and_then(uptimes::decode);
        list.ok_or_else(|| self.bad("ccmuptimelist"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(body: Body) -> CcmMessage {
        CcmMessage {
            major: 10,
            nodes: 3,
            context: Some(Context {
                cookie: Cookie::new(b"tZI|nZ%%IiPnw'"),
                uptime: 1,
                minor: 2,
            }),
            body,
        }
    }

    #[test]
    fn what_was_never_captured_comes_back_as_it_went() {
        let nothing_heard = Body::ResMemList {
            largest_major: 4,
            heard: None,
        };
        for body in [Body::Abort, nothing_heard, Body::NodeLeave(b"a".to_vec())] {
            let message = full(body);
            assert_eq!(CcmMessage::decode(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn a_missing_or_wild_field_is_named() {
        let good = full(Body::Join).encode();
        for field in ["ccmmajor", "numnodes", "ccmcookie", "ccmuptime", "ccmminor"] {
            let mut bad = good.clone();
            bad.remove(field);
            let error = CcmMessage::decode(&bad).unwrap_err();
            assert!(error.to_string().ends_with(field), "{error}");
        }
        for number in ["", "-1", "2147483648", "1x", "99999999999999999999"] {
            let mut bad = good.clone();
            bad.set("ccmminor", Value::Text(number.into()));
            assert!(CcmMessage::decode(&bad).is_err(), "{number}");
        }
        let other = Message::of_type("CCM_TYPE_LEAVE");
        assert!(is_ccm(&other) && CcmMessage::decode(&other).is_err());
        assert!(CcmMessage::decode(&Message::of_type("status")).is_err());
    }

    #[test]
    fn of_a_cookie_fifteen_bytes_count() {
        assert_eq!(
            Cookie::new(b"0123456789abcdeXX"),
            Cookie::new(b"0123456789abcdeYY")
        );
        assert_ne!(Cookie::new(b"a"), Cookie::new(b"ab"));
    }
}
