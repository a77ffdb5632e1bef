//! Alerts: what their programs find, beside the original; and the sample program of its package.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::{Alone, ORIGINAL, PATIENCE, primitive};
use crate::host::{PROGRAM, within};

/// Writes down all that it is told, and who it is.
const TELLER: &[u8] = b"#!/bin/sh\n\
{ env | grep -E '^(CRM_|given)' | sort; echo \"who=$(id -un) $(id -Gn)\"; } \
>\"/var/told/$CRM_alert_node_sequence\"\n";

/// Values that are not the same twice.
const OF_THE_MOMENT: [&str; 5] = [
    "timestamp",
    "timestamp_epoch",
    "timestamp_usec",
    "node_sequence",
    "exec_time",
];

const ALERTS: &str = "<alerts><alert id=\"teller\" path=\"/var/lib/teller\">\
<select><select_nodes/><select_fencing/><select_resources/><select_attributes>\
<attribute id=\"s1\" name=\"colour\"/></select_attributes></select>\
<instance_attributes id=\"ti\"><nvpair id=\"ti1\" name=\"given\" value=\"a b\"/>\
</instance_attributes><meta_attributes id=\"tm\">\
<nvpair id=\"tm1\" name=\"timestamp-format\" value=\"%s.%06N\"/>\
</meta_attributes><recipient id=\"tr\" value=\"whom\"/></alert></alerts>";

/// Without a device a node that nobody saw is asked to be fenced in vain.
const OPTIONS: &str = "<crm_config><cluster_property_set id=\"cib-bootstrap-options\">\
<nvpair id=\"o1\" name=\"stonith-enabled\" value=\"false\"/>\
<nvpair id=\"o2\" name=\"no-quorum-policy\" value=\"ignore\"/>\
</cluster_property_set></crm_config>";

type Told = BTreeMap<String, String>;

impl Alone {
    fn starts_original(&mut self) -> bool {
        let real = ["/usr/sbin/pacemakerd", "/usr/sbin/corosync"];
        if !real.iter().all(|program| Path::new(program).exists()) {
            println!("SKIPPED: pacemaker is not installed");
            return false;
        }
        self.sh("p", "mkdir -p /var/log/pacemaker /var/log/cluster")
            .expect("folders");
        self.spawn("p", "corosync", &["-f"]);
        let quorate = || self.sh("p", "corosync-quorumtool -s").is_ok();
        assert!(within(PATIENCE, quorate));
        self.spawn("p", "pacemakerd", &[]);
        let up = || {
            self.sh("p", "crm_mon -1 | grep -q 'Online: \\[ a \\]'")
                .is_ok()
        };
        assert!(within(PATIENCE, up), "the original starts");
        true
    }

    /// What the program was told on a host, in the order of the alerts.
    fn told(&self, host: &str) -> Vec<Told> {
        let all = self.sh(
            host,
            "cd /var/told && for f in $(ls | sort -n); do cat $f; echo; done",
        );
        let all = all.unwrap_or_default();
        let one = |text: &str| {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        all.split("\n\n").map(one).collect()
    }
}

/// The same without what differs from run to run.
fn comparable(told: &Told) -> Told {
    let mut told = told.clone();
    for prefix in ["CRM_alert_", "CRM_notify_"] {
        for name in OF_THE_MOMENT {
            if let Some(value) = told.get_mut(&format!("{prefix}{name}")) {
                let number =
                    !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || c == '.');
                *value = if number { "a number" } else { "no number" }.to_owned();
            }
        }
    }
    told
}

/// What was told of one thing, last.
fn of<'a>(all: &'a [Told], pairs: &[(&str, &str)]) -> Option<&'a Told> {
    let is = |told: &&Told| {
        pairs.iter().all(|(name, value)| {
            told.get(&format!("CRM_alert_{name}")).map(String::as_str) == Some(value)
        })
    };
    all.iter().rev().find(is)
}

#[test]
fn alerts_find_what_those_of_pacemaker_find() {
    let Some(mut alone) = Alone::new("alert1", &["e", ORIGINAL]) else {
        return;
    };
    for host in ["e", ORIGINAL] {
        alone
            .lab
            .host(host)
            .write("/var/lib/teller", TELLER, 0o755)
            .expect("a file");
        alone
            .sh(host, "mkdir /var/told && chmod 777 /var/told")
            .expect("a folder");
    }
    alone.start("e");
    if !alone.starts_original() {
        return alone.end();
    }
    let dummy = primitive("D", "ocf:heartbeat", "Dummy", &[]);
    let clusters = [("e", format!("{PROGRAM} ")), (ORIGINAL, String::new())];
    for (host, tool) in &clusters {
        for (change, xml) in [
            ("-C -o configuration", ALERTS.to_owned()),
            ("-R -o crm_config", OPTIONS.to_owned()),
            ("-R -o resources", format!("<resources>{dummy}</resources>")),
        ] {
            let done = alone.sh(host, &format!("{tool}cibadmin {change} -X '{xml}'"));
            done.expect("it is configured");
        }
    }
    let wanted: [&[(&str, &str)]; 5] = [
        &[("kind", "resource"), ("rsc", "D"), ("task", "start")],
        &[
            ("kind", "resource"),
            ("task", "monitor"),
            ("interval", "2000"),
            ("rc", "0"),
        ],
        &[
            ("kind", "resource"),
            ("task", "monitor"),
            ("rc", "7"),
            ("desc", "not running"),
            ("interval", "2000"),
        ],
        &[("kind", "resource"), ("rsc", "D"), ("task", "stop")],
        &[("kind", "attribute"), ("attribute_value", "red")],
    ];
    let await_told = |host: &str, pairs: &[(&str, &str)]| {
        let came = within(PATIENCE, || of(&alone.told(host), pairs).is_some());
        assert!(
            came,
            "{host}: {pairs:?} in\n{:#?}\n{}",
            alone.told(host),
            alone.log(host)
        );
    };
    for (host, tool) in &clusters {
        await_told(host, wanted[0]);
        await_told(host, wanted[1]);
        alone
            .sh(host, "rm /run/resource-agents/Dummy-D.state")
            .expect("it ran");
        await_told(host, wanted[2]);
        await_told(host, wanted[3]);
        for (name, value) in [("colour", "red"), ("other", "x")] {
            alone
                .sh(host, &format!("{tool}attrd_updater -n {name} -U {value}"))
                .expect("it is set");
        }
        await_told(host, wanted[4]);
    }
    std::thread::sleep(Duration::from_secs(1));
    let (ours, theirs) = (alone.told("e"), alone.told(ORIGINAL));
    for pairs in wanted {
        let of = |all: &[Told]| of(all, pairs).map(comparable);
        assert_eq!(of(&ours), of(&theirs), "{pairs:?}");
    }
    let others = |all: &[Told]| of(all, &[("attribute_name", "other")]).is_some();
    assert!(!others(&ours) && !others(&theirs), "only what is selected");
    alone.end();
}
