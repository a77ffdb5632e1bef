//! `--show-access`: what a user may do where, in the printed document.

use std::io::IsTerminal;

use crate::cib::acl::{Access, View};
use crate::cib::operation::{self, Answer, Request};
use crate::cib::{Document, Error, NodeRef, writer};
use crate::cli::crm::{Session, user};

/// How the permissions are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A line before each element where they change.
    Text,
    /// Colours of the terminal.
    Color,
    /// Namespaces in the names of elements where they change.
    Namespace,
}

impl Form {
    /// Reads the option's value; none stands for colours at a terminal, else text.
    pub(super) fn from(value: Option<&str>) -> Option<Self> {
        Some(match value {
            None | Some("auto") if std::io::stdout().is_terminal() => Self::Color,
            None | Some("auto" | "text") => Self::Text,
            Some("color") => Self::Color,
            Some("namespace") => Self::Namespace,
            Some(_) => return None,
        })
    }
}

/// Why nothing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShowError {
    /// There is nothing to show.
    Query(Error),
    /// The user may do all, so that there are no permissions to show.
    Free,
}

/// Prints what was asked for with the permissions of `name`.
///
/// Differs: a part of the document is shown with the permissions that it has in the whole; the
/// original judges it by itself and shows it as denied.
pub(super) fn show(
    session: &Session,
    request: &Request,
    name: &str,
    form: Form,
) -> Result<(), ShowError> {
    let doc = session.doc();
    let part = match operation::query(doc, request).map_err(ShowError::Query)? {
        Answer::Part(node) => node,
        Answer::Tree(_) | Answer::Paths(_) => return Err(ShowError::Query(Error::Invalid)),
    };
    let access = Access::of(doc, &user::named(name)).ok_or(ShowError::Free)?;
    println!("<!-- ACLs as evaluated for user {name} -->");
    print!("{}", annotated(doc, part, &access.view(doc), form));
    Ok(())
}

fn annotated(doc: &Document, part: NodeRef, view: &dyn Fn(NodeRef) -> View, form: Form) -> String {
    let mut out = String::new();
    let drawing = Drawing { part, view, form };
    if form == Form::Namespace {
        let marked = with_namespaces(doc, part, view);
        element(&marked, part, &mut out, &drawing, 0);
    } else {
        element(doc, part, &mut out, &drawing, 0);
    }
    out
}

struct Drawing<'a> {
    part: NodeRef,
    view: &'a dyn Fn(NodeRef) -> View,
    form: Form,
}

impl Drawing<'_> {
    /// What comes before an element where permissions change.
    fn before(&self, doc: &Document, node: NodeRef, indent: &str) -> String {
        let shown = word((self.view)(node));
        match self.form {
            Form::Text if node == self.part => format!("vvv---[ {shown} ]---vvv\n"),
            Form::Text if is_change(doc, self.part, node, self.view) => {
                format!("{indent}\n{indent}vvv---[ {shown} ]---vvv\n")
            }
            _ => String::new(),
        }
    }

    fn color(&self, node: NodeRef) -> (&'static str, &'static str) {
        match (self.form, (self.view)(node)) {
            (Form::Color, View::Writable) => ("\x1b[32m", "\x1b[0m"),
            (Form::Color, View::Readable) => ("\x1b[34m", "\x1b[0m"),
            (Form::Color, View::Denied) => ("\x1b[31m", "\x1b[0m"),
            _ => ("", ""),
        }
    }
}

fn element(doc: &Document, node: NodeRef, out: &mut String, drawing: &Drawing, depth: usize) {
    let indent = "  ".repeat(depth);
    out.push_str(&drawing.before(doc, node, &indent));
    let (on, off) = drawing.color(node);
    let text = alone(doc, node);
    if !doc.is_element(node) || doc.first_node(node).is_none() {
        out.push_str(&format!("{indent}{on}{text}{off}\n"));
        return;
    }
    let open = text.strip_suffix("/>").unwrap_or(&text);
    out.push_str(&format!("{indent}{on}{open}>\n"));
    for child in doc.nodes(node) {
        element(doc, child, out, drawing, depth + 1);
    }
    out.push_str(&format!("{indent}{on}</{}>{off}\n", doc.name(node)));
}

/// A node without what is in it, in the way of libxml2, which escapes less than Pacemaker.
fn alone(doc: &Document, node: NodeRef) -> String {
    if !doc.is_element(node) {
        return writer::compact(doc, node);
    }
    let mut text = format!("<{}", doc.name(node));
    for (name, value) in doc.attrs(node) {
        let mut escaped = String::new();
        for c in value.chars() {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(c))),
                c => escaped.push(c),
            }
        }
        text.push_str(&format!(" {name}=\"{escaped}\""));
    }
    text + "/>"
}

fn word(view: View) -> &'static str {
    match view {
        View::Writable => "WRITABLE",
        View::Readable => "READABLE",
        View::Denied => "~DENIED~",
    }
}

/// Whether permissions change at a node; at the top of what is shown they always do.
fn is_change(doc: &Document, part: NodeRef, node: NodeRef, view: &dyn Fn(NodeRef) -> View) -> bool {
    let changes = |parent| view(parent) != view(node);
    node == part || (doc.is_element(node) && doc.parent(node).is_some_and(changes))
}

fn with_namespaces(doc: &Document, part: NodeRef, view: &dyn Fn(NodeRef) -> View) -> Document {
    let mut marked = doc.clone();
    let changing: Vec<_> = doc
        .descendants(part)
        .filter(|&node| is_change(doc, part, node, view))
        .collect();
    for &node in &changing {
        let name = format!("pcmk-access-{}:{}", prefix(view(node)), doc.name(node));
        marked.rename(node, &name);
    }
    let views: Vec<_> = changing.iter().map(|&node| view(node)).collect();
    for kind in [View::Writable, View::Readable, View::Denied] {
        if !views.contains(&kind) {
            continue;
        }
        let kind = prefix(kind);
        let name = format!("xmlns:pcmk-access-{kind}");
        let address = format!("http://clusterlabs.org/ns/pacemaker/access/{kind}");
        marked.set_attr(part, &name, &address);
    }
    marked
}

fn prefix(view: View) -> String {
    word(view).trim_matches('~').to_lowercase()
}
