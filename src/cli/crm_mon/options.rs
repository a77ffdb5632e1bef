//! The options of `crm_mon`. Source: Pacemaker 2.1.5, `crm_mon --help-all`.

use clap::{Arg, ArgAction, Command};

fn flag(id: &'static str, short: char, help: &'static str) -> Arg {
    let arg = Arg::new(id).long(id).short(short).help(help);
    arg.action(ArgAction::SetTrue)
}

fn value(id: &'static str, name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(id).long(id).help(help);
    arg.value_name(name).action(ArgAction::Append)
}

fn optional(id: &'static str, short: char, name: &'static str, help: &'static str) -> Arg {
    value(id, name, help).short(short).num_args(0..=1)
}

fn output() -> [Arg; 7] {
    [
        value(
            "output-as",
            "FORMAT",
            "console (the default), text, html or xml",
        ),
        value("output-to", "DEST", "write to a file; - is standard output"),
        Arg::new("html-cgi")
            .long("html-cgi")
            .action(ArgAction::SetTrue)
            .help("headers of CGI before the HTML page"),
        value(
            "html-stylesheet",
            "URI",
            "the HTML page uses this stylesheet",
        ),
        value("html-title", "TITLE", "title of the HTML page"),
        Arg::new("text-fancy")
            .long("text-fancy")
            .action(ArgAction::SetTrue)
            .help("text with titles and bullets, as it always is"),
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
            "show what was fenced, if a cluster runs",
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

fn forms() -> [Arg; 9] {
    [
        flag("group-by-node", 'n', "show resources under their nodes"),
        flag("inactive", 'r', "show what isn't active too"),
        flag("show-detail", 'R', "show ids of nodes and each instance"),
        flag("brief", 'b', "count resources by kind"),
        value(
            "interval",
            "TIME",
            "how often to look again; 5s if not given",
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
        .args([
            flag("help", '?', "show this text"),
            Arg::new("help-all")
                .long("help-all")
                .action(ArgAction::SetTrue)
                .hide(true),
            flag("version", '$', "show the version"),
            flag("verbose", 'V', "say more; may be repeated"),
            flag("quiet", 'Q', "say less"),
        ])
        .args(output())
        .args(sections())
        .args(forms())
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
             crm_mon --output-as=xml         for programs\n  \
             crm_mon -1 --output-as=html --output-to=status.html",
        )
}
