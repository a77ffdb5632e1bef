//! `pacemaker-schedulerd metadata` and its like: options of the cluster, for configuration tools.
//!
//! crmsh and pcs ask Pacemaker's daemons which options there are. Source of the form:
//! Pacemaker 2.1.5, `pcmk__format_option_metadata`; the installed daemons.

use std::process::ExitCode;

use clap::{Arg, Command};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::applets::{self, Applet, Kind};
use super::crm::arguments;
use crate::cib::options::{self, Audience, BASE, CONTROLLER, ClusterOption, FENCER, SCHEDULER};

/// The version of Pacemaker that is stood in for.
const VERSION: &str = "2.1.5";

/// One of the daemons whose names are asked.
struct Daemon {
    name: &'static str,
    short: &'static str,
    long: &'static str,
    options: &'static [ClusterOption],
}

const DAEMONS: [Daemon; 4] = [
    Daemon {
        name: "pacemaker-schedulerd",
        short: "Options of the scheduler",
        long: "What the cluster decides by",
        options: SCHEDULER,
    },
    Daemon {
        name: "pacemaker-controld",
        short: "Options of the controller",
        long: "How the cluster carries out what was decided",
        options: CONTROLLER,
    },
    Daemon {
        name: "pacemaker-based",
        short: "Options of the CIB's manager",
        long: "How the cluster's configuration is kept and guarded",
        options: BASE,
    },
    Daemon {
        name: FENCED,
        short: "Parameters of all fence devices",
        long: "What the cluster has to know of a fence device, besides its agent's parameters",
        options: FENCER,
    },
];

/// The daemon whose options are parameters of resources.
const FENCED: &str = "pacemaker-fenced";

const fn applet(name: &'static str, command: fn() -> Command, run: Run) -> Applet {
    Applet {
        name,
        summary: "print options of the cluster, for configuration tools",
        kind: Kind::Tool,
        man: "everbeat-options(7)",
        command,
        run,
    }
}

type Run = fn(applets::Args) -> anyhow::Result<ExitCode>;

/// `pacemaker-schedulerd`.
pub const SCHEDULERD: Applet = applet(
    "pacemaker-schedulerd",
    || command(&DAEMONS[0]),
    |args| run(&DAEMONS[0], &args),
);

/// `pacemaker-controld`.
pub const CONTROLD: Applet = applet(
    "pacemaker-controld",
    || command(&DAEMONS[1]),
    |args| run(&DAEMONS[1], &args),
);

/// `pacemaker-based`.
pub const BASED: Applet = applet(
    "pacemaker-based",
    || command(&DAEMONS[2]),
    |args| run(&DAEMONS[2], &args),
);

/// `pacemaker-fenced`.
pub const FENCED_APPLET: Applet = applet(
    FENCED,
    || command(&DAEMONS[3]),
    |args| run(&DAEMONS[3], &args),
);

fn command(daemon: &Daemon) -> Command {
    let name = daemon.name;
    let what = format!(
        "{}, as meta-data for configuration tools.\n\nThe work of {name} is done by everbeatd; \
         the name is here for those who ask it.",
        daemon.short
    );
    arguments::command(name, "")
        .about(what)
        .override_usage(format!("{name} metadata|version"))
        .arg(
            Arg::new("what")
                .value_name("WHAT")
                .value_parser(["metadata", "version"])
                .help("the options as XML, or the version of Pacemaker that is stood in for"),
        )
        .after_help(format!("Examples:\n  {name} metadata"))
}

fn run(daemon: &Daemon, args: &applets::Args) -> anyhow::Result<ExitCode> {
    let line = match arguments::parse(command(daemon), args) {
        Ok(line) => line,
        Err(code) => return Ok(code),
    };
    match line.operands().first().map(String::as_str) {
        Some("metadata") => print!("{}", metadata(daemon)?),
        // crmsh asks the controller which version it has to do with.
        Some("version") => println!("CRM Version: {VERSION} (everbeat)"),
        _ => anyhow::bail!(
            "the work of this daemon is done by everbeatd; write `{} metadata` for its options",
            daemon.name
        ),
    }
    Ok(ExitCode::SUCCESS)
}

type Xml = Writer<Vec<u8>>;

fn metadata(daemon: &Daemon) -> std::io::Result<String> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", None, None)))?;
    xml.create_element("resource-agent")
        .with_attributes([("name", daemon.name), ("version", VERSION)])
        .write_inner_content(|xml| {
            xml.create_element("version")
                .write_text_content(BytesText::new("1.1"))?;
            english(xml, "longdesc", daemon.long)?;
            english(xml, "shortdesc", daemon.short)?;
            xml.create_element("parameters")
                .write_inner_content(|xml| {
                    let mut options = daemon.options.iter();
                    options.try_for_each(|option| parameter(xml, option, daemon))
                })?;
            Ok(())
        })?;
    Ok(String::from_utf8_lossy(&xml.into_inner()).into_owned() + "\n")
}

fn english(xml: &mut Xml, name: &str, text: &str) -> std::io::Result<()> {
    xml.create_element(name)
        .with_attribute(("lang", "en"))
        .write_text_content(BytesText::new(text))?;
    Ok(())
}

fn parameter(xml: &mut Xml, option: &ClusterOption, daemon: &Daemon) -> std::io::Result<()> {
    let element = xml.create_element("parameter");
    let named = element.with_attribute(("name", option.name));
    named.write_inner_content(|xml| {
        let (short, long) = match daemon.name == FENCED {
            true => (parameter_short(option), option.long.to_owned()),
            false => (format!("{}{}", mark(option), option.short), long(option)),
        };
        english(xml, "longdesc", &long)?;
        english(xml, "shortdesc", &short)?;
        let mut content = xml
            .create_element("content")
            .with_attribute(("type", type_of(option)));
        if let Some(default) = option.default {
            content = content.with_attribute(("default", default));
        }
        let options::Kind::OneOf(words) = option.kind else {
            content.write_empty()?;
            return Ok(());
        };
        content.write_inner_content(|xml| {
            for word in words {
                let element = xml.create_element("option");
                element.with_attribute(("value", *word)).write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

/// Tools find these words at the front, and hide what has them.
fn mark(option: &ClusterOption) -> &'static str {
    match option.audience {
        Audience::Advanced => "*** Advanced Use Only *** ",
        Audience::Deprecated => "*** Deprecated *** ",
        Audience::Everyone | Audience::Cluster => "",
    }
}

/// Parameters of devices have another mark.
fn parameter_short(option: &ClusterOption) -> String {
    match option.audience {
        Audience::Advanced => format!("Advanced use only: {}", option.short),
        _ => option.short.to_owned(),
    }
}

fn long(option: &ClusterOption) -> String {
    let mut long = format!("{}{}", mark(option), option.short);
    if !option.long.is_empty() {
        long += &format!(". {}", option.long);
    }
    if let options::Kind::OneOf(words) = option.kind {
        long += &format!("  Allowed values: {}", words.join(", "));
    }
    long
}

fn type_of(option: &ClusterOption) -> &'static str {
    match option.kind {
        options::Kind::Boolean => "boolean",
        options::Kind::Integer => "integer",
        options::Kind::Time => "time",
        options::Kind::Percentage => "percentage",
        options::Kind::Text => "string",
        options::Kind::OneOf(_) => "select",
    }
}
