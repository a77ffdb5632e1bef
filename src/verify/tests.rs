use super::*;

/// A CIB without fencing, with one node; parts of its configuration.
fn cib(options: &str, resources: &str, constraints: &str) -> Document {
    let text = format!(
        "<cib have-quorum=\"1\" validate-with=\"none\"><configuration><crm_config>\
         <cluster_property_set id=\"o\">{options}</cluster_property_set></crm_config>\
         <nodes><node id=\"1\" uname=\"n1\"/></nodes><resources>{resources}</resources>\
         <constraints>{constraints}</constraints></configuration><status>\
         <node_state id=\"1\" uname=\"n1\" in_ccm=\"true\" crmd=\"online\" join=\"member\" \
         expected=\"member\"/></status></cib>"
    );
    crate::cib::read(&text).unwrap()
}

const NO_FENCING: &str = "<nvpair id=\"se\" name=\"stonith-enabled\" value=\"false\"/>";

fn primitive(id: &str, inside: &str) -> String {
    format!(
        "<primitive id=\"{id}\" class=\"ocf\" provider=\"pacemaker\" type=\"Dummy\">{inside}\
         </primitive>"
    )
}

/// What is said, each with E or W before it.
fn said(cib: &Document) -> Vec<String> {
    let remarks = check(cib, Clock::default()).into_iter();
    let remarks = remarks.filter(|remark| remark.weight != Weight::Aside);
    let line = |remark: Remark| {
        let weight = match remark.weight {
            Weight::Error => 'E',
            _ => 'W',
        };
        format!("{weight} {}: {}", remark.function, remark.text)
    };
    remarks.map(line).collect()
}

#[track_caller]
fn says(cib: &Document, start: &str) {
    let said = said(cib);
    assert!(said.len() == 1 && said[0].starts_with(start), "{said:?}");
}

#[test]
fn what_is_right_is_silent() {
    let a = primitive("A", "");
    assert_eq!(said(&cib(NO_FENCING, &a, "")), Vec::<String>::new());
}

#[test]
fn fencing_is_missed() {
    let said = said(&cib("", "", ""));
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("E unpack_resources: Resource start-up disabled"));
}

#[test]
fn options_that_mean_nothing_are_errors() {
    for (name, value) in [
        ("no-quorum-policy", "blah"),
        ("batch-limit", "x"),
        ("cluster-delay", "abc"),
        ("symmetric-cluster", "abc"),
    ] {
        let option = format!("{NO_FENCING}<nvpair id=\"x\" name=\"{name}\" value=\"{value}\"/>");
        says(
            &cib(&option, "", ""),
            "E cluster_option_value: Using default value",
        );
    }
}

#[test]
fn operations_are_looked_at() {
    let ops = |ops: &str| {
        let a = primitive("A", &format!("<operations>{ops}</operations>"));
        cib(NO_FENCING, &a, "")
    };
    says(
        &ops("<op id=\"1\" name=\"monitor\" interval=\"10\"/>\
             <op id=\"2\" name=\"monitor\" interval=\"10s\" enabled=\"false\"/>"),
        "E is_op_dup: Operation 2 is duplicate of 1",
    );
    says(
        &ops("<op id=\"1\" name=\"start\" interval=\"10\"/>"),
        "E is_recurring_history: Ignoring 1 because start action cannot be recurring",
    );
    says(
        &ops("<op id=\"1\" name=\"start\" interval=\"0\" on-fail=\"demote\"/>"),
        "E unpack_operation_on_fail: Resetting 'on-fail' for A start action",
    );
    says(
        &ops("<op id=\"1\" name=\"monitor\" interval=\"10\" on-fail=\"fence\"/>"),
        "E unpack_operation: Resetting 'on-fail' for operation 'A_monitor_10000'",
    );
}

#[test]
fn roles_and_requirements_are_looked_at() {
    let meta = |name: &str, value: &str| {
        let pair = format!(
            "<meta_attributes id=\"m\"><nvpair id=\"p\" name=\"{name}\" value=\"{value}\"/>\
             </meta_attributes>"
        );
        cib(NO_FENCING, &primitive("A", &pair), "")
    };
    says(
        &meta("target-role", "Master"),
        "E get_target_role: Ignoring 'target-role' for A because 'Master' only makes sense",
    );
    says(
        &meta("requires", "fencing"),
        "W unpack_requires: A requires fencing",
    );
    says(
        &meta("multiple-active", "foo"),
        "W pe__unpack_resource: foo is not a valid",
    );
    assert!(said(&meta("target-role", "Stopped")).is_empty());
}

#[test]
fn constraints_are_looked_at() {
    let resources = primitive("A", "") + &primitive("B", "");
    let with = |constraint: &str| cib(NO_FENCING, &resources, constraint);
    for (constraint, start) in [
        (
            "<rsc_order id=\"o\" first=\"A\" then=\"Z\"/>",
            "E unpack_order_tags: Ignoring constraint 'o' because 'Z'",
        ),
        (
            "<rsc_order id=\"o\" first=\"A\" then=\"B\" kind=\"foo\"/>",
            "E get_ordering_type: Resetting 'kind' for constraint o",
        ),
        (
            "<rsc_order id=\"o\" first=\"A\" then=\"B\" score=\"0\"/>",
            "W get_ordering_type: Support for 'score'",
        ),
        (
            "<rsc_order id=\"o\" first=\"A\" then=\"B\" kind=\"Serialize\" symmetrical=\"true\"/>",
            "W get_ordering_symmetry: Ignoring symmetrical for 'o'",
        ),
        (
            "<rsc_colocation id=\"c\" rsc=\"A\" with-rsc=\"B\" score=\"1\" influence=\"foo\"/>",
            "E unpack_influence: Constraint 'c'",
        ),
        (
            "<rsc_ticket id=\"t\" rsc=\"A\" ticket=\"T\" loss-policy=\"fence\"/>",
            "E rsc_ticket_new: Resetting 'loss-policy' for ticket 'T'",
        ),
        (
            "<rsc_location id=\"l\" rsc=\"A\" node=\"n1\"/>",
            "E unpack_rsc_location: Ignoring constraint 'l' because it contains no rules",
        ),
    ] {
        says(&with(constraint), start);
    }
}

#[test]
fn a_cib_without_status_is_judged_by_its_configuration_only() {
    let text = "<cib have-quorum='1' validate-with='pacemaker-3.9'><configuration><crm_config/>\
                <nodes><node id='1' uname='a'/></nodes><resources>\
                <primitive id='s' class='stonith' type='fence_x'/></resources><constraints/>\
                </configuration><status/></cib>";
    let cib = crate::cib::read(text).unwrap();
    let whole = check(&cib, Clock::default());
    assert_eq!(whole[0].function, "schedule_fencing", "{whole:?}");
    assert_eq!(check_configuration(&cib, Clock::default()), []);
}
