//! Processors that others name and that never speak.
//!
//! Who is named in a join, be it forged or old, is waited for until consensus times out. A node
//! that has done so is told the name again by the next that hasn't, and they would go on so
//! without end, each on a ring of its own. So who was waited for twice in vain isn't taken from
//! others' joins for a while; one word of its own is enough to be known again.
//!
//! Differs: the real one believes each join.

use std::collections::BTreeMap;

use super::members::Members;
use crate::limits;
use crate::wire::totem::Processor;

/// Times that a processor is waited for.
const PATIENCE: u8 = 2;

/// Who was waited for in vain, and how often.
///
/// Bounds: [`limits::TOTEM_MEMBERS_MAX`].
#[derive(Debug, Default)]
pub struct Ghosts(BTreeMap<Processor, u8>);

impl Ghosts {
    /// These said nothing until consensus timed out.
    pub fn add(&mut self, silent: &Members) {
        for processor in silent.as_slice() {
            let room = self.0.len() < limits::TOTEM_MEMBERS_MAX;
            if room || self.0.contains_key(processor) {
                let times = self.0.entry(*processor).or_default();
                *times = times.saturating_add(1);
            }
        }
    }

    /// It is there.
    pub fn hear(&mut self, processor: &Processor) {
        self.0.remove(processor);
    }

    /// Those of a join who may be there.
    pub fn leave_out(&self, named: Members) -> Members {
        let tried = self.0.iter().filter(|(_, times)| **times >= PATIENCE);
        let tried: Vec<Processor> = tried.map(|(processor, _)| *processor).collect();
        match tried.is_empty() {
            true => named,
            false => named.without(&Members::of(&tried)),
        }
    }

    /// It was long ago.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    #[test]
    fn who_was_waited_for_twice_is_left_out_until_it_speaks() {
        let one = Processor::of_node(NodeId(1));
        let two = Processor::of_node(NodeId(2));
        let both = Members::of(&[one, two]);
        let mut ghosts = Ghosts::default();
        ghosts.add(&both);
        assert_eq!(ghosts.leave_out(both.clone()), both);
        ghosts.add(&Members::one(two));
        assert_eq!(ghosts.leave_out(both.clone()), Members::one(one));
        ghosts.hear(&two);
        assert_eq!(ghosts.leave_out(both.clone()), both);
    }
}
