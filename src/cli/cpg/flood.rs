//! Checksummed messages: how they are made, and what is wrong with those that came.
//!
//! Layout: little-endian. From 20 bytes on: u64 number, u64 nanoseconds of the sender's own
//! clock, filler, u32 CRC-32 of all before. Shorter ones: the low bytes of the number, then zeros.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use flate2::Crc;

use super::connection::Mouth;
use crate::ids::NodeId;
use crate::wire::ipc::groups::Wish;

/// Shortest message with all fields, bytes.
const WHOLE_BYTES: usize = 20;

/// So many bytes are written at a time, unless there is a pause between messages.
const WRITE_BYTES: usize = 32 * 1024;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flood {
    pub(super) count: u64,
    pub(super) size: usize,
    pub(super) every: Duration,
}

impl Flood {
    /// Sends them, each when it is due, or as soon as the node takes it; the longest time that the
    /// node took nothing more.
    pub(super) fn send(&self, mouth: &Mouth, began: Instant) -> std::io::Result<Duration> {
        let (mut frames, mut longest) = (Vec::new(), Duration::ZERO);
        let mut write = |frames: &mut Vec<u8>| {
            let before = Instant::now();
            mouth.write(frames)?;
            frames.clear();
            longest = longest.max(before.elapsed());
            std::io::Result::Ok(())
        };
        let mut due = Instant::now();
        for number in 0..self.count {
            let message = message(number, nanoseconds(began), self.size);
            Wish::Send(&message).encode_into(&mut frames);
            if !self.every.is_zero() || frames.len() >= WRITE_BYTES {
                write(&mut frames)?;
                due += self.every;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        }
        write(&mut frames)?;
        Ok(longest)
    }
}

/// Nanoseconds since the program began.
pub(super) fn nanoseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn message(number: u64, now: u64, size: usize) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    if size < WHOLE_BYTES {
        bytes.resize(size, 0);
        return bytes;
    }
    bytes.extend_from_slice(&now.to_le_bytes());
    bytes.resize(size - 4, number as u8);
    let sum = crc(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// What was wrong with messages.
#[derive(Debug, Default)]
pub(super) struct Faults {
    lost: u64,
    back: u64,
    damaged: u64,
}

impl Faults {
    pub(super) fn any(&self) -> bool {
        self.lost + self.back + self.damaged > 0
    }

    pub(super) fn damaged(&self) -> u64 {
        self.damaged
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} lost, {} doubled or out of order, {} damaged",
            self.lost, self.back, self.damaged
        )
    }
}

/// Looks at messages of floods.
#[derive(Debug, Default)]
pub(super) struct Check {
    /// The number that comes next, by sender.
    next: BTreeMap<(NodeId, u32), u64>,
    pub(super) faults: Faults,
}

impl Check {
    /// Looks at one; when it was sent by its sender's clock, if it says so.
    pub(super) fn look(&mut self, sender: (NodeId, u32), data: &[u8]) -> Option<u64> {
        let whole = data.len() >= WHOLE_BYTES;
        if whole && !is_sound(data) {
            self.faults.damaged += 1;
            return None;
        }
        let number = number(data);
        let mask = match data.len() {
            0..8 => (1 << (8 * data.len())) - 1,
            _ => u64::MAX,
        };
        let next = self.next.entry(sender).or_insert(0);
        // As far ahead of what comes next as the message can tell; behind it is the upper half.
        let ahead = number.wrapping_sub(*next) & mask;
        if ahead > mask / 2 {
            self.faults.back += 1;
        } else {
            self.faults.lost += ahead;
            *next += ahead + 1;
        }
        let sent = data.get(8..16)?.try_into().ok()?;
        whole.then(|| u64::from_le_bytes(sent))
    }

    pub(super) fn senders(&self) -> usize {
        self.next.len()
    }
}

/// The number of a message, of short ones its low bytes.
pub(super) fn number(data: &[u8]) -> u64 {
    let low = data.iter().take(8).enumerate();
    low.fold(0, |number, (at, byte)| {
        number | u64::from(*byte) << (8 * at)
    })
}

fn is_sound(data: &[u8]) -> bool {
    data.split_last_chunk()
        .is_some_and(|(before, sum)| crc(before) == u32::from_le_bytes(*sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: (NodeId, u32) = (NodeId(1), 7);

    fn after(size: usize, numbers: &[u64]) -> String {
        let mut check = Check::default();
        for number in numbers {
            check.look(SENDER, &message(*number, 5, size));
        }
        check.faults.to_string()
    }

    #[test]
    fn what_is_missing_or_comes_again_is_counted_at_every_size() {
        for size in [1, 2, 8, 19, 20, 1024] {
            assert_eq!(message(3, 5, size).len(), size);
            let fine = "0 lost, 0 doubled or out of order, 0 damaged";
            assert_eq!(after(size, &(0..600).collect::<Vec<_>>()), fine);
            let gap = "2 lost, 0 doubled or out of order, 0 damaged";
            assert_eq!(after(size, &[0, 1, 4]), gap);
            let twice = "0 lost, 1 doubled or out of order, 0 damaged";
            assert_eq!(after(size, &[0, 1, 1, 2]), twice);
        }
    }

    #[test]
    fn a_changed_byte_is_damage() {
        let mut check = Check::default();
        let mut bytes = message(0, 5, 64);
        assert_eq!(check.look(SENDER, &bytes), Some(5));
        bytes[30] ^= 1;
        assert_eq!(check.look(SENDER, &bytes), None);
        assert!(check.faults.any());
    }
}
