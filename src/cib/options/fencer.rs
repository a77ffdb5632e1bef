//! Parameters that every fence device has: the fencer reads them, the agent doesn't.

use super::Kind::{Integer, Text, Time};
use super::{Audience, ClusterOption};

/// The three parameters of an action.
macro_rules! of_action {
    ($action:literal) => {
        [
            ClusterOption::new(
                concat!("pcmk_", $action, "_action"),
                Text,
                $action,
                concat!("The agent's command for ", $action),
                concat!(
                    "For an agent that has no command ",
                    $action,
                    ", or a better one for the purpose."
                ),
            )
            .of(Audience::Advanced),
            ClusterOption::new(
                concat!("pcmk_", $action, "_timeout"),
                Time,
                "60s",
                concat!("How long ", $action, " may take with this device"),
                "For a device that is much slower or faster than others. If it isn't set, the \
                 cluster's stonith-timeout counts.",
            )
            .of(Audience::Advanced),
            ClusterOption::new(
                concat!("pcmk_", $action, "_retries"),
                Integer,
                "2",
                concat!("How often ", $action, " is tried"),
                "For a device that refuses while another one talks to it. It is tried again only \
                 while there is time left.",
            )
            .of(Audience::Advanced),
        ]
    };
}

const HOSTS: [ClusterOption; 7] = [
    ClusterOption::new(
        "pcmk_host_argument",
        Text,
        "port",
        "The agent's parameter for the node to fence",
        "For an agent whose parameter for that is neither port nor plug. With none the agent is \
         given no such parameter.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "pcmk_host_map",
        Text,
        "",
        "What the device calls the nodes",
        "Pairs of a node and its name or number at the device: a:1;b:2,3 has a at port 1, b at \
         2 and 3.",
    ),
    ClusterOption::new(
        "pcmk_host_list",
        Text,
        "",
        "The nodes that the device can fence, with commas between them",
        "It counts if pcmk_host_check is static-list, or isn't set.",
    ),
    ClusterOption::new(
        "pcmk_host_check",
        Text,
        "dynamic-list",
        "How the fencer knows which nodes the device can fence",
        "dynamic-list: the agent's list says it. static-list: pcmk_host_list and pcmk_host_map \
         do. status: the agent is asked for the state of the node. none: the device can fence \
         any. If it isn't set, it is static-list where there is a list or a map.",
    ),
    ClusterOption::new(
        "pcmk_delay_max",
        Time,
        "0s",
        "The longest time to wait before fencing",
        "The time is pcmk_delay_base and a random part, which together stay below this.",
    ),
    ClusterOption::new(
        "pcmk_delay_base",
        Text,
        "0s",
        "How long to wait before fencing, at least",
        "Two nodes that want to fence each other do not both succeed if one of them waits. A \
         time for all nodes, or one for each: a:1s;b:5.",
    ),
    ClusterOption::new(
        "pcmk_action_limit",
        Integer,
        "1",
        "How many actions the device does at once",
        "-1 is no limit. The cluster fences several nodes at once only if its option \
         concurrent-fencing is true.",
    ),
];

const ACTIONS: [[ClusterOption; 3]; 6] = [
    of_action!("reboot"),
    of_action!("off"),
    of_action!("on"),
    of_action!("list"),
    of_action!("monitor"),
    of_action!("status"),
];

const ALL: [ClusterOption; HOSTS.len() + 3 * ACTIONS.len()] = {
    let mut all = [HOSTS[0]; HOSTS.len() + 3 * ACTIONS.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = match at < HOSTS.len() {
            true => HOSTS[at],
            false => ACTIONS[(at - HOSTS.len()) / 3][(at - HOSTS.len()) % 3],
        };
        at += 1;
    }
    all
};

/// In the order of the original's meta-data.
pub const FENCER: &[ClusterOption] = &ALL;
