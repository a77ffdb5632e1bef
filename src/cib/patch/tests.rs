use super::*;
use crate::cib::{read, writer};

fn pair(old: &str, new: &str) -> (Document, Document) {
    (read(old).unwrap(), read(new).unwrap())
}

fn text(doc: &Document) -> String {
    writer::pretty(doc, doc.root())
}

const OLD: &str = "<cib crm_feature_set='3.16.1' epoch='1' num_updates='0' admin_epoch='0'>\
    <configuration><a id='1' x='1' y='2' z='3'/><a id='2' x='1' y='2' z='3'/><!-- c1 -->\
    <b id='b1'/><b id='b2'/><b id='b3'/><!-- c2 --></configuration></cib>";
const NEW: &str = "<cib crm_feature_set='3.16.1' epoch='2' num_updates='0' admin_epoch='0'>\
    <configuration><b id='b3' k='9'/><a id='1' x='7' y='2' z='3'/><a id='2' x='1' z='3'/>\
    <!-- c1 --><c id='c'/><b id='b1' foo='2'/><!-- c2 --></configuration></cib>";

#[test]
fn a_patch_leads_to_the_new_document() {
    let options = Options {
        as_cib: true,
        no_version: false,
    };
    let (old, new) = pair(OLD, NEW);
    let patch = create(&old, &new, options).unwrap();
    let mut result = old.clone();
    apply(&mut result, &patch).unwrap();
    assert_eq!(text(&result), text(&new));
    assert!(create(&result, &new, options).is_none());
    let back = create(&new, &old, options).unwrap();
    assert_eq!(apply(&mut result, &back), Err(Error::Old));
}

#[test]
fn a_patch_of_format_1_leads_to_the_new_document() {
    let legacy = |text: &str| text.replace("3.16.1", "3.0.5").replace("<!-- c1 -->", "");
    let (old, new) = pair(&legacy(OLD), &legacy(NEW));
    let patch = create(&old, &new, Options::default()).unwrap();
    assert_eq!(patch.attr(patch.root(), "format"), Some("1"));
    let mut stripped = patch.clone();
    stripped.remove_attr(stripped.root(), "digest");
    let mut result = old.clone();
    apply(&mut result, &stripped).unwrap();
    // Such a patch knows no order: what was moved stays, what is new comes last.
    let ids = |doc: &Document| {
        let mut ids: Vec<_> = doc
            .descendants(doc.root())
            .filter_map(|n| doc.id(n).map(str::to_owned))
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&result), ids(&new));
    assert_eq!(result.attr(result.by_id("b1").unwrap(), "foo"), Some("2"));
}

#[test]
fn a_patch_of_another_version_is_refused() {
    let (old, new) = pair(OLD, NEW);
    let patch = create(&old, &new, Options::default()).unwrap();
    let mut later = old.clone();
    later.set_attr(later.root(), "epoch", "7");
    assert_eq!(apply(&mut later, &patch), Err(Error::Old));
    let mut earlier = old.clone();
    earlier.set_attr(earlier.root(), "epoch", "0");
    assert_eq!(apply(&mut earlier, &patch), Err(Error::PatchFromLater));
    let mut wrong = patch.clone();
    wrong.set_attr(wrong.root(), "digest", "0");
    assert_eq!(apply(&mut old.clone(), &wrong), Err(Error::PatchFailed));
}

#[test]
fn many_siblings_take_no_longer_than_they_must() {
    let family = |reverse: bool| {
        let mut doc = Document::new("cib");
        let root = doc.root();
        doc.set_attr(root, "crm_feature_set", "3.16.1");
        for i in 0..20_000 {
            let id = if reverse { 20_000 - i } else { i };
            doc.add_element(root, "p", &[("id", &id.to_string())]);
        }
        doc
    };
    let (old, new) = (family(false), family(true));
    let started = std::time::Instant::now();
    let patch = create(
        &old,
        &new,
        Options {
            as_cib: true,
            no_version: true,
        },
    )
    .unwrap();
    let mut result = old.clone();
    apply(&mut result, &patch).unwrap();
    assert_eq!(text(&result), text(&new));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn a_patch_reads_like_pacemakers_log() {
    // Printed by crm_shadow 2.1.5 --diff for the same documents.
    let old = "<cib admin_epoch='0' epoch='3' num_updates='0'><configuration><nodes>\
        <node id='1'/></nodes><resources><group id='g'><primitive id='B' class='ocf'/>\
        <primitive id='A' class='ocf' provider='heartbeat'/></group></resources>\
        </configuration></cib>";
    let new = "<cib admin_epoch='0' epoch='5' num_updates='0'><configuration><nodes/><resources>\
        <group id='g'><primitive id='A' class='lsb'/><primitive id='B' class='ocf'/></group>\
        <group id='h'><primitive id='C'/></group></resources></configuration></cib>";
    let (old, new) = pair(old, new);
    let patch = create_for_display(&old, &new).unwrap();
    assert_eq!(
        describe(&patch).join("\n"),
        "Diff: --- 0.3.0 2\n\
         Diff: +++ 0.5.0 (null)\n\
         -- /cib/configuration/nodes/node[@id='1']\n\
         +  /cib:  @epoch=5\n\
         +  /cib/configuration/resources/group[@id='g']/primitive[@id='A']:  @class=lsb\n\
         -- /cib/configuration/resources/group[@id='g']/primitive[@id='A']:  @provider\n\
         +~ /cib/configuration/resources/group[@id='g']/primitive[@id='A'] moved to offset 0\n\
         +~ /cib/configuration/resources/group[@id='g']/primitive[@id='B'] moved to offset 1\n\
         ++ /cib/configuration/resources:  <group id=\"h\"/>\n\
         ++                                  <primitive id=\"C\"/>\n\
         ++                                </group>"
    );
}
