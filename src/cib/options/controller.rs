//! Options of the controller.

use super::Kind::{Boolean, Integer, OneOf, Percentage, Text, Time};
use super::scheduler::NO_QUORUM;
use super::{Audience, ClusterOption};

/// In the order of the original's meta-data.
pub const CONTROLLER: &[ClusterOption] = &[
    ClusterOption::new(
        "dc-version",
        Text,
        "none",
        "Version of the software on the node that decides (the DC)",
        "The DC writes it. It carries the revision of the source, for reports of faults.",
    )
    .of(Audience::Cluster),
    ClusterOption::new(
        "cluster-infrastructure",
        Text,
        "corosync",
        "What carries the cluster's messages",
        "The DC writes it, for people and for tools that look.",
    )
    .of(Audience::Cluster),
    ClusterOption {
        default: None,
        ..ClusterOption::new(
            "cluster-name",
            Text,
            "",
            "A name for the cluster",
            "Tools show it, rules can compare it with the attribute #cluster-name, and some agents \
             use it. It changes nothing by itself.",
        )
    },
    ClusterOption::new(
        "dc-deadtime",
        Time,
        "20s",
        "How long a starting node listens for others before it goes on alone",
        "It isn't waited out when every configured node is there. Raise it for networks that \
         take long to come up.",
    ),
    ClusterOption::new(
        "cluster-recheck-interval",
        Time,
        "15min",
        "How often the cluster looks at its configuration though nothing happened",
        "What depends on time (rules with dates, failures that expire) is looked at when its \
         time has come; this is the net below. 0 turns it off.",
    ),
    ClusterOption::new(
        "load-threshold",
        Percentage,
        "80%",
        "How busy a node may be before it is given fewer jobs at once",
        "In percent of its processors, by the load average of one minute.",
    ),
    ClusterOption::new(
        "node-action-limit",
        Integer,
        "0",
        "How many jobs a node is given at once",
        "0 stands for twice the number of its processors.",
    ),
    ClusterOption::new(
        "fence-reaction",
        Text,
        "stop",
        "What a node does when it hears that it was fenced, and still runs",
        "That happens when a fence device is set up wrong, or only cuts the node off. With stop \
         it ends its cluster software at once, with panic it restarts the machine at once.",
    ),
    ClusterOption::new(
        "election-timeout",
        Time,
        "2min",
        "How long an election of the DC may take",
        "If you have to change it, something is wrong that deserves a report.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "shutdown-escalation",
        Time,
        "20min",
        "How long a node waits for its own orderly shutdown",
        "Then it ends without waiting for its resources any longer.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "join-integration-timeout",
        Time,
        "3min",
        "How long the DC waits for nodes to ask for admission",
        "If you have to change it, something is wrong that deserves a report.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "join-finalization-timeout",
        Time,
        "30min",
        "How long the DC waits for nodes to confirm their admission",
        "If you have to change it, something is wrong that deserves a report.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "transition-delay",
        Time,
        "0s",
        "How long the cluster waits after each event before it decides",
        "It slows down every reaction of the cluster. It can spare it work where events come in \
         bursts.",
    )
    .of(Audience::Advanced),
    ClusterOption::new(
        "stonith-watchdog-timeout",
        Time,
        "0",
        "How long after it was lost a node counts as dead by its own watchdog",
        "If it is more than 0, nodes that have a watchdog are taken for fenced once this time \
         has passed, without any device. It has to be longer than the time-out of the watchdogs. \
         A negative value stands for twice the time-out of the watchdog.",
    ),
    ClusterOption::new(
        "stonith-max-attempts",
        Integer,
        "10",
        "How often fencing of a node is tried in a row",
        "After so many failures the cluster waits for something else to happen before it tries \
         again.",
    ),
    ClusterOption::new(
        "no-quorum-policy",
        OneOf(NO_QUORUM),
        "stop",
        "What is done without quorum",
        "See the scheduler's option of this name.",
    ),
    ClusterOption::new(
        "shutdown-lock",
        Boolean,
        "false",
        "Whether resources wait for a node that was shut down in order",
        "See the scheduler's option of this name.",
    ),
];
