//! The options of `crm_simulate`. Source: Pacemaker 2.1.5, `crm_simulate --help-all`.

use clap::{Arg, Command};

use crate::cli::crm::arguments::{self, with_output};

fn flag(id: &'static str, short: char, help: &'static str) -> Arg {
    arguments::flag(id, short).help(help)
}

fn value(id: &'static str, short: char, name: &'static str, help: &'static str) -> Arg {
    arguments::value(id, name).short(short).help(help)
}

fn operations() -> [Arg; 10] {
    [
        flag("run", 'R', "show what the cluster would do"),
        flag(
            "simulate",
            'S',
            "do that, too, and show the status after it",
        ),
        flag(
            "in-place",
            'X',
            "like --simulate, and write the result into the input file",
        ),
        flag("show-attrs", 'A', "show attributes of nodes"),
        flag("show-failcounts", 'c', "show how often resources failed"),
        flag("show-scores", 's', "show the scores of placement"),
        flag("show-utilization", 'U', "show capacities of nodes"),
        value(
            "profile",
            'P',
            "DIR",
            "time how long the documents of a folder take",
        ),
        value("repeat", 'N', "N", "with --profile, do each N times"),
        flag("quiet", 'Q', "show only what was asked for"),
    ]
}

fn events() -> [Arg; 12] {
    [
        value("node-up", 'u', "NODE", "a node comes online"),
        value("node-down", 'd', "NODE", "a node goes offline"),
        value("node-fail", 'f', "NODE", "a node fails"),
        value("op-inject", 'i', "OPSPEC", "an operation has a result"),
        value(
            "op-fail",
            'F',
            "OPSPEC",
            "an operation of the transition fails",
        ),
        value("set-datetime", 't', "DATETIME", "the time, as ISO 8601"),
        value("quorum", 'q', "BOOL", "whether there is quorum"),
        value(
            "watchdog",
            'w',
            "BOOL",
            "whether there is an active watchdog",
        ),
        value("ticket-grant", 'g', "TICKET", "a ticket is granted"),
        value("ticket-revoke", 'r', "TICKET", "a ticket is revoked"),
        value("ticket-standby", 'b', "TICKET", "a ticket is on standby"),
        value("ticket-activate", 'e', "TICKET", "a ticket is active"),
    ]
}

fn artefacts() -> [Arg; 5] {
    [
        value("save-input", 'I', "FILE", "write the CIB before"),
        value("save-output", 'O', "FILE", "write the CIB after it"),
        value("save-graph", 'G', "FILE", "write the transition as XML"),
        value(
            "save-dotfile",
            'D',
            "FILE",
            "write a picture of it for graphviz",
        ),
        flag(
            "all-actions",
            'a',
            "the picture has all actions, needed or not",
        ),
    ]
}

fn sources() -> [Arg; 3] {
    [
        flag(
            "live-check",
            'L',
            "take the CIB that the environment names (the default)",
        ),
        value("xml-file", 'x', "FILE", "take the CIB in a file"),
        flag("xml-pipe", 'p', "take the CIB on standard input"),
    ]
}

/// All of them.
pub(super) fn command() -> Command {
    let about = "Show what the cluster would do with a configuration and a status";
    with_output(arguments::command("crm_simulate", about))
        .arg(flag("pending", 'j', "does nothing, and is accepted").hide(true))
        .args(operations())
        .args(events())
        .args(artefacts())
        .args(sources())
        .after_help(
            "OPSPEC is RESOURCE_TASK_INTERVAL@NODE=RC with the interval in milliseconds and an\n\
             OCF result code. Exit status: 0 done; 1 the transition can't be carried out to its\n\
             end; 64 wrong use; 65, 66 the CIB can't be read; 74 a file can't be written.\n\n\
             Examples:\n  \
             crm_simulate -x cib.xml -S\n  \
             crm_simulate -x cib.xml -sR\n  \
             crm_simulate -x cib.xml -S --node-fail node1 -D picture.dot\n  \
             crm_simulate -x cib.xml -S -i web_monitor_10000@node1=7 -F web_stop_0@node1=1",
        )
}
