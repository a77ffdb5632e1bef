use super::check;
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::source::Source;
use crate::rules::iso8601::Clock;

fn found(text: &str) -> Vec<Diagnostic> {
    check(&Source::new("cib.xml", text), Clock::utc(1_700_000_000))
}

fn with(config: &str, resources: &str) -> String {
    format!(
        "<cib validate-with=\"pacemaker-3.9\" admin_epoch=\"0\" epoch=\"1\" num_updates=\"0\">\n\
         <configuration>\n<crm_config><cluster_property_set id=\"o\">\n{config}\n\
         </cluster_property_set></crm_config>\n<nodes/>\n<resources>\n{resources}\n</resources>\n\
         <constraints/>\n</configuration>\n<status/>\n</cib>\n"
    )
}

const SERVICE: &str = "<primitive id=\"x\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\">\
                       <operations><op id=\"m\" name=\"monitor\" interval=\"10s\"/></operations>\
                       </primitive>";
const DEVICE: &str = "<primitive id=\"f\" class=\"stonith\" type=\"fence_xvm\"/>";

#[test]
fn a_good_one_has_no_findings() {
    assert_eq!(found(&with("", &format!("{SERVICE}\n{DEVICE}"))), []);
}

#[test]
fn only_what_pacemaker_refuses_counts_more_when_strict() {
    let of = |edition: &str| {
        let text = with("", "").replace("pacemaker-3.9", edition);
        let all = found(&text);
        all.first().map(|d| (d.severity, d.refused_by_original))
    };
    assert_eq!(of("none"), Some((Severity::Warning, false)));
    assert_eq!(of("pacemaker-0.6"), Some((Severity::Warning, true)));
    assert_eq!(of("pacemaker-9"), Some((Severity::Error, false)));
}

#[test]
fn xml_that_is_cut_off_names_the_place() {
    let all = found("<cib>\n <configuration>\n");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].severity, Severity::Error);
    assert!(all[0].message.contains("not well-formed"), "{}", all[0]);
}

#[test]
fn faults_stand_at_their_lines() {
    let all = found(&with(
        "",
        "<primitive id=\"x\" clas=\"ocf\" type=\"Dummy\"/>",
    ));
    let errors: Vec<_> = all
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .collect();
    assert!(!errors.is_empty());
    assert!(errors.iter().all(|d| d.line == 8), "{errors:?}");
    assert!(
        errors.iter().any(|d| d.message.contains("clas")),
        "{errors:?}"
    );
}

#[test]
fn nothing_starts_without_a_device() {
    let all = found(&with("", SERVICE));
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].severity, Severity::Error);
    assert!(all[0].message.starts_with("no resource will start"));
    let off = "<nvpair id=\"s\" name=\"stonith-enabled\" value=\"false\"/>";
    let all = found(&with(off, SERVICE));
    assert_eq!(
        (all.len(), all[0].severity, all[0].line),
        (1, Severity::Warning, 4)
    );
}

#[test]
fn halves_that_both_run_everything_are_warned_of() {
    let both = "<nvpair id=\"s\" name=\"stonith-enabled\" value=\"false\"/>\n\
                <nvpair id=\"q\" name=\"no-quorum-policy\" value=\"ignore\"/>";
    let all = found(&with(both, SERVICE));
    let at = |line| all.iter().filter(|d| d.line == line).count();
    assert_eq!((at(4), at(5)), (1, 1), "{all:?}");
    let ignore = "<nvpair id=\"q\" name=\"no-quorum-policy\" value=\"ignor\"/>";
    let all = found(&with(ignore, &format!("{SERVICE}{DEVICE}")));
    assert!(all[0].message.contains("none that is known"), "{all:?}");
}

#[test]
fn a_resource_that_nobody_watches_is_noted() {
    let bare = "<primitive id=\"x\" class=\"lsb\" type=\"nfs\"/>";
    let all = found(&with("", &format!("{bare}{DEVICE}")));
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].severity, Severity::Note);
}

#[test]
fn older_editions_say_what_becomes_of_them() {
    let old = with("", &format!("{SERVICE}{DEVICE}")).replace("pacemaker-3.9", "pacemaker-1.2");
    let all = found(&old);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(
        all[0].message.contains("nothing in it has to be rewritten"),
        "{all:?}"
    );
}

#[test]
fn operations_that_repeat_each_other_are_found() {
    let twice = SERVICE.replace(
        "</operations>",
        "\n<op id=\"n\" name=\"monitor\" interval=\"10000ms\"/></operations>",
    );
    let all = found(&with("", &format!("{twice}{DEVICE}")));
    assert_eq!((all.len(), all[0].line), (1, 9), "{all:?}");
    assert!(all[0].message.contains("duplicate of m"), "{all:?}");
}
