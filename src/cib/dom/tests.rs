use super::*;
use crate::cib::{read, writer};

fn text(doc: &Document) -> String {
    writer::compact(doc, doc.root())
}

#[test]
fn edits_keep_the_order() {
    let mut doc = Document::new("cib");
    let root = doc.root();
    let a = doc.add_element(root, "a", &[("x", "1"), ("y", "2")]);
    let b = doc.add_element(root, "b", &[]);
    doc.set_attr(a, "z", "3");
    doc.set_attr(a, "x", "9");
    assert!(doc.remove_attr(a, "y"));
    assert!(!doc.remove_attr(a, "y"));
    doc.insert_before(root, b, Some(a));
    let note = doc.new_text(Kind::Comment, " n ");
    doc.append(b, note);
    assert_eq!(
        text(&doc),
        "<cib><b><!-- n --></b><a x=\"9\" z=\"3\"/></cib>"
    );
    doc.detach(b);
    assert_eq!(text(&doc), "<cib><a x=\"9\" z=\"3\"/></cib>");
}

#[test]
fn a_copy_is_not_edited() {
    let original = read("<a><b k='1'/><b k='2'/></a>").unwrap();
    let mut copy = original.clone();
    let second = copy.children(copy.root()).nth(1).unwrap();
    copy.set_attr(second, "k", "3");
    copy.set_attr(second, "l", "4");
    assert_eq!(text(&original), "<a><b k=\"1\"/><b k=\"2\"/></a>");
    assert_eq!(text(&copy), "<a><b k=\"1\"/><b k=\"3\" l=\"4\"/></a>");
    assert_eq!(original.attr(second, "k"), Some("2"));
}

#[test]
fn import_copies_all() {
    let from = read("<a><b><c/><!--x--><d><e/></d></b><f/></a>").unwrap();
    let mut doc = Document::new("r");
    let root = doc.root();
    let copy = doc.import(&from, from.root());
    doc.append(root, copy);
    let b = from.child(from.root(), "b").unwrap();
    let copy = doc.import(&from, b);
    doc.append(root, copy);
    assert_eq!(
        text(&doc),
        "<r><a><b><c/><!--x--><d><e/></d></b><f/></a><b><c/><!--x--><d><e/></d></b></r>"
    );
}

#[test]
fn an_element_is_not_put_into_itself() {
    let mut doc = read("<a><b><c/></b></a>").unwrap();
    let b = doc.child(doc.root(), "b").unwrap();
    let c = doc.child(b, "c").unwrap();
    doc.append(c, b);
    doc.insert_before(b, b, None);
    assert_eq!(text(&doc), "<a><b><c/></b></a>");
}

#[test]
fn a_foreign_node_reads_as_nothing() {
    let doc = Document::new("a");
    let stray = NodeRef(77);
    assert_eq!(doc.name(stray), "");
    assert_eq!(doc.attr(stray, "id"), None);
    assert_eq!(doc.nodes(stray).count() + doc.attrs(stray).count(), 0);
    assert_eq!(doc.line(stray), None);
}

#[test]
fn chains_read_well() {
    let doc = read(
        "<cib><configuration><resources><primitive id='p'><op id='o'/><x/><op id='q'/>\
         </primitive></resources></configuration></cib>",
    )
    .unwrap();
    let resources = doc.root_element().find(&["configuration", "resources"]);
    let primitive = resources.and_then(|r| r.child("primitive")).unwrap();
    let ops: Vec<_> = primitive
        .children_named("op")
        .filter_map(|o| o.id())
        .collect();
    assert_eq!(ops, ["o", "q"]);
    assert_eq!(primitive.parent().map(Element::name), Some("resources"));
    assert_eq!(doc.by_id("q").map(|q| doc.position(q)), Some(2));
}
