//! Orders that are GLib's: of the keys of its hash tables, and of lists that are sorted by what
//! isn't transitive. Decisions of Pacemaker depend on both.
//! Source: GLib 2.74 `ghash.c`, tried against the installed crm_simulate (scheduler.md, 37).

use std::cmp::Ordering;

/// Sorts as `g_list_sort` does: halves, the first never longer, merged with the first of equals
/// first. With a comparison that is a total order this is any stable sort; comparisons of
/// instances and of entries of a history aren't, and then the way matters.
pub fn list_sort<T: Copy>(items: &[T], mut compare: impl FnMut(&T, &T) -> Ordering) -> Vec<T> {
    fn sort<T: Copy>(items: &[T], compare: &mut impl FnMut(&T, &T) -> Ordering) -> Vec<T> {
        if items.len() < 2 {
            return items.to_vec();
        }
        let (a, b) = items.split_at(items.len() / 2);
        let (a, b) = (sort(a, compare), sort(b, compare));
        let (mut i, mut j) = (0, 0);
        let mut merged = Vec::with_capacity(items.len());
        while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
            if compare(x, y).is_gt() {
                merged.push(*y);
                j += 1;
            } else {
                merged.push(*x);
                i += 1;
            }
        }
        merged.extend_from_slice(a.get(i..).unwrap_or_default());
        merged.extend_from_slice(b.get(j..).unwrap_or_default());
        merged
    }
    sort(items, &mut compare)
}

const SIZES: &[(usize, usize)] = &[
    (8, 7),
    (16, 13),
    (32, 31),
    (64, 61),
    (128, 127),
    (256, 251),
    (512, 509),
    (1024, 1021),
    (2048, 2039),
    (4096, 4093),
];

struct Slots {
    slots: Vec<Option<usize>>,
    prime: usize,
    used: usize,
}

impl Slots {
    fn start(&self, hash: u32) -> usize {
        (hash.wrapping_mul(11) as usize) % self.prime
    }

    fn put(&mut self, item: usize, hash: u32) {
        let mask = self.slots.len() - 1;
        let (mut at, mut step) = (self.start(hash), 0);
        while self.slots[at].is_some() {
            step += 1;
            at = (at + step) & mask;
        }
        self.slots[at] = Some(item);
        self.used += 1;
    }

    fn grow_if_full(&mut self, hashes: &[u32]) {
        if self.used + self.used / 16 < self.slots.len() {
            return;
        }
        let wanted = (self.used as f64 * 1.333) as usize;
        let bits = usize::BITS - wanted.leading_zeros();
        let size = (1usize << bits).max(8);
        let old = std::mem::replace(&mut self.slots, vec![None; size]);
        let prime = SIZES.iter().find(|(s, _)| *s == size);
        self.prime = prime.map_or(size - 1, |(_, p)| *p);
        self.rehash(old, hashes);
    }

    /// In place: an entry that is met where another belongs is put next.
    fn rehash(&mut self, old: Vec<Option<usize>>, hashes: &[u32]) {
        let mask = self.slots.len() - 1;
        let mut old = old;
        old.resize(self.slots.len().max(old.len()), None);
        for i in 0..old.len() {
            let Some(mut item) = old[i].take() else {
                continue;
            };
            loop {
                let (mut at, mut step) = (self.start(hashes[item]), 0);
                while self.slots[at].is_some() {
                    step += 1;
                    at = (at + step) & mask;
                }
                self.slots[at] = Some(item);
                match old[at].take() {
                    Some(displaced) => item = displaced,
                    None => break,
                }
            }
        }
    }
}

/// Positions of the keys in the order of a table into which they were put one after the other.
/// Source: Pacemaker 2.1.5, `g_str_hash_traditional`; the order of tickets in the installed tools.
pub(crate) fn order_of_names(keys: &[&str]) -> Vec<usize> {
    order_by(keys, |key| {
        key.bytes().fold(0u32, |h, b| {
            let signed = i32::from(b as i8);
            h.wrapping_mul(31).wrapping_add(signed as u32)
        })
    })
}

fn order_by(keys: &[&str], hash: impl Fn(&str) -> u32) -> Vec<usize> {
    let hashes: Vec<u32> = keys.iter().map(|k| hash(k)).collect();
    let mut table = Slots {
        slots: vec![None; 8],
        prime: 7,
        used: 0,
    };
    for (item, &hash) in hashes.iter().enumerate() {
        table.put(item, hash);
        table.grow_if_full(&hashes);
    }
    table.slots.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_as_in_the_originals_tables() {
        for (keys, shown) in [
            (["ONE", "TWO", "ticketB"], [1, 0, 2]),
            (["granted", "last-granted", "foo"], [0, 2, 1]),
            (["granted", "standby", "booth-cfg-name"], [0, 1, 2]),
        ] {
            assert_eq!(order_of_names(&keys), shown);
        }
    }
}
