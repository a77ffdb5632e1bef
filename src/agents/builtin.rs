//! The built-in address resources: start, stop, status in a few milliseconds.
//!
//! What the scripts IPaddr, IPaddr2, IPv6addr and SendArp do, without a process: the address by
//! netlink, the announcement by pnet. State files are those of resource-agents, so that a
//! machine may go from one to the other while resources run.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::address::{AddressArgument, AddressKind};
use super::placement::Network;
use super::state::State;
use crate::runtime::addresses::{Address, Netlink, same_network};
use crate::runtime::announce::{Announcement, Announcer};

/// How often an address is announced and at which distance, the first time counted.
///
/// Source: resource-agents 4.12, defaults of IPaddr2 and SendArp (`arp_count`, `arp_interval`),
/// IPaddr (`ARP_REPEAT`, `ARP_INTERVAL_MS`).
pub fn repetition(kind: AddressKind) -> (u32, Duration) {
    match kind {
        AddressKind::IpAddr => (10, Duration::from_millis(500)),
        AddressKind::IpAddr2 | AddressKind::Ipv6Addr | AddressKind::SendArp => {
            (5, Duration::from_millis(200))
        }
    }
}

/// The address is here and was announced once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// To be repeated in the background; `None` where there is nobody to tell.
    pub announcement: Option<Announcement>,
    /// Lines for the log.
    pub notes: Vec<String>,
}

/// Carries out the actions of the address resources.
#[derive(Debug)]
pub struct BuiltIn {
    /// Folder of the state files.
    pub state_dir: PathBuf,
    /// Tells the neighbours.
    pub announcer: Announcer,
}

impl BuiltIn {
    /// One with its state files in `state_dir`.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            announcer: Announcer::default(),
        }
    }

    /// Makes the address serve here; one that does already is announced again.
    pub async fn start(&self, wanted: &AddressArgument) -> Result<Started, String> {
        let netlink = Netlink::open().map_err(|e| trouble("open netlink", &e))?;
        let network = read(&netlink, wanted).await?;
        let state = State::new(&self.state_dir, wanted.ip);
        let mut notes = Vec::new();
        let served = network.serving(wanted).next().cloned();
        let address = match (wanted.kind, served) {
            (_, Some(address)) => address,
            (AddressKind::SendArp, None) => network.place(wanted)?,
            (_, None) => {
                let address = network.place(wanted)?;
                if wanted.kind == AddressKind::IpAddr2 {
                    free_loopback(&netlink, &network, wanted, &state, &mut notes).await?;
                }
                add(&netlink, &network, &address).await?;
                notes.push(format!("added {}", describe(&network, &address)));
                address
            }
        };
        if wanted.kind == AddressKind::SendArp {
            state
                .mark_announced()
                .map_err(|e| trouble("write the state file", &e))?;
        }
        let announcement = self.announce(&network, &address, &mut notes);
        Ok(Started {
            announcement,
            notes,
        })
    }

    /// Makes the address serve here no more; lines for the log.
    pub async fn stop(&self, wanted: &AddressArgument) -> Result<Vec<String>, String> {
        let state = State::new(&self.state_dir, wanted.ip);
        let mut notes = Vec::new();
        if state.end_announcer() {
            notes.push(format!("ended the announcements of {}", wanted.ip));
        }
        if wanted.kind == AddressKind::SendArp {
            state
                .unmark_announced()
                .map_err(|e| trouble("remove the state file", &e))?;
            return Ok(notes);
        }
        let netlink = Netlink::open().map_err(|e| trouble("open netlink", &e))?;
        let network = read(&netlink, wanted).await?;
        for address in network.serving(wanted) {
            remove(&netlink, &network, address).await?;
            notes.push(format!("removed {}", describe(&network, address)));
        }
        if wanted.kind == AddressKind::IpAddr2 {
            restore_loopback(&netlink, &network, &state, &mut notes).await?;
        }
        Ok(notes)
    }

    /// Whether the address serves here; for SendArp: whether it was started.
    pub async fn status(&self, wanted: &AddressArgument) -> Result<bool, String> {
        if wanted.kind == AddressKind::SendArp {
            return Ok(State::new(&self.state_dir, wanted.ip).is_announced());
        }
        let netlink = Netlink::open().map_err(|e| trouble("open netlink", &e))?;
        let network = read(&netlink, wanted).await?;
        Ok(network.serving(wanted).next().is_some())
    }

    /// The announcement of an address that serves here; `None` if it does not, or nobody is there
    /// to be told.
    pub async fn announcement(
        &self,
        wanted: &AddressArgument,
    ) -> Result<Option<Announcement>, String> {
        let netlink = Netlink::open().map_err(|e| trouble("open netlink", &e))?;
        let network = read(&netlink, wanted).await?;
        let address = match (wanted.kind, network.serving(wanted).next()) {
            (_, Some(address)) => address.clone(),
            (AddressKind::SendArp, None) => network.place(wanted)?,
            (_, None) => return Ok(None),
        };
        Ok(of(&network, &address))
    }

    /// Sends it the first time. An address that serves unannounced is better than none.
    fn announce(
        &self,
        network: &Network,
        address: &Address,
        notes: &mut Vec<String>,
    ) -> Option<Announcement> {
        let announcement = of(network, address)?;
        if let Err(error) = self.announcer.send(&announcement) {
            notes.push(format!("could not announce {}: {error}", address.ip));
        }
        Some(announcement)
    }
}

async fn read(netlink: &Netlink, wanted: &AddressArgument) -> Result<Network, String> {
    let read = async {
        Ok(Network {
            links: netlink.links().await?,
            addresses: netlink.addresses().await?,
            on_link: netlink.on_link(wanted.ip).await?,
        })
    };
    read.await
        .map_err(|e: io::Error| trouble("read the interfaces", &e))
}

async fn add(netlink: &Netlink, network: &Network, address: &Address) -> Result<(), String> {
    match netlink.add(address).await {
        Ok(()) => {}
        // Somebody was quicker; that it is there is what was wanted.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => {
            return Err(trouble(
                &format!("add {}", describe(network, address)),
                &error,
            ));
        }
    }
    if network.link(address.index).is_some_and(|link| !link.up) {
        netlink
            .set_up(address.index)
            .await
            .map_err(|e| trouble("switch the interface on", &e))?;
    }
    Ok(())
}

/// Removes an address. When the first address of a network goes, the kernel may drop all others
/// of that network with it: they are put back.
async fn remove(netlink: &Netlink, network: &Network, address: &Address) -> Result<(), String> {
    let doing = |doing: &str, address| format!("{doing} {}", describe(network, address));
    match netlink.remove(address).await {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {}
        Err(error) => return Err(trouble(&doing("remove", address), &error)),
    }
    let at_risk: Vec<&Address> = network
        .addresses
        .iter()
        .filter(|other| !address.secondary && other.secondary && other.index == address.index)
        .filter(|other| other.prefix == address.prefix)
        .filter(|other| same_network(other.ip, address.ip, address.prefix))
        .collect();
    if at_risk.is_empty() {
        return Ok(());
    }
    let left = netlink.addresses().await;
    let left = left.map_err(|e| trouble("read the addresses", &e))?;
    for lost in at_risk {
        if !left
            .iter()
            .any(|a| a.ip == lost.ip && a.index == lost.index)
        {
            add(netlink, network, lost).await?;
        }
    }
    Ok(())
}

/// Servers behind a load balancer keep the address on the loopback, hidden; the balancer that
/// becomes active takes it off there for as long as it serves it.
async fn free_loopback(
    netlink: &Netlink,
    network: &Network,
    wanted: &AddressArgument,
    state: &State,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let hidden = network.addresses.iter().find(|address| {
        let link = network.link(address.index);
        address.ip == wanted.ip
            && wanted.ip.is_ipv4()
            && address.prefix == 32
            && link.is_some_and(|link| link.loopback)
    });
    if let Some(hidden) = hidden {
        state
            .save_loopback()
            .map_err(|e| trouble("write the state file", &e))?;
        remove(netlink, network, hidden).await?;
        notes.push(format!("took {} off the loopback", wanted.ip));
    }
    Ok(())
}

async fn restore_loopback(
    netlink: &Netlink,
    network: &Network,
    state: &State,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let Some(mut hidden) = state.saved_loopback() else {
        return Ok(());
    };
    if let Some(loopback) = network.links.iter().find(|link| link.loopback) {
        hidden.index = loopback.index;
        add(netlink, network, &hidden).await?;
        notes.push(format!("put {} back on the loopback", hidden.ip));
    }
    state.forget_loopback();
    Ok(())
}

fn of(network: &Network, address: &Address) -> Option<Announcement> {
    let link = network.link(address.index)?;
    link.mac?;
    Some(Announcement {
        ip: address.ip,
        link: link.clone(),
    })
}

fn describe(network: &Network, address: &Address) -> String {
    let link = network.link(address.index).map_or("?", |link| &link.name);
    let label = address.label.as_deref().filter(|label| *label != link);
    let label = label.map(|l| format!(" label {l}")).unwrap_or_default();
    format!("{}/{} on {link}{label}", address.ip, address.prefix)
}

fn trouble(doing: &str, error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => " (root's privilege CAP_NET_ADMIN is needed)",
        _ => "",
    };
    format!("could not {doing}: {error}{hint}")
}

#[cfg(test)]
mod tests;
