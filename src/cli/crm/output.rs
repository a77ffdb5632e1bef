//! What a tool prints: lines of text, or one XML document.

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

use super::arguments::{self, Line};
use super::{FEATURES, VERSION, code, html};
use crate::cib::{Document, Kind, NodeRef};
use crate::scheduler::report::Xml;
use crate::scheduler::report::page::Tag;

/// Version of the XML form. Source: Pacemaker 2.1.5, `PCMK__API_VERSION`.
const API_VERSION: &str = "2.25";

/// Why a tool ends without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// An exit code and why; a line with the code's text follows.
    Because(u8, String),
    /// An exit code and all that is said of it.
    Said(u8, String),
    /// An exit code, said in its text.
    Exit(u8),
    /// An exit code; all is said already.
    Silent(u8),
}

impl From<crate::cib::Error> for Failure {
    fn from(error: crate::cib::Error) -> Self {
        Self::Exit(error.exit_code())
    }
}

/// The output of one run of a tool.
#[derive(Debug)]
pub struct Output {
    name: String,
    form: Form,
    to: To,
    fancy: bool,
    errors: Vec<String>,
}

#[derive(Debug)]
enum Form {
    Text,
    Html(Page),
    Xml(Document),
    /// XML that the scheduler's reports were written into.
    Report(Xml),
}

/// A page of HTML.
#[derive(Debug)]
struct Page {
    title: String,
    stylesheet: Option<String>,
    cgi: bool,
    body: Vec<Tag>,
}

impl Page {
    fn of(line: &Line) -> Self {
        let title = line.value("html-title").unwrap_or(&line.request);
        Self {
            title: title.to_owned(),
            stylesheet: line.value("html-stylesheet").map(str::to_owned),
            cgi: line.has("html-cgi"),
            body: Vec::new(),
        }
    }

    fn finish(mut self, errors: &[String]) -> String {
        if !errors.is_empty() {
            let items = errors.iter().map(|error| Tag::text("li", error));
            self.body.push(Tag::of("ul", items.collect()));
        }
        let head = html::Head {
            title: &self.title,
            refresh_s: None,
            stylesheet: self.stylesheet.as_deref(),
            cgi: self.cgi,
        };
        html::page(&head, self.body)
    }
}

/// A list that is counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// What it is of.
    pub title: &'a str,
    /// The word for one of its rows.
    pub one: &'a str,
    /// That for none or many.
    pub many: &'a str,
}

/// A row of a [`Counted`] list.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// What kind of thing it is.
    pub kind: Option<&'static str>,
    /// The line.
    pub text: String,
    /// Class in HTML, if it isn't the kind.
    pub class: Option<&'static str>,
    /// Its element in XML: name and attributes; none for an item with the text.
    pub element: Option<(&'static str, Vec<(&'static str, String)>)>,
}

#[derive(Debug)]
enum To {
    Stdout,
    File(File),
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stdout => std::io::stdout().write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Stdout => std::io::stdout().flush(),
            Self::File(file) => file.flush(),
        }
    }
}

impl Output {
    /// As the command line asks. `--version` is answered here.
    ///
    /// Errors: the exit code, after the message.
    pub fn open(line: &Line) -> Result<Self, ExitCode> {
        Self::open_as(line, false)
    }

    /// The same for a tool that can print HTML.
    pub fn open_or_html(line: &Line) -> Result<Self, ExitCode> {
        Self::open_as(line, true)
    }

    fn open_as(line: &Line, html: bool) -> Result<Self, ExitCode> {
        let option = |id| line.value(id);
        let refuse = |format: &str, why: &str| {
            let name = &line.name;
            eprintln!("{name}: Error creating output format {format}: {why}");
            ExitCode::from(code::ERROR)
        };
        let to = match option("output-to") {
            None | Some("-") => To::Stdout,
            Some(path) => match File::create(path) {
                Ok(file) => To::File(file),
                Err(error) => {
                    let why = system_text(error.raw_os_error().unwrap_or(0));
                    return Err(refuse(option("output-as").unwrap_or("(null)"), &why));
                }
            },
        };
        let form = match option("output-as") {
            None | Some("text") => Form::Text,
            Some("xml") => Form::Xml(frame(&line.request)),
            Some("html") if html => Form::Html(Page::of(line)),
            Some(other) => return Err(refuse(other, "Unknown output format")),
        };
        let name = line.name.clone();
        let mut output = Self {
            name,
            form,
            to,
            fancy: line.has("text-fancy"),
            errors: Vec::new(),
        };
        if line.has("version") {
            output.version();
            return Err(output.finish(code::OK));
        }
        Ok(output)
    }

    fn version(&mut self) {
        self.text(arguments::version_text());
        self.element(
            "version",
            &[
                ("program", "Pacemaker"),
                ("version", VERSION),
                ("author", "everbeat"),
                ("build", concat!("everbeat-", env!("CARGO_PKG_VERSION"))),
                ("features", FEATURES),
            ],
        );
    }

    /// Whether it is XML.
    pub fn is_xml(&self) -> bool {
        matches!(self.form, Form::Xml(_) | Form::Report(_))
    }

    /// A text of many lines; nothing in HTML and XML.
    pub fn page(&mut self, text: &str) {
        if let Form::Text = self.form {
            let _ = self.to.write_all(text.as_bytes());
        }
    }

    /// A report as XML, begun with [`begin_report`], in place of all elements.
    pub fn report(&mut self, report: Xml) {
        if self.is_xml() {
            self.form = Form::Report(report);
        }
    }

    /// A line of text; nothing in HTML and XML.
    pub fn text(&mut self, line: impl std::fmt::Display) {
        if let Form::Text = self.form {
            // A reader that went away ends the program by SIGPIPE.
            let _ = writeln!(self.to, "{line}");
        }
    }

    /// An element with attributes under the root; nothing in text.
    pub fn element(&mut self, name: &str, attrs: &[(&str, &str)]) -> Option<NodeRef> {
        match &mut self.form {
            Form::Text | Form::Html(_) | Form::Report(_) => None,
            Form::Xml(doc) => {
                let root = doc.root();
                Some(doc.add_element(root, name, attrs))
            }
        }
    }

    /// The document of XML output, to put more into it.
    pub fn document(&mut self) -> Option<&mut Document> {
        match &mut self.form {
            Form::Text | Form::Html(_) | Form::Report(_) => None,
            Form::Xml(doc) => Some(doc),
        }
    }

    /// A line about something that went wrong: on standard error, or among the errors.
    pub fn error(&mut self, line: impl Into<String>) {
        match self.form {
            Form::Text => eprintln!("{}", line.into()),
            Form::Html(_) | Form::Xml(_) | Form::Report(_) => self.errors.push(line.into()),
        }
    }

    /// [`Output::error`] with the tool's name before it.
    pub fn complain(&mut self, text: impl std::fmt::Display) {
        let line = format!("{}: {text}", self.name);
        self.error(line);
    }

    /// Complains and ends.
    pub fn fail(mut self, text: impl std::fmt::Display, exit: u8) -> ExitCode {
        self.complain(text);
        self.finish(exit)
    }

    /// Ends with what a tool came to.
    pub fn end(mut self, result: Result<(), Failure>) -> ExitCode {
        let performing = |exit: u8| {
            let text = code::text(exit.into());
            format!("Error performing operation: {text}")
        };
        let exit = match result {
            Ok(()) => code::OK,
            Err(Failure::Usage(text)) => {
                self.complain(text);
                code::USAGE
            }
            Err(Failure::Because(exit, text)) => {
                self.complain(format_args!("{text}\n{}", performing(exit)));
                exit
            }
            Err(Failure::Said(exit, text)) => {
                self.complain(text);
                exit
            }
            Err(Failure::Exit(exit)) => {
                self.complain(performing(exit));
                exit
            }
            Err(Failure::Silent(exit)) => exit,
        };
        self.finish(exit)
    }

    /// A list with a name and its items, each with the name of its kind if it has one; in text
    /// the items, a line each.
    pub fn list(&mut self, name: &str, kind: Option<&str>, items: &[String]) {
        let count = items.len().to_string();
        let list = self.element("list", &[("name", name), ("count", &count)]);
        for item in items {
            self.text(item);
            if let (Some(list), Some(doc)) = (list, self.document()) {
                let attrs = kind.map(|kind| ("name", kind));
                let element = doc.add_element(list, "item", attrs.as_slice());
                add_text(doc, element, item);
            }
        }
    }

    /// Puts something on the page; nothing in other forms.
    pub fn html(&mut self, tag: Tag) {
        if let Form::Html(page) = &mut self.form {
            page.body.push(tag);
        }
    }

    /// A list with how many rows it has.
    pub fn counted(&mut self, list: &Counted<'_>, rows: &[Row]) {
        match &mut self.form {
            Form::Text => {
                if self.fancy && !rows.is_empty() {
                    self.text(format_args!("{}:", list.title));
                }
                for row in rows {
                    match (self.fancy, row.kind) {
                        (true, Some(kind)) => self.text(format_args!("  * {kind}: {}", row.text)),
                        (true, None) => self.text(format_args!("  * {}", row.text)),
                        (false, _) => self.text(&row.text),
                    }
                }
                let count = rows.len();
                let word = if count == 1 { list.one } else { list.many };
                self.text(format_args!("{count} {word} found"));
            }
            Form::Html(page) => {
                let item = |row: &Row| match row.class.or(row.kind) {
                    Some(class) => Tag::text("li", &row.text).class(class),
                    None => Tag::text("li", &row.text),
                };
                page.body.push(Tag::text("h2", list.title));
                page.body
                    .push(Tag::of("ul", rows.iter().map(item).collect()));
            }
            Form::Xml(doc) => add_rows(doc, list, rows),
            Form::Report(_) => {}
        }
    }

    /// Ends the output; the XML form is printed only now.
    pub fn finish(mut self, exit: u8) -> ExitCode {
        let text = match std::mem::replace(&mut self.form, Form::Text) {
            Form::Text => String::new(),
            Form::Html(page) => page.finish(&self.errors),
            Form::Xml(doc) => whole(doc, exit, &self.errors),
            Form::Report(mut report) => {
                end_report(&mut report, exit, &self.errors);
                report.finish()
            }
        };
        // A reader that went away ends the program by SIGPIPE.
        let _ = self.to.write_all(text.as_bytes());
        let _ = self.to.flush();
        exit.into()
    }
}

fn add_rows(doc: &mut Document, list: &Counted<'_>, rows: &[Row]) {
    let (name, count) = (list.title.to_lowercase(), rows.len().to_string());
    let root = doc.root();
    let list = doc.add_element(root, "list", &[("name", &name), ("count", &count)]);
    for row in rows {
        match &row.element {
            Some((name, attrs)) => {
                let attrs: Vec<_> = attrs.iter().map(|(name, v)| (*name, v.as_str())).collect();
                doc.add_element(list, name, &attrs);
            }
            None => {
                let kind = row.kind.map(|kind| ("name", kind));
                let item = doc.add_element(list, "item", kind.as_slice());
                add_text(doc, item, &row.text);
            }
        }
    }
}

/// The document of XML output, begun.
fn frame(request: &str) -> Document {
    let mut doc = Document::new("pacemaker-result");
    let root = doc.root();
    doc.set_attr(root, "api-version", API_VERSION);
    doc.set_attr(root, "request", request);
    doc
}

/// The document of XML output with how it ended.
fn whole(mut doc: Document, exit: u8, errors: &[String]) -> String {
    let root = doc.root();
    let number = exit.to_string();
    let message = code::text(exit.into());
    let attrs = [("code", number.as_str()), ("message", message)];
    let status = doc.add_element(root, "status", &attrs);
    if !errors.is_empty() {
        let list = doc.add_element(status, "errors", &[]);
        for text in errors {
            let error = doc.add_element(list, "error", &[]);
            add_text(&mut doc, error, text);
        }
    }
    libxml_text(&doc, root)
}

/// The root of XML output for the scheduler's reports, which write their own.
pub fn begin_report(request: &str) -> Xml {
    let mut out = Xml::default();
    let root = out.start("pacemaker-result");
    root.attr("api-version", API_VERSION)
        .attr("request", request);
    out
}

/// How it ended, and the end.
pub fn end_report(out: &mut Xml, exit: u8, errors: &[String]) {
    let message = code::text(exit.into());
    out.start("status")
        .attr("code", exit)
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

/// Puts text into an element.
pub fn add_text(doc: &mut Document, element: NodeRef, text: &str) {
    let text = doc.new_text(Kind::Text, text);
    doc.append(element, text);
}

/// Puts text into an element as it is.
pub fn add_cdata(doc: &mut Document, element: NodeRef, text: &str) {
    let text = doc.new_text(Kind::CData, text);
    doc.append(element, text);
}

/// An element and what is in it, as libxml prints it: indented, but not around text.
pub fn libxml_text(doc: &Document, node: NodeRef) -> String {
    let mut text = String::new();
    write_element(doc, node, 0, &mut text);
    text
}

fn write_element(doc: &Document, node: NodeRef, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let name = doc.name(node);
    out.push_str(&indent);
    out.push('<');
    out.push_str(name);
    for (name, value) in doc.attrs(node) {
        out.push_str(&format!(" {name}=\"{}\"", escaped(value, true)));
    }
    let Some(first) = doc.first_node(node) else {
        out.push_str("/>\n");
        return;
    };
    out.push('>');
    if doc.is_element(first) {
        out.push('\n');
        for child in doc.children(node) {
            write_element(doc, child, depth + 1, out);
        }
        out.push_str(&indent);
    } else {
        for text in doc.nodes(node) {
            let content = doc.text(text);
            match doc.kind(text) {
                Kind::CData => out.push_str(&format!("<![CDATA[{content}]]>")),
                _ => out.push_str(&escaped(content, false)),
            }
        }
    }
    out.push_str(&format!("</{name}>\n"));
}

fn escaped(text: &str, in_attribute: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' if in_attribute => out.push_str("&quot;"),
            '\n' if in_attribute => out.push_str("&#10;"),
            '\t' if in_attribute => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
    out
}

/// The system's text for one of its error codes.
pub fn system_text(code: i32) -> String {
    let text = std::io::Error::from_raw_os_error(code).to_string();
    match text.rsplit_once(" (os error ") {
        Some((text, _)) => text.to_owned(),
        None => text,
    }
}
