//! Datagrams that were not taken: counted by medium and kind, logged at a limited rate.

use std::collections::BTreeMap;

use crate::ids::LinkName;
use crate::proto::heartbeat::Severity;
use crate::runtime::log::{Logger, RateLimit};
use crate::runtime::media::Source;
use crate::time::Instant;
use crate::wire::heartbeat::datagram::{OpenError, Refusal};

/// Counts of what was refused.
#[derive(Debug, Default)]
pub struct Refusals {
    kinds: BTreeMap<(LinkName, Refusal), Kind>,
}

#[derive(Debug)]
struct Kind {
    count: u64,
    limit: RateLimit,
}

impl Refusals {
    /// Counts one datagram, and logs it if no other of its kind was logged within the minute.
    pub fn refuse(
        &mut self,
        now: Instant,
        (link, source): (&LinkName, &Source),
        why: &OpenError,
        log: Option<&Logger>,
    ) {
        let kind = self
            .kinds
            .entry((link.clone(), why.refusal()))
            .or_insert_with(|| Kind {
                count: 0,
                limit: RateLimit::per_minute(),
            });
        kind.count += 1;
        let Some(log) = log else { return };
        if let Some(unsaid) = kind.limit.allow(now) {
            let more = match unsaid {
                0 => String::new(),
                n => format!(" ({n} more of the kind since the last such line)"),
            };
            log.log(
                Severity::Warning,
                format!("packet from {source} on {link} refused: {why}{more}"),
            );
        }
    }

    /// Counts by link and kind.
    pub fn counts(&self) -> impl Iterator<Item = (&LinkName, Refusal, u64)> {
        self.kinds
            .iter()
            .map(|((link, refusal), kind)| (link, *refusal, kind.count))
    }
}
