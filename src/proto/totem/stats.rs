//! Counters, for the tools.

/// What happened since the start.
///
/// Source: names of corosync 3.1.7, `stats.srp.*`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tokens accepted.
    pub orf_token_rx: u64,
    /// Tokens sent, again or for the first time.
    pub orf_token_tx: u64,
    /// Messages sent for the first time.
    pub mcast_tx: u64,
    /// Messages sent again because somebody asked.
    pub mcast_retx: u64,
    /// Messages received.
    pub mcast_rx: u64,
    /// Messages asked for.
    pub rtr_requests: u64,
    /// Joins received.
    pub memb_join_rx: u64,
    /// Joins sent.
    pub memb_join_tx: u64,
    /// Tokens that didn't come.
    pub token_lost: u64,
    /// Times that not all agreed in time.
    pub consensus_timeouts: u64,
    /// Rings that came into use.
    pub rings: u64,
    /// Datagrams that were no message, or said what can't be.
    pub rx_msg_dropped: u64,
}
