//! The options as data.

use clap::{Arg, Command};

use crate::cli::crm::arguments::{self, flag, flag_of, value, with_output};

/// Options of which the last one says what is done.
pub(super) const COMMANDS: [&str; 34] = [
    "list",
    "list-raw",
    "list-operations",
    "list-all-operations",
    "list-standards",
    "list-ocf-providers",
    "list-agents",
    "list-ocf-alternatives",
    "show-metadata",
    "query-xml",
    "query-xml-raw",
    "get-parameter",
    "locate",
    "constraints",
    "stack",
    "why",
    "cleanup",
    "refresh",
    "set-parameter",
    "delete-parameter",
    "move",
    "ban",
    "clear",
    "delete",
    "validate",
    "force-check",
    "force-start",
    "force-stop",
    "force-promote",
    "force-demote",
    "digests",
    "fail",
    "restart",
    "wait",
];

pub(super) fn command() -> Command {
    with_output(arguments::command(
        "crm_resource",
        "Ask about, move and change the resources of the cluster",
    ))
    .arg(flag("quiet", 'Q').help("print less"))
    .arg(
        value("resource", "ID")
            .short('r')
            .help("the resource it is about"),
    )
    .next_help_heading("Questions")
    .args(questions())
    .args(about_agents())
    .next_help_heading("Changes")
    .args(changes())
    .next_help_heading("Places")
    .args(places())
    .next_help_heading("Agents called beside the cluster, here and now")
    .args(calls())
    .next_help_heading("Further options")
    .args(further())
    .after_help(EXAMPLES)
}

fn questions() -> [Arg; 12] {
    [
        flag("list", 'L').help("list all resources with their states; so too without a command"),
        flag("list-raw", 'l').help("list the names of all primitives and instances"),
        flag("list-operations", 'O').help("list the operations that made the present states"),
        flag("list-all-operations", 'o').help("list all operations of the history"),
        flag("query-xml", 'q').help("show a resource's configuration, templates put in"),
        flag("query-xml-raw", 'w').help("show a resource's configuration as it is written"),
        value("get-parameter", "NAME")
            .short('g')
            .help("show a parameter; see --meta and --utilization"),
        flag("locate", 'W').help("show the nodes that a resource is on"),
        flag("constraints", 'a').help("show where a resource may be, and with what"),
        flag("stack", 'A').help("--constraints with --recursive"),
        flag("why", 'Y').help("say why resources are not running"),
        flag_of("digests").help("show the digests of a resource's parameters on --node"),
    ]
}

fn about_agents() -> [Arg; 5] {
    [
        flag_of("list-standards").help("list the standards that agents may follow"),
        flag_of("list-ocf-providers").help("list the providers of OCF agents"),
        value("list-agents", "STANDARD[:PROVIDER]").help("list agents"),
        value("list-ocf-alternatives", "AGENT").help("list the providers of an OCF agent"),
        value("show-metadata", "AGENT")
            .help("show what an agent says of itself: STANDARD:[PROVIDER:]AGENT"),
    ]
}

fn changes() -> [Arg; 8] {
    [
        value("set-parameter", "NAME")
            .short('p')
            .help("set a parameter to --parameter-value"),
        value("delete-parameter", "NAME")
            .short('d')
            .help("remove a parameter"),
        flag("cleanup", 'C').help("forget failures, so that resources are tried again"),
        flag("refresh", 'R').help("forget all operations, so that states are looked up again"),
        flag("delete", 'D').help("remove a resource of --resource-type"),
        flag("fail", 'F').help("have a resource count as failed on --node"),
        flag_of("restart").help("stop a resource and what depends on it, and start them again"),
        flag_of("wait").help("wait until the cluster has nothing left to do"),
    ]
}

fn calls() -> [Arg; 11] {
    let with_level = |name| value(name, "LEVEL").num_args(0..=1);
    [
        with_level("validate").help("have the agent look at its parameters"),
        with_level("force-check").help("have the agent look at the resource"),
        flag_of("force-start").help("have the agent start the resource"),
        flag_of("force-stop").help("have the agent stop it"),
        flag_of("force-promote").help("have the agent promote it"),
        flag_of("force-demote").help("have the agent demote it"),
        value("class", "STANDARD").help("instead of --resource: the standard of an agent"),
        value("provider", "PROVIDER").help("and its provider"),
        value("agent", "AGENT").help("and its name"),
        value("option", "NAME=VALUE").help("and a parameter for it; may be repeated"),
        value("timeout", "DURATION")
            .short('T')
            .help("how long the agent may take (else 20s), --wait (1h), a step of --restart"),
    ]
}

fn places() -> [Arg; 7] {
    [
        flag("move", 'M').help("prefer --node for a resource, or ban the node that it is on"),
        flag("ban", 'B').help("keep a resource off --node, or off the node that it is on"),
        flag("clear", 'U').help("remove what --move and --ban made"),
        flag("expired", 'e').help("with --clear, only what is over"),
        value("lifetime", "DURATION")
            .short('u')
            .help("how long --move and --ban hold: an ISO 8601 duration"),
        flag_of("promoted").help("they count for the promoted role only"),
        flag_of("master").hide(true),
    ]
}

fn further() -> [Arg; 11] {
    [
        value("node", "NAME")
            .short('N')
            .alias("host-uname")
            .short_alias('H')
            .alias("host")
            .help("the node it is about"),
        flag_of("recursive").help("follow colocations with --set-parameter and --constraints"),
        value("resource-type", "ELEMENT")
            .short('t')
            .help("with --delete, the element: primitive, group, clone"),
        value("parameter-value", "VALUE")
            .short('v')
            .alias("property-value")
            .help("the value for --set-parameter"),
        flag("meta", 'm').help("parameters are meta attributes"),
        flag("utilization", 'z').help("parameters are utilization attributes"),
        value("operation", "NAME")
            .short('n')
            .help("with --cleanup, the operation that failed"),
        value("interval", "DURATION")
            .short('I')
            .help("with --cleanup, the interval of the operation"),
        value("set-name", "ID")
            .short('s')
            .help("the set that the parameter is in"),
        value("nvpair", "ID")
            .short('i')
            .help("the id of the parameter"),
        flag("force", 'f').help("do it though something speaks against it"),
    ]
}

const EXAMPLES: &str = "\
Examples:
  crm_resource --locate --resource web              where is it?
  crm_resource --why --resource web                 why doesn't it run?
  crm_resource --move --resource web --node b       there, please
  crm_resource --clear --resource web               and take that back
  crm_resource --ban --resource web --node a --lifetime PT2H
  crm_resource --resource web --meta --set-parameter target-role --parameter-value Stopped
  crm_resource --show-metadata ocf:heartbeat:IPaddr2
  crm_resource --force-check --resource web         what does its agent say, here?
  crm_resource --restart --resource web             and what depends on it
  crm_resource --wait --timeout 2min                is all done? else exit code 124
  crm_resource --validate --class ocf --provider heartbeat --agent IPaddr2 --option ip=10.0.0.9";
