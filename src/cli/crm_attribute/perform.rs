//! From a command line to what is done.

use std::process::ExitCode;

use regex::Regex;

use super::options;
use super::place::Place;
use crate::cib::operation::{Operation, Options, Request};
use crate::cib::{Document, NodeRef};
use crate::cli::applets::Args;
use crate::cli::crm::{Failure, Line, Output, Session, arguments, code};

type Done = Result<(), Failure>;

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let opened = arguments::parse(options::command(), &args)
        .and_then(|line| Output::open(&line).map(|output| (line, output)));
    Ok(opened.map_or_else(
        |code| code,
        |(line, mut output)| {
            let result = perform(&line, &mut output);
            output.end(result)
        },
    ))
}

/// Whether the attribute that a command line is about is set; nothing is printed.
pub(super) fn is_set(args: &Args) -> bool {
    let found = || -> Option<bool> {
        let line = arguments::parse(options::command(), args).ok()?;
        let session = Session::open().ok()?;
        let place = place(&line, session.doc()).ok()?;
        let name = line.value("name");
        let doc = session.readable().ok()?;
        let mut all = place.attributes(&doc).into_iter();
        Some(all.any(|(pair, _)| doc.attr(pair, "name") == name))
    };
    found().unwrap_or(false)
}

/// What a command works on.
struct Job<'a> {
    line: &'a Line,
    output: &'a mut Output,
    session: &'a mut Session,
    place: Place,
    name: Option<String>,
}

/// An attribute that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    id: String,
    name: String,
    value: String,
}

/// An exit code with the words for it: those of functions, not of exit codes.
fn because(exit: u8, text: impl std::fmt::Display) -> Failure {
    Failure::Said(exit, format!("Error performing operation: {text}"))
}

fn perform(line: &Line, output: &mut Output) -> Done {
    let mut session = Session::open().map_err(|error| {
        let text = format!("Could not connect to the CIB: {error}");
        Failure::Said(error.exit_code(), text)
    })?;
    let name = name(line)?;
    let place = place(line, session.doc())?;
    let command = line.last(&["query", "update", "delete"]).unwrap_or("query");
    let transient = place.section == "status";
    if line.has("pattern") && command != "query" && !transient {
        let text = "Error: pattern can only be used with query, or with till-reboot update or \
                    delete";
        return Err(Failure::Usage(text.to_owned()));
    }
    let mut job = Job {
        line,
        output,
        session: &mut session,
        place,
        name,
    };
    let result = match command {
        "update" => job.update(),
        "delete" => job.delete(),
        _ => job.query(),
    };
    let closed = session.close();
    let closed = closed.map_err(|error| because(code::IOERR, error));
    result.and(closed)
}

/// The name of the attribute, if it is said.
fn name(line: &Line) -> Result<Option<String>, Failure> {
    if !line.has("promotion") {
        return Ok(line.value("name").map(str::to_owned));
    }
    let given = line.value("promotion").map(str::to_owned);
    let resource = given.or_else(|| std::env::var("OCF_RESOURCE_INSTANCE").ok());
    match resource.filter(|resource| !resource.is_empty()) {
        Some(resource) => Ok(Some(format!("master-{resource}"))),
        None => {
            let text = "-p/--promotion must be called from an OCF resource agent or with a \
                        resource ID specified";
            Err(Failure::Usage(text.to_owned()))
        }
    }
}

/// Finds out which section it is about, and which node.
fn place(line: &Line, doc: &Document) -> Result<Place, Failure> {
    let lifetime = line.value("lifetime");
    let lifetime = lifetime.or(line.has("promotion").then_some("reboot"));
    let of_lifetime = lifetime.map(|lifetime| match lifetime {
        "forever" => "nodes",
        "reboot" => "status",
        other => other,
    });
    let of_node = line.has("node").then_some("nodes");
    let section = of_lifetime
        .or(line.value("type"))
        .or(of_node)
        .unwrap_or("crm_config");
    let mut place = Place {
        section: section.to_owned(),
        node: None,
        utilization: line.has("utilization"),
    };
    // Without a node, what isn't a part of the whole cluster is about this one.
    if section == "crm_config" || section == "tickets" {
        return Ok(place);
    }
    let node = match line.value("node") {
        Some(name) => name.to_owned(),
        None => this_node(),
    };
    let Some(id) = node_id(doc, &node) else {
        let text = format!("Could not map name={node} to a UUID");
        return Err(Failure::Said(code::NOSUCH, text));
    };
    if section == "nodes" || section == "status" {
        place.node = Some(id);
    }
    Ok(place)
}

/// The name of this node: what an agent is told, else the machine's.
pub(super) fn this_node() -> String {
    let told = std::env::var("OCF_RESKEY_CRM_meta_on_node");
    let host = || {
        nix::unistd::gethostname()
            .ok()
            .and_then(|name| name.into_string().ok())
    };
    told.ok()
        .filter(|name| !name.is_empty())
        .or_else(host)
        .unwrap_or_default()
}

/// The id of a node by its name: of the cluster, a remote or a guest.
/// Source: Pacemaker 2.1.5, `query_node_uuid`.
pub(in crate::cli) fn node_id(doc: &Document, name: &str) -> Option<String> {
    let root = doc.root_element();
    let same = |value: Option<&str>| value.is_some_and(|value| value.eq_ignore_ascii_case(name));
    let nodes = root.find(&["configuration", "nodes"]);
    let mut nodes = nodes
        .into_iter()
        .flat_map(|nodes| nodes.children_named("node"));
    if let Some(node) = nodes.find(|node| same(node.attr("uname"))) {
        return node.id().map(str::to_owned);
    }
    let resources = root.find(&["configuration", "resources"]);
    let mut parts = resources
        .into_iter()
        .flat_map(|resources| resources.descendants());
    let connects = parts.any(|part| {
        let guest = part.name() == "nvpair"
            && part.attr("name") == Some("remote-node")
            && same(part.attr("value"));
        let remote = part.name() == "primitive"
            && part.attr("type") == Some("remote")
            && part.attr("provider") == Some("pacemaker")
            && same(part.id());
        guest || remote
    });
    let states = root.child("status");
    let mut states = states
        .into_iter()
        .flat_map(|status| status.children_named("node_state"));
    let seen = states.any(|state| state.attr("remote_node").is_some() && same(state.attr("uname")));
    (connects || seen).then(|| name.to_owned())
}

impl Job<'_> {
    /// The attributes that are meant.
    fn found(&self) -> Result<Vec<Found>, Failure> {
        let pattern = self.line.value("pattern").filter(|_| self.name.is_none());
        let pattern = pattern.map(Regex::new).transpose();
        let pattern = pattern.map_err(|error| because(code::SOFTWARE, error))?;
        let doc = self.session.readable()?;
        let fits = |(pair, set): &(NodeRef, NodeRef)| {
            let text = |name| doc.attr(*pair, name).unwrap_or_default();
            self.name.as_ref().is_none_or(|name| text("name") == name)
                && pattern
                    .as_ref()
                    .is_none_or(|pattern| pattern.is_match(text("name")))
                && self.line.value("id").is_none_or(|id| text("id") == id)
                && self
                    .line
                    .value("set-name")
                    .is_none_or(|id| doc.id(*set) == Some(id))
        };
        let all = self.place.attributes(&doc).into_iter().filter(fits);
        let found = all.map(|(pair, _)| {
            let text = |name| doc.attr(pair, name).unwrap_or_default().to_owned();
            Found {
                id: text("id"),
                name: text("name"),
                value: text("value"),
            }
        });
        Ok(found.collect())
    }

    fn must_be_known(&self) -> Done {
        match self.place.is_known() {
            true => Ok(()),
            false => Err(because(code::PROTOCOL, "No message of desired type")),
        }
    }

    fn query(&mut self) -> Done {
        self.must_be_known()?;
        let found = self.found()?;
        if !found.is_empty() {
            for attribute in &found {
                self.tell(&attribute.name, &attribute.value);
            }
            return Ok(());
        }
        let name = self.name.clone().unwrap_or_default();
        match self.line.value("default").map(str::to_owned) {
            Some(value) => self.tell(&name, &value),
            None => return Err(because(code::NOSUCH, "No such device or address")),
        }
        Ok(())
    }

    fn tell(&mut self, name: &str, value: &str) {
        let section = self.place.section.clone();
        match self.line.has("quiet") {
            true => self.output.text(value),
            false => self
                .output
                .text(format_args!("scope={section}  name={name} value={value}")),
        }
        let attrs = [("name", name), ("value", value), ("scope", &section)];
        self.output.element("attribute", &attrs);
    }

    fn update(&mut self) -> Done {
        self.must_be_known()?;
        let value = self.line.value("update").unwrap_or_default().to_owned();
        let found = self.found()?;
        if self.line.has("pattern") && self.name.is_none() {
            if found.is_empty() {
                return Err(because(code::NOSUCH, "No such device or address"));
            }
            return found.iter().try_for_each(|attribute| {
                self.write(&attribute.name, Some(&attribute.id), &value)
            });
        }
        let Some(name) = self.name.clone() else {
            let text = "A name is needed to set a value; give it with --name";
            return Err(Failure::Said(code::SOFTWARE, text.to_owned()));
        };
        match found.as_slice() {
            [] => self.write(&name, None, &value),
            [one] => self.write(&name, Some(&one.id), &value),
            several => {
                self.tell_several(&name, several);
                Err(because(code::MULTIPLE, "Resource active on multiple nodes"))
            }
        }
    }

    fn tell_several(&mut self, name: &str, several: &[Found]) {
        self.output
            .text(format_args!("Multiple attributes match name={name}"));
        for Found { id, value, .. } in several {
            self.output
                .text(format_args!("  Value: {value} \t(id={id})"));
        }
    }

    /// Sets an attribute: the one with that id, else a new one.
    fn write(&mut self, name: &str, id: Option<&str>, value: &str) -> Done {
        let mut doc: Option<Document> = None;
        let mut at: Option<NodeRef> = None;
        let mut add = |name: &str, attrs: &[(&str, &str)]| match (&mut doc, at) {
            (Some(doc), Some(parent)) => at = Some(doc.add_element(parent, name, attrs)),
            _ => {
                let mut new = Document::new(name);
                let root = new.root();
                for (name, value) in attrs {
                    new.set_attr(root, name, value);
                }
                (doc, at) = (Some(new), Some(root));
            }
        };
        let mut pair = id.map(str::to_owned);
        if pair.is_none() {
            let set = self.line.value("set-name").map(str::to_owned);
            let set = set.unwrap_or_else(|| self.place.default_set());
            for (element, id) in self.place.holder() {
                match id {
                    Some(id) => add(element, &[("id", &id)]),
                    None => add(element, &[]),
                }
            }
            add(self.place.set_element(), &[("id", &set)]);
            pair = self
                .line
                .value("id")
                .map(str::to_owned)
                .or(Some(format!("{set}-{name}")));
        }
        let pair = pair.unwrap_or_default();
        add("nvpair", &[("id", &pair), ("name", name), ("value", value)]);
        match doc {
            Some(doc) => self.change(Operation::Modify, &doc),
            None => Ok(()),
        }
    }

    fn change(&mut self, operation: Operation, input: &Document) -> Done {
        let section = match &*self.place.section {
            "tickets" => "status",
            section => section,
        };
        let request = Request {
            section: Some(section),
            input: Some(input),
            options: Options::default(),
            ..Request::default()
        };
        let changed = self.session.update(operation, &request);
        changed
            .map(drop)
            .map_err(|failed| because(failed.error.exit_code(), failed.error))
    }

    fn delete(&mut self) -> Done {
        self.must_be_known()?;
        let found = self.found()?;
        if let ([_, _, ..], Some(name)) = (found.as_slice(), self.name.clone()) {
            self.tell_several(&name, &found);
            return Err(because(code::MULTIPLE, "Resource active on multiple nodes"));
        }
        for Found { id, name, .. } in found {
            let mut doc = Document::new("nvpair");
            let root = doc.root();
            doc.set_attr(root, "id", &id);
            doc.set_attr(root, "name", &name);
            self.change(Operation::Delete, &doc)?;
            if !self.line.has("quiet") {
                let section = &self.place.section;
                let kind = match &**section {
                    "crm_config" | "tickets" => "option",
                    _ => "attribute",
                };
                self.output.text(format_args!(
                    "Deleted {section} {kind}: id={id} name={name}"
                ));
            }
        }
        Ok(())
    }
}
