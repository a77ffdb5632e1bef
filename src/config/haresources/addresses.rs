//! The arguments of address resources: `ADDRESS/MASK/INTERFACE/BROADCAST`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::model::Resource;
use crate::config::diagnostic::{Findings, Severity};

/// Scripts that bring up an IPv4 address.
const IPV4: [&str; 2] = ["IPaddr", "IPaddr2"];

/// Scripts of heartbeat and resource-agents, for "did you mean".
pub(super) const KNOWN: &[&str] = &[
    "AudibleAlarm",
    "Delay",
    "Filesystem",
    "ICP",
    "IPaddr",
    "IPaddr2",
    "IPsrcaddr",
    "IPv6addr",
    "LVM",
    "LVSSyncDaemonSwap",
    "LinuxSCSI",
    "MailTo",
    "OCF",
    "Raid1",
    "SendArp",
    "ServeRAID",
    "WAS",
    "WinPopup",
    "Xinetd",
    "apache",
    "db2",
    "drbddisk",
    "ids",
    "ldirectord",
    "portblock",
];

/// An address that can't be one, a missing netmask, a script's name in the wrong case.
pub(super) fn check(resource: &Resource, found: &mut Findings<'_>) {
    if IPV4.contains(&resource.script.as_str()) {
        ipv4(resource, found);
    } else if resource.script == "IPv6addr" {
        ipv6(resource, found);
    } else {
        let same = |known: &&&str| known.eq_ignore_ascii_case(&resource.script);
        if let Some(known) = KNOWN.iter().find(same).filter(|k| **k != resource.script) {
            let message = format!("names of scripts have upper and lower case: {known}");
            found.add(Severity::Warning, resource.span, message).help = Some(format!(
                "write {known}, unless a script of your own is named {}",
                resource.script
            ));
        }
    }
}

/// Parts of `ADDRESS/MASK/INTERFACE/BROADCAST`; the scripts take several slashes for one.
struct Parts<'a> {
    address: &'a str,
    mask: Option<&'a str>,
}

fn parts(argument: &str) -> Parts<'_> {
    let mut parts = argument.split('/').filter(|p| !p.is_empty());
    Parts {
        address: parts.next().unwrap_or(""),
        mask: parts.next(),
    }
}

fn ipv4(resource: &Resource, found: &mut Findings<'_>) {
    let Some(argument) = resource.args.first() else {
        let message = format!("{} without an address", resource.script);
        found.add(Severity::Warning, resource.span, message).help =
            Some(format!("write {}::ADDRESS/MASK/INTERFACE", resource.script));
        return;
    };
    let parts = parts(argument);
    if parts.address.parse::<Ipv4Addr>().is_err() {
        let message = format!(
            "{:?} is no IPv4 address: the group can't start",
            parts.address
        );
        found.add(Severity::Warning, resource.span, message).help =
            Some(format!("write {}::ADDRESS/MASK/INTERFACE", resource.script));
        return;
    }
    match parts.mask {
        None => {
            let message = "no netmask: it is taken from the route that leads to the address";
            found.add(Severity::Note, resource.span, message).help = Some(format!(
                "with {}/24/eth0 it is the same whatever the routes are at that moment",
                parts.address
            ));
        }
        Some(mask) if is_mask(mask) => {}
        Some(mask) => {
            let message = format!("{mask:?} is no netmask");
            found.add(Severity::Warning, resource.span, message).help =
                Some("write the number of bits, such as 24".into());
        }
    }
}

/// 0 to 32, or four numbers.
fn is_mask(mask: &str) -> bool {
    let bits = |m: Ipv4Addr| {
        let m = u32::from(m);
        m.leading_ones() + m.trailing_zeros() >= 32
    };
    mask.parse().is_ok_and(|n: u8| n <= 32) || mask.parse().is_ok_and(bits)
}

fn ipv6(resource: &Resource, found: &mut Findings<'_>) {
    // The address itself has two colons: the arguments are put together again.
    let argument = resource.args.join("::");
    let parts = parts(&argument);
    if parts.address.parse::<Ipv6Addr>().is_err() {
        let message = format!(
            "{:?} is no IPv6 address: the group can't start",
            parts.address
        );
        found.add(Severity::Warning, resource.span, message).help = Some(
            "write IPv6addr::ADDRESS/PREFIX/INTERFACE with the address in full, as \
             2001:db8:0:0:0:0:0:1: two colons separate arguments"
                .into(),
        );
    } else if resource.args.len() > 1 {
        let message = "two colons separate arguments: the script gets a part of the address";
        found.add(Severity::Warning, resource.span, message).help =
            Some("write the address in full, as 2001:db8:0:0:0:0:0:1".into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_bits_or_four_numbers() {
        for yes in [
            "0",
            "24",
            "32",
            "255.255.255.0",
            "255.255.255.255",
            "0.0.0.0",
        ] {
            assert!(is_mask(yes), "{yes}");
        }
        for no in ["33", "x", "255.0.255.0", "-1", "1.2.3"] {
            assert!(!is_mask(no), "{no}");
        }
    }

    #[test]
    fn slashes_in_a_row_count_as_one() {
        let parts = parts("10.0.30.15//8/eth0:10");
        assert_eq!((parts.address, parts.mask), ("10.0.30.15", Some("8")));
    }
}
