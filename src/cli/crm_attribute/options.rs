//! The options as data.

use clap::Command;

use crate::cli::crm::arguments::{self, flag, flag_of, value, with_output};

pub(super) fn command() -> Command {
    with_output(arguments::command(
        "crm_attribute",
        "Ask for and change options of the cluster and attributes of nodes",
    ))
    .arg(
        flag("quiet", 'q')
            .short_alias('Q')
            .help("print values only"),
    )
    .next_help_heading("Commands")
    .args([
        flag("query", 'G')
            .alias("get-value")
            .help("print the value; so too without a command"),
        value("update", "VALUE")
            .short('v')
            .alias("attr-value")
            .help("set the value"),
        flag("delete", 'D').alias("delete-attr").help("remove it"),
    ])
    .next_help_heading("Which attribute")
    .args([
        value("name", "NAME")
            .short('n')
            .alias("attr-name")
            .help("its name"),
        value("pattern", "REGEX")
            .short('P')
            .help("all whose names match"),
        value("promotion", "RESOURCE")
            .short('p')
            .num_args(0..=1)
            .help("the promotion score of a resource, or that of OCF_RESOURCE_INSTANCE"),
        value("set-name", "ID")
            .short('s')
            .help("the set that it is in"),
        value("id", "ID").short('i').alias("attr-id").help("its id"),
    ])
    .next_help_heading("Where")
    .args([
        value("node", "NAME")
            .short('N')
            .alias("node-uname")
            .alias("uname")
            .short_alias('U')
            .help("an attribute of this node"),
        value("lifetime", "TIME")
            .short('l')
            .help("until the node leaves (reboot) or without end (forever)"),
        value("type", "SECTION")
            .short('t')
            .help("crm_config, rsc_defaults, op_defaults, tickets, nodes, status"),
        flag("utilization", 'z').help("a utilization attribute of the node"),
        value("default", "VALUE")
            .short('d')
            .help("what is printed if it isn't set"),
        flag_of("inhibit-policy-engine").short('!').hide(true),
    ])
    .after_help(EXAMPLES)
}

const EXAMPLES: &str = "\
Examples:
  crm_attribute --query --name stonith-enabled      an option of the cluster
  crm_attribute --name no-quorum-policy --update freeze
  crm_attribute --node a --name rack --update 7     an attribute of a node
  crm_attribute --node a --name pingd --query --lifetime reboot
  crm_attribute --node a --name rack --delete";
