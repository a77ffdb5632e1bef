//! Which messages run a script of `/etc/ha.d/rc.d`.
//!
//! The daemon does itself what heartbeat's own scripts do; one that an administrator wrote or
//! changed is run.

use std::collections::BTreeSet;
use std::path::Path;

use sha1::{Digest, Sha1};

use crate::agents::is_program;

/// Scripts that came with heartbeat, by SHA-1. Source: heartbeat 3.0.6 of Debian 12,
/// /etc/ha.d/rc.d
const STOCK: [(&str, &str); 5] = [
    ("ask_resources", "425c7b10779b6850c327f3431fe51e37a30eabb9"),
    ("hb_takeover", "3b8b92976884c1612fb2dab0c4e0c8c6d00b97b6"),
    ("ip-request", "ac94873f6a24d6ac40df46be2902407f10b574a2"),
    (
        "ip-request-resp",
        "5d40418fb4de2f886d914b1fb09986efbe3041da",
    ),
    ("status", "3f48ce315903c3c47442d21772e94d2c97cc2dfe"),
];

/// Scripts that come with us.
const OURS: [(&str, &str); 5] = [
    (
        "ask_resources",
        include_str!("../../../compat/ha.d/rc.d/ask_resources"),
    ),
    (
        "hb_takeover",
        include_str!("../../../compat/ha.d/rc.d/hb_takeover"),
    ),
    (
        "ip-request",
        include_str!("../../../compat/ha.d/rc.d/ip-request"),
    ),
    (
        "ip-request-resp",
        include_str!("../../../compat/ha.d/rc.d/ip-request-resp"),
    ),
    ("status", include_str!("../../../compat/ha.d/rc.d/status")),
];

/// Names of the scripts in `dir` that do something of their own.
///
/// Source: `spec/heartbeat-v1.md` section 2: the folder is read once.
pub fn of(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| is_own(name, &dir.join(name))).collect()
}

fn is_own(name: &str, path: &Path) -> bool {
    let Ok(script) = std::fs::read(path) else {
        return false;
    };
    let digest = Sha1::digest(&script)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    is_program(path)
        && !STOCK.contains(&(name, &*digest))
        && !OURS
            .iter()
            .any(|(ours, text)| *ours == name && text.as_bytes() == script)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_programs_that_are_not_stock_count() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str, mode| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        put("status", "#!/bin/sh\nlogger $HA_st\n", 0o755);
        put("ip-request", OURS[2].1, 0o755);
        put(
            "hb_takeover",
            &format!("{}\ntouch /run/seen\n", OURS[1].1),
            0o755,
        );
        put("notes", "not a program", 0o644);
        let own = ["hb_takeover", "status"].map(str::to_owned);
        assert_eq!(of(dir.path()), BTreeSet::from(own));
        assert!(of(Path::new("/nonexistent/rc.d")).is_empty());
    }
}
