//! Datagrams that are of no use: a line a minute for each kind, however many come.

use std::collections::BTreeMap;

use crate::proto::heartbeat::Severity;
use crate::proto::totem::Note;
use crate::runtime::log::{Logger, RateLimit};
use crate::time::Instant;

/// What was refused, by kind.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    kinds: BTreeMap<&'static str, RateLimit>,
}

impl Refusals {
    /// The kind of a note about a datagram that wasn't taken; none for other notes.
    pub(super) fn kind(note: &Note) -> Option<&'static str> {
        match note {
            Note::Refused(_) => Some("unreadable"),
            Note::Impossible(what) => Some(what),
            _ => None,
        }
    }

    /// Logs one, if no other of its kind was logged within the minute.
    pub(super) fn log(&mut self, now: Instant, kind: &'static str, text: &str, log: &Logger) {
        let limit = self.kinds.entry(kind);
        let limit = limit.or_insert_with(RateLimit::per_minute);
        if let Some(unsaid) = limit.allow(now) {
            let more = match unsaid {
                0 => String::new(),
                n => format!(" ({n} more of the kind since the last such line)"),
            };
            log.log(Severity::Warning, format!("{text}{more}"));
        }
    }
}
