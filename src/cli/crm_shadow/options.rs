//! The options as data, and what a command line asks for.

use clap::{Arg, ArgAction, Command};

use crate::cli::getopt_long::Parsed;

pub(super) fn command() -> Command {
    let flag = |id: &'static str, short, help| {
        let arg = Arg::new(id).long(id).short(short).help(help);
        arg.action(ArgAction::SetTrue)
    };
    let value = |id: &'static str, short, name, help| {
        let arg = Arg::new(id).long(id).short(short).help(help);
        arg.value_name(name).action(ArgAction::Append)
    };
    Command::new("crm_shadow")
        .about("Try changes of the configuration on a copy: tools with CIB_shadow work on it")
        .disable_help_flag(true)
        .args([
            flag("help", '?', "show this text"),
            flag("version", '$', "show the version"),
            flag("verbose", 'V', "say more; may be repeated"),
        ])
        .next_help_heading("Queries")
        .args([
            flag("which", 'w', "print the name of the active copy"),
            flag("display", 'p', "print the active copy"),
            flag("edit", 'E', "open the active copy in $EDITOR"),
            flag("diff", 'd', "print what differs in the active copy"),
            flag("file", 'F', "print the file of the active copy"),
        ])
        .next_help_heading("Commands")
        .args([
            value("create", 'c', "NAME", "make a copy of the configuration"),
            value("create-empty", 'e', "NAME", "make a copy without content"),
            value("commit", 'C', "NAME", "make a copy the configuration"),
            value("delete", 'D', "NAME", "remove a copy"),
            value(
                "reset",
                'r',
                "NAME",
                "make a copy anew from the configuration",
            ),
            value("switch", 's', "NAME", "work on another copy"),
        ])
        .next_help_heading("Options")
        .args([
            flag("force", 'f', "do it though it is dangerous"),
            flag("batch", 'b', "start no shell"),
            flag("all", 'a', "with --commit, the status too"),
            value(
                "validate-with",
                'v',
                "SCHEMA",
                "with --create-empty, an older schema",
            ),
        ])
        .after_help(
            "Examples:\n  \
             crm_shadow --batch --create test      make a copy named test\n  \
             export CIB_shadow=test                the tools work on it from now on\n  \
             crm_shadow --diff                     what has changed\n  \
             crm_shadow --commit test --force      take it over\n  \
             crm_shadow --delete test --force",
        )
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Which,
    Show,
    Edit,
    Diff,
    File,
    Create,
    CreateEmpty,
    Commit,
    Delete,
    Reset,
    Switch,
}

impl Task {
    fn named(id: &str) -> Option<Self> {
        Some(match id {
            "which" => Self::Which,
            "display" => Self::Show,
            "edit" => Self::Edit,
            "diff" => Self::Diff,
            "file" => Self::File,
            "create" => Self::Create,
            "create-empty" => Self::CreateEmpty,
            "commit" => Self::Commit,
            "delete" => Self::Delete,
            "reset" => Self::Reset,
            "switch" => Self::Switch,
            _ => return None,
        })
    }

    /// Whether it needs `--force`.
    pub(super) fn is_dangerous(self) -> bool {
        matches!(self, Self::Commit | Self::Delete)
    }
}

/// A command line.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) task: Task,
    /// The copy; the active one if none is named.
    pub(super) name: Option<String>,
    pub(super) force: bool,
    pub(super) batch: bool,
    pub(super) all: bool,
    pub(super) schema: Option<String>,
}

impl Asked {
    pub(super) fn names_task(parsed: &Parsed) -> bool {
        parsed
            .options
            .iter()
            .any(|(id, _)| Task::named(id).is_some())
    }

    /// The last command counts.
    pub(super) fn from(parsed: &Parsed) -> Self {
        let mut tasks = parsed.options.iter().rev();
        let last = tasks.find_map(|(id, value)| Some((Task::named(id)?, value.clone())));
        let (task, name) = last.unwrap_or((Task::Which, None));
        Self {
            task,
            name,
            force: parsed.has("force"),
            batch: parsed.has("batch"),
            all: parsed.has("all"),
            schema: parsed.value("validate-with").map(str::to_owned),
        }
    }
}
