//! What stands around the status: the page of HTML, the root of XML, times of the zone.

use std::ffi::OsString;

use super::request::{Form, Request};
use crate::cli::crm::{clock, code};
use crate::rules::iso8601::{Calendar, Style, Time};
use crate::scheduler::report::Xml;
use crate::scheduler::report::page::Tag;
use crate::sys::local_time::offset_s;

/// The version that the tool stands in for.
const VERSION: &str = "2.1.5";

/// Version of the XML form. Source: Pacemaker 2.1.5, `PCMK__API_VERSION`.
const API_VERSION: &str = "2.25";

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

/// The command line as XML output repeats it.
pub(in crate::cli) fn request(name: &str, args: &[OsString]) -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = called.to_string_lossy();
    let own = called.rsplit('/').next() == Some(name);
    let program = if own { &*called } else { name };
    let words = args.iter().map(|word| word.to_string_lossy().into_owned());
    let words = words.map(|word| match word.contains(' ') {
        true => format!("'{}'", word.replace('\'', "\\'")),
        false => word,
    });
    let all: Vec<String> = std::iter::once(program.to_owned()).chain(words).collect();
    all.join(" ")
}

/// A document of XML with its root begun.
pub(super) fn xml(form: Form, called: &str) -> Xml {
    if form == Form::OldXml {
        let mut out = Xml::default();
        out.start("crm_mon").attr("version", VERSION);
        return out;
    }
    result(called)
}

/// A result of a tool as XML, begun.
pub(in crate::cli) fn result(called: &str) -> Xml {
    let mut out = Xml::default();
    let root = out.start("pacemaker-result");
    root.attr("api-version", API_VERSION)
        .attr("request", called);
    out
}

/// The document with how it ended.
pub(super) fn finish(form: Form, mut out: Xml, exit_code: u8, errors: &[String]) -> String {
    if form == Form::Xml {
        end(&mut out, exit_code, errors);
    }
    out.finish()
}

/// How a tool ended.
pub(in crate::cli) fn end(out: &mut Xml, exit_code: u8, errors: &[String]) {
    let message = code::text(exit_code.into());
    out.start("status")
        .attr("code", exit_code)
        .attr("message", message);
    if !errors.is_empty() {
        out.start("errors");
        for error in errors {
            out.leaf("error", error);
        }
        out.end();
    }
    out.end();
}

/// A page of HTML.
pub(super) fn html(request: &Request, body: Vec<Tag>) -> String {
    let mut head = vec![
        Tag::text("title", &request.title),
        Tag::of("meta", Vec::new()).attr("charset", "utf-8"),
    ];
    if let Some(ms) = request.interval {
        let refresh = Tag::of("meta", Vec::new()).attr("http-equiv", "refresh");
        head.push(refresh.attr("content", &ms.div_ceil(1000).to_string()));
    }
    head.push(Tag::text("style", STYLE));
    if let Some(uri) = &request.stylesheet {
        let link = Tag::of("link", Vec::new()).attr("rel", "stylesheet");
        head.push(link.attr("href", uri));
    }
    let page = Tag::of("html", vec![Tag::of("head", head), Tag::of("body", body)]);
    let mut text = String::new();
    if request.cgi {
        text.push_str("Content-Type: text/html\n\n");
    }
    text.push_str("<!DOCTYPE html>\n");
    page.attr("lang", "en").write(&mut text, true);
    text.push('\n');
    text
}

/// A moment as C's ctime(3) writes it.
pub(in crate::cli) fn ctime(seconds: i64) -> String {
    clock::ctime(u64::try_from(seconds).unwrap_or(0))
}

/// A moment as ISO 8601 writes it, with the zone.
pub(in crate::cli) fn iso(seconds: i64) -> String {
    let local = Style::Calendar {
        day: Calendar::Date,
        local: true,
    };
    let offset_s = offset_s(u64::try_from(seconds).unwrap_or(0));
    Time::from_unix(seconds, offset_s).render(local)
}
