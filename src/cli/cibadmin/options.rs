//! The options as data, and what a command line asks for.

use clap::{Arg, ArgAction, Command};

use crate::cib::operation::Operation;
use crate::cli::crm::input::Source;
use crate::cli::getopt_long::Parsed;

fn flag(id: &'static str, short: char, help: &'static str) -> Arg {
    let arg = Arg::new(id).long(id).short(short).help(help);
    arg.action(ArgAction::SetTrue)
}

fn value(id: &'static str, short: char, name: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(id).long(id).short(short).help(help);
    arg.value_name(name).action(ArgAction::Append)
}

pub(super) fn command() -> Command {
    Command::new("cibadmin")
        .about("Query and change the configuration of the cluster, as XML")
        .disable_help_flag(true)
        .args([
            flag("help", '?', "show this text"),
            flag("version", '$', "show the version"),
            flag("features", '!', "show the version and what is built in").hide(true),
            flag("verbose", 'V', "say more; may be repeated"),
        ])
        .next_help_heading("Commands")
        .args(commands())
        .next_help_heading("Options")
        .args(options())
        .next_help_heading("Data")
        .args(data())
        .after_help(EXAMPLES)
}

fn commands() -> [Arg; 14] {
    [
        flag("upgrade", 'u', "bring the document to the newest schema"),
        flag("query", 'Q', "print the document or a part of it"),
        flag("erase", 'E', "start over with an empty document"),
        flag("bump", 'B', "count up the epoch"),
        flag("create", 'C', "add an element; fails if it is there"),
        flag(
            "modify",
            'M',
            "merge into an element; fails if it isn't there, without -c",
        ),
        flag("patch", 'P', "apply a patch that crm_diff made"),
        flag("replace", 'R', "put an element in the place of another"),
        flag(
            "delete",
            'D',
            "remove the first element with the same name and attributes",
        ),
        flag(
            "delete-all",
            'd',
            "remove all elements that --xpath selects",
        ),
        flag(
            "empty",
            'a',
            "print an empty document; an argument names its schema",
        ),
        flag("md5-sum", '5', "print the digest of a document on disk"),
        flag(
            "md5-sum-versioned",
            '6',
            "print the digest of a document between nodes",
        ),
        value(
            "show-access",
            'S',
            "HOW",
            "with -Q and -U, show what the user may do",
        )
        .num_args(0..=1)
        .action(ArgAction::Set),
    ]
}

fn options() -> [Arg; 8] {
    [
        flag("force", 'f', "do it though it is dangerous"),
        value("timeout", 't', "SECONDS", "how long to wait for an answer"),
        value(
            "user",
            'U',
            "USER",
            "act with the permissions of a user (as root only)",
        ),
        flag("sync-call", 's', "wait until it is done"),
        flag("local", 'l', "ask this node only"),
        flag(
            "allow-create",
            'c',
            "with --modify, create what isn't there",
        ),
        flag("no-children", 'n', "query elements without what is in them"),
        flag("no-bcast", 'b', "change this node only").hide(true),
    ]
}

fn data() -> [Arg; 7] {
    [
        value("xml-text", 'X', "XML", "the XML itself"),
        value("xml-file", 'x', "FILE", "a file with XML"),
        flag("xml-pipe", 'p', "XML on standard input"),
        value("scope", 'o', "SECTION", "the section it is about")
            .alias("obj_type")
            .long_help(
                "the section it is about: configuration, nodes, resources, constraints, \
                 crm_config, rsc_defaults, op_defaults, acls, fencing-topology, tags, alerts, \
                 status",
            ),
        value("xpath", 'A', "XPATH", "an XPath, instead of --scope"),
        flag(
            "node-path",
            'e',
            "query for the places of what --xpath selects",
        ),
        value("node", 'N', "NODE", "send it to a node")
            .alias("host")
            .short_alias('h'),
    ]
}

const EXAMPLES: &str = "\
Examples:
  cibadmin -Q                                       print the whole document
  cibadmin -Q -o crm_config                         the cluster's options
  cibadmin -Q -A \"//nvpair[@name='target-role']\"    each target-role that is set
  cibadmin -d -A \"//nvpair[@name='is-managed']\" --force
  cibadmin -D -X '<primitive id=\"old\"/>'            remove a resource
  cibadmin -R -o constraints -x constraints.xml     replace a section
  cibadmin -M -X '<cib admin_epoch=\"admin_epoch++\"/>'
  CIB_file=copy.xml cibadmin -R -x new.xml          try it on a copy";

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Query,
    Change(Operation),
    Upgrade,
    Empty,
    Digest { versioned: bool },
}

/// A command line.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) task: Option<Task>,
    pub(super) dangerous: bool,
    pub(super) force: bool,
    /// All matches of an XPath.
    pub(super) all: bool,
    /// The last of `--scope` and `--xpath`, whichever it is.
    pub(super) place: Option<String>,
    pub(super) by_xpath: bool,
    pub(super) source: Option<Source>,
}

impl Asked {
    pub(super) fn from(parsed: &Parsed) -> Self {
        let mut asked = Self {
            task: None,
            dangerous: false,
            force: parsed.has("force"),
            all: false,
            place: None,
            by_xpath: parsed.has("xpath"),
            source: source(parsed),
        };
        for (id, value) in &parsed.options {
            match id.as_str() {
                "scope" | "xpath" => asked.place.clone_from(value),
                "no-bcast" => asked.dangerous = true,
                id => asked.command(id),
            }
        }
        asked
    }

    /// The last command counts.
    fn command(&mut self, id: &str) {
        let task = match id {
            "query" => Task::Query,
            "upgrade" => Task::Upgrade,
            "erase" => Task::Change(Operation::Erase),
            "bump" => Task::Change(Operation::Bump),
            "create" => Task::Change(Operation::Create),
            "modify" => Task::Change(Operation::Modify),
            "patch" => Task::Change(Operation::Patch),
            "replace" => Task::Change(Operation::Replace),
            "delete" | "delete-all" => Task::Change(Operation::Delete),
            "empty" => Task::Empty,
            "md5-sum" => Task::Digest { versioned: false },
            "md5-sum-versioned" => Task::Digest { versioned: true },
            _ => return,
        };
        self.task = Some(task);
        self.dangerous |= matches!(id, "upgrade" | "erase" | "delete-all");
        self.all |= id == "delete-all";
    }
}

/// A file comes before text, text before standard input.
fn source(parsed: &Parsed) -> Option<Source> {
    let value = |id| parsed.value(id).map(str::to_owned);
    value("xml-file")
        .map(Source::File)
        .or_else(|| value("xml-text").map(Source::Text))
        .or_else(|| parsed.has("xml-pipe").then_some(Source::Stdin))
}
