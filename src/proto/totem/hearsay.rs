//! Who is only hearsay: processors that others name in their joins, and that never speak.
//!
//! Whoever is named in a join, be it forged or old, is waited for until consensus times out. A
//! node that has done so is told the name again by the next that hasn't, and they would go on so
//! without end, each on a ring of its own. So after consensus timed out twice only those count
//! whom we heard ourselves of late, and the members of the last ring: what a member died of may
//! be hearsay, but that it was there isn't. One word of its own is enough to be a candidate.
//!
//! Differs: the real one believes each join.

use std::collections::BTreeMap;
use std::time::Duration;

use super::members::Members;
use crate::limits;
use crate::time::Instant;
use crate::wire::totem::Processor;

/// Times that consensus is waited for in vain before hearsay counts no more.
const PATIENCE: u8 = 2;

/// Who spoke when, and whether the word of others counts.
///
/// Bounds: [`limits::TOTEM_MEMBERS_MAX`]; who was silent for longest is forgotten first.
#[derive(Debug, Default)]
pub struct Hearsay {
    heard: BTreeMap<Processor, Instant>,
    doubts: u8,
}

impl Hearsay {
    /// It speaks itself.
    pub fn hear(&mut self, now: Instant, processor: Processor) {
        let full = self.heard.len() >= limits::TOTEM_MEMBERS_MAX;
        if full && !self.heard.contains_key(&processor) {
            let longest = self.heard.iter().min_by_key(|(_, at)| **at);
            let longest = longest.map(|(processor, _)| *processor);
            longest.and_then(|processor| self.heard.remove(&processor));
        }
        self.heard.insert(processor, now);
    }

    /// Consensus was waited for in vain. Who said nothing for as long isn't counted as heard.
    pub fn doubt(&mut self, now: Instant, consensus: Duration) {
        self.doubts = self.doubts.saturating_add(1);
        self.heard.retain(|_, at| now.since(*at) <= consensus);
    }

    /// True if consensus was waited for in vain too often.
    pub fn doubts(&self) -> bool {
        self.doubts >= PATIENCE
    }

    /// Those of a list who are candidates; `sure` are so in any case.
    pub fn candidates(&self, named: Members, sure: &[&Members]) -> Members {
        if !self.doubts() {
            return named;
        }
        named.filter(|processor| {
            self.heard.contains_key(processor) || sure.iter().any(|set| set.contains(processor))
        })
    }

    /// It was long ago.
    pub fn trust(&mut self) {
        self.doubts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    const CONSENSUS: Duration = Duration::from_millis(1200);

    fn node(number: u32) -> Processor {
        Processor::of_node(NodeId(number))
    }

    #[test]
    fn after_two_timeouts_only_who_speaks_is_a_candidate() {
        let named = Members::of(&[node(1), node(2), node(3)]);
        let ring = Members::one(node(3));
        let mut hearsay = Hearsay::default();
        hearsay.hear(Instant(0), node(1));
        hearsay.doubt(Instant(1200), CONSENSUS);
        assert_eq!(hearsay.candidates(named.clone(), &[&ring]), named);
        hearsay.doubt(Instant(2400), CONSENSUS);
        assert_eq!(hearsay.candidates(named.clone(), &[&ring]), ring);
        hearsay.hear(Instant(2401), node(2));
        let heard = Members::of(&[node(2), node(3)]);
        assert_eq!(hearsay.candidates(named.clone(), &[&ring]), heard);
        hearsay.trust();
        assert_eq!(hearsay.candidates(named.clone(), &[&ring]), named);
    }

    #[test]
    fn who_speaks_in_many_names_is_remembered_in_few() {
        let mut hearsay = Hearsay::default();
        let names = limits::TOTEM_MEMBERS_MAX as u32;
        for number in 0..names + 1 {
            hearsay.hear(Instant(u64::from(number)), node(number));
        }
        assert_eq!(hearsay.heard.len(), limits::TOTEM_MEMBERS_MAX);
        assert!(!hearsay.heard.contains_key(&node(0)), "the first to go");
        assert!(hearsay.heard.contains_key(&node(names)));
    }
}
