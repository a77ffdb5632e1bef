//! Hosts and whole clusters that leave in order, and what waits for them.

use super::{Cluster, HOSTS, Layer, PATIENCE};
use crate::host::{PROGRAM, shell, within};

const BASE: &str = "property stonith-enabled=true stonith-timeout=20s shutdown-lock=true\n\
primitive switch stonith:fence_lab params pcmk_host_list=\"a b c\"\n\
primitive one ocf:heartbeat:Dummy\nprimitive two ocf:lab:lame\nclone all two\n\
location one-on-b one 100: b";

#[test]
fn a_resource_waits_for_its_host_and_the_whole_cluster_leaves_in_order() {
    leave("crmleave1", Layer::Totem);
}

#[test]
fn so_do_those_of_a_cluster_over_heartbeat() {
    leave("crmleave2", Layer::Heartbeat);
}

fn leave(name: &str, layer: Layer) {
    let Some(mut cluster) = Cluster::with_shell(name, layer) else {
        return;
    };
    cluster.start_all();
    cluster.configure_by_shell("a", BASE);
    cluster.await_at("one", &["b"], "the configuration");
    cluster.await_at("two", &HOSTS, "the configuration");

    // With shutdown-lock a resource isn't started elsewhere while its host is down.
    let leave = format!(
        "kill $(cat {0}) && while [ -e {0} ]; do sleep 0.1; done",
        layer.pid_file()
    );
    cluster.on("b", &leave);
    cluster.await_same(&["a", "c"], "the leave");
    cluster.await_at("one", &[], "the leave");
    let cib = cluster.run("a", "cibadmin -Q -o status").expect("the CIB");
    assert!(cib.contains("shutdown-lock=\""), "{cib}");
    cluster.start("b");
    cluster.await_same(&HOSTS, "the return");
    cluster.await_at("one", &["b"], "the return");
    let cib = cluster.run("a", "cibadmin -Q -o status").expect("the CIB");
    assert!(
        !cib.contains("shutdown-lock=\"1"),
        "it waits no more: {cib}"
    );

    // It may wait for a time only.
    cluster.on("b", &leave);
    cluster.await_same(&["a", "c"], "the second leave");
    cluster.configure_by_shell(
        "c",
        "property shutdown-lock-limit=3s cluster-recheck-interval=2s",
    );
    cluster.await_that("it waited long enough", || {
        matches!(cluster.at("one")[..], ["a" | "c"])
    });
    cluster.start("b");
    cluster.await_same(&HOSTS, "the second return");

    // Nothing is to run, and then it is again.
    cluster.configure_by_shell("a", "property stop-all-resources=true");
    cluster.await_at("two", &[], "stop-all-resources");
    cluster.await_at("one", &[], "stop-all-resources");
    cluster.configure_by_shell("a", "property stop-all-resources=false");
    cluster.await_at("two", &HOSTS, "stop-all-resources was taken back");

    // All leave at once: what they ran has stopped, and nobody was fenced.
    for host in HOSTS {
        cluster.on(host, &format!("kill $(cat {})", layer.pid_file()));
    }
    for host in HOSTS {
        let gone = format!("! kill -0 $(cat {}) 2>/dev/null", layer.pid_file());
        cluster.await_that("all have left", || shell(&cluster.lab, host, &gone).is_ok());
        let left = shell(
            &cluster.lab,
            host,
            "ls /run/lame-two /run/resource-agents/Dummy-one.state",
        );
        assert!(left.is_err(), "{host}: {left:?}\n{}", cluster.logs());
    }
    assert_eq!(cluster.logged("was terminated"), 0, "{}", cluster.logs());
    for host in HOSTS {
        cluster.start(host);
    }
    cluster.await_same(&HOSTS, "the start of all");
    cluster.await_at("two", &HOSTS, "the start of all");
    cluster.end();
}

/// The nodelist gives a node another number: what the CIB has of it stays.
#[test]
fn a_node_with_another_number_keeps_its_attributes() {
    const PAIR: [&str; 2] = ["a", "b"];
    let Some(mut cluster) = Cluster::of("crmid", Layer::Totem, &PAIR) else {
        return;
    };
    PAIR.into_iter().for_each(|host| cluster.start(host));
    cluster.await_same(&PAIR, "the start");
    let stand_by = format!("{PROGRAM} crm_standby -N b -v on");
    shell(&cluster.lab, "a", &stand_by).expect("an attribute");
    for host in PAIR {
        let stop = format!(
            "kill $(cat {0}) && while [ -e {0} ]; do sleep 0.1; done && \
             sed -i 's/nodeid: 2/nodeid: 7/' /etc/corosync/corosync.conf",
            Layer::Totem.pid_file()
        );
        shell(&cluster.lab, host, &stop).expect("it ends");
    }
    PAIR.into_iter().for_each(|host| cluster.start(host));
    let mut nodes = String::new();
    let renumbered = within(PATIENCE, || {
        let tool = format!("{PROGRAM} cibadmin -Q -o nodes");
        nodes = shell(&cluster.lab, "a", &tool).unwrap_or_default();
        nodes.contains("<node id=\"7\" uname=\"b\">") && !nodes.contains("id=\"2\"")
    });
    assert!(renumbered, "{nodes}\n{}", cluster.logs());
    assert!(
        nodes.contains("name=\"standby\" value=\"on\""),
        "it is on standby yet: {nodes}"
    );
    cluster.end();
}
