//! The options as data.

use clap::{Arg, Command};

use crate::cli::crm::arguments::{self, flag, flag_of, value, with_output};
use crate::cli::crm::html::with_html;

/// Options that say what is done. The last one of this list that was given counts, wherever it
/// stands on the command line.
pub(super) const COMMANDS: [&str; 17] = [
    "validate",
    "list-installed",
    "list-registered",
    "register",
    "query",
    "deregister",
    "list-targets",
    "list",
    "metadata",
    "reboot",
    "fence",
    "unfence",
    "confirm",
    "last",
    "history",
    "register-level",
    "deregister-level",
];

/// Options whose values are numbers.
pub(super) const NUMBERS: [(&str, char); 3] = [("index", 'i'), ("timeout", 't'), ("delay", 'y')];

pub(super) fn command() -> Command {
    with_html(with_output(arguments::command(
        "stonith_admin",
        "Fence nodes by hand, and ask about fence devices and what was fenced",
    )))
    // The letter h is for --last.
    .mut_arg("help", |arg| arg.short_alias(None).short('?'))
    .arg(flag("quiet", 'q').help("print less"))
    .next_help_heading("Agents of this machine")
    .args(agents())
    .next_help_heading("Questions to the fencer")
    .args(questions())
    .next_help_heading("Fencing by hand")
    .args(fencing())
    .next_help_heading("Devices and levels besides those of the configuration")
    .args(registry())
    .next_help_heading("Further options")
    .args(further())
    .after_help(EXAMPLES)
}

fn agents() -> [Arg; 3] {
    [
        flag("list-installed", 'I').help("list the agents that are installed"),
        flag("metadata", 'M').help("show what --agent says of itself"),
        flag("validate", 'K').help("have --agent look at the parameters of --option"),
    ]
}

fn questions() -> [Arg; 8] {
    [
        flag("list-registered", 'L').help("list all devices"),
        value("list", "NODE")
            .short('l')
            .help("list the devices that can fence a node"),
        value("list-targets", "DEVICE")
            .short('s')
            .help("list the nodes that a device can fence"),
        value("query", "DEVICE")
            .short('Q')
            .help("ask whether a device works"),
        value("history", "NODE").short('H').help(
            "show when a node, or any for *, was fenced; -V shows all, -q the time as a number",
        ),
        value("last", "NODE")
            .short('h')
            .help("say when a node was fenced last"),
        flag("cleanup", 'c').help("with --history: forget it"),
        flag("broadcast", 'b').help("with --history: ask all nodes first"),
    ]
}

fn fencing() -> [Arg; 4] {
    [
        value("fence", "NODE").short('F').help("turn a node off"),
        value("reboot", "NODE").short('B').help("reboot a node"),
        value("unfence", "NODE")
            .short('U')
            .help("turn a node on, or let it use its disks again"),
        value("confirm", "NODE")
            .short('C')
            .help("tell the cluster that a node is certainly down"),
    ]
}

fn registry() -> [Arg; 6] {
    [
        value("register", "DEVICE")
            .short('R')
            .help("add a device: --agent, with --option or --env-option"),
        value("deregister", "DEVICE")
            .short('D')
            .help("remove a device"),
        value("register-level", "TARGET")
            .short('r')
            .help("add level --index for NODE, @PATTERN or ATTRIBUTE=VALUE: --device, repeated"),
        value("deregister-level", "TARGET")
            .short('d')
            .help("remove level --index"),
        value("device", "DEVICE").short('v').help(
            "with --register-level, a device of the level; with --validate, the name that it has",
        ),
        value("index", "LEVEL")
            .short('i')
            .help("the level, 1 to 9; 1 is tried first"),
    ]
}

fn further() -> [Arg; 8] {
    [
        value("agent", "AGENT")
            .short('a')
            .help("the agent, fence_xvm, or the plugin, external/ipmi"),
        value("option", "NAME=VALUE")
            .short('o')
            .help("a parameter of a device; may be repeated"),
        value("env-option", "NAME")
            .short('e')
            .help("a parameter with the value of the variable OCF_RESKEY_NAME"),
        value("tag", "TAG")
            .short('T')
            .help("logs and history name the tool with this tag"),
        value("timeout", "SECONDS")
            .short('t')
            .help("how long it may take; 120"),
        value("delay", "SECONDS").short('y').help(
            "with a fencing command, wait before, besides the delays of devices; -1 waits never",
        ),
        value("tolerance", "TIME")
            .help("with a fencing command, do nothing if the same was done so short ago"),
        flag_of("as-node-id")
            .short('n')
            .help("with --last, the node is named by its number"),
    ]
}

const EXAMPLES: &str = "\
Exit status: 0 done; 1 an agent failed; 3 the agent can't do that; 64 wrong use; 70 a level\n\
that can't be; 102 there is no cluster; 105 there is no such device; 124 it took too long.\n\
\n\
Examples:
  stonith_admin -I                                  which agents are there?
  stonith_admin -M -a fence_ipmilan                 which parameters has one?
  stonith_admin -K -a fence_ipmilan -o ip=10.0.0.9 -o username=admin
  stonith_admin -l node2                            who can fence node2?
  stonith_admin --reboot node2 --timeout 60         pull its plug
  stonith_admin --history '*' --verbose             what was fenced, and why not?
  stonith_admin --confirm node2                     I have seen that it is off";
