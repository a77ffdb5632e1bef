use super::*;
use crate::cib;

const EMPTY: &str = "<crm_config/><nodes/><resources/><constraints/>";

fn told(edition: &str, configuration: &str) -> Vec<String> {
    let text = format!(
        "<cib validate-with=\"{edition}\" admin_epoch=\"0\" epoch=\"1\" num_updates=\"0\">\n\
         <configuration>\n{configuration}\n</configuration>\n<status/>\n</cib>"
    );
    let doc = cib::read(&text).unwrap();
    let edition = Edition::named(edition).unwrap();
    let faults = Validator::new(edition).check(&doc);
    let line = |fault: &Fault| fault.line(&doc).unwrap();
    let told = |fault: &Fault| format!("{}: {}", line(fault), fault.text(&doc));
    faults.iter().map(told).collect()
}

fn resource(inner: &str) -> String {
    EMPTY.replace(
        "<resources/>",
        &format!("\n<resources>\n{inner}\n</resources>\n"),
    )
}

#[test]
fn an_empty_document_is_valid_in_every_edition() {
    for edition in Edition::all() {
        assert_eq!(told(edition.name(), EMPTY), Vec::<String>::new());
    }
}

#[test]
fn a_fault_has_its_line_and_what_is_allowed() {
    let inner = "<primitive id='a' class='ocf' type='x'/>\n<primitiv id='b'/>\n\
                 <primitive id='c' class='ocx' type='x' colour='red'/>";
    assert_eq!(
        told("pacemaker-3.9", &resource(inner)),
        [
            "5: element primitive \"a\": it lacks provider",
            "6: in resources: element primitiv \"b\" is not allowed; allowed here: primitive, \
             group, clone, master, template or bundle",
            "7: element primitive \"c\": class=\"ocx\" should be ocf, or lsb, heartbeat, stonith \
             or upstart, or service, systemd or nagios",
            "7: element primitive \"c\": it has no attribute colour; it may have: id, \
             description, class, provider, type, template",
        ]
    );
}

#[test]
fn ids_are_unique_and_references_lead_somewhere() {
    let two = "<primitive id='a' class='lsb' type='x'/>\n<primitive id='a' class='lsb' type='y'/>";
    assert_eq!(
        told("pacemaker-3.9", &resource(two)),
        ["6: element primitive \"a\": id \"a\" is taken by primitive in line 5"]
    );
    let order = "<constraints><rsc_order id='o' first='a' then='b'/></constraints>";
    assert_eq!(
        told("pacemaker-3.9", &EMPTY.replace("<constraints/>", order)),
        [
            "3: element rsc_order \"o\": first refers to \"a\", which is the id of nothing",
            "3: element rsc_order \"o\": then refers to \"b\", which is the id of nothing",
        ]
    );
}

#[test]
fn editions_differ() {
    let bundle = "<bundle id='b'><docker image='x'/></bundle>";
    assert_eq!(told("pacemaker-2.7", &resource(bundle)).len(), 1);
    assert!(told("pacemaker-2.8", &resource(bundle)).is_empty());
    let node = EMPTY.replace(
        "<nodes/>",
        "<nodes><node id='1' uname='n' type='normal'/></nodes>",
    );
    assert!(told("pacemaker-2.10", &node).is_empty());
    assert_eq!(
        told("pacemaker-3.0", &node),
        ["3: element node \"1\": type=\"normal\" should be member, ping or remote"]
    );
}

#[test]
fn what_is_in_the_status_is_free_and_text_is_not() {
    let text = "<cib admin_epoch='0' epoch='1' num_updates='0'><configuration><crm_config/>\
                <nodes/>x<resources/><constraints/></configuration><status a='b'>x<y/></status>\
                </cib>";
    let doc = cib::read(text).unwrap();
    let faults = Validator::new(Edition::NEWEST).check(&doc);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].reason, Reason::Text);
}
