//! What stands around the status: the page of HTML, the root of XML.

use super::request::{Form, Request};
use crate::cli::crm::output::{begin_report, end_report};
use crate::cli::crm::{VERSION, html};
use crate::scheduler::report::Xml;
use crate::scheduler::report::page::Tag;

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
    let head = html::Head {
        title: &request.title,
        refresh_s: (!request.once).then(|| request.interval.div_ceil(1000)),
        stylesheet: request.stylesheet.as_deref(),
        cgi: request.cgi,
    };
    html::page(&head, body)
}
