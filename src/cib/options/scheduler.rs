//! Options of the scheduler.

use super::Kind::{Boolean, Integer, OneOf, Time};
use super::{Audience, ClusterOption};

pub(super) const NO_QUORUM: &[&str] = &["stop", "freeze", "ignore", "demote", "suicide"];

/// In the order of the original's meta-data.
pub const SCHEDULER: &[ClusterOption] = &[
    ClusterOption::new(
        "no-quorum-policy",
        OneOf(NO_QUORUM),
        "stop",
        "What is done without quorum",
        "stop: all resources here are stopped. freeze: what runs goes on, nothing is started. \
         ignore: everything goes on as if there were quorum, which needs fencing to be safe. \
         demote: promoted resources are demoted, all others stopped. suicide: all nodes of the \
         part without quorum are fenced.",
    ),
    ClusterOption::new(
        "symmetric-cluster",
        Boolean,
        "true",
        "Whether resources may run on every node unless a constraint forbids it",
        "With false a resource runs only where a location constraint allows it.",
    ),
    ClusterOption::new(
        "maintenance-mode",
        Boolean,
        "false",
        "Whether the cluster keeps its hands off all resources",
        "Nothing is started, stopped or monitored while it is true; what runs goes on running.",
    ),
    ClusterOption::new(
        "start-failure-is-fatal",
        Boolean,
        "true",
        "Whether a failed start keeps a resource away from that node",
        "With false a start is tried again there until the fail count reaches the resource's \
         migration-threshold.",
    ),
    ClusterOption::new(
        "enable-startup-probes",
        Boolean,
        "true",
        "Whether the cluster looks what already runs when a node joins",
        "",
    ),
    ClusterOption::new(
        "shutdown-lock",
        Boolean,
        "false",
        "Whether resources wait for a node that was shut down in order",
        "With true what ran on a node that was shut down in order stays stopped until that node \
         is back and can run it again. Fencing, and a failure, end the lock.",
    ),
    ClusterOption::new(
        "shutdown-lock-limit",
        Time,
        "0",
        "How long resources wait for a node that was shut down in order",
        "Counted from the shutdown; 0 stands for as long as it takes.",
    ),
    ClusterOption::new(
        "stonith-enabled",
        Boolean,
        "true",
        "Whether nodes may be fenced",
        "With false a node that can't be reached is taken for stopped. It may not be: then two \
         nodes have the same resource, and data is lost.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "stonith-action",
        OneOf(&["reboot", "off", "poweroff"]),
        "reboot",
        "What a fence device does to a node",
        "poweroff is an old word for off.",
    ),
    ClusterOption::new(
        "stonith-timeout",
        Time,
        "60s",
        "How long an action of a fence device may take",
        "A device's own pcmk_reboot_timeout and the like count first.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "have-watchdog",
        Boolean,
        "false",
        "Whether nodes are guarded by a watchdog",
        "The cluster writes it.",
    )
    .of(Audience::Cluster),
    ClusterOption::new(
        "concurrent-fencing",
        Boolean,
        "false",
        "Whether several nodes may be fenced at once",
        "",
    ),
    ClusterOption::new(
        "startup-fencing",
        Boolean,
        "true",
        "Whether nodes that were never seen are fenced when the cluster starts",
        "With false such a node is taken for stopped. It may not be, and its resources may run.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "priority-fencing-delay",
        Time,
        "0",
        "How much longer it takes to fence the node with the more important resources",
        "When two halves of a cluster fence each other, the one whose lost nodes hold the \
         smaller sum of priorities is ahead. A promoted instance counts one more. Choose it \
         clearly longer than any random delay of the devices (pcmk_delay_max). 0 turns it off.",
    ),
    ClusterOption::new(
        "cluster-delay",
        Time,
        "60s",
        "How long it may take from one node to another, the action's own time-out aside",
        "It is the time after which the DC no longer waits for a result. The right value depends \
         on the speed and load of network and nodes.",
    ),
    ClusterOption::new(
        "batch-limit",
        Integer,
        "0",
        "How many jobs run at once in the whole cluster",
        "0 leaves it to the load of the nodes. The right value depends on the speed and load of \
         network and nodes.",
    ),
    ClusterOption::new(
        "migration-limit",
        Integer,
        "-1",
        "How many live migrations run at once on a node",
        "-1 sets no limit.",
    ),
    ClusterOption::new(
        "stop-all-resources",
        Boolean,
        "false",
        "Whether all resources are stopped",
        "",
    ),
    ClusterOption::new(
        "stop-orphan-resources",
        Boolean,
        "true",
        "Whether resources that are no longer configured are stopped",
        "",
    ),
    ClusterOption::new(
        "stop-orphan-actions",
        Boolean,
        "true",
        "Whether recurring operations that are no longer configured are cancelled",
        "",
    ),
    ClusterOption::new(
        "remove-after-stop",
        Boolean,
        "false",
        "Whether a resource's history is removed once it is stopped",
        "Any other value than false is hardly tried and may be dangerous.",
    )
    .of(Audience::Deprecated),
    ClusterOption::new(
        "pe-error-series-max",
        Integer,
        "-1",
        "How many inputs of the scheduler with errors are kept",
        "0 keeps none, -1 all.",
    ),
    ClusterOption::new(
        "pe-warn-series-max",
        Integer,
        "5000",
        "How many inputs of the scheduler with warnings are kept",
        "0 keeps none, -1 all.",
    ),
    ClusterOption::new(
        "pe-input-series-max",
        Integer,
        "4000",
        "How many inputs of the scheduler with neither are kept",
        "0 keeps none, -1 all.",
    ),
    ClusterOption::new(
        "node-health-strategy",
        OneOf(&[
            "none",
            "migrate-on-red",
            "only-green",
            "progressive",
            "custom",
        ]),
        "none",
        "What attributes of a node's health do",
        "They are node attributes whose names begin with #health and whose values are scores or \
         the words green, yellow and red. none: nothing. migrate-on-red: resources leave nodes \
         with a red one. only-green: they leave nodes with a yellow or red one. progressive: the \
         values are added and the sum is a preference. custom: constraints of your own use them.",
    ),
    ClusterOption::new(
        "node-health-base",
        Integer,
        "0",
        "The score that a node's health begins with",
        "For the strategy progressive.",
    ),
    ClusterOption::new(
        "node-health-green",
        Integer,
        "0",
        "The score of the word green",
        "For the strategies custom and progressive.",
    ),
    ClusterOption::new(
        "node-health-yellow",
        Integer,
        "0",
        "The score of the word yellow",
        "For the strategies custom and progressive.",
    ),
    ClusterOption::new(
        "node-health-red",
        Integer,
        "-INFINITY",
        "The score of the word red",
        "For the strategies custom and progressive.",
    ),
    ClusterOption::new(
        "placement-strategy",
        OneOf(&["default", "utilization", "minimal", "balanced"]),
        "default",
        "How capacities of nodes count when resources are placed",
        "default: not at all. utilization: only nodes with room are taken, by number of \
         resources. balanced: the node with the most room left. minimal: as few nodes as \
         possible.",
    ),
];
