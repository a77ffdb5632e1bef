//! The largest set of nodes that all hear one another.

use crate::wire::ccm::Bitmap;

/// Steps after which the search takes the best that it has. Ours: exact for what clusters are,
/// bounded for what a hostile peer makes up.
const STEPS_MAX: u32 = 200_000;

/// The largest set in which each hears each, given whom each node says it hears. Of several of
/// that size the one with the smallest indices first.
///
/// A pair counts if both hear each other; a node that doesn't hear itself is in no set.
/// Source: `spec/ccm.md` section 5.6.
/// Differs: heartbeat 3.0.6 removes the node with the fewest pairs until the rest is complete,
/// which can miss the largest; only the leader computes, so nodes agree all the same.
pub fn largest_clique(heard: &[(usize, Bitmap)]) -> Bitmap {
    let names = |of: usize| heard.iter().find(|(node, _)| *node == of).map(|(_, h)| *h);
    let voters: Bitmap = heard.iter().map(|(node, _)| *node).collect();
    let mutual = |node: usize, list: Bitmap| {
        let hears_back = |other: &usize| names(*other).is_some_and(|h| h.contains(node));
        list.and(voters).iter().filter(hears_back).collect()
    };
    let pairs = heard.iter().filter(|(node, list)| list.contains(*node));
    let mut pairs: Vec<(usize, Bitmap)> = pairs.map(|(n, list)| (*n, mutual(*n, *list))).collect();
    pairs.sort_by_key(|(node, _)| *node);
    let mut search = Search {
        pairs,
        best: Bitmap::EMPTY,
        steps: 0,
    };
    let all = search.pairs.iter().map(|(node, _)| *node).collect();
    search.grow(Bitmap::EMPTY, all);
    search.best
}

struct Search {
    pairs: Vec<(usize, Bitmap)>,
    best: Bitmap,
    steps: u32,
}

impl Search {
    /// Tries all sets that are `chosen` and some of `rest`, each of which fits to all chosen.
    fn grow(&mut self, chosen: Bitmap, rest: Bitmap) {
        self.steps += 1;
        if chosen.len() > self.best.len() {
            self.best = chosen;
        }
        let mut rest = rest;
        while let Some(next) = rest.iter().next() {
            if chosen.len() + rest.len() <= self.best.len() || self.steps > STEPS_MAX {
                return;
            }
            rest.remove(next);
            let mut with = chosen;
            with.insert(next);
            self.grow(with, rest.and(self.neighbours(next)));
        }
    }

    fn neighbours(&self, of: usize) -> Bitmap {
        let found = self.pairs.binary_search_by_key(&of, |(node, _)| *node);
        found.map_or(Bitmap::EMPTY, |place| self.pairs[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::rng::Rng;

    fn set(nodes: &[usize]) -> Bitmap {
        nodes.iter().copied().collect()
    }

    fn clique(heard: &[(usize, &[usize])]) -> Bitmap {
        let heard: Vec<_> = heard.iter().map(|(n, list)| (*n, set(list))).collect();
        largest_clique(&heard)
    }

    #[test]
    fn both_must_hear() {
        let all = set(&[0, 1, 2]);
        assert_eq!(
            clique(&[(0, &[0, 1, 2]), (1, &[0, 1, 2]), (2, &[0, 1, 2])]),
            all
        );
        // 2 doesn't hear 0.
        assert_eq!(
            clique(&[(0, &[0, 1, 2]), (1, &[0, 1, 2]), (2, &[1, 2])]),
            set(&[0, 1])
        );
        // 2 didn't answer at all.
        assert_eq!(
            clique(&[(0, &[0, 1, 2]), (1, &[0, 1, 2]), (2, &[])]),
            set(&[0, 1])
        );
        // 5 didn't vote.
        assert_eq!(clique(&[(0, &[0, 5]), (1, &[1])]), set(&[0]));
        assert_eq!(clique(&[]), Bitmap::EMPTY);
    }

    #[test]
    fn the_largest_is_found_where_removing_the_loneliest_misses_it() {
        // A triangle 0-1-2 beside a star around 3, whose node has the most pairs.
        let heard: [(usize, &[usize]); 8] = [
            (0, &[0, 1, 2]),
            (1, &[0, 1, 2]),
            (2, &[0, 1, 2]),
            (3, &[3, 4, 5, 6, 7]),
            (4, &[3, 4]),
            (5, &[3, 5]),
            (6, &[3, 6]),
            (7, &[3, 7]),
        ];
        assert_eq!(clique(&heard), set(&[0, 1, 2]));
    }

    #[test]
    fn it_is_complete_and_none_is_larger() {
        let mut rng = Rng::new(1);
        for _ in 0..500 {
            let count = usize::try_from(rng.between(1, 9)).unwrap();
            let draw = |rng: &mut Rng| (0..count).filter(|_| rng.percent(70)).collect::<Bitmap>();
            let heard: Vec<_> = (0..count).map(|node| (node, draw(&mut rng))).collect();
            let fits = |set: Bitmap| set.iter().all(|node| set.is_subset(heard[node].1));
            let sets = (0_u32..1 << count).map(|bits| {
                (0..count)
                    .filter(|i| bits >> i & 1 == 1)
                    .collect::<Bitmap>()
            });
            let most = sets.filter(|set| fits(*set)).map(|set| set.len()).max();
            let found = largest_clique(&heard);
            assert!(fits(found));
            assert_eq!(Some(found.len()), most, "{heard:?}");
        }
    }

    #[test]
    fn a_hundred_nodes_with_random_pairs_take_no_time() {
        let mut rng = Rng::new(2);
        let draw = |rng: &mut Rng| (0..100).filter(|_| rng.percent(97)).collect::<Bitmap>();
        let heard: Vec<_> = (0..100).map(|node| (node, draw(&mut rng))).collect();
        let found = largest_clique(&heard);
        assert!(found.len() > 30, "{found:?}");
        assert!(found.iter().all(|node| found.is_subset(heard[node].1)));
    }
}
