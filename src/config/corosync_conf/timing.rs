//! Times and constants of totem: given, computed, and what corosync refuses.
//!
//! Source: corosync 2.4.6 and 3.1.7, exec/totemconfig.c, `totem_volatile_config_read` and
//! `totem_volatile_config_validate`; spec corosync-conf.md sections 3.1 and 4

use super::generation::Generation;

/// What the file says; 0 and absent both mean the default, but where noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Given {
    pub token: u32,
    /// Absent: 650; 0 is a value.
    pub token_coefficient: Option<u32>,
    pub token_retransmit: u32,
    pub token_retransmits_before_loss_const: u32,
    /// Absent: 75; 0 turns it off.
    pub token_warning: Option<u32>,
    pub hold: u32,
    pub join: u32,
    pub send_join: u32,
    pub consensus: u32,
    pub merge: u32,
    pub downcheck: u32,
    pub fail_recv_const: u32,
    pub seqno_unchanged_const: u32,
    pub heartbeat_failures_allowed: u32,
    pub max_network_delay: u32,
    pub window_size: u32,
    pub max_messages: u32,
    pub miss_count_const: u32,
    pub rrp_problem_count_timeout: u32,
    pub rrp_problem_count_threshold: u32,
    pub rrp_problem_count_mcast_threshold: u32,
    pub rrp_token_expired_timeout: u32,
    pub rrp_autorecovery_check_timeout: u32,
    pub netmtu: u32,
}

/// What counts. Units: milliseconds where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Timing {
    pub token: u32,
    pub token_retransmit: u32,
    /// Retransmissions of the token in the time of one loss.
    pub token_retransmits_before_loss_const: u32,
    /// Percent of `token`; 0: no warning.
    pub token_warning: u32,
    pub hold: u32,
    pub join: u32,
    pub send_join: u32,
    pub consensus: u32,
    pub merge: u32,
    pub downcheck: u32,
    /// Rotations without a message that others have.
    pub fail_recv_const: u32,
    /// Rotations without a new message before the token is held.
    pub seqno_unchanged_const: u32,
    /// Tokens that may be lost; 0: heartbeats are off.
    pub heartbeat_failures_allowed: u32,
    pub max_network_delay: u32,
    /// Messages of one rotation.
    pub window_size: u32,
    /// Messages of one visit of the token.
    pub max_messages: u32,
    /// Rotations after which a missing message is asked for.
    pub miss_count_const: u32,
    pub rrp_problem_count_timeout: u32,
    /// Problems that make a ring faulty.
    pub rrp_problem_count_threshold: u32,
    /// The same for multicasts.
    pub rrp_problem_count_mcast_threshold: u32,
    pub rrp_token_expired_timeout: u32,
    pub rrp_autorecovery_check_timeout: u32,
    /// Bytes of a datagram on the network.
    pub netmtu: u32,
}

/// Added to the token's time for each node beyond the second.
const TOKEN_COEFFICIENT: u32 = 650;

/// Least of most times.
const LEAST: u32 = 30;

impl Timing {
    /// Fills in what isn't given. `nodes` are those of the nodelist.
    pub fn derive(given: &Given, generation: Generation, nodes: usize, knet: bool) -> Self {
        let token = token(given, generation, nodes);
        let or = |value: u32, default: u32| if value == 0 { default } else { value };
        let before_loss = or(given.token_retransmits_before_loss_const, 4);
        let retransmit = f64::from(token) / (f64::from(before_loss) + 0.2);
        let token_retransmit = or(given.token_retransmit, retransmit as u32);
        let hold = f64::from(token_retransmit) * 0.8 - 10.0;
        let threshold = or(given.rrp_problem_count_threshold, 10);
        let netmtu = if knet { 65_536 } else { 1500 };
        Self {
            token,
            token_retransmit,
            token_retransmits_before_loss_const: before_loss,
            token_warning: given.token_warning.unwrap_or(75),
            hold: or(given.hold, hold as u32),
            join: or(given.join, 50),
            send_join: given.send_join,
            consensus: or(given.consensus, (f64::from(token) * 1.2) as u32),
            merge: or(given.merge, 200),
            downcheck: or(given.downcheck, 1000),
            fail_recv_const: or(given.fail_recv_const, 2500),
            seqno_unchanged_const: or(given.seqno_unchanged_const, 30),
            heartbeat_failures_allowed: given.heartbeat_failures_allowed,
            max_network_delay: or(given.max_network_delay, 50),
            window_size: or(given.window_size, 50),
            max_messages: or(given.max_messages, 17),
            miss_count_const: or(given.miss_count_const, 5),
            rrp_problem_count_timeout: or(given.rrp_problem_count_timeout, 2000),
            rrp_problem_count_threshold: threshold,
            rrp_problem_count_mcast_threshold: or(
                given.rrp_problem_count_mcast_threshold,
                threshold.saturating_mul(10),
            ),
            rrp_token_expired_timeout: or(given.rrp_token_expired_timeout, token_retransmit),
            rrp_autorecovery_check_timeout: or(given.rrp_autorecovery_check_timeout, 1000),
            netmtu: or(given.netmtu, netmtu),
        }
    }

    /// The first rule that is broken: the key, and what is wrong, in the order of corosync.
    pub fn broken(&self, given: &Given, generation: Generation) -> Option<(&'static str, String)> {
        let three = generation == Generation::Three;
        let least_hold = if three { 14 } else { LEAST };
        let mut rules = vec![
            ("max_network_delay", self.max_network_delay, LEAST),
            ("token", self.token, LEAST),
            ("token_retransmit", self.token_retransmit, LEAST),
            ("hold", self.hold, least_hold),
            ("join", self.join, LEAST),
            ("consensus", self.consensus, LEAST),
            ("consensus", self.consensus, self.join),
            ("merge", self.merge, LEAST),
            ("downcheck", self.downcheck, LEAST),
        ];
        if !three {
            rules.extend([
                (
                    "rrp_problem_count_timeout",
                    self.rrp_problem_count_timeout,
                    LEAST,
                ),
                (
                    "rrp_problem_count_threshold",
                    self.rrp_problem_count_threshold,
                    2,
                ),
                (
                    "rrp_problem_count_mcast_threshold",
                    self.rrp_problem_count_mcast_threshold,
                    2,
                ),
                (
                    "rrp_token_expired_timeout",
                    self.rrp_token_expired_timeout,
                    LEAST,
                ),
            ]);
        }
        let short = rules.into_iter().find(|(_, value, least)| value < least);
        if let Some((key, value, least)) = short {
            return Some(self.name_cause(given, key, value, least));
        }
        (three && self.token_warning > 100).then(|| {
            let message = format!("token_warning is {} percent", self.token_warning);
            ("token_warning", message)
        })
    }

    /// A computed value is too short because of those it comes from.
    fn name_cause(
        &self,
        given: &Given,
        key: &'static str,
        value: u32,
        least: u32,
    ) -> (&'static str, String) {
        let computed = match key {
            "token_retransmit" => given.token_retransmit == 0,
            "hold" => given.hold == 0,
            "consensus" => given.consensus == 0,
            _ => false,
        };
        if computed {
            let token = self.token;
            let n = self.token_retransmits_before_loss_const;
            return (
                "token",
                format!(
                    "{key} comes out as {value} ms, less than {least}, from token {token} and \
                     token_retransmits_before_loss_const {n}"
                ),
            );
        }
        (key, format!("{key} is {value}, less than {least}"))
    }
}

/// The token's time grows with the nodelist.
fn token(given: &Given, generation: Generation, nodes: usize) -> u32 {
    let default = match generation {
        Generation::Three => 3000,
        Generation::One | Generation::Two => 1000,
    };
    let token = if given.token == 0 {
        default
    } else {
        given.token
    };
    if generation == Generation::One {
        return token;
    }
    let coefficient = given.token_coefficient.unwrap_or(TOKEN_COEFFICIENT);
    let beyond = u32::try_from(nodes.saturating_sub(2)).unwrap_or(u32::MAX);
    token.saturating_add(coefficient.saturating_mul(beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three(given: Given, nodes: usize) -> Timing {
        Timing::derive(&given, Generation::Three, nodes, false)
    }

    #[test]
    fn values_are_those_seen_in_corosync_3() {
        let given = Given {
            token: 1000,
            ..Given::default()
        };
        let of_three = three(given, 3);
        let seen = (
            of_three.token,
            of_three.token_retransmit,
            of_three.hold,
            of_three.consensus,
        );
        assert_eq!(seen, (1650, 392, 303, 1980));
        let of_two = three(given, 2);
        let seen = (
            of_two.token,
            of_two.token_retransmit,
            of_two.hold,
            of_two.consensus,
        );
        assert_eq!(seen, (1000, 238, 180, 1200));
        assert_eq!(three(Given::default(), 0).token, 3000);
    }

    #[test]
    fn rules_are_those_of_each_generation() {
        let token = |token| Given {
            token,
            ..Given::default()
        };
        let broken = |given: Given, generation| {
            let timing = Timing::derive(&given, generation, 2, false);
            timing.broken(&given, generation).map(|(key, _)| key)
        };
        assert_eq!(broken(token(29), Generation::Three), Some("token"));
        assert_eq!(broken(token(100), Generation::Three), Some("token"));
        assert_eq!(broken(token(126), Generation::Three), None);
        assert_eq!(
            broken(token(126), Generation::Two),
            Some("token"),
            "hold is 14"
        );
        let consensus = Given {
            consensus: 40,
            ..Given::default()
        };
        assert_eq!(broken(consensus, Generation::Three), Some("consensus"));
        let warning = Given {
            token_warning: Some(101),
            ..Given::default()
        };
        assert_eq!(broken(warning, Generation::Three), Some("token_warning"));
        assert_eq!(broken(warning, Generation::Two), None);
    }
}
