//! Links and addresses by netlink: the switches, the cables, and a host's own interfaces.
//!
//! Each function works in the network namespace of the thread that calls it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use rtnetlink::packet_route::link::{InfoBridge, InfoData, InfoVeth, LinkMessage};
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth, RouteMessageBuilder};

use super::spec::Cidr;

/// Runs `work` with a netlink connection.
fn with_netlink<T>(work: impl AsyncFnOnce(Handle) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (connection, handle, _) =
            rtnetlink::new_connection().context("can't open a netlink socket")?;
        let connection = tokio::spawn(connection);
        let result = work(handle).await;
        connection.abort();
        result
    })
}

async fn find(handle: &Handle, name: &str) -> Result<LinkMessage> {
    let request = handle.link().get().match_name(name);
    let mut links = std::pin::pin!(request.execute());
    let found = links.try_next().await;
    let found = found.with_context(|| format!("can't find the interface {name}"))?;
    found.with_context(|| format!("there is no interface {name}"))
}

/// Makes `count` switches, br0 and so on, and brings up the loopback.
pub fn make_switches(count: usize) -> Result<()> {
    with_netlink(async |handle| {
        loopback_up(&handle).await?;
        for n in 0..count {
            // Without snooping a switch passes multicast on before anyone has joined.
            let bridge = LinkBridge::new(&format!("br{n}"))
                .append_info_data(InfoBridge::MulticastSnooping(false))
                .append_info_data(InfoBridge::ForwardDelay(0))
                .build();
            handle.link().add(bridge).execute().await.context(
                "can't make a bridge (the kernel needs CONFIG_BRIDGE, or the module `bridge`)",
            )?;
        }
        Ok(())
    })
}

/// Where a cable goes.
#[derive(Debug, Clone, Copy)]
pub struct Cable {
    /// Number of the host in the lab.
    pub host: usize,
    /// Number of the interface on the host, and of the switch.
    pub port: usize,
}

impl Cable {
    fn switch_port(self) -> String {
        format!("h{}-{}", self.host, self.port)
    }

    /// The same at every boot, as a machine's is.
    fn hardware_address(self) -> Vec<u8> {
        vec![2, 0xeb, 0, 0, self.port as u8, self.host as u8 + 1]
    }
}

/// Puts a cable between a switch and the host whose init is `pid`.
pub fn connect(cable: Cable, pid: u32, plugged: bool) -> Result<()> {
    with_netlink(async |handle| {
        let bridge = find(&handle, &format!("br{}", cable.port)).await?;
        let far = LinkUnspec::new_with_name(&format!("eth{}", cable.port))
            .address(cable.hardware_address())
            .setns_by_pid(pid)
            .build();
        let port = LinkVeth::new(&cable.switch_port(), "eth")
            .set_info_data(InfoData::Veth(InfoVeth::Peer(far)))
            .controller(bridge.header.index);
        let port = if plugged { port.up() } else { port.down() };
        let result = handle.link().add(port.build()).execute().await;
        result.context("can't make a cable (the kernel needs CONFIG_VETH, or the module `veth`)")
    })
}

/// Plugs a cable in or out.
pub fn plug(cable: Cable, plugged: bool) -> Result<()> {
    with_netlink(async |handle| {
        let port = LinkUnspec::new_with_name(&cable.switch_port());
        let port = if plugged { port.up() } else { port.down() };
        Ok(handle.link().set(port.build()).execute().await?)
    })
}

/// Takes a cable away for good, both ends; one that is gone already is fine.
pub fn disconnect(cable: Cable) -> Result<()> {
    with_netlink(async |handle| {
        let name = cable.switch_port();
        let Ok(link) = find(&handle, &name).await else {
            return Ok(());
        };
        let result = handle.link().del(link.header.index).execute().await;
        // The kernel may just be taking it away together with the host's namespace.
        match find(&handle, &name).await {
            Ok(_) => result.with_context(|| format!("can't take {name} away")),
            Err(_) => Ok(()),
        }
    })
}

/// On a host: brings up the loopback and each interface with its addresses.
pub fn configure_host(ports: &[Vec<Cidr>]) -> Result<()> {
    with_netlink(async |handle| {
        loopback_up(&handle).await?;
        for (n, addresses) in ports.iter().enumerate() {
            let name = format!("eth{n}");
            no_duplicate_detection(&name);
            let index = find(&handle, &name).await?.header.index;
            for cidr in addresses {
                let request = handle.address().add(index, cidr.address, cidr.prefix);
                let result = request.execute().await;
                result.with_context(|| format!("can't give {cidr} to {name}"))?;
            }
            let up = LinkUnspec::new_with_index(index).up().build();
            let result = handle.link().set(up).execute().await;
            result.with_context(|| format!("can't bring {name} up"))?;
            if addresses.iter().any(|c| matches!(c.address, IpAddr::V4(_))) {
                multicast_route(&handle, index, n as u32).await?;
            }
        }
        Ok(())
    })
}

async fn loopback_up(handle: &Handle) -> Result<()> {
    let up = LinkUnspec::new_with_name("lo").up().build();
    let result = handle.link().set(up).execute().await;
    result.context("can't bring the loopback up")
}

/// A route for multicast, as machines with a default route have it; eth0 comes first.
async fn multicast_route(handle: &Handle, index: u32, metric: u32) -> Result<()> {
    let route = RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(Ipv4Addr::new(224, 0, 0, 0), 4)
        .output_interface(index)
        .priority(metric)
        .scope(rtnetlink::packet_route::route::RouteScope::Link)
        .build();
    let result = handle.route().add(route).execute().await;
    result.context("can't add the route for multicast")
}

/// IPv6 addresses of a lab are there at once; a kernel without IPv6 has no such file.
fn no_duplicate_detection(name: &str) {
    let file = Path::new("/proc/sys/net/ipv6/conf")
        .join(name)
        .join("accept_dad");
    let _ = std::fs::write(file, "0");
}
