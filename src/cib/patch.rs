//! Patches: what leads from one document to another, as a document.
//!
//! ```text
//!  old, new --compare--> Comparison --create_v2--> <diff format="2">
//!  document, <diff> --apply--> the new document
//! ```
//!
//! Source: Pacemaker 2.1.5 `lib/common/patchset.c`, `xml.c`; compared with `crm_diff` over the
//! published CIBs and those of the scheduler's tests.

mod apply_v1;
mod apply_v2;
pub(super) mod compare;
mod create_v1;
mod create_v2;
mod describe;
mod positions;

pub use describe::describe;

use std::cmp::Ordering;

use super::digest;
use super::dom::{Document, NodeRef};
use super::error::Error;
use super::version::{self, COUNTERS, Version, counter};

/// How two documents are compared, and what the patch holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Attributes in another order are no change, and the patch has the digest of the result:
    /// what the cluster does, and `crm_diff --cib`.
    pub as_cib: bool,
    /// The version is no change: `crm_diff --no-version`.
    pub no_version: bool,
}

/// The patch from one document to another; none if they are the same.
///
/// Its format is what software of the old document's feature set reads: 2 after 3.0.8, else 1.
pub fn create(old: &Document, new: &Document, options: Options) -> Option<Document> {
    let with_old_version;
    let new = if options.no_version {
        with_old_version = versioned_as(old, new);
        &with_old_version
    } else {
        new
    };
    let comparison = compare::compare(old, new, !options.as_cib);
    if !comparison.is_changed() {
        return None;
    }
    let feature_set = old.attr(old.root(), "crm_feature_set");
    let recent = feature_set.is_some_and(|set| version::compare(set, "3.0.8") == Ordering::Greater);
    let mut patch = match recent {
        true => create_v2::create(old, new, &comparison),
        false => create_v1::create(old, new),
    };
    if options.no_version {
        strip_version(&mut patch);
    }
    if options.as_cib || !recent {
        add_digest(&mut patch, old, new);
    }
    Some(patch)
}

/// Adds the digest of the document that the patch leads to.
pub fn add_digest(patch: &mut Document, old: &Document, new: &Document) {
    let feature_set = old.attr(old.root(), "crm_feature_set");
    let digest = digest::versioned(new, new.root(), feature_set);
    let root = patch.root();
    patch.set_attr(root, "digest", &digest);
}

/// The patch of format 2, whatever the old document's software reads: for people.
pub fn create_for_display(old: &Document, new: &Document) -> Option<Document> {
    let comparison = compare::compare(old, new, true);
    comparison
        .is_changed()
        .then(|| create_v2::create(old, new, &comparison))
}

fn versioned_as(old: &Document, new: &Document) -> Document {
    let mut copy = new.clone();
    let root = copy.root();
    for name in COUNTERS {
        if let Some(value) = old.attr(old.root(), name) {
            copy.set_attr(root, name, value);
        }
    }
    copy
}

fn strip_version(patch: &mut Document) {
    let root = patch.root();
    if let Some(version) = patch.child(root, "version") {
        patch.detach(version);
    }
    for side in ["diff-removed", "diff-added"] {
        let Some(side) = patch.child(root, side) else {
            continue;
        };
        let cib = patch.child(side, "cib");
        for node in [Some(side), cib].into_iter().flatten() {
            for name in COUNTERS {
                patch.remove_attr(node, name);
            }
        }
    }
}

/// Applies a patch of either format.
///
/// Errors: [`Error::Old`] and [`Error::PatchFromLater`] if it is not for this version;
/// [`Error::PatchFailed`] if it does not fit, or the digest of the result is another.
pub fn apply(doc: &mut Document, patch: &Document) -> Result<(), Error> {
    check_version(doc, patch)?;
    let before = doc.attr(doc.root(), "crm_feature_set").map(str::to_owned);
    match format(patch) {
        1 => apply_v1::apply(doc, patch)?,
        2 => apply_v2::apply(doc, patch)?,
        _ => return Err(Error::Invalid),
    }
    let Some(digest) = patch.attr(patch.root(), "digest") else {
        return Ok(());
    };
    // Where a patch changes the feature set, its maker took the digest by the former one.
    let after = doc.attr(doc.root(), "crm_feature_set");
    let fits = |set| digest::versioned(doc, doc.root(), set) == digest;
    match fits(after) || (after != before.as_deref() && fits(before.as_deref())) {
        true => Ok(()),
        false => Err(Error::PatchFailed),
    }
}

fn format(patch: &Document) -> i64 {
    match patch.attr(patch.root(), "format") {
        None => 1,
        Some(_) => counter(patch, patch.root(), "format"),
    }
}

/// The versions that a patch leads from and to, where it says them.
pub fn versions(patch: &Document) -> (Option<Version>, Option<Version>) {
    let root = patch.root();
    let paths: [&[&str]; 2] = match format(patch) {
        1 => [&["diff-removed"], &["diff-added"]],
        _ => [&["version", "source"], &["version", "target"]],
    };
    let [from, to] = paths.map(|path| {
        let node = patch.find(root, path)?;
        let said = COUNTERS.iter().any(|name| patch.attr(node, name).is_some());
        said.then(|| Version::of(patch, node))
    });
    (from, to)
}

fn check_version(doc: &Document, patch: &Document) -> Result<(), Error> {
    let now = Version::of_root(doc);
    let (from, to) = versions(patch);
    let from = from.unwrap_or(now);
    let to = to.unwrap_or(Version {
        num_updates: now.num_updates + 1,
        ..now
    });
    match now.cmp(&from) {
        Ordering::Less => Err(Error::PatchFromLater),
        Ordering::Greater => Err(Error::Old),
        Ordering::Equal if to <= from => Err(Error::Old),
        Ordering::Equal => Ok(()),
    }
}

/// The place of an element as patches write it.
fn path(doc: &Document, node: NodeRef) -> String {
    super::operation::path_of(doc, node)
}

#[cfg(test)]
mod tests;
