use super::*;
use crate::cib::read;

const CIB: &str = "<cib epoch='3'><configuration><resources>\
    <primitive id='A' class='ocf' type='Dummy'><meta_attributes id='A-m'>\
    <nvpair id='A-m-1' name='target-role' value='Stopped'/>\
    <nvpair id='A-m-2' name='priority' value='10'/></meta_attributes></primitive>\
    <!-- note --><group id='G'><primitive id='B' class='lsb' type='x'/>\
    <primitive id='C' class='ocf' type='y'/></group></resources></configuration>\
    <status/></cib>";

fn ids(xpath: &str) -> String {
    let doc = read(CIB).unwrap();
    let nodes = match select(&doc, xpath) {
        Ok(nodes) => nodes,
        Err(error) => return format!("{error}"),
    };
    let name = |&node: &NodeRef| doc.id(node).unwrap_or(doc.name(node)).to_owned();
    nodes.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// What libxml2's xpath gives for each; `xmllint --xpath` prints the same nodes.
const CASES: &[(&str, &str)] = &[
    ("/cib", "cib"),
    ("//primitive", "A B C"),
    ("//primitive[@id='B']", "B"),
    ("//primitive[1]", "A B"),
    ("(//primitive)[2]", "B"),
    ("//primitive[last()]", "A C"),
    ("//primitive[position()=2]", "C"),
    ("/cib/configuration/resources/*", "A G"),
    ("//group/primitive[@class=\"ocf\"]", "C"),
    ("//*[@name='priority' and @value>5]", "A-m-2"),
    ("//*[@value > 10 or @id='G']", "G"),
    ("//nvpair/../..", "A"),
    ("//nvpair[@name='priority']/parent::*", "A-m"),
    (
        "//primitive[meta_attributes/nvpair[@name='target-role']]",
        "A",
    ),
    ("//primitive[not(@class='ocf')]", "B"),
    ("//primitive[contains(@type,'umm')]", "A"),
    ("//primitive[starts-with(@id,'C')] | //group", "G C"),
    ("//*[count(primitive)=2]", "G"),
    ("//primitive[string-length(@type)=1]", "B C"),
    ("//*[name()='status' or local-name()='group']", "G status"),
    (
        "//nvpair[@name='priority']/preceding-sibling::nvpair",
        "A-m-1",
    ),
    ("//primitive[@id='A']/following::primitive", "B C"),
    ("//primitive[@id='C']/preceding::primitive", "A B"),
    (
        "//primitive[@id='B']/ancestor::*",
        "cib configuration resources G",
    ),
    ("//comment()", "resources"),
    ("/descendant::group", "G"),
    ("descendant::group", ""),
    (".", ""),
    ("cib", ""),
    ("//group/@*", "G"),
    ("//nosuch", ""),
    ("//primitive[@id=concat('', substring('xAy', 2, 1))]", "A"),
    ("//primitive[translate(@type,'umD','UMd')='dUMMy']", "A"),
    ("//nvpair[@value mod 3 = 1]", "A-m-2"),
    ("//nvpair[-@value = -10]", "A-m-2"),
    ("//nvpair[@value - 10 = 0]", "A-m-2"),
    ("//div", ""),
    ("//*[@* = 'lsb']", "B"),
    ("//self::status", "status"),
];

#[test]
fn nodes_are_those_of_libxml2() {
    for (xpath, expected) in CASES {
        assert_eq!(ids(xpath), *expected, "{xpath}");
    }
}

#[test]
fn faults_have_a_place() {
    for (xpath, expected) in [
        ("//primitive[", "character 12: a name is missing"),
        ("//primitive[@id='A'", "character 19: \"]\" is missing"),
        ("//", "character 2: a name is missing"),
        ("//a b", "character 4: the expression should end here"),
        ("foo(1)", "character 0: there is no function foo()"),
        ("//a['x]", "character 4: the text after ' has no end"),
        (
            "//x:a",
            "character 3: prefixes of namespaces are not known here",
        ),
        ("1 + 1", "the expression gives no nodes"),
        ("", "character 0: a name is missing"),
    ] {
        assert_eq!(ids(xpath), expected, "{xpath}");
    }
}

#[test]
fn work_is_bounded() {
    let deep = "(".repeat(10_000);
    assert!(ids(&deep).contains("nested too deep"));
    let many: String = (0..200).map(|i| format!("<e i='{i}'/>")).collect();
    let doc = read(&format!("<a>{many}</a>")).unwrap();
    let costly = "//*[//*[//*[//*/@i != ../@x]]]";
    assert_eq!(select(&doc, costly), Err(XPathError::TooLong));
}

#[test]
fn any_text_is_found_as_it_is() {
    for text in ["", "x", "a'b", "a\"b", "'a\"b'", "\"'\"'", "]"] {
        let mut doc = read("<a/>").unwrap();
        let root = doc.root();
        doc.add_element(root, "e", &[("name", "other")]);
        let wanted = doc.add_element(root, "e", &[("name", text)]);
        let path = format!("//e[@name={}]", literal(text));
        assert_eq!(select(&doc, &path), Ok(vec![wanted]), "{path}");
    }
}
