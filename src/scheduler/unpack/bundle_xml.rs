//! What a bundle is made of, written out as elements: containers, addresses, connections,
//! and the clone of what runs inside.

use crate::cib::boolean;
use crate::cib::{Document, NodeRef};
use crate::scheduler::score;
use crate::scheduler::unpack::expand::{ConnectionSpec, operation, pair, write_connection};

/// Path of the daemon that runs inside a container. Source: Pacemaker 2.1.5 as packaged.
const REMOTE_DAEMON: &str = "/usr/sbin/pacemaker-remoted";
const KEY_FILE: &str = "/etc/pacemaker/authkey";
const BUNDLE_LOGS: &str = "/var/log/pacemaker/bundles";
const REMOTE_PORT: i64 = 3121;

/// Elements of one replica.
pub struct ReplicaXml {
    /// The container.
    pub container: NodeRef,
    /// Its address.
    pub ip: Option<NodeRef>,
    /// The address as text.
    pub address: Option<String>,
    /// The connection to the node inside.
    pub connection: Option<NodeRef>,
}

/// Elements of a bundle.
pub struct BundleXml {
    /// The clone of the primitive inside.
    pub inner: Option<NodeRef>,
    /// The replicas.
    pub replicas: Vec<ReplicaXml>,
    /// Replicas on one host.
    pub per_host: i32,
    /// Whether more than one were asked for.
    pub unique: bool,
    /// Replicas that are asked for; there may be fewer.
    pub max: i32,
    /// Instances promoted at a time.
    pub promoted_max: i32,
    /// The image.
    pub image: Option<String>,
}

struct Bundle {
    id: String,
    agent: &'static str,
    element: NodeRef,
    replicas: i32,
    per_host: i32,
    promoted_max: i32,
    range_start: Option<String>,
    netmask: Option<String>,
    interface: Option<String>,
    network: Option<String>,
    control_port: Option<String>,
    add_host: bool,
    mounts: Vec<Mount>,
    ports: Vec<(String, String)>,
    has_child: bool,
}

struct Mount {
    source: String,
    target: String,
    options: Option<String>,
    of_replica: bool,
}

/// Writes the parts of a bundle out, `nodes` being there before; none if it has no container, or
/// if what is inside can't be reached.
pub fn write(doc: &mut Document, element: NodeRef, nodes: i32) -> Option<BundleXml> {
    let mut bundle = read(doc, element)?;
    let child = doc.child(element, "primitive");
    let unique = bundle.per_host > 1;
    if child.is_some() && bundle.range_start.is_none() {
        // Without a way in, nothing that is inside can be controlled; the port of a host leads to
        // one replica.
        bundle.control_port.as_ref()?;
        bundle.per_host = 1;
    }
    bundle.has_child = child.is_some();
    let inner = child.map(|child| {
        let clone = write_inner(doc, &bundle, child);
        add_implied(&mut bundle);
        clone
    });
    // As of any clone of what can't be told apart, there is one on each node at most.
    let alike = child.is_some_and(|c| !matches!(doc.attr(c, "class"), Some("ocf" | "stonith")));
    let made = match alike && bundle.per_host > 1 {
        true => bundle.replicas.min(nodes).max(1),
        false => bundle.replicas,
    };
    let addresses = addresses(&bundle, made);
    let mut hosts = String::new();
    for (i, address) in addresses.iter().enumerate() {
        if let Some(address) = address {
            hosts.push_str(&host_option(&bundle, i, address));
        }
    }
    let image = doc.attr(bundle.element, "image").map(str::to_owned);
    let replicas = addresses
        .iter()
        .enumerate()
        .map(|(i, address)| write_replica(doc, &bundle, (i, address.as_deref()), &hosts))
        .collect();
    if let Some(child) = child {
        move_utilization(doc, child, inner, &replicas);
    }
    Some(BundleXml {
        inner,
        replicas,
        per_host: bundle.per_host,
        unique,
        max: bundle.replicas,
        promoted_max: bundle.promoted_max,
        image,
    })
}

fn move_utilization(
    doc: &mut Document,
    child: NodeRef,
    inner: Option<NodeRef>,
    replicas: &Vec<ReplicaXml>,
) {
    let original = doc.clone();
    let sets: Vec<NodeRef> = original.children_named(child, "utilization").collect();
    for replica in replicas {
        for &set in &sets {
            let copy = doc.import(&original, set);
            doc.append(replica.container, copy);
        }
    }
    let Some(copy) = inner.and_then(|inner| doc.child(inner, "primitive")) else {
        return;
    };
    let own: Vec<NodeRef> = doc.children_named(copy, "utilization").collect();
    for set in own {
        doc.detach(set);
    }
}

fn read(doc: &Document, element: NodeRef) -> Option<Bundle> {
    let (container, agent) = [("docker", "docker"), ("rkt", "rkt"), ("podman", "podman")]
        .into_iter()
        .find_map(|(name, agent)| Some((doc.child(element, name)?, agent)))?;
    let text = |node: NodeRef, name: &str| doc.attr(node, name).map(str::to_owned);
    let number = |name: &str| doc.attr(container, name).and_then(score::leading_integer);
    let count = |n: Option<i64>, default: i32| {
        n.map_or(default, |n| {
            i32::try_from(n.clamp(0, 100_000)).unwrap_or(default)
        })
    };
    let promoted = number("promoted-max").or_else(|| number("masters"));
    let promoted_max = count(promoted, 0);
    let default = if promoted_max > 0 { promoted_max } else { 1 };
    let mut bundle = Bundle {
        id: doc.id(element)?.to_owned(),
        agent,
        element: container,
        replicas: count(number("replicas"), default).max(1),
        per_host: count(number("replicas-per-host"), 1).max(1),
        promoted_max,
        range_start: None,
        netmask: None,
        interface: None,
        network: text(container, "network"),
        control_port: None,
        add_host: true,
        mounts: Vec::new(),
        ports: Vec::new(),
        has_child: false,
    };
    if let Some(network) = doc.child(element, "network") {
        bundle.range_start = text(network, "ip-range-start");
        bundle.netmask = text(network, "host-netmask");
        bundle.interface = text(network, "host-interface");
        bundle.control_port = text(network, "control-port");
        bundle.add_host = doc
            .attr(network, "add-host")
            .is_none_or(|v| boolean::parse(v) != Some(false));
        for map in doc.children_named(network, "port-mapping") {
            let from = text(map, "port").or_else(|| text(map, "range"));
            if let Some(from) = from {
                let to = text(map, "internal-port").unwrap_or_else(|| from.clone());
                bundle.ports.push((from, to));
            }
        }
    }
    if let Some(storage) = doc.child(element, "storage") {
        for map in doc.children_named(storage, "storage-mapping") {
            bundle.mounts.extend(read_mount(doc, map));
        }
    }
    Some(bundle)
}

fn read_mount(doc: &Document, map: NodeRef) -> Option<Mount> {
    let plain = doc.attr(map, "source-dir");
    let rooted = doc.attr(map, "source-dir-root");
    Some(Mount {
        source: plain.or(rooted)?.to_owned(),
        target: doc.attr(map, "target-dir")?.to_owned(),
        options: doc.attr(map, "options").map(str::to_owned),
        of_replica: plain.is_none(),
    })
}

fn write_inner(doc: &mut Document, bundle: &Bundle, child: NodeRef) -> NodeRef {
    let suffix = if bundle.promoted_max > 0 {
        "master"
    } else {
        "clone"
    };
    let original = doc.clone();
    let clone = doc.new_element("clone");
    doc.set_attr(clone, "id", &format!("{}-{suffix}", bundle.id));
    let meta = doc.add_element(clone, "meta_attributes", &[]);
    pair(doc, meta, "ordered", Some("true"));
    pair(doc, meta, "clone-max", Some(&bundle.replicas.to_string()));
    pair(
        doc,
        meta,
        "clone-node-max",
        Some(&bundle.per_host.to_string()),
    );
    let unique = if bundle.per_host > 1 { "true" } else { "false" };
    pair(doc, meta, "globally-unique", Some(unique));
    if bundle.promoted_max > 0 {
        pair(doc, meta, "promotable", Some("true"));
        pair(
            doc,
            meta,
            "promoted-max",
            Some(&bundle.promoted_max.to_string()),
        );
    }
    let copy = doc.import(&original, child);
    doc.append(clone, copy);
    clone
}

fn add_implied(bundle: &mut Bundle) {
    bundle.mounts.push(Mount {
        source: KEY_FILE.to_owned(),
        target: KEY_FILE.to_owned(),
        options: None,
        of_replica: false,
    });
    if !bundle.mounts.iter().any(|m| m.target == "/var/log") {
        bundle.mounts.push(Mount {
            source: BUNDLE_LOGS.to_owned(),
            target: "/var/log".to_owned(),
            options: None,
            of_replica: true,
        });
    }
    let port = bundle
        .control_port
        .clone()
        .unwrap_or_else(|| REMOTE_PORT.to_string());
    bundle.ports.push((port.clone(), port));
}

/// Addresses of the replicas, one after the other; after .254 the third number goes up.
fn addresses(bundle: &Bundle, replicas: i32) -> Vec<Option<String>> {
    let mut last: Option<String> = None;
    (0..replicas)
        .map(|_| {
            let start = bundle.range_start.as_ref()?;
            let next = match &last {
                None => start.clone(),
                Some(last) => next_address(last).unwrap_or_else(|| start.clone()),
            };
            last = Some(next.clone());
            Some(next)
        })
        .collect()
}

fn next_address(last: &str) -> Option<String> {
    let parts: Vec<u32> = last.split('.').filter_map(|p| p.parse().ok()).collect();
    let [a, b, mut c, mut d] = <[u32; 4]>::try_from(parts).ok()?;
    if d > 253 {
        if c > 254 {
            return None;
        }
        c += 1;
        d = 1;
    } else {
        d += 1;
    }
    Some(format!("{a}.{b}.{c}.{d}"))
}

fn host_option(bundle: &Bundle, index: usize, address: &str) -> String {
    if bundle.add_host {
        if bundle.agent == "rkt" {
            format!(" --hosts-entry={address}={}-{index}", bundle.id)
        } else {
            format!(" --add-host={}-{index}:{address}", bundle.id)
        }
    } else {
        format!(" --hosts-entry={address}={}-{index}", bundle.id)
    }
}

fn write_replica(
    doc: &mut Document,
    bundle: &Bundle,
    (index, address): (usize, Option<&str>),
    hosts: &str,
) -> ReplicaXml {
    let ip = address.map(|address| write_ip(doc, bundle, index, address));
    let container = write_container(doc, bundle, (index, address), hosts);
    let connection = bundle.has_child.then(|| {
        let name = format!("{}-{index}", bundle.id);
        let owner = doc.id(container).unwrap_or("").to_owned();
        let spec = ConnectionSpec {
            address: Some(address.unwrap_or("#uname").to_owned()),
            port: Some(
                bundle
                    .control_port
                    .clone()
                    .unwrap_or_else(|| REMOTE_PORT.to_string()),
            ),
            ..ConnectionSpec::default()
        };
        write_connection(doc, &name, &owner, &spec)
    });
    ReplicaXml {
        container,
        ip,
        address: address.map(str::to_owned),
        connection,
    }
}

fn write_primitive(doc: &mut Document, id: &str, provider: &str, agent: &str) -> NodeRef {
    let element = doc.new_element("primitive");
    let attrs = [
        ("id", id),
        ("class", "ocf"),
        ("provider", provider),
        ("type", agent),
    ];
    for (name, value) in attrs {
        doc.set_attr(element, name, value);
    }
    element
}

/// Ids have no colons and number signs. Source: `crm_xml_sanitize_id`.
fn clean_id(id: &str) -> String {
    id.replace([':', '#'], ".")
}

fn write_ip(doc: &mut Document, bundle: &Bundle, index: usize, address: &str) -> NodeRef {
    let id = clean_id(&format!("{}-ip-{address}", bundle.id));
    let element = write_primitive(doc, &id, "heartbeat", "IPaddr2");
    let set_id = format!("{}-attributes-{index}", bundle.id);
    let set = doc.add_element(element, "instance_attributes", &[("id", &*set_id)]);
    pair(doc, set, "ip", Some(address));
    pair(doc, set, "nic", bundle.interface.as_deref());
    pair(
        doc,
        set,
        "cidr_netmask",
        Some(bundle.netmask.as_deref().unwrap_or("32")),
    );
    let ops = doc.add_element(element, "operations", &[]);
    operation(doc, ops, &id, ["monitor", "60s"], None);
    element
}

fn write_container(
    doc: &mut Document,
    bundle: &Bundle,
    (index, address): (usize, Option<&str>),
    hosts: &str,
) -> NodeRef {
    let id = clean_id(&format!("{}-{}-{index}", bundle.id, bundle.agent));
    let attr = |name: &str| doc.attr(bundle.element, name).map(str::to_owned);
    let (image, command, options) = (attr("image"), attr("run-command"), attr("options"));
    let (run_opts, mount_points) = run_options(bundle, (index, address), options, hosts);
    let element = write_primitive(doc, &id, "heartbeat", bundle.agent);
    let set_id = format!("{}-attributes-{index}", bundle.id);
    let set = doc.add_element(element, "instance_attributes", &[("id", &*set_id)]);
    pair(doc, set, "image", image.as_deref());
    pair(doc, set, "allow_pull", Some("true"));
    pair(doc, set, "force_kill", Some("false"));
    pair(doc, set, "reuse", Some("false"));
    pair(doc, set, "run_opts", Some(&run_opts));
    pair(doc, set, "mount_points", Some(&mount_points));
    let command = match bundle.has_child {
        true => Some(command.as_deref().unwrap_or(REMOTE_DAEMON)),
        false => command.as_deref(),
    };
    pair(doc, set, "run_cmd", command);
    // Whether the container is alive is all that is asked: what runs in it is monitored apart.
    pair(doc, set, "monitor_cmd", Some("/bin/true"));
    let ops = doc.add_element(element, "operations", &[]);
    operation(doc, ops, &id, ["monitor", "60s"], None);
    element
}

fn run_options(
    bundle: &Bundle,
    (index, address): (usize, Option<&str>),
    options: Option<String>,
    hosts: &str,
) -> (String, String) {
    let name = format!("{}-{index}", bundle.id);
    let mut opts = String::new();
    if bundle.agent == "docker" {
        opts.push_str(" --restart=no");
    }
    let rkt = bundle.agent == "rkt";
    if address.is_some() {
        let flag = if rkt { "--hostname=" } else { "-h " };
        opts.push_str(&format!(" {flag}{name}"));
    }
    let environment = if rkt { "--environment=" } else { "-e " };
    opts.push_str(&format!(" {environment}PCMK_stderr=1"));
    if let Some(network) = &bundle.network {
        opts.push_str(&format!(" --net={network}"));
    }
    if let Some(port) = &bundle.control_port {
        opts.push_str(&format!(" {environment}PCMK_remote_port={port}"));
    } else {
        opts.push_str(&format!(" {environment}PCMK_remote_port={REMOTE_PORT}"));
    }
    let mut points = Vec::new();
    for (i, mount) in bundle.mounts.iter().enumerate() {
        let source = if mount.of_replica {
            let source = format!("{}/{name}", mount.source);
            points.push(source.clone());
            source
        } else {
            mount.source.clone()
        };
        if rkt {
            opts.push_str(&rkt_mount(i, &source, mount));
        } else {
            opts.push_str(&format!(" -v {source}:{}", mount.target));
            if let Some(options) = &mount.options {
                opts.push_str(&format!(":{options}"));
            }
        }
    }
    for (from, to) in &bundle.ports {
        let host_network = bundle.network.as_deref() == Some("host");
        let option = match address {
            Some(address) if rkt => format!(" --port={to}:{address}:{from}"),
            Some(address) => format!(" -p {address}:{from}:{to}"),
            None if host_network => continue,
            None if rkt => format!(" --port={to}:{from}"),
            None => format!(" -p {from}:{to}"),
        };
        opts.push_str(&option);
    }
    if let Some(options) = options {
        opts.push_str(&format!(" {options}"));
    }
    opts.push_str(&format!(" {hosts}"));
    (opts, points.join(","))
}

fn rkt_mount(index: usize, source: &str, mount: &Mount) -> String {
    let options = mount
        .options
        .as_ref()
        .map_or(String::new(), |o| format!(",{o}"));
    format!(
        " --volume vol{index},kind=host,source={source}{options} \
         --mount volume=vol{index},target={}",
        mount.target
    )
}
