//! How many messages a member may send at one token.

use super::config::Flow;

/// What a member remembers from one token to the next.
///
/// Source: corosync 3.1.7, `fcc_calculate`, `fcc_rtr_limit`, `fcc_token_update`;
/// `spec/totem-wire.md` D.11.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowControl {
    /// Messages sent at the last token (trc).
    sent: u32,
    /// Messages that waited at the last token (pbl).
    waited: u32,
}

impl FlowControl {
    /// Most messages that may be sent now: of all members at most `window_size` in a round, and
    /// of what is waiting everywhere our fair part.
    pub fn allowed(self, flow: &Flow, (fcc, backlog): (u32, u32), waiting: u32) -> u32 {
        let allowed = flow.max_messages.min(flow.window_size.wrapping_sub(fcc));
        let all = backlog.wrapping_add(waiting).wrapping_sub(self.waited);
        let share = flow.window_size.wrapping_mul(self.waited).checked_div(all);
        match share {
            Some(share) if share > 0 && share < allowed => share,
            _ => allowed,
        }
    }

    /// What the token says after so many were sent, with so many that waited before: its fcc and
    /// backlog.
    pub fn account(&mut self, (fcc, backlog): (u32, u32), sent: u32, waiting: u32) -> (u32, u32) {
        let fcc = fcc.wrapping_add(sent).wrapping_sub(self.sent);
        let backlog = backlog.wrapping_add(waiting).wrapping_sub(self.waited);
        self.sent = sent;
        self.waited = waiting;
        (fcc, backlog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_share_the_window() {
        let flow = Flow::default();
        let mut one = FlowControl::default();
        assert_eq!(one.allowed(&flow, (0, 0), 100), 17);
        assert_eq!(one.account((0, 0), 17, 100), (17, 100));
        assert_eq!(one.allowed(&flow, (40, 100), 83), 10);
        // Others have much more waiting: 50 * 100 / 883.
        assert_eq!(one.allowed(&flow, (17, 900), 83), 5);
        // More was sent than the window has: as corosync counts, no limit by the window.
        assert_eq!(one.allowed(&flow, (60, 100), 100), 17);
        assert_eq!(one.account((17, 100), 0, 0), (0, 0));
    }
}
