//! Puts fragmented IP datagrams together.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::limits;

/// What fragments of one datagram have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentKey {
    pub from: IpAddr,
    pub to: IpAddr,
    pub identification: u32,
    pub protocol: u8,
}

/// Where a fragment goes.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub offset: usize,
    pub more: bool,
}

/// Datagrams of which fragments are missing.
///
/// Bounds: [`limits::CAPTURE_FRAGMENTED_MAX`] datagrams, the oldest gives way; none is longer than
/// an IP datagram.
#[derive(Debug, Default)]
pub struct Fragments {
    waiting: VecDeque<(FragmentKey, Partial)>,
    given_up: u64,
}

#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    /// Which blocks of eight bytes are there.
    blocks: Vec<bool>,
    length: Option<usize>,
}

const IP_BYTES_MAX: usize = 65_535;

impl Fragments {
    /// Datagrams that are not whole so far.
    pub fn incomplete(&self) -> u64 {
        self.given_up + self.waiting.len() as u64
    }

    /// Takes a fragment; the datagram's payload if it is whole by it.
    pub fn push(&mut self, key: FragmentKey, place: Place, part: &[u8]) -> Option<Vec<u8>> {
        let end = place.offset.checked_add(part.len())?;
        if end > IP_BYTES_MAX || part.is_empty() {
            return None;
        }
        let index = match self.waiting.iter().position(|(k, _)| *k == key) {
            Some(index) => index,
            None => {
                if self.waiting.len() >= limits::CAPTURE_FRAGMENTED_MAX {
                    self.waiting.pop_front();
                    self.given_up += 1;
                }
                self.waiting.push_back((key, Partial::default()));
                self.waiting.len() - 1
            }
        };
        let (_, partial) = self.waiting.get_mut(index)?;
        partial.add(place, part);
        if !partial.is_whole() {
            return None;
        }
        let (_, mut partial) = self.waiting.remove(index)?;
        partial.bytes.truncate(partial.length?);
        Some(partial.bytes)
    }
}

impl Partial {
    fn add(&mut self, place: Place, part: &[u8]) {
        let end = place.offset + part.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
            self.blocks.resize(end.div_ceil(8), false);
        }
        self.bytes[place.offset..end].copy_from_slice(part);
        self.blocks[place.offset / 8..end.div_ceil(8)].fill(true);
        if !place.more {
            self.length = Some(end);
        }
    }

    fn is_whole(&self) -> bool {
        self.length.is_some_and(|length| {
            let blocks = self.blocks.get(..length.div_ceil(8));
            blocks.is_some_and(|blocks| blocks.iter().all(|there| *there))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(identification: u32) -> FragmentKey {
        FragmentKey {
            from: IpAddr::from([10, 0, 0, 1]),
            to: IpAddr::from([10, 0, 0, 2]),
            identification,
            protocol: 17,
        }
    }

    #[test]
    fn fragments_in_any_order() {
        let whole: Vec<u8> = (0..20).collect();
        let parts = [(0, 8), (8, 16), (16, 20)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut fragments = Fragments::default();
            let mut results = Vec::new();
            for n in order {
                let (start, end) = parts[n];
                let place = Place {
                    offset: start,
                    more: end < 20,
                };
                results.push(fragments.push(key(1), place, &whole[start..end]));
            }
            assert_eq!(results, [None, None, Some(whole.clone())]);
            assert!(fragments.waiting.is_empty());
        }
    }

    #[test]
    fn memory_stays_bounded() {
        let mut fragments = Fragments::default();
        let place = Place {
            offset: 65_528,
            more: false,
        };
        for id in 0..500 {
            assert_eq!(fragments.push(key(id), place, &[1; 7]), None);
            assert_eq!(fragments.push(key(id), place, &[1; 8]), None);
        }
        assert_eq!(fragments.waiting.len(), limits::CAPTURE_FRAGMENTED_MAX);
        assert_eq!(fragments.incomplete(), 500);
    }
}
