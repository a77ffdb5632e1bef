use super::*;
use crate::cib::{self, writer};

fn document(edition: &str, configuration: &str) -> Document {
    let text = format!(
        "<cib validate-with='{edition}' admin_epoch='0' epoch='1' num_updates='0'>\
         <configuration>{configuration}</configuration><status/></cib>"
    );
    let mut doc = cib::read(&text).unwrap();
    doc.strip_text();
    doc
}

fn upgraded(edition: &str, configuration: &str) -> (Upgraded, String) {
    let done = upgrade(&document(edition, configuration)).unwrap();
    let top = done.doc.child(done.doc.root(), "configuration").unwrap();
    let text = writer::compact(&done.doc, top);
    (done, text)
}

const REST: &str = "<nodes/><resources/><constraints/>";

#[test]
fn what_needs_no_rewriting_only_changes_its_edition() {
    let configuration = format!("<crm_config/>{REST}");
    for edition in Edition::all().filter(|&edition| edition <= Edition::NEWEST) {
        let (done, text) = upgraded(edition.name(), &configuration);
        assert_eq!(done.edition, Edition::NEWEST);
        assert_eq!(
            done.doc.attr(done.doc.root(), "validate-with"),
            Some("pacemaker-3.9")
        );
        assert_eq!(
            text,
            format!("<configuration>{configuration}</configuration>")
        );
        assert!(done.notes.is_empty() && done.stopped.is_none());
    }
}

#[test]
fn permissions_are_roles() {
    let acls = "<acls><acl_user id='joe'><read id='r' xpath='/cib' attribute='x'/>\
                <deny id='d' ref='p'/></acl_user></acls>";
    let resources = "<crm_config/><nodes/><resources><primitive id='p' class='lsb' type='t'/>\
                     </resources><constraints/>";
    let (done, text) = upgraded("pacemaker-1.3", &format!("{resources}{acls}"));
    assert_eq!(done.edition, Edition::NEWEST);
    assert!(text.contains(
        "<acls><acl_target id=\"joe\"><role id=\"auto-joe\"/></acl_target>\
         <acl_role id=\"auto-joe\"><acl_permission id=\"r\" kind=\"read\" xpath=\"/cib[@x]\"/>\
         <acl_permission id=\"d\" kind=\"deny\" reference=\"p\"/></acl_role></acls>"
    ));
}

#[test]
fn options_go_to_the_defaults_and_references_stay() {
    let configuration = "<crm_config><cluster_property_set id='s'>\
        <nvpair id='a' name='default-action-timeout' value='20'/>\
        <nvpair id='b' name='stonith_enabled' value='false'/></cluster_property_set></crm_config>\
        <nodes><node id='1' uname='n' type='normal'/></nodes><resources>\
        <primitive id='p' class='lsb' type='t'><meta_attributes id='m'>\
        <nvpair id='x' name='isolation' value='y'/></meta_attributes></primitive>\
        <primitive id='q' class='lsb' type='t'><meta_attributes id-ref='m'/></primitive>\
        </resources><constraints/>";
    let (done, text) = upgraded("pacemaker-2.5", configuration);
    assert_eq!(done.edition, Edition::NEWEST);
    for part in [
        "<nvpair id=\"b\" name=\"stonith-enabled\" value=\"false\"/></cluster_property_set>",
        "<node id=\"1\" uname=\"n\" type=\"member\"/>",
        "<nvpair id=\"x\" name=\"target-role\" value=\"Stopped\"/>",
        "<meta_attributes id-ref=\"m\"/>",
        "<op_defaults><meta_attributes id=\"_2TO3_-op-defaults\">\
         <nvpair id=\"a\" name=\"timeout\" value=\"20\"/></meta_attributes></op_defaults>",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let told: Vec<_> = done.notes.iter().map(Note::to_string).collect();
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(
        told[0],
        "DEBUG: cluster_property_set s: nvpair a: default-action-timeout is timeout in \
         op_defaults now"
    );
}

#[test]
fn what_is_valid_nowhere_is_refused_with_what_is_wrong() {
    let doc = document("pacemaker-2.0", &format!("<crm_config/><colour/>{REST}"));
    let faults = upgrade(&doc).unwrap_err();
    assert!(faults[0].text(&doc).contains("colour"));
    let doc = document("pacemaker-1.3", &format!("<crm_config/>{REST}<alerts/>"));
    assert_eq!(upgrade(&doc).unwrap().edition, Edition::NEWEST);
}

#[test]
fn a_cib_of_heartbeat_2_becomes_one_of_today() {
    let configuration = "<crm_config><cluster_property_set id='opts'><attributes>\
        <nvpair id='n1' name='no_quorum_policy' value='stop'/></attributes>\
        </cluster_property_set></crm_config>\
        <nodes><node id='1' uname='a' type='normal'/></nodes><resources>\
        <group id='g'><primitive id='ip' class='ocf' provider='heartbeat' type='IPaddr'>\
        <operations><op id='m' name='monitor' interval='5s' on_fail='restart'/></operations>\
        <instance_attributes id='ip'><attributes><nvpair id='i' name='ip' value='10.0.0.1'/>\
        </attributes></instance_attributes></primitive>\
        <primitive id='web' class='lsb' provider='heartbeat' type='apache2'>\
        <instance_attributes id='web'><attributes>\
        <nvpair id='w' name='target_role' value='started'/></attributes></instance_attributes>\
        </primitive></group>\
        <master_slave id='ms' notify='yes'><primitive id='d' class='ocf' type='drbd'/>\
        </master_slave></resources>\
        <constraints><rsc_order id='o' from='g' type='after' to='ms' to_action='promote'/>\
        <rsc_colocation id='c' from='g' to='ms' to_role='master' score='INFINITY'/>\
        <rsc_location id='l' rsc='g'><rule id='r' score='100' boolean_op='and'>\
        <expression id='e' attribute='#uname' operation='eq' value='a'/></rule></rsc_location>\
        <rsc_location id='x' rsc='gone' node='a' score='1'/></constraints>";
    let configuration = configuration.replace("to_role='master'", "to_role='Master'");
    let (done, text) = upgraded("pacemaker-0.6", &configuration);
    let faults = done.stopped.as_ref().map(|stop| {
        let texts = stop.faults.iter().map(|fault| fault.text(&stop.doc));
        texts.collect::<Vec<_>>()
    });
    assert_eq!(done.edition, Edition::NEWEST, "{faults:?}\n{text}");
    for part in [
        "name=\"no-quorum-policy\" value=\"stop\"",
        "type=\"member\"",
        "<instance_attributes id=\"ip-ip\"><nvpair id=\"i\" name=\"ip\" value=\"10.0.0.1\"/>",
        "<primitive id=\"web\" class=\"lsb\" type=\"apache2\"><meta_attributes \
         id=\"web-meta_attributes\"><nvpair id=\"w\" name=\"target-role\" value=\"Started\"/>",
        "<master id=\"ms\"><meta_attributes id=\"ms-meta_attributes\">",
        "<rsc_order id=\"o\" then=\"g\" first=\"ms\" first-action=\"promote\"/>",
        "<rsc_colocation id=\"c\" rsc=\"g\" with-rsc=\"ms\" with-rsc-role=\"Master\"",
        "boolean-op=\"and\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("gone"));
}
