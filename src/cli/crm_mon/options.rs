//! The options of `crm_mon`. Source: Pacemaker 2.1.5, `crm_mon --help-all`.

use clap::{Arg, Command};

use crate::cli::crm::{arguments, html};

fn flag(id: &'static str, short: char, help: &'static str) -> Arg {
    arguments::flag(id, short).help(help)
}

fn value(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    arguments::value(id, name).help(help)
}

fn optional(id: &'static str, short: char, name: &'static str, help: &'static str) -> Arg {
    value(id, name, help).short(short).num_args(0..=1)
}

fn output() -> [Arg; 4] {
    [
        value(
            "output-as",
            "FORMAT",
            "console (the default), text, html or xml",
        ),
        value("output-to", "DEST", "write to a file; - is standard output"),
        arguments::flag_of("text-fancy").help("text with titles and bullets, as it always is"),
        value("as-html", "FILE", "like --output-as=html --output-to=FILE").short('h'),
    ]
}

fn sections() -> [Arg; 13] {
    [
        value("include", "SECTIONS", "show these sections too").short('I'),
        value("exclude", "SECTIONS", "don't show these sections").short('U'),
        value("node", "NODE", "show only this node, or those of a tag"),
        value(
            "resource",
            "RSC",
            "show only this resource, or those of a tag",
        ),
        flag("failcounts", 'f', "show how often resources failed"),
        flag("operations", 'o', "show what was done with resources"),
        flag("timing-details", 't', "show that with times and results"),
        flag("tickets", 'c', "show tickets"),
        optional(
            "fence-history",
            'm',
            "LEVEL",
            "show what was fenced: 0 nothing, 1 what failed or is under way, 2 or 3 all",
        ),
        optional(
            "neg-locations",
            'L',
            "PREFIX",
            "show constraints that keep resources away",
        ),
        flag("show-node-attributes", 'A', "show attributes of nodes"),
        flag("hide-headers", 'D', "show no summary"),
        flag(
            "simple-status",
            's',
            "one line, as monitoring systems want it",
        ),
    ]
}

fn following() -> [Arg; 6] {
    [
        flag(
            "daemonize",
            'd',
            "follow the cluster in the background; with --output-to or --external-agent",
        ),
        value(
            "pid-file",
            "FILE",
            "with --daemonize, write its number there",
        )
        .short('p'),
        value(
            "external-agent",
            "FILE",
            "run a program whenever an operation of a resource has a result",
        )
        .short('E'),
        value(
            "external-recipient",
            "TEXT",
            "a text that the program is given",
        )
        .short('e'),
        flag("watch-fencing", 'W', "run the program for fencing too"),
        value(
            "compat",
            "VERSION",
            "text as version 1.1, 2.0 or 2.1 wrote it",
        ),
    ]
}

fn forms() -> [Arg; 9] {
    [
        flag("group-by-node", 'n', "show resources under their nodes"),
        flag("inactive", 'r', "show what isn't active too"),
        flag("show-detail", 'R', "show ids of nodes and each instance"),
        flag("brief", 'b', "count resources by kind"),
        value(
            "interval",
            "TIME",
            "show it again after this time though nothing changed; 5s",
        )
        .short('i'),
        flag("one-shot", '1', "show the status once"),
        flag("as-xml", 'X', "XML in the old frame, once"),
        flag("disable-ncurses", 'N', "like --output-as=text"),
        flag("web-cgi", 'w', "like --output-as=html --html-cgi"),
    ]
}

/// All of them.
pub(super) fn command() -> Command {
    Command::new("crm_mon")
        .about("Show the status of the cluster")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args([
            flag("help", '?', "show this text"),
            arguments::flag_of("help-all").hide(true),
            flag("version", '$', "show the version"),
            flag("verbose", 'V', "say more; may be repeated"),
            flag("quiet", 'Q', "say less"),
        ])
        .args(output())
        .args(html::options())
        .args(sections())
        .args(forms())
        .args(following())
        .after_help(
            "SECTIONS is a list of names with commas between them; --include=list names them.\n\
             --include and --exclude apply from left to right to what the format shows by\n\
             itself. TIME is a number of seconds, or has a unit: 500ms, 10s, 2min.\n\n\
             Exit status: 0 done; 2 with --simple-status if there is no cluster; 64 wrong use;\n\
             73 the file can't be written; 102 there is no cluster.\n\n\
             Examples:\n  \
             crm_mon -1                      the status, once\n  \
             crm_mon -1rfA                   all resources, failures, attributes\n  \
             crm_mon -1n --node=node1        what runs on one node\n  \
             crm_mon                         follow the cluster; ? shows keys, q ends\n  \
             crm_mon -d -p /run/mon.pid -h /var/www/status.html\n  \
             crm_mon --output-as=xml         for programs\n  \
             crm_mon -1 --output-as=html --output-to=status.html",
        )
}
