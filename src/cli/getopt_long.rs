//! Options as glibc's getopt_long(3) or GLib's parser reads them, from a clap command that
//! describes them.
//!
//! For tools whose messages and abbreviations scripts know. Long names may be shortened as far
//! as they are unambiguous; an option whose value may be missing takes it only when attached.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::{Arg, ArgAction, Command};

/// A command line taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// Options in order: the argument's id in the clap command, and its value.
    pub options: Vec<(String, Option<String>)>,
    /// What is left.
    pub operands: Vec<String>,
    /// What getopt prints on stderr, a line each.
    pub faults: Vec<String>,
}

impl Parsed {
    /// Whether an option was given.
    pub fn has(&self, id: &str) -> bool {
        self.options.iter().any(|(name, _)| name == id)
    }

    /// The last value of an option.
    pub fn value(&self, id: &str) -> Option<&str> {
        let mut options = self.options.iter().rev();
        options.find(|(name, _)| name == id)?.1.as_deref()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    AttachedValue,
}

fn takes(arg: &Arg) -> Takes {
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append => match arg.get_num_args() {
            Some(range) if range.min_values() == 0 => Takes::AttachedValue,
            _ => Takes::Value,
        },
        _ => Takes::Nothing,
    }
}

/// Takes `args` apart as getopt_long does.
pub fn parse(command: &Command, args: &[OsString]) -> Parsed {
    parse_as(Style::Getopt, command, args)
}

/// Takes `args` apart as GLib's option parser does, which knows no abbreviations.
pub fn parse_glib(command: &Command, args: &[OsString]) -> Parsed {
    parse_as(Style::Glib, command, args)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Getopt,
    Glib,
}

fn parse_as(style: Style, command: &Command, args: &[OsString]) -> Parsed {
    let mut parsing = Parsing {
        style,
        command,
        parsed: Parsed::default(),
    };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let text = arg.to_string_lossy();
        if text == "--" {
            let operands = rest.by_ref().map(|a| a.to_string_lossy().into_owned());
            parsing.parsed.operands.extend(operands);
        } else if let Some(long) = text.strip_prefix("--") {
            parsing.long(long, &mut rest);
        } else if arg.as_bytes().first() == Some(&b'-') && text.len() > 1 {
            parsing.short(text.get(1..).unwrap_or(""), &mut rest);
        } else {
            parsing.parsed.operands.push(text.into_owned());
        }
    }
    parsing.parsed
}

struct Parsing<'a> {
    style: Style,
    command: &'a Command,
    parsed: Parsed,
}

type Rest<'a> = std::slice::Iter<'a, OsString>;

impl Parsing<'_> {
    fn fault(&mut self, what: &str) {
        let name = self.command.get_name();
        self.parsed.faults.push(format!("{name}: {what}"));
    }

    fn unknown(&mut self, option: &str, getopt: &str) {
        match self.style {
            Style::Getopt => self.fault(getopt),
            Style::Glib => self.fault(&format!("Unknown option {option}")),
        }
    }

    fn missing(&mut self, option: &str, getopt: &str) {
        match self.style {
            Style::Getopt => self.fault(getopt),
            Style::Glib => self.fault(&format!("Missing argument for {option}")),
        }
    }

    fn add(&mut self, arg: &Arg, value: Option<String>) {
        self.parsed.options.push((arg.get_id().to_string(), value));
    }

    fn long(&mut self, text: &str, rest: &mut Rest) {
        let (name, attached) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let command = self.command;
        let long_names = |arg: &Arg| -> Vec<String> {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            let all = arg.get_long().into_iter().chain(aliases);
            all.map(str::to_owned).collect()
        };
        let mut matching = Vec::new();
        for arg in command.get_arguments() {
            for long in long_names(arg) {
                if long == name {
                    return self.found(arg, &long, attached, rest);
                }
                if long.starts_with(name) && self.style == Style::Getopt {
                    matching.push((arg, long));
                }
            }
        }
        match matching.as_slice() {
            [] => self.unknown(
                &format!("--{text}"),
                &format!("unrecognized option '--{name}'"),
            ),
            [(arg, long)] => self.found(arg, long, attached, rest),
            several => {
                let all: String = several.iter().map(|(_, n)| format!(" '--{n}'")).collect();
                self.fault(&format!(
                    "option '--{name}' is ambiguous; possibilities:{all}"
                ));
            }
        }
    }

    fn found(&mut self, arg: &Arg, name: &str, attached: Option<String>, rest: &mut Rest) {
        match (takes(arg), attached) {
            (Takes::Nothing, Some(_)) if self.style == Style::Getopt => {
                self.fault(&format!("option '--{name}' doesn't allow an argument"));
            }
            (Takes::Value, None) => match rest.next() {
                Some(value) => self.add(arg, Some(value.to_string_lossy().into_owned())),
                None => self.missing(
                    &format!("--{name}"),
                    &format!("option '--{name}' requires an argument"),
                ),
            },
            (Takes::AttachedValue, None) => {
                let value = self.optional(rest);
                self.add(arg, value);
            }
            (_, attached) => self.add(arg, attached),
        }
    }

    /// GLib takes the next word for a value that may be missing, unless it looks like an option.
    fn optional(&self, rest: &mut Rest) -> Option<String> {
        let next = rest.as_slice().first()?.to_string_lossy();
        if self.style == Style::Getopt || next.starts_with('-') {
            return None;
        }
        rest.next();
        Some(next.into_owned())
    }

    fn short(&mut self, letters: &str, rest: &mut Rest) {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let command = self.command;
            let mut args = command.get_arguments();
            let known = |arg: &&Arg| {
                arg.get_short() == Some(letter)
                    || arg
                        .get_all_short_aliases()
                        .is_some_and(|all| all.contains(&letter))
            };
            let Some(arg) = args.find(known) else {
                self.unknown(
                    &format!("-{letter}"),
                    &format!("invalid option -- '{letter}'"),
                );
                continue;
            };
            let attached = Some(letters.as_str()).filter(|text| !text.is_empty());
            match takes(arg) {
                Takes::Nothing => {
                    self.add(arg, None);
                    continue;
                }
                Takes::AttachedValue => {
                    let value = attached.map(str::to_owned);
                    let value = value.or_else(|| self.optional(rest));
                    self.add(arg, value);
                }
                Takes::Value => {
                    let next = || rest.next().map(|next| next.to_string_lossy().into_owned());
                    match attached.map(str::to_owned).or_else(next) {
                        Some(value) => self.add(arg, Some(value)),
                        None => {
                            self.missing(
                                &format!("-{letter}"),
                                &format!("option requires an argument -- '{letter}'"),
                            );
                        }
                    }
                }
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let flag = |id: &'static str, short| {
            Arg::new(id)
                .short(short)
                .long(id)
                .action(ArgAction::SetTrue)
        };
        Command::new("tool").disable_help_flag(true).args([
            flag("query", 'Q'),
            flag("quiet", 'q'),
            Arg::new("scope").short('o').long("scope").alias("obj_type"),
            Arg::new("show").short('S').long("show").num_args(0..=1),
        ])
    }

    fn parsed(args: &[&str]) -> Parsed {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        parse(&command(), &args)
    }

    #[test]
    fn options_are_read_as_getopt_does() {
        let all = parsed(&[
            "-Qoa", "--sc=b", "x", "--scope", "c", "-Scolor", "-S", "--", "-q",
        ]);
        assert_eq!(all.faults, Vec::<String>::new());
        assert_eq!(all.operands, ["x", "-q"]);
        assert!(all.has("query") && !all.has("quiet"));
        assert_eq!(all.value("scope"), Some("c"));
        let shows: Vec<_> = all.options.iter().filter(|(id, _)| id == "show").collect();
        assert_eq!(shows[0].1.as_deref(), Some("color"));
        assert_eq!(shows[1].1, None);
        assert_eq!(parsed(&["--obj_type=y"]).value("scope"), Some("y"));
    }

    #[test]
    fn faults_are_in_its_words() {
        for (args, fault) in [
            (&["--bogus"][..], "tool: unrecognized option '--bogus'"),
            (&["-z"], "tool: invalid option -- 'z'"),
            (&["-o"], "tool: option requires an argument -- 'o'"),
            (&["--scope"], "tool: option '--scope' requires an argument"),
            (
                &["--query=1"],
                "tool: option '--query' doesn't allow an argument",
            ),
            (
                &["--qu"],
                "tool: option '--qu' is ambiguous; possibilities: '--query' '--quiet'",
            ),
        ] {
            assert_eq!(parsed(args).faults, [fault], "{args:?}");
        }
    }
}
