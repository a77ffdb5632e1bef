//! What the command line asks for.

use std::time::Duration;

use super::era::Era;
use super::events::Agent;
use super::sections::{self, FENCING};
use crate::cli::crm::Line;
use crate::cli::crm::session::Location;
use crate::rules;
use crate::scheduler::report::Show;

/// How the status is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Html,
    Xml,
    /// XML in the frame of Pacemaker 1.1.
    OldXml,
    /// One line.
    Simple,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Request {
    pub form: Form,
    pub show: Show,
    /// The node that is shown alone, or a tag.
    pub node: Option<String>,
    /// The resource that is shown alone, or a tag.
    pub resource: Option<String>,
    /// The file; none is standard output.
    pub to: Option<String>,
    /// It is shown once, and not again and again.
    pub once: bool,
    /// After which time it is shown again though nothing changed, in milliseconds.
    pub interval: u32,
    /// It may have the terminal to itself.
    pub console: bool,
    /// It is shown by a process in the background.
    pub daemon: Option<Daemon>,
    /// A program that is told what happens.
    pub agent: Option<Agent>,
    /// It is told of fencing, too.
    pub watches_fencing: bool,
    /// The version whose text it is.
    pub era: Era,
    pub cgi: bool,
    pub title: String,
    pub stylesheet: Option<String>,
}

/// A process in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Daemon {
    /// Where its number stands.
    pub pid_file: Option<String>,
}

/// The variable that stands for `--compat` where a script can't be changed.
const ERA: &str = "EVERBEAT_COMPAT";

impl Request {
    /// How often it is shown though nothing changed.
    pub(super) fn every(&self) -> Duration {
        Duration::from_millis(self.interval.into())
    }

    /// Something of the history of fencing is shown.
    pub(super) fn shows_fencing(&self) -> bool {
        FENCING.iter().any(|section| self.show.has(*section))
    }

    /// Nobody would see the status: only a program is told what happens.
    pub(super) fn is_silent(&self) -> bool {
        self.daemon.is_some() && self.to.is_none()
    }

    /// Reads the command line; what is wrong with it is the error.
    pub(super) fn of(line: &Line) -> Result<Self, String> {
        let (form, mut to) = form(line)?;
        if let Some(path) = line.value("output-to").filter(|_| to.is_none()) {
            to = Some(path.to_owned()).filter(|path| path != "-");
        }
        let value = |id| line.value(id).map(str::to_owned);
        let follows = matches!(form, Form::Text | Form::Html);
        let interval = match line
            .value("interval")
            .map(|text| (text, rules::milliseconds(text).unwrap_or(-1)))
        {
            None | Some((_, 0)) => 5000,
            Some((_, ms)) if ms > 0 => u32::try_from(ms).unwrap_or(u32::MAX),
            Some((text, _)) => return Err(format!("Invalid value for -i: {text}")),
        };
        let agent = value("external-agent").map(|path| Agent {
            path,
            recipient: value("external-recipient"),
        });
        let daemon = line.has("daemonize").then(|| Daemon {
            pid_file: value("pid-file"),
        });
        if daemon.is_some() && agent.is_none() && to.is_none() && !line.has("one-shot") {
            return Err("--daemonize needs --external-agent, or a file: --output-to".to_owned());
        }
        Ok(Self {
            form,
            show: show(line, form)?,
            node: value("node").filter(|name| name != "*"),
            resource: value("resource").filter(|name| name != "*"),
            to,
            // A file doesn't change.
            once: line.has("one-shot")
                || !follows
                || Location::from_environment() != Location::Cluster,
            interval,
            console: !line.has("disable-ncurses") && line.value("output-as") != Some("text"),
            daemon,
            agent,
            watches_fencing: line.has("watch-fencing"),
            era: era(line)?,
            cgi: line.has("html-cgi") || line.has("web-cgi"),
            title: value("html-title").unwrap_or_else(|| "Cluster Status".to_owned()),
            stylesheet: value("html-stylesheet"),
        })
    }
}

/// The version whose text is wanted.
fn era(line: &Line) -> Result<Era, String> {
    let variable = std::env::var(ERA).ok().filter(|name| !name.is_empty());
    let (name, from) = match line.value("compat") {
        Some(name) => (name.to_owned(), "--compat"),
        None => match variable {
            Some(name) => (name, ERA),
            None => return Ok(Era::Now),
        },
    };
    Era::named(&name).ok_or_else(|| format!("{from} has to be 1.1, 2.0 or 2.1, not {name:?}"))
}

fn form(line: &Line) -> Result<(Form, Option<String>), String> {
    let mut form = (Form::Text, None);
    for (name, value) in &line.parsed.options {
        form = match (name.as_str(), value.as_deref()) {
            ("as-xml", _) => (Form::OldXml, None),
            ("as-html", file) => (Form::Html, file.map(str::to_owned)),
            ("web-cgi", _) => (Form::Html, None),
            ("disable-ncurses", _) => (Form::Text, None),
            ("output-as", Some("console" | "text")) => (Form::Text, None),
            ("output-as", Some("html")) => (Form::Html, None),
            ("output-as", Some("xml")) => (Form::Xml, None),
            ("output-as", Some(other)) => {
                return Err(format!(
                    "Error creating output format {other}: write console, text, html or xml"
                ));
            }
            _ => continue,
        };
    }
    if line.has("simple-status") {
        form.0 = Form::Simple;
    }
    Ok(form)
}

fn show(line: &Line, form: Form) -> Result<Show, String> {
    let xml = matches!(form, Form::Xml | Form::OldXml);
    let default = match xml {
        true => sections::everything(false),
        false => sections::usual(),
    };
    let mut chosen = default.clone();
    let format = sections::Format {
        default,
        text: form == Form::Text,
    };
    let mut ban_prefix = line.value("neg-locations").map(str::to_owned);
    for (option, value) in &line.parsed.options {
        let (option, list) = match option.as_str() {
            "include" | "exclude" => (option.as_str(), value.as_deref().unwrap_or("")),
            "failcounts" => ("include", "failcounts"),
            "operations" | "timing-details" => ("include", "operations"),
            "tickets" => ("include", "tickets"),
            "neg-locations" => ("include", "bans"),
            "show-node-attributes" => ("include", "attributes"),
            "hide-headers" => ("exclude", "summary"),
            "quiet" => ("exclude", "times"),
            "fence-history" => match value.as_deref() {
                None | Some("2" | "3") => ("include", "fencing"),
                Some("1") => ("include", "fencing-failed,fencing-pending"),
                Some("0") => ("exclude", "fencing"),
                Some(_) => return Err("Fence history must be 0-3".to_owned()),
            },
            _ => continue,
        };
        sections::apply(&mut chosen, option, list, &format)?;
        let prefix = list.split(',').find_map(|name| name.strip_prefix("bans:"));
        ban_prefix = prefix.map(str::to_owned).or(ban_prefix);
    }
    // Whoever waits for fencing to tell a program isn't shown it.
    if line.has("watch-fencing") {
        FENCING.iter().for_each(|section| {
            chosen.remove(section);
        });
    }
    Ok(Show {
        placeless: false,
        sections: chosen,
        by_node: line.has("group-by-node"),
        under_node: false,
        brief: line.has("brief"),
        inactive: line.has("inactive") || xml,
        detail: line.has("show-detail"),
        hosts: false,
        timing: line.has("timing-details") || xml,
        html: form == Form::Html,
        nodes: None,
        resources: None,
        ban_prefix,
    })
}
