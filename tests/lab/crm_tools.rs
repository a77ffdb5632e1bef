//! The tools on a running cluster: tickets, checks, agents called by hand, states of controllers.

use super::{Cluster, HOSTS, Layer, PATIENCE, others};
use crate::host::{shell, within};

const NO_FENCING: &str = "<crm_config><cluster_property_set id=\"o\">\
<nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/></cluster_property_set></crm_config>";

const DUMMY: &str = "<resources>\
<primitive id=\"D\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\"/></resources>";

const TICKET: &str = "<constraints>\
<rsc_ticket id=\"t\" rsc=\"D\" ticket=\"T\" loss-policy=\"stop\"/></constraints>";

/// Waits until the resource runs on one host, or on none.
#[track_caller]
fn await_running(cluster: &Cluster, runs: bool, after: &str) -> Option<&'static str> {
    let mut at = None;
    let came = within(PATIENCE, || {
        let mut hosts = HOSTS.into_iter();
        let state = "test -e /run/resource-agents/Dummy-D.state";
        at = hosts.find(|host| shell(&cluster.lab, host, state).is_ok());
        at.is_some() == runs
    });
    assert!(came, "after {after}: {at:?}\n{}", cluster.logs());
    at
}

#[test]
fn tickets_move_resources_and_tools_ask_the_cluster() {
    let Some(mut cluster) = Cluster::new("crmtools", Layer::Totem) else {
        return;
    };
    HOSTS.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&HOSTS, "the start");
    cluster.replace("a", "crm_config", NO_FENCING);
    cluster.replace("a", "resources", DUMMY);
    await_running(&cluster, true, "the configuration");
    cluster.replace("a", "constraints", TICKET);
    await_running(&cluster, false, "the constraint");

    let run = |host: &str, tool: &str| {
        let said = cluster.run(host, tool);
        said.map(|text| text.trim_end().to_owned())
    };
    assert!(run("b", "crm_ticket -t T -g").is_err(), "it needs --force");
    run("b", "crm_ticket -t T -g --force").expect("it is granted");
    let owner = await_running(&cluster, true, "the grant").expect("a host");
    let line = run("c", "crm_ticket -l").expect("the ticket");
    assert!(
        line.starts_with("T\tgranted           last-granted='"),
        "{line}"
    );
    assert_eq!(
        run("c", "crm_ticket -t T -G granted").as_deref(),
        Ok("true")
    );
    let other = others(owner)[0];
    assert!(run(owner, "crm_resource -r D --force-check").is_ok());
    assert!(run(other, "crm_resource -r D --force-check").is_err());
    run("a", "crm_ticket -t T -s").expect("standby");
    await_running(&cluster, false, "standby");
    run("a", "crm_ticket -t T -a").expect("active");
    await_running(&cluster, true, "activation");
    run("a", "crm_ticket -t T -r --force").expect("it is revoked");
    await_running(&cluster, false, "the revocation");
    let cleaned = run("a", "crm_ticket -t T -C");
    assert_eq!(cleaned.as_deref(), Ok("Cleaned up T"));

    assert_eq!(run("b", "crm_verify -L -VV 2>/dev/null").as_deref(), Ok(""));
    run("b", "crm_attribute -n no-quorum-policy -v blah").expect("it is set");
    let code = run("b", "crm_verify -L 2>/dev/null; echo $?");
    assert_eq!(code.as_deref(), Ok("78"));
    states_are_told(&cluster);
    cluster.end();
}

/// Each controller tells its own state, whichever host is asked.
fn states_are_told(cluster: &Cluster) {
    let run = |host: &str, tool: &str| cluster.run(host, tool);
    let settled = || {
        let dc = run("a", "crmadmin -qD").unwrap_or_default();
        let told = HOSTS.map(|host| {
            let state = run("b", &format!("crmadmin -qS {host}"));
            let wanted = if dc.trim() == host {
                "S_IDLE"
            } else {
                "S_NOT_DC"
            };
            state.is_ok_and(|state| state.trim() == wanted)
        });
        told.into_iter().all(|right| right)
    };
    assert!(within(PATIENCE, settled), "{}", cluster.logs());
    let line = run("c", "crmadmin -S b").expect("a state");
    assert!(line.starts_with("Controller on b in state S_"), "{line}");
    assert!(run("c", "crmadmin -S nosuch").is_err());
    let xml = run("c", "crmadmin -S b --output-as=xml").expect("a state");
    assert!(xml.contains("<crmd node_name=\"b\" state=\"S_"), "{xml}");
    let daemons = run("c", "crmadmin -P").expect("a state");
    assert!(daemons.starts_with("Status of pacemakerd: 'Pacemaker is running'"));
}
