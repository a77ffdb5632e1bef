//! Which files the original takes and which it refuses; and what its scripts read in haresources.
//!
//! No daemon is left running: there is no haresources, which ends a start that is else right.

use std::path::Path;

use everbeat::config::diagnostic::{Diagnostic, has_errors};
use everbeat::config::source::Source;
use everbeat::config::{authkeys, ha_cf, haresources, host::DistantHost};
use everbeat::lab::Lab;

use crate::host::{Ground, shell, spec};
use crate::pair::HEARTBEAT;

/// Lines of ha.cf, one a case; `|` is a line's end.
const LINES: &str = include_str!("ha_cf_lines.txt");

/// Whole authkeys files, one a case; `|` is a line's end.
const KEYS: &str = include_str!("authkeys_files.txt");

/// Said when ha.cf and authkeys are right.
const LAST: &str = "Cannot open resources file";

/// What stands before each case.
const BASE: &str = "logfile /var/log/ha-log\nnode a\nbcast eth0\nkeepalive 1\ndeadtime 10\n\
                    auto_failback on\n";

const RESOURCES: [&str; 8] = [
    "a 10.0.0.1/24 httpd\nb 10.0.0.2\n",
    "# c\n\n \t# c\n a\t10.0.0.1   httpd  # c\n",
    "A x y\nB z\na second\n",
    "a x \\\n  y \\\n\tz\nb q\n",
    "a x\\\n y\nb q#c\nb r # c \\\n",
    "a Filesystem::/dev/sdb1::/data::ext4,noatime MailTo::me@example.com::Subject\n",
    "a x",
    "",
];

fn ground(name: &str) -> Option<(Ground, Lab)> {
    let ground = Ground::new();
    if !Path::new(HEARTBEAT).exists() {
        println!("SKIPPED: heartbeat is not installed");
        return None;
    }
    let lab = ground.lab(&spec(name, &["a=10.8.0.1/24"]))?;
    Some((ground, lab))
}

fn put(lab: &Lab, file: &str, text: &str, mode: u32) {
    let path = format!("/etc/ha.d/{file}");
    let written = lab.host("a").write(path, text.as_bytes(), mode);
    written.expect("a file of the host");
}

/// Everything a start that is bound to fail says.
fn start(lab: &Lab) -> String {
    shell(lab, "a", &format!("{HEARTBEAT} 2>&1; true")).expect("it ran")
}

/// Errors as `--strict` counts them.
fn refused(found: Vec<Diagnostic>) -> bool {
    let strict: Vec<_> = found.into_iter().map(Diagnostic::strict).collect();
    has_errors(&strict)
}

fn difference(case: &str, theirs: bool, said: &str, found: &[Diagnostic]) -> String {
    let ours: String = found.iter().map(|d| format!("  {d}\n")).collect();
    let verdict = if theirs { "refused" } else { "taken" };
    format!("{case:?} is {verdict} by heartbeat:\n{said}\nours:\n{ours}")
}

fn cases(list: &str) -> impl Iterator<Item = String> {
    let said = list.lines().filter(|l| !l.starts_with("//"));
    said.map(|l| l.replace('|', "\n") + "\n")
}

#[test]
fn ha_cf_is_refused_where_the_original_refuses_it() {
    let Some((_ground, lab)) = ground("strict") else {
        return;
    };
    put(&lab, "authkeys", "auth 1\n1 sha1 x\n", 0o600);
    let mut differences = Vec::new();
    for case in cases(LINES) {
        let text = format!("{BASE}{case}");
        put(&lab, "ha.cf", &text, 0o644);
        let said = start(&lab);
        let theirs = !said.contains(LAST);
        let (_, found) = ha_cf::read_all(&Source::new("ha.cf", &text), &DistantHost::default());
        if refused(found.clone()) != theirs {
            differences.push(difference(&case, theirs, &said, &found));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn authkeys_is_refused_where_the_original_refuses_it() {
    let Some((_ground, lab)) = ground("keys") else {
        return;
    };
    put(&lab, "ha.cf", BASE, 0o644);
    let mut differences = Vec::new();
    for text in cases(KEYS) {
        put(&lab, "authkeys", &text, 0o600);
        let said = start(&lab);
        let theirs = !said.contains(LAST);
        let (_, found) = authkeys::parse(&Source::new("authkeys", &text));
        if refused(found.clone()) != theirs {
            differences.push(difference(&text, theirs, &said, &found));
        }
    }
    for mode in [0o600, 0o400, 0o640, 0o604, 0o611, 0o622, 0o700] {
        put(&lab, "authkeys", "auth 1\n1 sha1 long-enough-key\n", mode);
        let theirs = start(&lab).contains("Bad permissions on keyfile");
        let source = Source::new("authkeys", "");
        let ours = authkeys::permissions(&source, 0o100_000 | mode).is_some();
        if ours != theirs {
            differences.push(format!("mode {mode:o}: refused {theirs}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn haresources_has_the_groups_that_the_scripts_read() {
    let Some((_ground, lab)) = ground("groups") else {
        return;
    };
    for text in RESOURCES {
        put(&lab, "haresources", text, 0o644);
        let (model, _) = haresources::read_all(&Source::new("haresources", text));
        for node in ["a", "b"] {
            let script = format!(
                "HA_CURHOST={node} HA_RESOURCEDIR=/etc/ha.d/resource.d \
                 /usr/share/heartbeat/ResourceManager ourkeys"
            );
            let theirs = shell(&lab, "a", &script).unwrap_or_default();
            let theirs: Vec<Vec<&str>> = theirs
                .lines()
                .map(|l| l.split_whitespace().collect())
                .collect();
            let ours: Vec<Vec<&str>> = model
                .groups
                .iter()
                .filter(|g| g.node == *node)
                .map(|g| g.resources.iter().map(|r| r.as_written.as_str()).collect())
                .collect();
            assert_eq!(ours, theirs, "{text:?} of {node}");
        }
    }
}
