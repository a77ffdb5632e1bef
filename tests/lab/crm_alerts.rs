//! The sample alert of pacemaker's package on a cluster of ours: who tells what.

use std::path::Path;

use super::{Cluster, HOSTS, Layer};
use crate::host::shell;

const SAMPLE: &str = "/usr/share/pacemaker/alerts/alert_file.sh.sample";

const CONFIGURATION: &str = "\
property stonith-enabled=true stonith-timeout=20s\n\
primitive switch stonith:fence_lab params pcmk_host_list=\"a b c\"\n\
primitive one ocf:heartbeat:Dummy\n\
location one-on-a one 100: a\n\
alert file /var/lib/alerts/alert_file.sh select nodes fencing resources attributes { colour } \
to /var/lib/alerts/log";

#[test]
fn the_sample_alert_tells_of_nodes_fencing_resources_and_attributes() {
    if !Path::new(SAMPLE).exists() {
        return println!("SKIPPED: pacemaker is not installed");
    }
    let Some(mut cluster) = Cluster::with_shell("crmalert", Layer::Totem) else {
        return;
    };
    let place = format!(
        "mkdir -p /var/lib/alerts && cp {SAMPLE} /var/lib/alerts/alert_file.sh && \
         chmod 755 /var/lib/alerts/alert_file.sh && : >/var/lib/alerts/log && \
         chmod 666 /var/lib/alerts/log"
    );
    for host in HOSTS {
        cluster.on(host, &place);
    }
    cluster.start_all();
    cluster.configure_by_shell("a", CONFIGURATION);
    let told = |host: &str| {
        cluster
            .lab
            .host(host)
            .read("/var/lib/alerts/log")
            .unwrap_or_default()
    };
    let tells = |host: &str, words: &str| told(host).contains(words);
    cluster.await_that("a tells of its resource", || {
        tells("a", "Resource operation 'start' for 'one' on 'a': ok")
    });
    assert!(!tells("b", "'one'"), "b doesn't: {}", told("b"));
    cluster
        .run("b", "attrd_updater -n colour -U red")
        .expect("it is set");
    cluster
        .run("b", "attrd_updater -n other -U red")
        .expect("it is set");
    let words = "Attribute 'colour' on node 'b' was updated to 'red'";
    let tellers = || HOSTS.into_iter().filter(|host| tells(host, words)).count();
    cluster.await_that("the one that writes it tells of it", || tellers() > 0);

    // A new one writes, and tells, all of it again: so look before there is one.
    assert_eq!(tellers(), 1, "the writer only");
    cluster.lab.host("a").kill().expect("power off");
    for host in ["b", "c"] {
        cluster.await_that("the others tell of the node and of its fencing", || {
            tells(host, "Node 'a' is now 'lost'")
                && tells(host, "Fencing Operation reboot of a by ")
        });
        let fenced = told(host);
        let line = fenced.lines().find(|line| line.contains("Fencing"));
        assert!(
            line.is_some_and(|line| line.contains(": OK (ref=")),
            "{fenced}"
        );
    }
    let other = HOSTS.iter().any(|host| tells(host, "'other'"));
    assert!(!other, "it isn't selected");
    assert!(
        shell(
            &cluster.lab,
            "b",
            "grep -q 'Alert.*ended with' /var/log/corosync.log"
        )
        .is_err(),
        "{}",
        cluster.logs()
    );
    cluster.end();
}
