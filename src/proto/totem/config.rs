//! What a node is told before it starts.

use std::time::Duration;

use crate::wire::totem::{Dialect, Processor};

/// Everything that the machine must know.
#[derive(Debug, Clone)]
pub struct Config {
    /// This node.
    pub me: Processor,
    /// The generation that is spoken.
    pub dialect: Dialect,
    /// Number of the last ring, as it was persisted; 0 if none was.
    pub ring_seq: u64,
    /// The timers.
    pub timing: Timing,
    /// The constants.
    pub flow: Flow,
}

impl Config {
    /// A node of 3.x with the defaults of corosync.conf.
    pub fn new(me: Processor) -> Self {
        Self {
            me,
            dialect: Dialect::V3,
            ring_seq: 0,
            timing: Timing::of_token(Duration::from_secs(3)),
            flow: Flow::default(),
        }
    }
}

/// The timers, under their names in corosync.conf.
///
/// Source: corosync 3.1.7, `exec/totemconfig.c`, `totem_volatile_config_set_…`;
/// `spec/totem-wire.md` D.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The token is lost after so long without it.
    pub token: Duration,
    /// Say so in the log when it is this late; zero for never.
    pub token_warning: Duration,
    /// Send the token once more when no newer one came for so long.
    pub token_retransmit: Duration,
    /// The representative of an idle ring holds the token so long.
    pub hold: Duration,
    /// Between two joins.
    pub join: Duration,
    /// A join waits for a random part of this, so that many nodes don't send at once.
    pub send_join: Duration,
    /// Who hasn't agreed by then has failed.
    pub consensus: Duration,
    /// An idle ring shows itself after so long.
    pub merge: Duration,
    /// The token counts as lost after so long without it once it was sent on; zero for never.
    /// It is `heartbeat_failures_allowed` × token_retransmit + `max_network_delay`.
    pub heartbeat: Duration,
}

impl Timing {
    /// What follows from the token timeout (with its coefficient) where nothing else is set.
    pub fn of_token(token: Duration) -> Self {
        let token_ms = u64::try_from(token.as_millis()).unwrap_or(u64::MAX / 10);
        // int(token / (4 + 0.2)) and int(retransmit * 0.8 - 10), the 10 for HZ = 100.
        let retransmit = token_ms * 5 / 21;
        let hold = (retransmit * 4 / 5).saturating_sub(10);
        Self {
            token,
            token_warning: token * 3 / 4,
            token_retransmit: Duration::from_millis(retransmit),
            hold: Duration::from_millis(hold),
            join: Duration::from_millis(50),
            send_join: Duration::ZERO,
            consensus: token * 6 / 5,
            merge: Duration::from_millis(200),
            heartbeat: Duration::ZERO,
        }
    }
}

/// The constants, under their names in corosync.conf.
///
/// Source: corosync 3.1.7, defaults in `exec/totemconfig.c`; `spec/totem-wire.md` D.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Most messages of all members in one round of the token.
    pub window_size: u32,
    /// Most messages of one member in one round.
    pub max_messages: u32,
    /// A message must be missed at so many tokens before it is asked for.
    pub miss_count_const: u32,
    /// A member that has had nothing new for so many tokens leaves the ring.
    pub fail_recv_const: u32,
    /// The ring is idle after so many tokens without a new message.
    pub seqno_unchanged_const: u32,
    /// A retransmission lets go of a token that is held.
    pub cancel_token_hold_on_retransmit: bool,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            window_size: 50,
            max_messages: 17,
            miss_count_const: 5,
            fail_recv_const: 2500,
            seqno_unchanged_const: 30,
            cancel_token_hold_on_retransmit: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_the_token() {
        for (token, retransmit, hold) in [(1000, 238, 180), (1650, 392, 303), (3000, 714, 561)] {
            let timing = Timing::of_token(Duration::from_millis(token));
            let ms = |span: Duration| span.as_millis() as u64;
            let both = (ms(timing.token_retransmit), ms(timing.hold));
            assert_eq!(both, (retransmit, hold), "token {token}");
        }
        let timing = Timing::of_token(Duration::from_millis(1650));
        assert_eq!(timing.consensus, Duration::from_millis(1980));
        assert_eq!(timing.token_warning.as_millis(), 1237);
    }
}
