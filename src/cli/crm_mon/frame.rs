//! What stands around the status: the page of HTML, the root of XML.

use super::request::{Form, Request};
use crate::cli::crm::VERSION;
use crate::cli::crm::output::{begin_report, end_report};
use crate::scheduler::report::Xml;
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

/// A document of XML with its root begun.
pub(super) fn xml(form: Form, called: &str) -> Xml {
    if form == Form::OldXml {
        let mut out = Xml::default();
        out.start("crm_mon").attr("version", VERSION);
        return out;
    }
    begin_report(called)
}

/// The document with how it ended.
pub(super) fn finish(form: Form, mut out: Xml, exit_code: u8, errors: &[String]) -> String {
    if form == Form::Xml {
        end_report(&mut out, exit_code, errors);
    }
    out.finish()
}

/// A page of HTML.
pub(super) fn html(request: &Request, body: Vec<Tag>) -> String {
    let mut head = vec![
        Tag::text("title", &request.title),
        Tag::of("meta", Vec::new()).attr("charset", "utf-8"),
    ];
    if !request.once {
        let ms = request.interval;
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
