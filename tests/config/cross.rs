//! Files against each other and against a host.

use std::path::Path;

use everbeat::config::check::{self, FileKind, Place, Set};
use everbeat::config::diagnostic::{Diagnostic, Severity};
use everbeat::config::host::Host;
use everbeat::config::source::Source;
use everbeat::ids::NodeName;

use super::{check_together, file, one_line};

const HA_CF: &str = "node alpha beta\nbcast eth0\nbcast eth1\nlogfacility daemon\n\
                     auto_failback on\n";
const KEYS: &str = "auth 1\n1 sha1 a-good-long-key\n";

/// A host with eth0, a user, a group, one program and one script.
struct Fake(NodeName);

impl Host for Fake {
    fn node_name(&self) -> Option<NodeName> {
        Some(self.0.clone())
    }

    fn has_interface(&self, name: &str) -> Option<bool> {
        Some(name == "eth0")
    }

    fn is_program(&self, path: &Path) -> Option<bool> {
        Some(path == Path::new("/bin/there") || path == Path::new("/etc/init.d/nginx"))
    }

    fn exists(&self, path: &Path) -> Option<bool> {
        Some(path == Path::new("/etc/ha.d/ha.cf"))
    }

    fn is_character_device(&self, path: &Path) -> Option<bool> {
        Some(path == Path::new("/dev/ttyS0"))
    }

    fn has_user(&self, user: &str) -> Option<bool> {
        Some(user == "hacluster")
    }

    fn has_group(&self, group: &str) -> Option<bool> {
        Some(group == "haclient")
    }

    fn udp_services(&self) -> &[(String, u16)] {
        &[]
    }
}

fn set(files: &[(FileKind, &str)], place: Place) -> Set {
    let one = |(kind, text): &(FileKind, &str)| file(*kind, Source::new(kind.name(), text));
    Set {
        files: files.iter().map(one).collect(),
        place,
        host_named: false,
        dir: "/etc/ha.d".into(),
    }
}

/// Findings above notes, a line each.
fn on_host(name: &str, ha_cf: &str, haresources: &str) -> Vec<String> {
    let files = [
        (FileKind::HaCf, ha_cf),
        (FileKind::Haresources, haresources),
        (FileKind::Authkeys, KEYS),
    ];
    let host = Fake(NodeName::new(name).expect("a name"));
    let (found, _) = check::check_set(&set(&files, Place::Installed), &host);
    let above = found.iter().filter(|d| d.severity > Severity::Note);
    above
        .map(|d| format!("{}:{}", d.file.display(), one_line(d)))
        .collect()
}

fn together(ha_cf: &str, haresources: &str) -> Vec<String> {
    let files = [
        (FileKind::HaCf, ha_cf),
        (FileKind::Haresources, haresources),
    ];
    let found = check_together(set(&files, Place::Loose).files);
    let above = found.iter().filter(|d| d.severity > Severity::Note);
    above
        .map(|d| format!("{} [{}]", one_line(d), d.help.as_deref().unwrap_or("")))
        .collect()
}

#[test]
fn nodes_of_haresources_are_nodes_of_ha_cf() {
    let found = together(HA_CF, "ALPHA 10.0.0.1/24\nbeta 10.0.0.2/24\n");
    assert_eq!(found, [""; 0]);
    let found = together(HA_CF, "alpah 10.0.0.1/24\n");
    assert_eq!(
        found,
        ["1:1: error: alpah is no node of ha.cf [did you mean alpha?]"]
    );
    let found = together(HA_CF, "httpd alpha 10.0.0.1/24\n");
    assert!(
        found[0].contains("the node's name comes first: alpha"),
        "{found:?}"
    );
    let found = together(HA_CF, "web2 10.0.0.1/24\n");
    assert!(found[0].contains("(alpha, beta)"), "{found:?}");
}

#[test]
fn with_a_crm_haresources_is_not_used() {
    let found = together(&format!("{HA_CF}crm respawn\n"), "nobody 10.0.0.1/24\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("this file is not used"), "{found:?}");
}

#[test]
fn a_shared_disk_without_stonith_is_a_warning() {
    let disk = "alpha Filesystem::/dev/sdb1::/data::ext4\n";
    let found = together(HA_CF, disk);
    assert!(found[0].contains("warning: no STONITH"), "{found:?}");
    let fenced = format!("{HA_CF}stonith_host * meatware alpha beta\n");
    assert_eq!(together(&fenced, disk), [""; 0]);
}

#[test]
fn a_host_is_asked_for_what_the_files_need() {
    let ha_cf = "node alpha beta\nbcast eth0\nbcast eth9\nucast eth8 10.0.0.2\n\
                 serial /dev/ttyS1\nlogfacility daemon\nauto_failback on\n\
                 respawn hacluster /bin/there\nrespawn hacluster /bin/gone\n\
                 respawn nobody /bin/there\napiauth x uid=hacluster,gone gid=gone\n\
                 watchdog /dev/gone\nstonith ssh /etc/ha.d/gone\n";
    let resources = "beta 10.0.0.1/24/eth7 IPaddr2::10.0.0.2/24/eth0 nginx gone\n";
    assert_eq!(
        on_host("beta", ha_cf, resources),
        [
            "ha.cf:3:7: warning, error with --strict: this host has no interface eth9 \
             (heartbeat refuses this)",
            "ha.cf:4:1: warning: this host has no interface eth8",
            "ha.cf:5:8: warning, error with --strict: /dev/ttyS1 is no serial device of this host \
             (heartbeat refuses this)",
            "ha.cf:9:1: error: respawn: /bin/gone is no program here",
            "ha.cf:10:1: error: respawn: this host has no user \"nobody\"",
            "ha.cf:11:1: error: apiauth: this host has no user \"gone\"",
            "ha.cf:11:1: error: apiauth: this host has no group \"gone\"",
            "ha.cf:12:1: warning: /dev/gone is no device of this host",
            "ha.cf:13:1: error: stonith: /etc/ha.d/gone is not there",
            "haresources:1:6: warning: this host has no interface eth7",
            "haresources:1:55: warning: this host has no resource script gone",
        ]
    );
}

#[test]
fn a_host_must_be_a_node() {
    let ha_cf = "node alpha beta\nbcast eth0\nlogfacility daemon\nauto_failback on\n";
    let found = on_host("gamma", ha_cf, "");
    assert_eq!(
        found,
        ["ha.cf:1:12: error: this host is gamma, which is no node here: alpha, beta"]
    );
    let may_join = format!("{ha_cf}autojoin any\ncrm respawn\n");
    assert_eq!(on_host("gamma", &may_join, ""), [""; 0]);
}

#[test]
fn what_depends_on_the_host_counts_by_place() {
    let files = [(FileKind::HaCf, HA_CF)];
    let host = Fake(NodeName::new("gamma").expect("a name"));
    for (place, severity) in [
        (Place::Loose, Severity::Note),
        (Place::Set, Severity::Warning),
        (Place::Installed, Severity::Error),
    ] {
        let (found, _) = check::check_set(&set(&files, place), &host);
        let own = found
            .iter()
            .find(|d| d.message.contains("this host is gamma"));
        assert_eq!(own.map(|d| d.severity), Some(severity), "{place:?}");
        let missing = found
            .iter()
            .filter(|d| d.message == "the file is missing")
            .count();
        assert_eq!(missing, if place == Place::Loose { 0 } else { 2 });
    }
}

#[test]
fn nodes_of_one_cluster_agree() {
    let understood = |ha_cf: &str, haresources: &str| {
        let files = [
            (FileKind::HaCf, ha_cf),
            (FileKind::Haresources, haresources),
        ];
        let host = Fake(NodeName::new("alpha").expect("a name"));
        check::check_set(&set(&files, Place::Set), &host).1
    };
    let first = "alpha 10.0.0.1/24 nginx\nbeta 10.0.0.2/24\nbeta 10.0.0.3/24\n";
    let same = check::compare(&[understood(HA_CF, first), understood(HA_CF, first)]);
    assert_eq!(same, []);
    let second = "beta 10.0.0.1/24 nginx\nbeta 10.0.0.2/24 mysql\nbeta 10.0.0.4/24\n";
    let other = HA_CF
        .replace("beta", "beta gamma")
        .replace("bcast", "udpport 700\nbcast");
    let found = check::compare(&[understood(HA_CF, first), understood(&other, second)]);
    let both = |d: &Diagnostic| {
        let other = d.other.as_ref().expect("the other side");
        format!("{} <> {}:{}", one_line(d), other.line, other.column)
    };
    let found: Vec<_> = found.iter().map(both).collect();
    assert_eq!(
        found,
        [
            "1:17: warning: node gamma is not in ha.cf <> 1:12",
            "3:7: error: port 700 here, port 694 in ha.cf <> 2:7",
            "1:1: warning: the group 10.0.0.1/24 is of beta here, of alpha in haresources <> 1:1",
            "2:1: warning: the group 10.0.0.2/24 has other resources in haresources <> 2:1",
            "3:1: warning: the group 10.0.0.4/24 is not in haresources <> 3:17",
            "3:17: warning: the group 10.0.0.3/24 of haresources is missing here <> 3:1",
        ]
    );
    let stranger = HA_CF.replace("alpha beta", "web1 web2");
    let found = check::compare(&[understood(HA_CF, first), understood(&stranger, second)]);
    assert_eq!(found, [], "another cluster");
}
