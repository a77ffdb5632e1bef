use super::*;
use crate::cib::{read, writer};

const CIB: &str = "<cib epoch='1'><configuration><crm_config>\
    <cluster_property_set id='cib-bootstrap-options'>\
    <nvpair id='o' name='enable-acl' value='true'/></cluster_property_set></crm_config>\
    <resources><primitive id='A' class='ocf'><meta_attributes id='A-m'>\
    <nvpair id='A-m-t' name='target-role' value='Stopped'/></meta_attributes></primitive>\
    <primitive id='B' class='ocf'/></resources>\
    <acls><acl_target id='tony'><role id='r'/></acl_target>\
    <acl_group id='staff'><role id='w'/></acl_group>\
    <acl_target id='nobody'/>\
    <acl_role id='r'><acl_permission id='1' kind='read' xpath='/cib'/>\
    <acl_permission id='2' kind='deny' reference='B'/>\
    <acl_permission id='3' kind='write' xpath=\"//primitive[@id='A']/meta_attributes\"/>\
    </acl_role><acl_role id='w'>\
    <acl_permission id='4' kind='write' object-type='nvpair' attribute='value'/></acl_role>\
    </acls></configuration><status/></cib>";

fn user(name: &str, groups: &[&str]) -> User {
    User {
        name: name.into(),
        groups: groups.iter().map(|&g| g.into()).collect(),
    }
}

fn access(name: &str, groups: &[&str]) -> (Document, Access) {
    let doc = read(CIB).unwrap();
    let access = Access::of(&doc, &user(name, groups)).unwrap();
    (doc, access)
}

fn changed(doc: &Document, change: impl FnOnce(&mut Document)) -> Document {
    let mut new = doc.clone();
    change(&mut new);
    new
}

#[test]
fn administrators_and_clusters_without_acls_are_free() {
    let doc = read(CIB).unwrap();
    for name in ["root", "hacluster", ""] {
        assert!(Access::of(&doc, &user(name, &[])).is_none());
    }
    let off = read(&CIB.replace("value='true'", "value='off'")).unwrap();
    assert!(Access::of(&off, &user("tony", &[])).is_none());
}

#[test]
fn what_is_denied_is_not_read() {
    let (doc, access) = access("tony", &[]);
    let seen = access.filtered(&doc).unwrap();
    assert!(seen.by_id("B").is_none());
    assert!(seen.by_id("A-m-t").is_some());
    assert_eq!(seen.attr(seen.root(), "epoch"), Some("1"));
}

#[test]
fn only_the_way_to_what_is_readable_is_seen() {
    let (doc, access) = access("eve", &["staff"]);
    let seen = access.filtered(&doc).unwrap();
    assert_eq!(
        writer::compact(&seen, seen.root()),
        "<cib><configuration><crm_config><cluster_property_set id=\"cib-bootstrap-options\">\
         <nvpair id=\"o\" name=\"enable-acl\" value=\"true\"/></cluster_property_set>\
         </crm_config><resources><primitive id=\"A\"><meta_attributes id=\"A-m\">\
         <nvpair id=\"A-m-t\" name=\"target-role\" value=\"Stopped\"/></meta_attributes>\
         </primitive></resources></configuration></cib>"
    );
    let (doc, nobody) = super::tests::access("nobody", &[]);
    assert_eq!(nobody.filtered(&doc).unwrap_err(), Error::Denied);
}

#[test]
fn writes_are_checked_where_they_are() {
    let (doc, access) = access("tony", &[]);
    let id = |id: &str| doc.by_id(id).unwrap();
    let may = |new: &Document| access.check(&doc, new).is_ok();
    assert!(may(&doc));
    assert!(may(&changed(&doc, |d| d.set_attr(
        id("A-m-t"),
        "value",
        "Started"
    ))));
    assert!(may(&changed(&doc, |d| d.detach(id("A-m-t")))));
    assert!(may(&changed(&doc, |d| d.detach(id("A-m")))));
    assert!(!may(&changed(&doc, |d| d.set_attr(
        id("A"),
        "class",
        "lsb"
    ))));
    assert!(!may(&changed(&doc, |d| d.set_attr(
        id("B"),
        "class",
        "lsb"
    ))));
    assert!(!may(&changed(&doc, |d| d.detach(id("B")))));
    assert!(!may(&changed(&doc, |d| d.set_attr(d.root(), "epoch", "9"))));
    assert!(may(&changed(&doc, |d| {
        d.add_element(id("A-m"), "nvpair", &[("id", "n"), ("name", "x")]);
    })));
    // Scaffolding is free; what says more is not.
    assert!(may(&changed(&doc, |d| {
        d.add_element(id("A"), "instance_attributes", &[("id", "i")]);
    })));
    assert!(!may(&changed(&doc, |d| {
        let set = d.add_element(id("A"), "instance_attributes", &[("id", "i")]);
        d.add_element(set, "nvpair", &[("id", "n"), ("name", "x")]);
    })));
    assert!(!may(&changed(&doc, |d| {
        let acls = d.find(d.root(), &["configuration", "acls"]).unwrap();
        d.add_element(acls, "acl_role", &[("id", "new")]);
    })));
}

#[test]
fn old_spellings_are_read() {
    let old = CIB
        .replace("acl_target id='tony'", "acl_user id='tony'")
        .replace("</acl_target><acl_group", "</acl_user><acl_group")
        .replace("<role id='r'/>", "<role_ref id='r'/>")
        .replace(
            "<acl_permission id='2' kind='deny' reference='B'/>",
            "<deny id='2' ref='B'/>",
        );
    let doc = read(&old).unwrap();
    let access = Access::of(&doc, &user("tony", &[])).unwrap();
    assert!(access.filtered(&doc).unwrap().by_id("B").is_none());
}
