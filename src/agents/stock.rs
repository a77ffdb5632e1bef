//! Whether a script of an address resource is the one that came with heartbeat.
//!
//! Such a script is not run: the built-in does the same in a few milliseconds. A script that an
//! administrator wrote or changed is run, since it does something else.

use std::path::Path;

use sha1::{Digest, Sha1};

use super::address::AddressKind;

/// Largest script that is looked at, bytes; the stock ones have two thousand.
const SCRIPT_BYTES_MAX: u64 = 65_536;

/// SHA-1 of [`essence`] of the wrappers that call resource-agents.
///
/// Source: heartbeat 3.0.6 of Debian 12, /etc/ha.d/resource.d
const STOCK: [(AddressKind, &str); 4] = [
    (
        AddressKind::IpAddr,
        "aad5f434c0ee00900befd3e416b967167a3c5114",
    ),
    (
        AddressKind::IpAddr2,
        "624bb74e6413e5959fa031907f50afe04e663cce",
    ),
    (
        AddressKind::SendArp,
        "bf330ca287aa3035998d060d78db3f4c1464a0c3",
    ),
    (
        AddressKind::Ipv6Addr,
        "bf2d6feb5dd477f23e8f8826bb3c960b956d206d",
    ),
];

/// Our own wrapper, for all four kinds.
const OURS: &str = include_str!("../../compat/ha.d/resource.d/IPaddr2");

/// True if the script does nothing but what the built-in does.
pub fn is_stock(kind: AddressKind, script: &Path) -> bool {
    let small = script.metadata().is_ok_and(|m| m.len() <= SCRIPT_BYTES_MAX);
    let text = match std::fs::read(script) {
        Ok(bytes) if small => String::from_utf8_lossy(&bytes).into_owned(),
        _ => return false,
    };
    let essence = essence(&text);
    let digest = hex(&Sha1::digest(essence.as_bytes()));
    let known = |(k, d): &(AddressKind, &str)| *k == kind && *d == digest;
    STOCK.iter().any(known) || essence == self::essence(OURS)
}

/// What a script does: its lines without comments, blank lines and indentation, and without the
/// folder that the distribution chose.
fn essence(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let mut essence = String::new();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with(". ") && line.ends_with("hto-mapfuncs") {
            essence.push_str(". hto-mapfuncs");
        } else {
            essence.push_str(line);
        }
        essence.push('\n');
    }
    essence
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_folders_do_not_count() {
        let text = "#!/bin/sh\n# x\n\n  . /etc/ha.d/resource.d//hto-mapfuncs\n\tra_execocf $2\n";
        assert_eq!(essence(text), ". hto-mapfuncs\nra_execocf $2\n");
    }

    #[test]
    fn ours_is_stock_until_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("IPaddr2");
        std::fs::write(&path, OURS).unwrap();
        assert!(is_stock(AddressKind::IpAddr2, &path));
        assert!(is_stock(AddressKind::SendArp, &path));
        std::fs::write(&path, format!("{OURS}\n# a remark\n")).unwrap();
        assert!(is_stock(AddressKind::IpAddr2, &path));
        std::fs::write(&path, format!("logger moving\n{OURS}")).unwrap();
        assert!(!is_stock(AddressKind::IpAddr2, &path));
        assert!(!is_stock(
            AddressKind::IpAddr2,
            &folder.path().join("nosuch")
        ));
    }

    /// Runs where the package heartbeat is installed.
    #[test]
    fn the_packages_scripts_are_stock() {
        for kind in AddressKind::ALL {
            let path = Path::new("/etc/ha.d/resource.d").join(kind.name());
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if text.contains("ra_execocf") {
                assert!(is_stock(kind, &path), "{}", path.display());
            }
        }
    }
}
