//! Sets of processors.

use crate::wire::totem::Processor;

/// A set of processors, ascending: the first is the representative.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members(Vec<Processor>);

impl Members {
    /// Those of a list, doubles left out.
    pub fn of(list: &[Processor]) -> Self {
        let mut list = list.to_vec();
        list.sort_unstable();
        list.dedup();
        Self(list)
    }

    /// One alone.
    pub fn one(member: Processor) -> Self {
        Self(vec![member])
    }

    /// Adds one; true if it is new.
    pub fn insert(&mut self, member: Processor) -> bool {
        match self.0.binary_search(&member) {
            Ok(_) => false,
            Err(at) => {
                self.0.insert(at, member);
                true
            }
        }
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: &Self) {
        for member in &other.0 {
            self.insert(*member);
        }
    }

    /// True if it is in the set.
    pub fn contains(&self, member: &Processor) -> bool {
        self.0.binary_search(member).is_ok()
    }

    /// True if all of this set are in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|member| other.contains(member))
    }

    /// Those that aren't in the other set.
    pub fn without(&self, other: &Self) -> Self {
        let keep = |member: &&Processor| !other.contains(member);
        Self(self.0.iter().filter(keep).copied().collect())
    }

    /// Those of whom it holds.
    pub fn filter(mut self, keep: impl Fn(&Processor) -> bool) -> Self {
        self.0.retain(keep);
        self
    }

    /// Those that are in both.
    pub fn common(&self, other: &Self) -> Self {
        let keep = |member: &&Processor| other.contains(member);
        Self(self.0.iter().filter(keep).copied().collect())
    }

    /// The lowest.
    pub fn first(&self) -> Option<&Processor> {
        self.0.first()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ascending.
    pub fn as_slice(&self) -> &[Processor] {
        &self.0
    }

    /// As a list.
    pub fn to_vec(&self) -> Vec<Processor> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn set(numbers: &[u32]) -> Members {
        let of = |number: &u32| Processor::of_node(NodeId(*number));
        Members::of(&numbers.iter().map(of).collect::<Vec<_>>())
    }

    #[test]
    fn sets_are_sets() {
        let mut some = set(&[3, 1, 3]);
        assert_eq!(some, set(&[1, 3]));
        assert!(some.insert(Processor::of_node(NodeId(2))));
        assert!(!some.insert(Processor::of_node(NodeId(2))));
        assert_eq!(some.without(&set(&[2, 9])), set(&[1, 3]));
        assert_eq!(some.common(&set(&[2, 9])), set(&[2]));
        assert!(set(&[]).is_subset(&some) && set(&[1, 2]).is_subset(&some));
        assert!(!set(&[1, 4]).is_subset(&some));
        some.merge(&set(&[0, 2]));
        assert_eq!(some.as_slice().len(), 4);
        assert_eq!(some.first(), Some(&Processor::of_node(NodeId(0))));
    }
}
