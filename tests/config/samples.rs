//! The samples of conf/ are a configuration that starts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use everbeat::config::check::{self, File, FileKind, Place, Set};
use everbeat::config::diagnostic::Severity;
use everbeat::config::ha_cf::AutoFailback;
use everbeat::config::host::DistantHost;
use everbeat::config::source::Source;
use everbeat::ids::NodeName;

fn conf(kind: FileKind) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("conf")
        .join(kind.name())
}

#[test]
fn samples_draw_no_warning_on_either_node() {
    for name in ["alpha", "beta"] {
        let file = |kind| File {
            kind,
            source: Source::read(&conf(kind)).expect("the sample is there"),
            mode: Some(0o100_600),
            reported: true,
        };
        let set = Set {
            files: FileKind::OF_HEARTBEAT.map(file).to_vec(),
            place: Place::Installed,
            host_named: false,
            dir: "/etc/ha.d".into(),
        };
        let host = DistantHost {
            name: Some(NodeName::new(name).expect("a name")),
        };
        let (found, understood) = check::check_set(&set, &host);
        let bad: Vec<_> = found
            .iter()
            .filter(|d| d.severity > Severity::Note)
            .collect();
        assert!(bad.is_empty(), "{bad:?}");
        let (ha_cf, _) = understood.ha_cf.expect("ha.cf is understood");
        assert_eq!(ha_cf.auto_failback, AutoFailback::On);
        assert_eq!(ha_cf.keepalive, Duration::from_millis(500));
        assert_eq!(ha_cf.deadtime, Duration::from_secs(3));
        assert_eq!(ha_cf.initdead, Duration::from_secs(12));
        assert_eq!(ha_cf.media.len(), 1);
        let (haresources, _) = understood.haresources.expect("haresources is understood");
        assert_eq!(haresources.groups[0].key(), "IPaddr2::10.77.1.100/24/eth0");
        assert_eq!(haresources.groups[0].resources[1].script, "demo-page");
    }
}

/// Lines that are commented out are meant to be used: each by itself is right.
#[test]
fn what_is_commented_out_is_right_too() {
    for kind in [FileKind::HaCf, FileKind::Haresources] {
        let text = std::fs::read_to_string(conf(kind)).expect("the sample is there");
        let opened: Vec<_> = text
            .lines()
            .map(|l| match l.strip_prefix('#') {
                Some(said) if !said.is_empty() && !said.starts_with(' ') => said,
                _ => l,
            })
            .collect();
        let source = Source::new("FILE", &opened.join("\n"));
        let found = super::check_together(vec![super::file(kind, source)]);
        let bad: Vec<_> = found
            .iter()
            .filter(|d| d.severity > Severity::Note)
            .collect();
        assert!(bad.is_empty(), "{bad:?}");
    }
}
