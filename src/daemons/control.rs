//! The control socket: what tools ask of the running daemon, and its answers.
//!
//! `/run/heartbeat/everbeat.sock`, a Unix stream socket. One JSON object a line both ways;
//! answers come in the order of the requests. [`Request::Watch`] turns the connection into a
//! stream of reports that ends when the client closes it.

use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::v1::Side;

/// Path of the socket. Root may ask everything; others may read.
pub const SOCKET: &str = "/run/heartbeat/everbeat.sock";

/// Longest request line, newline counted, bytes. Node names of `hb_addnode` are the longest part.
pub const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Longest answer line, newline counted, bytes: a report of 100 nodes with 64 media each.
pub const REPLY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A line from the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// The picture, once: `{"ask":"report"}`.
    Report,
    /// The picture now, at each change, and each second.
    Watch,
    /// `hb_standby`: give these groups to the other node.
    Standby {
        /// Which, seen from this node.
        side: Side,
    },
    /// `hb_takeover`: get these groups from the other node.
    Takeover {
        /// Which, seen from this node.
        side: Side,
    },
    /// Leave all resources as they are: neither take over nor give up.
    Hold {
        /// Nodes that are down, and stay none of the cluster's if they come back meanwhile.
        #[serde(default)]
        absent: Vec<String>,
    },
    /// Go on after a hold.
    Release,
    /// `hb_addnode`.
    AddNodes {
        /// Their names.
        nodes: Vec<String>,
    },
    /// `hb_delnode`.
    DeleteNodes {
        /// Their names.
        nodes: Vec<String>,
    },
    /// `hb_setweight`.
    SetWeight {
        /// The node.
        node: String,
        /// Its weight from now on.
        weight: u32,
    },
    /// `hb_setsite`.
    SetSite {
        /// The node.
        node: String,
        /// Its site from now on.
        site: String,
    },
}

/// A line from the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// The picture.
    Report(Box<Report>),
    /// The request is under way: `{"answer":"accepted","text":"a gives all groups to b"}`.
    Accepted {
        /// What happens now, a sentence; may be empty.
        #[serde(default)]
        text: String,
    },
    /// The request can't be granted: `{"answer":"refused","why":"b is dead"}`.
    Refused {
        /// Why, and what would help.
        why: String,
    },
}

impl Request {
    /// The request as a line with its newline.
    pub fn encode(&self) -> String {
        line(self)
    }

    /// Reads a line, with or without newline.
    ///
    /// Errors: what JSON or the request lacks, for [`Reply::Refused`].
    pub fn decode(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|e| format!("no request that I know: {e}"))
    }

    /// True for requests that change nothing, which everybody may ask.
    pub fn only_reads(&self) -> bool {
        matches!(self, Self::Report | Self::Watch)
    }
}

impl Reply {
    /// The answer as a line with its newline.
    pub fn encode(&self) -> String {
        line(self)
    }

    /// Reads a line, with or without newline.
    ///
    /// Errors: what JSON or the answer lacks.
    pub fn decode(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|e| format!("no answer that I know: {e}"))
    }
}

fn line(object: &impl Serialize) -> String {
    let mut text = serde_json::to_string(object).expect("invariant: strings, numbers, lists only");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_are_lines_of_json() {
        let request = Request::Standby { side: Side::All };
        assert_eq!(request.encode(), "{\"ask\":\"standby\",\"side\":\"all\"}\n");
        assert_eq!(Request::decode(request.encode().as_bytes()), Ok(request));
        let reply = Reply::Report(Box::new(Report {
            host: "a".into(),
            ..Report::default()
        }));
        assert!(
            reply
                .encode()
                .starts_with("{\"answer\":\"report\",\"host\":\"a\"")
        );
        assert_eq!(Reply::decode(reply.encode().as_bytes()), Ok(reply));
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for bad in [
            "",
            "{}",
            "[]",
            "{\"ask\":\"dance\"}",
            "{\"ask\":\"standby\"}",
        ] {
            assert!(Request::decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_reports_are_for_everybody() {
        assert!(Request::Watch.only_reads());
        assert!(!Request::AddNodes { nodes: vec![] }.only_reads());
    }
}
