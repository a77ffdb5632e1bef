//! corosync.conf read again while the node is on its ring: what counts at once, and what counts
//! only when the node starts.
//!
//! ```text
//!  SIGHUP, Cfg::Reload --> start::read --> take_over(old, new) --> Ring::take_settings, cmap
//!                                             +--> names of keys for the log
//! ```
//!
//! Source: corosync 3.1.7, exec/cfg.c, `message_handler_req_exec_cfg_reload_config`;
//! exec/totemconfig.c, `totemconfig_commit_new_params`; spec corosync-conf.md 5

use std::collections::BTreeMap;

use crate::config::corosync_conf::CorosyncConf;
use crate::config::corosync_conf::cmap::Value;

/// Keys of `totem` that count at once.
const OF_TOTEM: [&str; 25] = [
    "token",
    "token_coefficient",
    "token_retransmit",
    "token_retransmits_before_loss_const",
    "token_warning",
    "hold",
    "join",
    "send_join",
    "consensus",
    "merge",
    "downcheck",
    "fail_recv_const",
    "seqno_unchanged_const",
    "heartbeat_failures_allowed",
    "max_network_delay",
    "window_size",
    "max_messages",
    "miss_count_const",
    "cancel_token_hold_on_retransmit",
    "config_version",
    "rrp_problem_count_timeout",
    "rrp_problem_count_threshold",
    "rrp_problem_count_mcast_threshold",
    "rrp_token_expired_timeout",
    "rrp_autorecovery_check_timeout",
];

/// Puts what may change at run time from `new` into `old`; names the keys that changed and count
/// only when the node starts, in order.
pub(super) fn take_over(old: &mut CorosyncConf, new: CorosyncConf) -> Vec<String> {
    let before: BTreeMap<String, Value> = old.keys.drain(..).collect();
    let after: BTreeMap<String, Value> = new.keys.into_iter().collect();
    let mut left_out: Vec<String> = before
        .keys()
        .chain(after.keys())
        .filter(|key| !counts_at_once(key) && before.get(*key) != after.get(*key))
        .cloned()
        .collect();
    left_out.sort_unstable();
    left_out.dedup();
    // cmap goes on showing what the node works with.
    let kept = before.into_iter().filter(|(key, _)| !counts_at_once(key));
    let taken = after.into_iter().filter(|(key, _)| counts_at_once(key));
    old.keys = kept.chain(taken).collect();
    old.keys.sort_by(|a, b| a.0.cmp(&b.0));
    let provider = old.quorum.provider;
    old.nodes = new.nodes;
    old.quorum = new.quorum;
    old.quorum.provider = provider;
    old.access = new.access;
    old.logging = new.logging;
    old.totem.config_version = new.totem.config_version;
    old.totem.cancel_token_hold_on_retransmit = new.totem.cancel_token_hold_on_retransmit;
    let netmtu = old.totem.timing.netmtu;
    old.totem.timing = new.totem.timing;
    old.totem.timing.netmtu = netmtu;
    left_out
}

fn counts_at_once(key: &str) -> bool {
    match key.split_once('.') {
        Some(("totem", rest)) => OF_TOTEM.contains(&rest),
        Some(("quorum", rest)) => {
            rest != "provider" && !rest.starts_with("device.") && !is_tracking(rest)
        }
        Some(("nodelist" | "uidgid" | "logging", _)) => true,
        _ => false,
    }
}

/// Tracking and what implies it decide at the start what is read from disk.
fn is_tracking(key: &str) -> bool {
    ["expected_votes_tracking", "allow_downscale"].contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::corosync_conf;
    use crate::config::source::Source;

    fn conf(totem: &str, rest: &str) -> CorosyncConf {
        let text = format!(
            "totem {{\nversion: 2\ntransport: udpu\n{totem}\n}}\nnodelist {{\nnode {{\n\
             ring0_addr: 10.0.0.1\nnodeid: 1\n}}\n{rest}}}\n\
             quorum {{\nprovider: corosync_votequorum\n}}\n"
        );
        corosync_conf::read_all(&Source::new("corosync.conf", &text)).0
    }

    #[test]
    fn timers_and_nodes_count_at_once_and_the_rest_is_named() {
        let mut old = conf("token: 1000\nnetmtu: 1400\ncluster_name: x", "");
        let new = conf(
            "token: 5000\nnetmtu: 1300",
            "node {\nring0_addr: 10.0.0.2\nnodeid: 2\n}\n",
        );
        let named = take_over(&mut old, new);
        assert_eq!(named, ["totem.cluster_name", "totem.netmtu"]);
        assert_eq!(old.totem.timing.token, 5000);
        assert_eq!(old.totem.timing.netmtu, 1400);
        assert_eq!(old.nodes.len(), 2);
        let shown = |key: &str| old.keys.iter().any(|(name, _)| name == key);
        assert!(shown("totem.cluster_name") && shown("nodelist.node.1.nodeid"));
    }

    #[test]
    fn the_same_file_changes_nothing() {
        let mut old = conf("token: 1000", "");
        let keys = old.keys.len();
        assert!(take_over(&mut old, conf("token: 1000", "")).is_empty());
        assert_eq!(old.keys.len(), keys);
    }
}
