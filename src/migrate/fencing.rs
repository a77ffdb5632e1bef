//! `stonith_host` lines to fence devices.

use super::names::Names;
use super::wanted::{Agent, Primitive};
use crate::config::ha_cf::StonithHost;
use crate::ids::NodeName;

/// Plugins and their parameters in the order of a stonith_host line; `…` takes what is left.
///
/// Source: cluster-glue 1.0.12, `stonith -t TYPE -n`
const PLUGINS: &[(&str, &[&str])] = &[
    ("apcmaster", &["ipaddr", "login", "password"]),
    ("apcmastersnmp", &["ipaddr", "port", "community"]),
    ("apcsmart", &["ttydev", "hostlist…"]),
    ("baytech", &["ipaddr", "login", "password"]),
    ("cyclades", &["ipaddr", "login", "serialport"]),
    ("drac3", &["host", "login", "password"]),
    ("external/drac5", &["hostname", "ipaddr", "userid"]),
    (
        "external/ibmrsa",
        &["hostname", "ipaddr", "userid", "passwd", "type"],
    ),
    (
        "external/ipmi",
        &["hostname", "ipaddr", "userid", "passwd", "interface"],
    ),
    (
        "external/libvirt",
        &["hostlist", "hypervisor_uri", "reboot_method"],
    ),
    ("external/rackpdu", &["hostlist", "pduip", "community"]),
    (
        "external/riloe",
        &["hostlist", "ilo_hostname", "ilo_user", "ilo_password"],
    ),
    ("external/ssh", &["hostlist…"]),
    ("external/vmware", &["device_host"]),
    ("ibmhmc", &["ipaddr"]),
    ("meatware", &["hostlist…"]),
    ("null", &["hostlist…"]),
    ("nw_rpc100s", &["ttydev", "hostlist…"]),
    (
        "rcd_serial",
        &["hostlist", "ttydev", "dtr_rts", "msduration"],
    ),
    ("rps10", &["serial_to_targets…"]),
    ("ssh", &["hostlist…"]),
    ("suicide", &[]),
    ("wti_mpc", &["ipaddr", "port", "community", "mib-version"]),
    ("wti_nps", &["ipaddr", "password"]),
];

/// What a line becomes.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) primitive: Primitive,
    /// The node that alone may use it.
    pub(super) node: Option<NodeName>,
    pub(super) decide: Option<String>,
}

/// The device of a stonith_host line; none if its plugin isn't known.
pub(super) fn device(line: &StonithHost, nodes: &[NodeName], names: &mut Names) -> Option<Device> {
    let (_, params) = PLUGINS.iter().find(|(name, _)| *name == line.plugin)?;
    let mut values = line.parameters.split_whitespace();
    let mut pairs = Vec::new();
    for param in *params {
        let value = match param.strip_suffix('…') {
            Some(_) => Some(values.by_ref().collect::<Vec<_>>().join(" ")),
            None => values.next().map(str::to_owned),
        };
        let value = value.filter(|v| !v.is_empty());
        pairs.extend(value.map(|v| (param.trim_end_matches('…').to_owned(), v)));
    }
    let node = nodes
        .iter()
        .find(|n| line.host != "*" && line.applies_to(n));
    let (targets, decide) = targets(&pairs, node, nodes);
    pairs.push(("pcmk_host_list".into(), targets.join(" ")));
    pairs.push(("pcmk_host_check".into(), "static-list".into()));
    let host = if line.host == "*" { "all" } else { &line.host };
    let id = names.unique(&format!("fence-{}-{host}", line.plugin));
    Some(Device {
        primitive: Primitive {
            id,
            agent: Agent::of_class("stonith", &line.plugin),
            params: pairs,
            monitor: Some((3600, 60)),
        },
        node: node.cloned(),
        decide,
    })
}

/// The nodes that a device can fence: those it names, or those who don't use it.
fn targets(
    pairs: &[(String, String)],
    user: Option<&NodeName>,
    nodes: &[NodeName],
) -> (Vec<String>, Option<String>) {
    let named = pairs
        .iter()
        .find(|(name, _)| matches!(name.as_str(), "hostlist" | "hostname"));
    if let Some((_, hosts)) = named {
        let hosts = hosts.split([' ', ',']).filter(|h| !h.is_empty());
        return (hosts.map(str::to_owned).collect(), None);
    }
    let others = nodes.iter().filter(|n| Some(*n) != user);
    let hosts: Vec<_> = others.map(NodeName::to_string).collect();
    let decide = format!(
        "the line doesn't say which nodes the device can fence: taken for {}; correct \
         pcmk_host_list, or pcmk_host_map if its outlets have other names",
        hosts.join(" ")
    );
    (hosts, Some(decide))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Span;

    fn of(host: &str, plugin: &str, parameters: &str) -> Option<(String, bool)> {
        let line = StonithHost {
            host: host.into(),
            plugin: plugin.into(),
            parameters: parameters.into(),
            span: Span::default(),
        };
        let nodes = ["a", "b"].map(|n| NodeName::new(n).expect("a name"));
        let made = device(&line, &nodes, &mut Names::default())?;
        let params = made
            .primitive
            .params
            .iter()
            .map(|(n, v)| format!("{n}={v}"));
        let params: Vec<_> = params.collect();
        Some((params.join(";"), made.node.is_some()))
    }

    #[test]
    fn parameters_get_their_names_and_devices_their_hosts() {
        let list = ";pcmk_host_check=static-list";
        let ipmi = of("a", "external/ipmi", "b 10.0.0.9 root secret lan");
        let text = format!(
            "hostname=b;ipaddr=10.0.0.9;userid=root;passwd=secret;interface=lan;\
             pcmk_host_list=b{list}"
        );
        assert_eq!(ipmi, Some((text, true)));
        let text = format!("hostlist=a b;pcmk_host_list=a b{list}");
        assert_eq!(of("*", "meatware", "a b"), Some((text, false)));
        let text = format!("ipaddr=10.0.0.3;login=l;password=p;pcmk_host_list=b{list}");
        assert_eq!(of("a", "baytech", "10.0.0.3 l p"), Some((text, true)));
        assert_eq!(of("*", "unheard_of", "x"), None);
    }

    #[test]
    fn the_table_is_what_the_plugins_say() {
        let stonith = |plugin: &str| {
            let mut command = std::process::Command::new("stonith");
            command.args(["-t", plugin, "-n"]).output().ok()
        };
        if stonith("meatware").is_none_or(|o| !o.status.success()) {
            println!("skipped: cluster-glue is not installed");
            return;
        }
        for (plugin, params) in PLUGINS {
            let output = stonith(plugin).expect("it ran before");
            let text = String::from_utf8_lossy(&output.stdout);
            let words: Vec<_> = text.split_whitespace().collect();
            let ours: Vec<_> = params.iter().map(|p| p.trim_end_matches('…')).collect();
            assert!(words.starts_with(&ours), "{plugin}: {words:?}");
        }
    }
}
