//! The options.

use clap::Command;

use crate::cli::crm::arguments::{self, flag, value};

/// The options as data.
pub(super) fn command() -> Command {
    let command = arguments::command("crm_ticket", "Show, grant and revoke the tickets of a site");
    let asked = command
        .override_usage("crm_ticket [OPTIONS] COMMAND [-t ID]")
        .arg(flag("info", 'l').help("list tickets, and whether they are granted"))
        .arg(flag("details", 'L').help("list them with all their attributes"))
        .arg(flag("raw", 'w').help("list their names"))
        .arg(flag("query-xml", 'q').help("show their state as XML"))
        .arg(flag("constraints", 'c').help("show the constraints that name them"));
    let changed = asked
        .arg(flag("grant", 'g').help("grant a ticket to this site; needs --force"))
        .arg(flag("revoke", 'r').help("revoke a ticket from this site; needs --force"))
        .arg(flag("standby", 's').help("stop what depends on it in order, as if revoked"))
        .arg(flag("activate", 'a').help("end --standby"))
        .arg(
            value("get-attr", "NAME")
                .short('G')
                .help("show an attribute of a ticket"),
        )
        .arg(
            value("set-attr", "NAME")
                .short('S')
                .help("set an attribute of a ticket to what -v gives"),
        )
        .arg(
            value("delete-attr", "NAME")
                .short('D')
                .help("remove an attribute of a ticket"),
        )
        .arg(flag("cleanup", 'C').help("forget all that is known of a ticket"));
    changed
        .arg(
            value("attr-value", "VALUE")
                .short('v')
                .help("the value for -S"),
        )
        .arg(
            value("default", "VALUE")
                .short('d')
                .help("what -G shows if there is no such attribute"),
        )
        .arg(flag("force", 'f').help("do it though it may run resources at two sites"))
        .arg(value("ticket", "ID").short('t').help("the ticket"))
        .arg(
            value("set-name", "ID")
                .short('n')
                .help("accepted; it means nothing any more"),
        )
        .arg(
            value("nvpair", "ID")
                .short('i')
                .help("accepted; it means nothing any more"),
        )
        .arg(flag("quiet", 'Q').help("say less"))
        .after_help(
            "The CIB is that of the cluster, or what CIB_file or CIB_shadow name.\n\
             Exit status: 0 done; 4 it needs --force; 64 wrong use; 102 there is no cluster;\n\
             105 no such ticket or attribute.\n\n\
             Examples:\n  \
             crm_ticket -l                     which tickets does this site have?\n  \
             crm_ticket -t T -c                what depends on T\n  \
             crm_ticket -t T -s                stop it in order, before -r\n  \
             crm_ticket -t T -g --force        grant T, which no other site has\n  \
             crm_ticket -t T -G granted        true or false",
        )
}
