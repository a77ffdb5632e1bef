//! What the command line asks for.

use super::sections;
use crate::cli::getopt_long::Parsed;
use crate::rules;
use crate::scheduler::report::{Section, Show};

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
    /// After which time it is shown again, in milliseconds.
    pub interval: Option<u32>,
    pub cgi: bool,
    pub title: String,
    pub stylesheet: Option<String>,
}

impl Request {
    /// Reads the command line; what is wrong with it is the error.
    pub(super) fn of(parsed: &Parsed) -> Result<Self, String> {
        let (form, mut to) = form(parsed)?;
        if let Some(path) = parsed.value("output-to").filter(|_| to.is_none()) {
            to = Some(path.to_owned()).filter(|path| path != "-");
        }
        let value = |id| parsed.value(id).map(str::to_owned);
        let live = matches!(form, Form::Text | Form::Html);
        let once = parsed.has("one-shot") || !live;
        let interval = match parsed
            .value("interval")
            .map(|text| rules::milliseconds(text).unwrap_or(-1))
        {
            Some(ms) if ms > 0 => u32::try_from(ms).unwrap_or(u32::MAX),
            Some(_) => return Err("--interval has to be a time above 0, for example 10s".into()),
            None => 5000,
        };
        Ok(Self {
            form,
            show: show(parsed, form)?,
            node: value("node").filter(|name| name != "*"),
            resource: value("resource").filter(|name| name != "*"),
            to,
            interval: (!once).then_some(interval),
            cgi: parsed.has("html-cgi") || parsed.has("web-cgi"),
            title: value("html-title").unwrap_or_else(|| "Cluster Status".to_owned()),
            stylesheet: value("html-stylesheet"),
        })
    }
}

fn form(parsed: &Parsed) -> Result<(Form, Option<String>), String> {
    let mut form = (Form::Text, None);
    for (name, value) in &parsed.options {
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
    if parsed.has("simple-status") {
        form.0 = Form::Simple;
    }
    Ok(form)
}

fn show(parsed: &Parsed, form: Form) -> Result<Show, String> {
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
    let mut ban_prefix = parsed.value("neg-locations").map(str::to_owned);
    for (option, value) in &parsed.options {
        let (option, list) = match option.as_str() {
            "include" | "exclude" => (option.as_str(), value.as_deref().unwrap_or("")),
            "failcounts" => ("include", "failcounts"),
            "operations" | "timing-details" => ("include", "operations"),
            "tickets" => ("include", "tickets"),
            "neg-locations" => ("include", "bans"),
            "show-node-attributes" => ("include", "attributes"),
            "hide-headers" => ("exclude", "summary"),
            "quiet" => ("exclude", "times"),
            _ => continue,
        };
        sections::apply(&mut chosen, option, list, &format)?;
        let prefix = list.split(',').find_map(|name| name.strip_prefix("bans:"));
        ban_prefix = prefix.map(str::to_owned).or(ban_prefix);
    }
    // History of fencing is the fencer's, not the CIB's.
    for fencing in [
        Section::FencingFailed,
        Section::FencingPending,
        Section::FencingSucceeded,
    ] {
        chosen.remove(&fencing);
    }
    Ok(Show {
        placeless: false,
        sections: chosen,
        by_node: parsed.has("group-by-node"),
        under_node: false,
        brief: parsed.has("brief"),
        inactive: parsed.has("inactive") || xml,
        detail: parsed.has("show-detail"),
        hosts: false,
        timing: parsed.has("timing-details") || xml,
        html: form == Form::Html,
        nodes: None,
        resources: None,
        ban_prefix,
    })
}
