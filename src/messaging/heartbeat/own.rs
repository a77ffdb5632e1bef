//! This node's own messages, until they come back.

use std::collections::VecDeque;

/// Messages in pieces, numbered through from 1 in each view.
#[derive(Debug, Default)]
pub(super) struct OwnMessages {
    messages: VecDeque<Vec<Vec<u8>>>,
    /// Number of the last piece of the last message that came back as a whole.
    base: u64,
    /// The last piece that came back.
    came: u64,
    /// The last piece that was submitted.
    submitted: u64,
    /// `came` at the last repair.
    before: Option<u64>,
}

impl OwnMessages {
    pub(super) fn push(&mut self, pieces: Vec<Vec<u8>>) {
        self.messages.push_back(pieces);
    }

    /// A view begins: what isn't back as a whole is sent anew.
    pub(super) fn begin(&mut self) {
        (self.base, self.came, self.submitted) = (0, 0, 0);
        self.before = None;
    }

    /// The next piece to submit while fewer than `limit` are under way.
    pub(super) fn next(&mut self, limit: u64) -> Option<(u64, Vec<u8>)> {
        if self.submitted >= self.came + limit {
            return None;
        }
        let number = self.submitted + 1;
        let mut left = usize::try_from(number - self.base - 1).ok()?;
        for message in &self.messages {
            match message.get(left) {
                Some(piece) => {
                    self.submitted = number;
                    return Some((number, piece.clone()));
                }
                None => left -= message.len(),
            }
        }
        None
    }

    /// A piece came back.
    pub(super) fn came(&mut self, number: u64) {
        self.came = self.came.max(number);
        self.submitted = self.submitted.max(number);
        while let Some(first) = self.messages.front() {
            let end = self.base + u64::try_from(first.len()).unwrap_or(u64::MAX);
            if end > self.came {
                break;
            }
            self.base = end;
            self.messages.pop_front();
        }
    }

    /// Pieces from this number on did not arrive.
    pub(super) fn again_from(&mut self, number: u64) {
        if (self.came + 1..=self.submitted).contains(&number) {
            self.submitted = number - 1;
        }
    }

    /// True if something was submitted and isn't back.
    pub(super) fn is_under_way(&self) -> bool {
        self.submitted > self.came
    }

    /// Time passed: if nothing came back since the last time, it is submitted again.
    pub(super) fn repair(&mut self) {
        if self.before.replace(self.came) == Some(self.came) {
            self.again_from(self.came + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(own: &mut OwnMessages) -> Vec<(u64, u8)> {
        let next = std::iter::from_fn(|| own.next(3));
        next.map(|(number, piece)| (number, piece[0])).collect()
    }

    #[test]
    fn messages_that_are_not_back_are_sent_anew_as_a_whole() {
        let mut own = OwnMessages::default();
        own.push(vec![vec![1]]);
        own.push(vec![vec![2], vec![3]]);
        own.push(vec![vec![4]]);
        assert_eq!(taken(&mut own), [(1, 1), (2, 2), (3, 3)]);
        own.came(1);
        own.came(2);
        assert_eq!(taken(&mut own), [(4, 4)]);
        assert!(own.is_under_way());
        own.begin();
        assert!(!own.is_under_way());
        assert_eq!(taken(&mut own), [(1, 2), (2, 3), (3, 4)]);
        own.again_from(2);
        assert_eq!(taken(&mut own), [(2, 3), (3, 4)]);
        own.repair();
        assert_eq!(taken(&mut own), []);
        own.repair();
        assert_eq!(taken(&mut own), [(1, 2), (2, 3), (3, 4)]);
        own.came(3);
        own.begin();
        assert_eq!(taken(&mut own), []);
    }
}
