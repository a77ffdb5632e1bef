use super::*;
use crate::cib::writer;

fn cib(text: &str) -> (String, Vec<String>) {
    let (doc, told) = read(&Source::new("f.crm", text));
    let wrong = told.into_iter().filter_map(|t| t.became.err());
    (writer::pretty(&doc, doc.root()), wrong.collect())
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    let (xml, wrong) = cib(text);
    assert_eq!(wrong, [""; 0], "{text}");
    for part in parts {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
}

const BASE: &str = "primitive p1 ocf:pacemaker:Dummy\nprimitive p2 ocf:pacemaker:Dummy\n\
                    primitive p3 ocf:pacemaker:Dummy\nprimitive s1 ocf:pacemaker:Stateful\n";

/// The pairs of the spec's appendix, made by the original.
#[test]
fn constraints_are_as_the_original_makes_them() {
    for (text, parts) in [
        (
            "location l1 p1 inf: n1",
            &["<rsc_location id=\"l1\" rsc=\"p1\" score=\"INFINITY\" node=\"n1\"/>"][..],
        ),
        (
            "location l1 p1 rule -inf: not_defined pingd rule pingd: defined pingd",
            &[
                "<rule id=\"l1-rule\" score=\"-INFINITY\">",
                "operation=\"not_defined\" attribute=\"pingd\" id=\"l1-rule-expression\"",
                "<rule id=\"l1-rule-0\" score-attribute=\"pingd\">",
            ],
        ),
        (
            "colocation c1 inf: ( p1 p2 ) p3",
            &[
                "<resource_set sequential=\"false\" id=\"c1-0\">",
                "<resource_set id=\"c1-1\">",
            ],
        ),
        (
            "colocation c1 500: p1:Started s1:Master node-attribute=rack",
            &[
                "score=\"500\" node-attribute=\"rack\" rsc=\"p1\" rsc-role=\"Started\" \
               with-rsc=\"s1\" with-rsc-role=\"Master\"",
            ],
        ),
        (
            "order o1 inf: p1:start p2:stop symmetrical=false",
            &[
                "kind=\"Mandatory\" symmetrical=\"false\" first=\"p1\" first-action=\"start\" \
               then=\"p2\" then-action=\"stop\"",
            ],
        ),
        (
            "order o1 Optional: [ p1 p2 ] p3",
            &["require-all=\"false\" sequential=\"false\" id=\"o1-0\""],
        ),
        (
            "order o1 0: p1 p2",
            &["kind=\"Optional\" first=\"p1\" then=\"p2\""],
        ),
    ] {
        has(&format!("{BASE}{text}\n"), parts);
    }
}

#[test]
fn resources_have_the_ids_that_the_shell_gives() {
    has(
        "ms m s params a=1\ngroup g ip fs meta target-role=Started\n\
         primitive ip IPaddr2 params ip=10.0.0.5 cidr_netmask=24 op monitor interval=10s \
         timeout=20s op start timeout=60s\nprimitive fs ocf:heartbeat:Filesystem \
         device=\"/dev/sdb1\" directory=/data op monitor interval=20 OCF_CHECK_LEVEL=20\n\
         primitive s ocf:linbit:drbd\nproperty stonith-enabled=false\nproperty \
         no-quorum-policy=ignore\nrsc_defaults resource-stickiness=100\nnode 1: n1 attributes \
         rack=a\n",
        &[
            "<group id=\"g\">",
            "<primitive id=\"ip\" class=\"ocf\" provider=\"heartbeat\" type=\"IPaddr2\">",
            "id=\"ip-instance_attributes-ip\"",
            "id=\"ip-monitor-10s\"",
            "<op name=\"start\" timeout=\"60s\" interval=\"0\" id=\"ip-start-0\"/>",
            "id=\"fs-monitor-20-instance_attributes-OCF_CHECK_LEVEL\"",
            "<clone id=\"m\">",
            "name=\"promotable\" value=\"true\"",
            "id=\"cib-bootstrap-options-no-quorum-policy\"",
            "id=\"rsc-options-resource-stickiness\"",
            "<node id=\"1\" uname=\"n1\">",
        ],
    );
}

#[test]
fn what_is_not_understood_is_told_and_left_out() {
    let (xml, wrong) = cib(&format!(
        "{BASE}group g p1 nosuch\nlocation l1 p1 rule 1: date when \
                                     2024-01-01\nacl_target me\n"
    ));
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(
        !xml.contains("rsc_location") && !xml.contains("<group"),
        "{xml}"
    );
}
