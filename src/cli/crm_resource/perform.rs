//! From a command line to what is done.

use std::process::ExitCode;

use super::{options, options::COMMANDS};
use crate::cib::operation::{Operation, Options, Request};
use crate::cib::{Document, Element};
use crate::cli::applets::Args;
use crate::cli::crm::clock;
use crate::cli::crm::{Failure, Line, Output, Session, arguments, code};
use crate::scheduler::model::Kind;
use crate::scheduler::model::arena::{NodeId, ResourceId};
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::model::text::base_name;
use crate::scheduler::unpack::expand::expand;

/// What a command came to.
pub(super) type Done = Result<(), Failure>;

pub(in crate::cli) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let parsed =
        arguments::parse(options::command(), &args).and_then(|line| {
            match super::run::fault(&line) {
                None => Ok(line),
                Some(fault) => {
                    eprintln!("crm_resource: {fault}");
                    Err(code::USAGE.into())
                }
            }
        });
    let opened = parsed.and_then(|line| Output::open(&line).map(|output| (line, output)));
    Ok(opened.map_or_else(
        |code| code,
        |(line, mut output)| {
            let result = perform(&line, &mut output);
            output.end(result)
        },
    ))
}

/// What a command works on.
pub(super) struct Job<'a> {
    pub(super) line: &'a Line,
    pub(super) output: &'a mut Output,
    pub(super) session: &'a mut Session,
}

/// What the command line is about, found in the cluster.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Subject {
    pub(super) resource: Option<ResourceId>,
    pub(super) node: Option<NodeId>,
}

impl Job<'_> {
    pub(super) fn force(&self) -> bool {
        self.line.has("force")
    }

    pub(super) fn quiet(&self) -> bool {
        self.line.has("quiet")
    }

    /// The name that was given for the resource.
    pub(super) fn name(&self) -> &str {
        self.line.value("resource").unwrap_or_default()
    }

    /// A line about what was done; none with `--quiet`.
    pub(super) fn info(&mut self, text: impl std::fmt::Display) {
        if !self.quiet() {
            self.output.text(text);
        }
    }

    /// Carries out a change of a section.
    pub(super) fn change(&mut self, operation: Operation, section: &str, input: &Document) -> Done {
        let request = Request {
            section: Some(section),
            input: Some(input),
            options: Options {
                can_create: false,
                ..Options::default()
            },
            ..Request::default()
        };
        let changed = self.session.update(operation, &request);
        changed.map(drop).map_err(|failed| failed.error.into())
    }
}

fn perform(line: &Line, output: &mut Output) -> Done {
    let command = line.last(&COMMANDS).unwrap_or("list");
    check(line, command)?;
    if super::agents::perform(command, line, output)?
        || super::run::is_call(command) && super::run::of_agent(command, line, output)?
    {
        return Ok(());
    }
    let mut session = Session::open().map_err(|error| {
        let text = format!("Could not connect to the CIB: {error}");
        Failure::Because(error.exit_code(), text)
    })?;
    let readable = session.readable()?.into_owned();
    let expanded = expand(&readable);
    let mut cluster = crate::scheduler::read(&expanded, clock::clock());
    if command == "fail" {
        super::fail::check(line, output, &mut session, &cluster)?;
    }
    let subject = subject(line, command, &cluster)?;
    let mut job = Job {
        line,
        output,
        session: &mut session,
    };
    let result = dispatch(&mut job, command, &mut cluster, subject);
    let closed = session.close().map_err(|error| {
        let text = format!("Could not write the CIB: {error}");
        Failure::Because(code::IOERR, text)
    });
    result.and(closed)
}

/// What can be said without looking at the CIB.
fn check(line: &Line, command: &str) -> Done {
    let usage = |text: &str| Err(Failure::Usage(text.to_owned()));
    let operands = line.operands();
    let is_call = super::run::is_call(command);
    let names_agent = ["class", "provider", "agent"].iter().any(|o| line.has(o));
    if names_agent && !is_call {
        let text =
            "--class, --agent, and --provider can only be used with --validate and --force-*";
        return usage(text);
    }
    if !operands.is_empty() && !is_call && command != "digests" {
        let mut text = "non-option ARGV-elements:\n".to_owned();
        for (index, operand) in operands.iter().enumerate() {
            text.push_str(&format!(
                "[{} of {}] {operand}\n",
                index + 1,
                operands.len()
            ));
        }
        return Err(Failure::Usage(text));
    }
    if line.has("expired") && command != "clear" {
        return usage("--expired requires --clear or -U");
    }
    let needs_resource = matches!(
        command,
        "query-xml"
            | "query-xml-raw"
            | "get-parameter"
            | "locate"
            | "constraints"
            | "stack"
            | "set-parameter"
            | "delete-parameter"
            | "move"
            | "ban"
            | "clear"
            | "delete"
            | "digests"
            | "fail"
            | "restart"
    );
    if command == "set-parameter" && !line.has("parameter-value") {
        return usage("You need to supply a value with the -v option");
    }
    if (needs_resource || is_call && !names_agent) && !line.has("resource") {
        return usage("Must supply a resource id with -r");
    }
    if matches!(command, "digests" | "fail") && !line.has("node") {
        return usage("Must supply a node name with -N");
    }
    Ok(())
}

fn dispatch(job: &mut Job<'_>, command: &str, cluster: &mut Cluster<'_>, subject: Subject) -> Done {
    match (command, subject.resource) {
        ("list", _) => super::list::with_states(job, cluster),
        ("list-raw", _) => super::list::raw(job, cluster),
        ("list-operations" | "list-all-operations", _) => {
            super::history::list(job, cluster, subject.node, command == "list-operations")
        }
        ("why", _) => super::why::tell(job, cluster, subject),
        ("wait", _) => super::wait::until_settled(job),
        ("cleanup" | "refresh", _) => super::dry_run::tell(job, cluster, subject, command),
        (_, Some(resource)) => about(job, command, cluster, (resource, subject.node)),
        _ => Ok(()),
    }
}

fn about(
    job: &mut Job<'_>,
    command: &str,
    cluster: &mut Cluster<'_>,
    (resource, node): (ResourceId, Option<NodeId>),
) -> Done {
    match command {
        "query-xml" => super::query::xml(job, cluster, resource, true),
        "query-xml-raw" => super::query::xml(job, cluster, resource, false),
        "get-parameter" => super::query::parameter(job, cluster, resource),
        "locate" => super::locate::tell(job, cluster, resource),
        "constraints" | "stack" => {
            let deep = command == "stack" || job.line.has("recursive");
            super::constraints::tell(job, cluster, resource, deep)
        }
        "set-parameter" => super::attribute::set(job, cluster, resource),
        "delete-parameter" => super::attribute::delete(job, cluster, resource),
        "move" => super::location::relocate(job, cluster, resource, node),
        "ban" => super::location::ban(job, cluster, resource, node),
        "clear" => super::clear::clear(job, cluster, node),
        "fail" => super::fail::fail(job, cluster, resource, node),
        "restart" => super::restart::restart(job, cluster, resource, node),
        "digests" => super::digests::tell(job, cluster, resource, node),
        call if super::run::is_call(call) => super::run::of_resource(job, call, cluster, resource),
        _ => delete(job),
    }
}

fn delete(job: &mut Job<'_>) -> Done {
    let Some(kind) = job.line.value("resource-type") else {
        let text = "You need to specify a resource type with -t";
        return Err(Failure::Because(code::NOSUCH, text.to_owned()));
    };
    let mut element = Document::new(kind);
    let root = element.root();
    element.set_attr(root, "id", job.name());
    job.change(Operation::Delete, "resources", &element)
}

/// Finds the resource and the node that the command line names.
fn subject(line: &Line, command: &str, cluster: &Cluster<'_>) -> Result<Subject, Failure> {
    let missing = |kind: &str, name: &str| {
        let text = format!("{kind} '{name}' not found");
        Err(Failure::Because(code::NOSUCH, text))
    };
    let listing = matches!(
        command,
        "list" | "list-raw" | "list-operations" | "list-all-operations"
    );
    let mut subject = Subject::default();
    if let Some(name) = line.value("resource").filter(|_| !listing) {
        let any = matches!(
            command,
            "query-xml"
                | "query-xml-raw"
                | "get-parameter"
                | "set-parameter"
                | "delete-parameter"
                | "delete"
        );
        subject.resource = find(cluster, name, any);
        let Some(resource) = subject.resource else {
            return missing("Resource", name);
        };
        let in_clone = cluster.resources[resource].parent.is_some_and(|parent| {
            let parent = &cluster.resources[parent];
            parent.is_clone()
        });
        if name.contains(':') && in_clone && matches!(command, "ban" | "move" | "clear") {
            let text = format!("Cannot operate on clone resource instance '{name}'");
            return Err(Failure::Because(code::INVALID_PARAM, text));
        }
    }
    if let Some(name) = line.value("node") {
        subject.node = cluster.node_named(name);
        if subject.node.is_none() {
            return missing("Node", name);
        }
    }
    Ok(subject)
}

/// The first resource of that name; `any`: also an instance whose number is left out, else only
/// where all instances are alike.
/// Source: Pacemaker 2.1.5, `native_find_rsc`.
pub(super) fn find(cluster: &Cluster<'_>, name: &str, any: bool) -> Option<ResourceId> {
    fn below(cluster: &Cluster<'_>, at: ResourceId, name: &str, any: bool) -> Option<ResourceId> {
        let r = &cluster.resources[at];
        let alike = any || !r.unique;
        let renamed = r.alt_name.as_deref() == Some(name);
        if *r.id == *name || renamed || (alike && base_name(&r.id) == name) {
            return Some(at);
        }
        let mut inside = parts(cluster, at).into_iter();
        inside.find_map(|part| below(cluster, part, name, any))
    }
    let mut top = cluster.top.iter();
    top.find_map(|&top| below(cluster, top, name, any))
}

/// What a resource is made of, in order.
pub(super) fn parts(cluster: &Cluster<'_>, resource: ResourceId) -> Vec<ResourceId> {
    let r = &cluster.resources[resource];
    let Kind::Bundle(bundle) = &r.kind else {
        return r.children.clone();
    };
    let replicas = bundle.replicas.iter();
    let own = replicas.flat_map(|replica| {
        let parts = [Some(replica.container), replica.ip, replica.remote];
        parts.into_iter().flatten()
    });
    own.chain(bundle.inner).collect()
}

/// The collective that a resource belongs to, the outermost one within a bundle.
pub(super) fn outermost(cluster: &Cluster<'_>, resource: ResourceId) -> ResourceId {
    let mut at = resource;
    while let Some(parent) = cluster.resources[at].parent
        && !cluster.resources[parent].is_bundle()
    {
        at = parent;
    }
    at
}

/// An element with attributes as a document of its own.
pub(super) fn fragment(name: &str, attrs: &[(&str, &str)]) -> Document {
    let mut doc = Document::new(name);
    let root = doc.root();
    for (name, value) in attrs {
        doc.set_attr(root, name, value);
    }
    doc
}

/// The part of the configuration that a document has under that name.
pub(super) fn section<'a>(doc: &'a Document, name: &str) -> Option<Element<'a>> {
    doc.root_element().find(&["configuration", name])
}
