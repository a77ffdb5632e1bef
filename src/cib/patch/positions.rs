//! Positions among siblings of which some don't count.

/// Counts of the siblings before each place, changed and read in logarithmic time.
#[derive(Debug, Clone)]
pub(super) struct Positions {
    /// A Fenwick tree: node `i` sums the places up to `i`, as far as its lowest bit.
    sums: Vec<u32>,
    counted: Vec<bool>,
}

impl Positions {
    /// `count` places that all count.
    pub(super) fn all(count: usize) -> Self {
        let lowest_bit = |i: usize| u32::try_from(i & i.wrapping_neg()).unwrap_or(u32::MAX);
        Self {
            sums: (0..=count).map(lowest_bit).collect(),
            counted: vec![true; count],
        }
    }

    /// A place no longer counts.
    pub(super) fn skip(&mut self, place: usize) {
        let Some(counted) = self.counted.get_mut(place) else {
            return;
        };
        if !std::mem::replace(counted, false) {
            return;
        }
        let mut i = place + 1;
        while let Some(sum) = self.sums.get_mut(i) {
            *sum -= 1;
            i += i & i.wrapping_neg();
        }
    }

    /// How many places before this one count.
    pub(super) fn before(&self, place: usize) -> usize {
        let mut i = place;
        let mut total = 0;
        while i > 0 {
            total += self.sums.get(i).copied().unwrap_or(0) as usize;
            i &= i - 1;
        }
        total
    }

    /// The place that counts and has `position` others before it.
    pub(super) fn at(&self, position: usize) -> Option<usize> {
        let mut rest = u32::try_from(position).ok()? + 1;
        let mut i = 0;
        let mut step = self.sums.len().next_power_of_two();
        while step > 0 {
            if let Some(&sum) = self.sums.get(i + step)
                && sum < rest
            {
                i += step;
                rest -= sum;
            }
            step /= 2;
        }
        (i < self.counted.len()).then_some(i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_leave_out_what_is_skipped() {
        for count in [0, 1, 7, 8, 9, 100] {
            let mut positions = Positions::all(count);
            let mut counted: Vec<usize> = (0..count).collect();
            for skip in [3, 0, 3, 8, 99, 64, 200] {
                positions.skip(skip);
                counted.retain(|&place| place != skip);
                for (position, &place) in counted.iter().enumerate() {
                    assert_eq!(positions.at(position), Some(place));
                    assert_eq!(positions.before(place), position);
                }
                assert_eq!(positions.at(counted.len()), None);
            }
        }
    }
}
