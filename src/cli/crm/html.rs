//! Pages of HTML.
//!
//! Source: Pacemaker 2.1.5, `lib/common/output_html.c`.

use clap::{Arg, Command};

use super::arguments::{flag_of, value};
use crate::scheduler::report::page::Tag;

const STYLE: &str = ".bold { font-weight: bold }
.online { color: green }
.offline { color: red }
.maint { color: blue }
.standby { color: blue }
.health_red { color: red }
.health_yellow { color: GoldenRod }
.rsc-failed { color: red }
.rsc-failure-ignored { color: DarkGreen }
.rsc-managed { color: blue }
.rsc-multiple { color: orange }
.rsc-ok { color: green }
.warning { color: red; font-weight: bold }";

/// What stands in the head of a page.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// Its title.
    pub title: &'a str,
    /// After how many seconds it is to be loaded again.
    pub refresh_s: Option<u32>,
    /// A stylesheet besides its own.
    pub stylesheet: Option<&'a str>,
    /// Headers of CGI come before it.
    pub cgi: bool,
}

/// The options about pages.
pub fn options() -> [Arg; 3] {
    [
        flag_of("html-cgi").help("headers of CGI before the HTML page"),
        value("html-stylesheet", "URI").help("the HTML page uses this stylesheet"),
        value("html-title", "TITLE").help("title of the HTML page"),
    ]
}

/// A tool that can print a page.
pub fn with_html(command: Command) -> Command {
    command
        .mut_arg("output-as", |arg| {
            arg.help("text (also if it is not given), html or xml")
        })
        .args(options())
}

/// A page.
pub fn page(head: &Head<'_>, body: Vec<Tag>) -> String {
    let mut tags = vec![
        Tag::text("title", head.title),
        Tag::of("meta", Vec::new()).attr("charset", "utf-8"),
    ];
    if let Some(seconds) = head.refresh_s {
        let refresh = Tag::of("meta", Vec::new()).attr("http-equiv", "refresh");
        tags.push(refresh.attr("content", &seconds.to_string()));
    }
    tags.push(Tag::text("style", STYLE));
    if let Some(uri) = head.stylesheet {
        let link = Tag::of("link", Vec::new()).attr("rel", "stylesheet");
        tags.push(link.attr("href", uri));
    }
    let page = Tag::of("html", vec![Tag::of("head", tags), Tag::of("body", body)]);
    let mut text = String::new();
    if head.cgi {
        text.push_str("Content-Type: text/html\n\n");
    }
    text.push_str("<!DOCTYPE html>\n");
    page.attr("lang", "en").write(&mut text, true);
    text.push('\n');
    text
}
