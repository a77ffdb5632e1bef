//! Changes of a document, and how they count.

use super::{Change, Failure, Operation, Options, Request, Update, create};
use crate::cib::acl::Access;
use crate::cib::dom::{Document, Kind, NodeRef};
use crate::cib::error::Error;
use crate::cib::merge::{self, Given};
use crate::cib::section::{self, Place};
use crate::cib::upgrade::{self, Upgraded};
use crate::cib::version::{self, FEATURE_SET, Version, counter};
use crate::cib::{empty, patch, xpath};

/// Carries out a request on a copy of `current` and counts its version up if it changed.
///
/// The schema is not looked at here.
/// Errors: whatever the operation meets; [`Error::Denied`] if the one who asks may not change
/// what changes, which the count of the version is not part of; [`Error::Old`] if the version
/// would go back; [`Error::FeatureSet`] if the result is of newer software.
pub fn update(
    current: &Document,
    operation: Operation,
    request: &Request,
) -> Result<Update, Failure> {
    let mut doc = apply(current, operation, request)?;
    let root = doc.root();
    let newer = |set: &str| version::compare(set, FEATURE_SET) == std::cmp::Ordering::Greater;
    if doc.attr(root, "crm_feature_set").is_some_and(newer) {
        return Err(Error::FeatureSet.into());
    }
    refuse_older(current, &doc)?;
    settle(current, &mut doc);
    if let Some(access) = request.access {
        access.check(current, &doc)?;
    }
    let change = change_between(current, &doc);
    count(&mut doc, change);
    Ok(Update { doc, change })
}

/// Takes text between tags out, and expands values that count up; only where something was
/// edited, if an operation left the document as it was before.
fn settle(current: &Document, doc: &mut Document) {
    let touched = current.is_settled().then(|| doc.touched(current)).flatten();
    let nodes = touched.unwrap_or_else(|| doc.descendants(doc.root()).collect());
    let is_text = |doc: &Document, node| doc.kind(node) == Kind::Text;
    for &node in &nodes {
        if is_text(doc, node) {
            doc.detach(node);
        }
    }
    merge::expand(doc, &nodes);
    doc.settle();
}

/// Brings a document to the newest edition it can have, and counts that: `admin_epoch` goes up,
/// the other counters begin again. Gives what was done, too.
///
/// Errors: [`Error::Schema`] if it is valid in no edition; [`Error::Transform`] if it can't go
/// on at all; [`Error::Denied`] as for [`update`].
pub fn upgrade(current: &Document, access: Option<&Access>) -> Result<(Update, Upgraded), Failure> {
    let done = upgrade::upgrade(current).map_err(|_| Error::Schema)?;
    let mut doc = done.doc.clone();
    let root = doc.root();
    let claim = |doc: &Document| doc.attr(doc.root(), "validate-with").map(str::to_owned);
    if claim(current) == claim(&doc) {
        return match done.stopped {
            Some(_) => Err(Error::Transform.into()),
            None => Ok((unchanged(doc), done)),
        };
    }
    increase(&mut doc, "admin_epoch");
    doc.set_attr(root, "epoch", "1");
    doc.set_attr(root, "num_updates", "1");
    doc.strip_text();
    if let Some(access) = access {
        access.check(current, &doc)?;
    }
    let change = change_between(current, &doc);
    count(&mut doc, change);
    Ok((Update { doc, change }, done))
}

fn unchanged(doc: Document) -> Update {
    let change = Change::Nothing;
    Update { doc, change }
}

fn apply(current: &Document, operation: Operation, request: &Request) -> Result<Document, Failure> {
    let mut doc = current.clone();
    match operation {
        Operation::Bump => increase(&mut doc, "epoch"),
        Operation::Erase => return Ok(erased(current)),
        Operation::Patch => {
            let input = request.input.ok_or(Error::Invalid)?;
            patch::apply(&mut doc, input)?;
        }
        Operation::Create | Operation::Modify | Operation::Replace | Operation::Delete => {
            let input = request.input.map(|input| narrowed(input, request.section));
            with_input(&mut doc, operation, request, input)?;
        }
    }
    Ok(doc)
}

/// Of a whole document only the section that a request is about counts.
fn narrowed<'a>(input: &'a Document, section: Option<&str>) -> Given<'a> {
    let whole = Given::root(input);
    match section.map(|_| section::find(input, section)) {
        Some(Place::At(node)) if whole.name() == "cib" => Given { node, ..whole },
        _ => whole,
    }
}

fn with_input(
    doc: &mut Document,
    operation: Operation,
    request: &Request,
    input: Option<Given>,
) -> Result<(), Failure> {
    if let Some(expression) = request.xpath
        && operation != Operation::Create
    {
        return Ok(by_xpath(
            doc,
            operation,
            request.options,
            expression,
            input,
        )?);
    }
    let given = input.ok_or(Error::Invalid)?;
    match operation {
        Operation::Create => match create::section_of(request, given) {
            Some(section) => create::create(doc, request, section, given),
            None => Ok(modify(doc, request, given)?),
        },
        Operation::Modify => Ok(modify(doc, request, given)?),
        Operation::Replace => Ok(replace(doc, request, given)?),
        _ => Ok(delete(doc, request, given)?),
    }
}

fn modify(doc: &mut Document, request: &Request, given: Given) -> Result<(), Error> {
    let top = match section::find(doc, request.section) {
        Place::At(node) => node,
        Place::Absent => make_section(doc, request.section.unwrap_or_default())?,
    };
    if merge::update_within(doc, top, given) {
        return Ok(());
    }
    if !request.options.can_create {
        return Err(Error::NotFound);
    }
    let copy = doc.import(given.doc, given.node);
    doc.append(top, copy);
    Ok(())
}

fn make_section(doc: &mut Document, name: &str) -> Result<NodeRef, Error> {
    let (_, above) = section::path(name)
        .and_then(<[&str]>::split_last)
        .ok_or(Error::Invalid)?;
    let parent = doc.find(doc.root(), above).ok_or(Error::NotFound)?;
    Ok(doc.add_element(parent, name, &[]))
}

fn replace(doc: &mut Document, request: &Request, given: Given) -> Result<(), Error> {
    if given.name() == "cib" {
        let (old, new) = (Version::of_root(doc), Version::of(given.doc, given.node));
        if new < old {
            return Err(Error::Old);
        }
        *doc = match given.node == given.doc.root() {
            true => given.doc.clone(),
            false => given.doc.extract(given.node),
        };
        return Ok(());
    }
    let section = request.section.filter(|&name| name != given.name());
    let Place::At(top) = section::find(doc, section) else {
        return Err(Error::NotFound);
    };
    match merge::replace_within(doc, top, given) {
        true => Ok(()),
        false => Err(Error::NotFound),
    }
}

fn delete(doc: &mut Document, request: &Request, given: Given) -> Result<(), Error> {
    let Place::At(top) = section::find(doc, request.section) else {
        return Ok(());
    };
    if request.section == Some(given.name()) {
        for child in given.children() {
            merge::delete_within(doc, top, child);
        }
        return Ok(());
    }
    merge::delete_within(doc, top, given);
    Ok(())
}

fn by_xpath(
    doc: &mut Document,
    operation: Operation,
    options: Options,
    expression: &str,
    input: Option<Given>,
) -> Result<(), Error> {
    let nodes = xpath::select(doc, expression).unwrap_or_default();
    if nodes.is_empty() && operation != Operation::Delete {
        return Err(Error::NotFound);
    }
    let mut result = Ok(());
    for node in nodes {
        if !doc.contains(doc.root(), node) {
            continue;
        }
        match operation {
            Operation::Delete | Operation::Replace if node == doc.root() => {
                return Err(Error::Invalid);
            }
            Operation::Delete => doc.detach(node),
            Operation::Replace => replace_at(doc, node, input),
            _ => {
                let given = input.ok_or(Error::Invalid)?;
                if !merge::update_within(doc, node, given) {
                    result = Err(Error::NotFound);
                    continue;
                }
            }
        }
        if !options.multiple {
            break;
        }
    }
    result
}

/// What is given comes after the siblings of what it takes the place of.
fn replace_at(doc: &mut Document, node: NodeRef, input: Option<Given>) {
    let parent = doc.parent(node);
    doc.detach(node);
    if let (Some(parent), Some(given)) = (parent, input) {
        let copy = doc.import(given.doc, given.node);
        doc.append(parent, copy);
    }
}

fn increase(doc: &mut Document, name: &str) {
    let root = doc.root();
    let next = counter(doc, root, name).saturating_add(1);
    doc.set_attr(root, name, &next.to_string());
}

fn erased(current: &Document) -> Document {
    let mut doc = empty::document("", 0);
    let root = doc.root();
    for (name, value) in current.attrs(current.root()) {
        doc.set_attr(root, name, value);
    }
    increase(&mut doc, "admin_epoch");
    doc
}

fn refuse_older(old: &Document, new: &Document) -> Result<(), Error> {
    let (old, new) = (Version::of_root(old), Version::of_root(new));
    match (new.admin_epoch, new.epoch) < (old.admin_epoch, old.epoch) {
        true => Err(Error::Old),
        false => Ok(()),
    }
}

/// How far two documents differ. If one came from a copy of the other it costs what was edited.
pub fn change_between(old: &Document, new: &Document) -> Change {
    let touched = new.touched(old);
    let part = |doc: &Document| doc.child(doc.root(), "configuration");
    let configuration_same = match (part(old), part(new)) {
        (Some(a), Some(b)) => {
            let within = |node| old.contains(a, node) || new.contains(b, node);
            let untouched = |nodes: &Vec<NodeRef>| a == b && !nodes.iter().any(|&n| within(n));
            touched.as_ref().is_some_and(untouched) || merge::same_tree(old, a, new, b)
        }
        (a, b) => a.is_none() && b.is_none(),
    };
    if !configuration_same {
        return Change::Configuration;
    }
    let same = match touched {
        Some(nodes) if nodes.is_empty() && old.root() == new.root() => true,
        Some(nodes) if is_plainly_other(old, new, &nodes) => false,
        _ => merge::same_tree(old, old.root(), new, new.root()),
    };
    match same {
        true => Change::Nothing,
        false => Change::Status,
    }
}

/// True if the nodes that were touched show it: one of them says something else now, or one tree
/// has all that the other has, and more.
fn is_plainly_other(old: &Document, new: &Document, touched: &[NodeRef]) -> bool {
    if old.root() != new.root() {
        return false;
    }
    let (mut gone, mut come) = (false, false);
    for &node in touched {
        match (
            old.contains(old.root(), node),
            new.contains(new.root(), node),
        ) {
            (true, true) if !merge::same_node(old, node, new, node) => return true,
            (true, false) => gone = true,
            (false, true) => come = true,
            _ => {}
        }
    }
    gone != come
}

fn count(doc: &mut Document, change: Change) {
    let root = doc.root();
    match change {
        Change::Nothing => {}
        Change::Status => increase(doc, "num_updates"),
        Change::Configuration => {
            doc.set_attr(root, "num_updates", "0");
            increase(doc, "epoch");
        }
    }
}
