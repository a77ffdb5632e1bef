use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::cib::version::Version;
use crate::cib::{NodeRef, empty, read, writer};

const SET: &str = "<crm_config><cluster_property_set id='a'>\
    <nvpair id='n' name='n' value='VALUE'/></cluster_property_set></crm_config>";

fn modify(doc: &Document, section: Option<&str>, input: &str) -> Result<Update, Failure> {
    let input = read(input).unwrap();
    let request = Request {
        section,
        input: Some(&input),
        ..Request::default()
    };
    update(doc, Operation::Modify, &request)
}

fn value(doc: &Document) -> String {
    let node = doc.by_id("n").unwrap();
    doc.attr(node, "value").unwrap().to_owned()
}

#[test]
fn values_count_up() {
    // As cibadmin 2.1.5 does it: 1 for a new one that names itself, never beyond INFINITY.
    let mut doc = empty::document("pacemaker-3.9", 1);
    for (given, expected) in [
        ("value++", "1"),
        ("value++", "2"),
        ("value+=40", "42"),
        ("value+=-2", "40"),
        ("value+=INFINITY", "1000000"),
        ("other++", "other++"),
        ("7", "7"),
    ] {
        doc = modify(&doc, None, &SET.replace("VALUE", given))
            .unwrap()
            .doc;
        assert_eq!(value(&doc), expected, "{given}");
    }
    assert_eq!(Version::of_root(&doc).to_string(), "0.8.0");
}

#[test]
fn changes_count_by_where_they_are() {
    let doc = empty::document("pacemaker-3.9", 1);
    let same = modify(&doc, None, "<crm_config/>").unwrap();
    assert_eq!(same.change, Change::Nothing);
    let status = modify(&doc, None, "<status><node_state id='1'/></status>").unwrap();
    assert_eq!(status.change, Change::Status);
    assert_eq!(Version::of_root(&status.doc).to_string(), "0.1.1");
    let root = modify(&status.doc, None, "<cib epoch='epoch+=5'/>").unwrap();
    assert_eq!(Version::of_root(&root.doc).to_string(), "0.6.2");
    let config = modify(&root.doc, Some("tags"), "<tags><tag id='t'/></tags>").unwrap();
    assert_eq!(config.change, Change::Configuration);
    assert_eq!(Version::of_root(&config.doc).to_string(), "0.7.0");
}

#[test]
fn creation_reports_what_is_there() {
    let doc = empty::document("pacemaker-3.9", 1);
    let input = read("<primitive id='p' class='lsb' type='x'/>").unwrap();
    let request = Request {
        section: Some("resources"),
        input: Some(&input),
        ..Request::default()
    };
    let doc = update(&doc, Operation::Create, &request).unwrap().doc;
    let failure = update(&doc, Operation::Create, &request).unwrap_err();
    assert_eq!(failure.error, crate::cib::Error::Exists);
    let answer = failure.answer.unwrap();
    assert_eq!(
        writer::compact(&answer, answer.root()),
        "<failed><failed_update id=\"p\" object_type=\"primitive\" operation=\"cib_create\" \
         reason=\"File exists\"><primitive id=\"p\" class=\"lsb\" type=\"x\"/></failed_update>\
         </failed>"
    );
}

#[test]
fn an_older_document_does_not_replace_a_newer_one() {
    let new = empty::document("pacemaker-3.9", 5);
    let old = empty::document("pacemaker-3.9", 4);
    let request = Request {
        input: Some(&old),
        ..Request::default()
    };
    let failure = update(&new, Operation::Replace, &request).unwrap_err();
    assert_eq!(failure.error, crate::cib::Error::Old);
    let request = Request {
        input: Some(&new),
        ..Request::default()
    };
    assert!(update(&old, Operation::Replace, &request).is_ok());
}

proptest! {
    /// What is found by what was edited is what is found by looking at all.
    #[test]
    fn edits_count_as_whole_documents_do(
        edits in vec((0..6u8, any::<Index>(), any::<Index>()), 1..12),
    ) {
        let mut old = read(
            "<cib epoch='1' num_updates='0'><configuration><nodes><node id='n'/><node id='m'/>\
             </nodes></configuration><status><node_state id='n'><lrm id='n'/></node_state>\
             <node_state id='m' a='1' b='2'/></status></cib>",
        )
        .unwrap();
        old.settle();
        let mut new = old.clone();
        for (kind, one, other) in edits {
            let all: Vec<NodeRef> = new.descendants(new.root()).collect();
            let (node, parent) = (all[one.index(all.len())], all[other.index(all.len())]);
            match kind {
                0 => new.set_attr(node, "a", "1"),
                1 => drop(new.remove_attr(node, "a")),
                2 => new.append(parent, node),
                3 => drop(new.add_element(parent, "lrm", &[("id", "n")])),
                4 if node != new.root() => new.detach(node),
                _ => new.set_attr(node, "b", "b++"),
            }
        }
        let apart = change_between(&old.compacted(), &new.compacted());
        prop_assert_eq!(change_between(&old, &new), apart);
        let request = Request { input: Some(&new), ..Request::default() };
        let near = update(&old, Operation::Replace, &request);
        let far = update(&old.compacted(), Operation::Replace, &request);
        let text = |update: &Update| writer::compact(&update.doc, update.doc.root());
        prop_assert_eq!(near.as_ref().ok().map(text), far.as_ref().ok().map(text));
    }
}
