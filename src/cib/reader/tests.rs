use super::*;
use crate::cib::writer;

fn reason(text: &str) -> String {
    read(text).expect_err(text).to_string()
}

fn again(text: &str) -> String {
    let doc = read(text).unwrap();
    writer::compact(&doc, doc.root())
}

#[test]
fn values_are_normalized() {
    let doc = read("<a x=\"b&#10;c&#x9;d\te\r\nf\ng&lt;&amp;&quot;&apos;&gt;\" y='\"é'/>").unwrap();
    assert_eq!(doc.attr(doc.root(), "x"), Some("b\nc\td e f g<&\"'>"));
    assert_eq!(doc.attr(doc.root(), "y"), Some("\"é"));
}

#[test]
fn comments_and_cdata_stay_text_is_kept_beside_text() {
    let doc = read(
        "<?xml version='1.0'?>\n<!DOCTYPE cib SYSTEM 'x.dtd'><!-- out -->\n<a>\n <b> </b>\n \
         <c>\n</c><!-- in --><![CDATA[<&>]]>\n t &amp; u\n</a>\n<!-- end -->\n",
    )
    .unwrap();
    let kinds: Vec<_> = doc.nodes(doc.root()).map(|n| doc.kind(n)).collect();
    use Kind::{CData, Comment, Element, Text};
    assert_eq!(kinds, [Element, Element, Comment, CData, Text]);
    let last = doc.last_node(doc.root()).unwrap();
    assert_eq!(doc.text(last), "\n t & u\n");
    let cdata = doc.previous_node(last).unwrap();
    assert_eq!(doc.text(cdata), "<&>");
    let b = doc.child(doc.root(), "b").unwrap();
    assert_eq!(doc.nodes(b).count(), 1);
}

#[test]
fn a_file_has_no_text() {
    let doc = read_file_text(b"<a> <b> </b>x<!--y--></a>".to_vec()).unwrap();
    assert_eq!(writer::compact(&doc, doc.root()), "<a><b/><!--y--></a>");
}

#[test]
fn lines_are_known() {
    let doc = read("<a>\n<b/>\n\n<c\n x='1'/></a>").unwrap();
    let nodes: Vec<_> = doc.descendants(doc.root()).collect();
    assert_eq!(doc.lines(&nodes), [Some(1), Some(2), Some(4)]);
    assert_eq!(doc.line(nodes[2]), Some(4));
}

/// Texts and what is said of them.
const FAULTS: &[(&str, &str)] = &[
    ("", "line 1, column 1: there is no element"),
    ("<a>", "line 1, column 4: <a> is not closed"),
    (
        "<a>\n<b>\n</a>",
        "line 3, column 1: </a> stands where </b> is missing",
    ),
    ("<a/></b>", "line 1, column 5: </b> closes nothing"),
    (
        "<a/><b/>",
        "line 1, column 5: there is a second element beside the root; a document has one",
    ),
    (
        "<a/>x",
        "line 1, column 5: there is text outside of the root element",
    ),
    (
        "<a b='1' b='2'/>",
        "line 1, column 10: attribute \"b\" is there twice",
    ),
    (
        "<a b/>",
        "line 1, column 4: attribute \"b\" has no value in quotes",
    ),
    (
        "<a b=1/>",
        "line 1, column 4: attribute \"b\" has no value in quotes",
    ),
    (
        "<a b='1'c='2'/>",
        "line 1, column 9: there is no blank before attribute \"c\"",
    ),
    (
        "<a b='<'/>",
        "line 1, column 7: there is a < in the value; write &lt;",
    ),
    (
        "<a b='&x;'/>",
        "line 1, column 7: &x; is not known; a bare & is written &amp;",
    ),
    (
        "<a b='x & y'/>",
        "line 1, column 9: &; is not known; a bare & is written &amp;",
    ),
    (
        "<a>&#0;</a>",
        "line 1, column 4: &#0; is not known; a bare & is written &amp;",
    ),
    ("<1a/>", "line 1, column 1: \"1a\" is not a name"),
    (
        "<a>\u{1}</a>",
        "line 1, column 4: there is a character that XML does not allow",
    ),
    (
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a/>",
        "line 1, column 1: document types with declarations are not read; remove the DOCTYPE",
    ),
];

#[test]
fn what_is_not_well_formed_is_named_with_its_place() {
    for (text, expected) in FAULTS {
        assert_eq!(reason(text), *expected, "{text}");
    }
    for text in [
        "<a",
        "<a b='",
        "<!--",
        "<a><![CDATA[x</a>",
        "<a><!-- -- --></a>",
        "<",
        "<a>&lt</a>",
    ] {
        reason(text);
    }
}

#[test]
fn depth_has_a_limit() {
    let deep = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
    assert!(read(&deep(limits::CIB_DEPTH_MAX)).is_ok());
    assert!(reason(&deep(limits::CIB_DEPTH_MAX + 1)).contains("nested deeper"));
}

#[test]
fn encodings() {
    let latin = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a b='\xe9'/>".to_vec();
    let doc = read_bytes(latin).unwrap();
    assert_eq!(doc.attr(doc.root(), "b"), Some("é"));
    assert!(read_bytes(b"<a b='\xe9'/>".to_vec()).is_err());
    assert!(read_bytes(b"\xff\xfe<\0a\0".to_vec()).is_err());
    assert_eq!(again("\u{feff}<a b='é'/>"), "<a b=\"é\"/>");
}
