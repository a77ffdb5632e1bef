//! Words of haresources to agents with parameters by name.

use super::wanted::Agent;
use crate::config::haresources::Resource;

/// What a script's word becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    pub(super) agent: Agent,
    pub(super) params: Vec<(String, String)>,
    /// What to call it.
    pub(super) name: String,
    /// What is different from before.
    pub(super) changes: Option<String>,
    /// What a person must look at.
    pub(super) decide: Option<String>,
}

/// Scripts of resource.d that only call an OCF agent: its name, and its parameters in the order
/// of the script's arguments; `…` takes what is left.
///
/// Source: resource-agents 4.12 heartbeat/, heartbeat 3.0.6 resource.d: the exports of each script
const WRAPPERS: &[(&str, &[&str])] = &[
    ("AudibleAlarm", &["nodelist…"]),
    ("Delay", &["startdelay", "stopdelay", "mondelay"]),
    ("Filesystem", &["device", "directory", "fstype", "options"]),
    ("ICP", &["driveid", "device"]),
    ("LVM", &["volgrpname"]),
    ("LinuxSCSI", &["scsi"]),
    ("MailTo", &["email", "subject"]),
    ("Raid1", &["raidconf", "raiddev"]),
    ("SendArp", &["ip", "nic"]),
    ("ServeRAID", &["serveraid", "mergegroup"]),
    ("WAS", &["config"]),
    ("WinPopup", &["hostfile"]),
    ("Xinetd", &["service"]),
    ("apache", &["configfile"]),
    ("db2", &["instance"]),
    ("ldirectord", &["configfile"]),
    ("portblock", &["protocol", "portno", "action", "ip"]),
];

/// Where a script that is no wrapper is found on the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// In resource.d.
    ResourceD,
    /// As a unit of systemd, not in init.d.
    Unit,
    /// In init.d, or not known.
    InitD,
}

/// The agent for a word.
pub(super) fn translate(resource: &Resource, found: Found) -> Translated {
    match resource.script.as_str() {
        "IPaddr" | "IPaddr2" => address(resource),
        "IPv6addr" => address6(resource),
        "IPsrcaddr" => source_address(resource),
        script => match WRAPPERS.iter().find(|(name, _)| *name == script) {
            Some((name, params)) => wrapped(name, params, resource),
            None => scripted(resource, found),
        },
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// `ADDRESS/MASK/INTERFACE:LABEL/BROADCAST`, several slashes for one.
///
/// Source: spec heartbeat-v1.md section 2
fn address(resource: &Resource) -> Translated {
    let argument = resource.args.first().map_or("", String::as_str);
    let mut parts = argument.split('/').filter(|p| !p.is_empty());
    let ip = parts.next().unwrap_or("");
    let mut params = vec![pair("ip", ip)];
    let mut decide = None;
    if ip.parse::<std::net::Ipv4Addr>().is_err() {
        decide = Some(format!("{ip:?} is no IPv4 address: write the address"));
    }
    match parts.next() {
        Some(mask) => match bits(mask) {
            Some(bits) => params.push(pair("cidr_netmask", &bits.to_string())),
            None => decide = Some(format!("{mask:?} is no netmask: write cidr_netmask")),
        },
        None => {
            let message = "no netmask: IPaddr2 takes that of the interface which has a route to \
                           the address; write cidr_netmask and nic";
            decide = decide.or(Some(message.into()));
        }
    }
    if let Some(interface) = parts.next() {
        let (nic, label) = interface.split_once(':').unwrap_or((interface, ""));
        params.push(pair("nic", nic));
        if !label.is_empty() {
            params.push(pair("iflabel", label));
        }
    }
    params.extend(parts.next().map(|b| pair("broadcast", b)));
    Translated {
        agent: Agent::ocf("heartbeat", "IPaddr2"),
        params,
        name: format!("ip-{ip}"),
        changes: None,
        decide,
    }
}

/// The bits of a mask, written as their number or as four numbers.
fn bits(mask: &str) -> Option<u32> {
    if let Ok(bits) = mask.parse::<u32>() {
        return (bits <= 32).then_some(bits);
    }
    let mask = u32::from(mask.parse::<std::net::Ipv4Addr>().ok()?);
    (mask.leading_ones() + mask.trailing_zeros() >= 32).then_some(mask.leading_ones())
}

/// `ADDRESS/PREFIX/INTERFACE`; the address's own two colons separated arguments.
fn address6(resource: &Resource) -> Translated {
    let argument = resource.args.join("::");
    let mut parts = argument.split('/').filter(|p| !p.is_empty());
    let ip = parts.next().unwrap_or("");
    let mut params = vec![pair("ipv6addr", ip)];
    let names = ["cidr_netmask", "nic"];
    params.extend(names.iter().zip(parts).map(|(n, v)| pair(n, v)));
    let wrong = ip.parse::<std::net::Ipv6Addr>().is_err();
    Translated {
        agent: Agent::ocf("heartbeat", "IPv6addr"),
        params,
        name: format!("ip-{}", ip.replace(':', "-")),
        changes: None,
        decide: wrong.then(|| format!("{ip:?} is no IPv6 address: write the address")),
    }
}

/// `ADDRESS/MASK…`: only the address counts.
fn source_address(resource: &Resource) -> Translated {
    let argument = resource.args.first().map_or("", String::as_str);
    let ip = argument.split('/').next().unwrap_or("");
    Translated {
        agent: Agent::ocf("heartbeat", "IPsrcaddr"),
        params: vec![pair("ipaddress", ip)],
        name: format!("source-{ip}"),
        changes: None,
        decide: None,
    }
}

fn wrapped(script: &str, names: &[&str], resource: &Resource) -> Translated {
    let mut params = Vec::new();
    let mut args = resource.args.iter();
    for name in names {
        if let Some(name) = name.strip_suffix('…') {
            let rest: Vec<_> = args.by_ref().map(String::as_str).collect();
            if !rest.is_empty() {
                params.push(pair(name, &rest.join(" ")));
            }
        } else if let Some(value) = args.next() {
            params.push(pair(name, value));
        }
    }
    let left: Vec<_> = args.map(String::as_str).collect();
    let decide = (!left.is_empty()).then(|| {
        let left = left.join("::");
        format!("ocf:heartbeat:{script} has no parameter for {left:?}: it is left out")
    });
    let name = match script {
        "Filesystem" => resource
            .args
            .get(1)
            .map(|d| format!("fs{}", d.replace('/', "-"))),
        _ => None,
    };
    Translated {
        agent: Agent::ocf("heartbeat", script),
        params,
        name: name.unwrap_or_else(|| script.to_owned()),
        changes: None,
        decide,
    }
}

/// A script of the administrator's, or of the distribution's.
fn scripted(resource: &Resource, found: Found) -> Translated {
    let script = resource.script.as_str();
    let class = match found {
        _ if script == "drbddisk" || !resource.args.is_empty() => "heartbeat",
        Found::ResourceD => "heartbeat",
        Found::Unit => "systemd",
        Found::InitD => "lsb",
    };
    let numbered = resource.args.iter().enumerate();
    let params = numbered
        .map(|(i, value)| pair(&(i + 1).to_string(), value))
        .collect();
    let decide = (script == "drbddisk").then(|| {
        "DRBD: this runs drbddisk as before. For promotion, demotion and fencing by the \
         cluster replace it by ocf:linbit:drbd as a promotable clone"
            .to_owned()
    });
    let changes = match class {
        "systemd" => format!(
            "{script} is run as a unit of systemd: disable it at boot (systemctl disable {script})"
        ),
        _ => format!(
            "the cluster asks {script} for its status on all nodes before it starts anything: it \
             must answer truly (exit 0 running, 3 stopped)"
        ),
    };
    Translated {
        agent: Agent::of_class(class, script),
        params,
        name: script.to_owned(),
        changes: Some(changes),
        decide,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Span;

    fn of(word: &str) -> (String, Vec<String>, bool) {
        let made = translate(&Resource::parse(word, Span::default()), Found::InitD);
        let params = made.params.iter().map(|(n, v)| format!("{n}={v}"));
        (
            made.agent.to_string(),
            params.collect(),
            made.decide.is_some(),
        )
    }

    #[test]
    fn addresses_keep_mask_interface_label_and_broadcast() {
        let ip = "ocf:heartbeat:IPaddr2".to_owned();
        for (word, params, decide) in [
            ("10.0.0.5", &["ip=10.0.0.5"][..], true),
            (
                "IPaddr2::10.0.0.5/24/eth0:1/10.0.0.255",
                &[
                    "ip=10.0.0.5",
                    "cidr_netmask=24",
                    "nic=eth0",
                    "iflabel=1",
                    "broadcast=10.0.0.255",
                ],
                false,
            ),
            (
                "IPaddr::10.0.30.15//8/eth0:10",
                &["ip=10.0.30.15", "cidr_netmask=8", "nic=eth0", "iflabel=10"],
                false,
            ),
            (
                "IPaddr::10.0.0.5/255.255.255.0",
                &["ip=10.0.0.5", "cidr_netmask=24"],
                false,
            ),
            ("IPaddr::10.0.0.5/255.0.255.0", &["ip=10.0.0.5"], true),
            (
                "IPaddr::virtual_ip/24",
                &["ip=virtual_ip", "cidr_netmask=24"],
                true,
            ),
        ] {
            let params = params.iter().map(|p| (*p).to_owned()).collect();
            assert_eq!(of(word), (ip.clone(), params, decide), "{word}");
        }
    }

    #[test]
    fn wrappers_name_their_arguments_and_scripts_number_them() {
        let (agent, params, decide) = of("Filesystem::/dev/sdb1::/data::ext4::noatime");
        assert_eq!(agent, "ocf:heartbeat:Filesystem");
        assert_eq!(
            params,
            [
                "device=/dev/sdb1",
                "directory=/data",
                "fstype=ext4",
                "options=noatime"
            ]
        );
        assert!(!decide);
        assert_eq!(of("drbddisk::r0").0, "heartbeat:drbddisk");
        assert_eq!(of("drbddisk::r0").1, ["1=r0"]);
        assert_eq!(of("nginx").0, "lsb:nginx");
        assert!(
            of("apache::a.conf::more").2,
            "an argument that is left over is told"
        );
    }
}
