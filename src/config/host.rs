//! What a configuration must agree with: the host it is for.

use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::ids::NodeName;

/// UDP port of heartbeat where /etc/services has no `ha-cluster`.
///
/// Source: heartbeat 3.0.6, `UDPPORT`
pub const DEFAULT_PORT: u16 = 694;

/// Questions to the host. `None` means that it can't be known from here.
pub trait Host {
    /// The node's name: `uname -n` in lower case, or the first word of nodeinfo.
    fn node_name(&self) -> Option<NodeName>;
    /// Whether there is a network interface of that name.
    fn has_interface(&self, name: &str) -> Option<bool>;
    /// Whether the file is there and may be executed.
    fn is_program(&self, path: &Path) -> Option<bool>;
    /// Whether the file is there, of any kind.
    fn exists(&self, path: &Path) -> Option<bool>;
    /// Whether the file is a character device.
    fn is_character_device(&self, path: &Path) -> Option<bool>;
    /// Whether there is a user of that name or number.
    fn has_user(&self, user: &str) -> Option<bool>;
    /// Whether there is a group of that name or number.
    fn has_group(&self, group: &str) -> Option<bool>;
    /// UDP services of /etc/services: name and port.
    fn udp_services(&self) -> &[(String, u16)];

    /// The host's name as it is, for corosync, which heeds its case.
    fn host_name(&self) -> Option<String> {
        self.node_name().map(|name| name.to_string())
    }

    /// Addresses of the interfaces that are up, with the bits of their networks.
    fn addresses(&self) -> Option<Vec<(IpAddr, u8)>> {
        None
    }

    /// Addresses that a name stands for; none: it stands for nothing.
    fn resolve(&self, _name: &str) -> Option<Vec<IpAddr>> {
        None
    }

    /// The line of /etc/hosts that has a name.
    fn hosts_line(&self, _name: &str) -> Option<usize> {
        None
    }

    /// What is wrong with the owner or mode of a secret file, in words.
    fn exposed(&self, _path: &Path) -> Option<String> {
        None
    }

    /// The port used where ha.cf says nothing.
    fn default_port(&self) -> u16 {
        let mut services = self.udp_services().iter();
        let ours = services.find(|(name, _)| name == "ha-cluster");
        ours.map_or(DEFAULT_PORT, |(_, port)| *port)
    }
}

/// A host of which only the name is known, if that.
#[derive(Debug, Clone, Default)]
pub struct DistantHost {
    /// Its name.
    pub name: Option<NodeName>,
}

impl Host for DistantHost {
    fn node_name(&self) -> Option<NodeName> {
        self.name.clone()
    }

    fn has_interface(&self, _: &str) -> Option<bool> {
        None
    }

    fn is_program(&self, _: &Path) -> Option<bool> {
        None
    }

    fn exists(&self, _: &Path) -> Option<bool> {
        None
    }

    fn is_character_device(&self, _: &Path) -> Option<bool> {
        None
    }

    fn has_user(&self, _: &str) -> Option<bool> {
        None
    }

    fn has_group(&self, _: &str) -> Option<bool> {
        None
    }

    fn udp_services(&self) -> &[(String, u16)] {
        &[]
    }
}

/// The host this program runs on.
#[derive(Debug, Clone)]
pub struct ThisHost {
    node_name: Option<NodeName>,
    udp_services: Vec<(String, u16)>,
}

impl ThisHost {
    /// Reads the name (nodeinfo of `config_dir` first) and /etc/services.
    pub fn new(config_dir: &Path) -> Self {
        let services = std::fs::read("/etc/services").unwrap_or_default();
        Self {
            node_name: node_name(&config_dir.join("nodeinfo")),
            udp_services: udp_services(&String::from_utf8_lossy(&services)),
        }
    }
}

/// First line of nodeinfo, else `uname -n`; lowered.
///
/// Source: heartbeat 3.0.6, `get_uname_from_nodeinfo`
fn node_name(nodeinfo: &Path) -> Option<NodeName> {
    if let Ok(text) = std::fs::read_to_string(nodeinfo)
        && let Some(first) = text.lines().next()
        && let Ok(name) = NodeName::lowered(first.trim())
    {
        return Some(name);
    }
    let name = nix::unistd::gethostname().ok()?;
    NodeName::lowered(&name.to_string_lossy()).ok()
}

/// Lines `NAME PORT/udp …`.
fn udp_services(text: &str) -> Vec<(String, u16)> {
    let entry = |line: &str| {
        let line = line.split('#').next().unwrap_or("");
        let mut words = line.split_whitespace();
        let name = words.next()?;
        let port = words.next()?.strip_suffix("/udp")?.parse().ok()?;
        Some((name.to_owned(), port))
    };
    text.lines().filter_map(entry).collect()
}

impl Host for ThisHost {
    fn node_name(&self) -> Option<NodeName> {
        self.node_name.clone()
    }

    fn has_interface(&self, name: &str) -> Option<bool> {
        if name.is_empty() || name.contains('/') {
            return Some(false);
        }
        // An alias such as eth0:1 is an address of eth0.
        let device = name.split(':').next().unwrap_or(name);
        let there = PathBuf::from("/sys/class/net").join(device).exists();
        Some(there || nix::net::if_::if_nametoindex(device).is_ok())
    }

    fn is_program(&self, path: &Path) -> Option<bool> {
        let found = std::fs::metadata(path);
        Some(found.is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0))
    }

    fn exists(&self, path: &Path) -> Option<bool> {
        Some(path.exists())
    }

    fn is_character_device(&self, path: &Path) -> Option<bool> {
        let found = std::fs::metadata(path);
        Some(found.is_ok_and(|m| m.file_type().is_char_device()))
    }

    fn has_user(&self, user: &str) -> Option<bool> {
        let number = user.parse::<u32>().is_ok();
        Some(number || matches!(nix::unistd::User::from_name(user), Ok(Some(_))))
    }

    fn has_group(&self, group: &str) -> Option<bool> {
        let number = group.parse::<u32>().is_ok();
        Some(number || matches!(nix::unistd::Group::from_name(group), Ok(Some(_))))
    }

    fn udp_services(&self) -> &[(String, u16)] {
        &self.udp_services
    }

    fn host_name(&self) -> Option<String> {
        let name = nix::unistd::gethostname().ok()?;
        Some(name.to_string_lossy().into_owned())
    }

    fn addresses(&self) -> Option<Vec<(IpAddr, u8)>> {
        let all = nix::ifaddrs::getifaddrs().ok()?;
        let up = all.filter(|i| i.flags.contains(nix::net::if_::InterfaceFlags::IFF_UP));
        Some(up.filter_map(|i| interface_address(&i)).collect())
    }

    fn resolve(&self, name: &str) -> Option<Vec<IpAddr>> {
        match (name, 0_u16).to_socket_addrs() {
            Ok(all) => Some(all.map(|a| a.ip()).collect()),
            Err(_) => Some(Vec::new()),
        }
    }

    fn exposed(&self, path: &Path) -> Option<String> {
        super::authkey::exposed(path)
    }

    fn hosts_line(&self, name: &str) -> Option<usize> {
        let text = std::fs::read("/etc/hosts").ok()?;
        hosts_line(&String::from_utf8_lossy(&text), name)
    }
}

/// Address of an interface, with the bits of its network.
fn interface_address(interface: &nix::ifaddrs::InterfaceAddress) -> Option<(IpAddr, u8)> {
    let address = interface.address?;
    let mask = interface.netmask;
    if let Some(v4) = address.as_sockaddr_in() {
        let mask = mask
            .as_ref()
            .and_then(|m| m.as_sockaddr_in().map(|m| m.ip()));
        let bits = mask.map_or(32, |m| m.to_bits().leading_ones());
        return Some((v4.ip().into(), u8::try_from(bits).unwrap_or(32)));
    }
    let v6 = address.as_sockaddr_in6()?;
    let mask = mask
        .as_ref()
        .and_then(|m| m.as_sockaddr_in6().map(|m| m.ip()));
    let bits = mask.map_or(128, |m| m.to_bits().leading_ones());
    Some((v6.ip().into(), u8::try_from(bits).unwrap_or(128)))
}

/// Line, from 1, of a text like /etc/hosts that has a name.
pub(super) fn hosts_line(text: &str, name: &str) -> Option<usize> {
    let has = |line: &str| {
        let said = line.split('#').next().unwrap_or_default();
        let mut names = said.split_whitespace().skip(1);
        names.any(|word| word.eq_ignore_ascii_case(name))
    };
    text.lines().position(has).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read() {
        let text = "# x\nntp 123/udp\nssh 22/tcp\nha-cluster\t694/udp heartbeat # it\nbad\n";
        let found = udp_services(text);
        assert_eq!(found, [("ntp".into(), 123), ("ha-cluster".into(), 694)]);
    }

    #[test]
    fn names_have_their_line() {
        let text = "127.0.0.1 localhost\n# 10.0.0.1 web1\n127.0.1.1\tweb1.example Web1 # x\n";
        assert_eq!(hosts_line(text, "web1"), Some(3));
        assert_eq!(hosts_line(text, "web2"), None);
    }

    #[test]
    fn a_distant_host_knows_the_default_port() {
        assert_eq!(DistantHost::default().default_port(), 694);
    }

    #[test]
    fn this_host_has_a_loopback_interface() {
        let host = ThisHost::new(Path::new("/nonexistent"));
        assert_eq!(host.has_interface("lo"), Some(true));
        assert_eq!(host.has_interface("no/such"), Some(false));
        assert_eq!(host.is_program(Path::new("/bin/sh")), Some(true));
        assert_eq!(host.has_user("root"), Some(true));
        let own = host.addresses().unwrap();
        assert!(
            own.iter()
                .all(|(a, bits)| *bits <= if a.is_ipv4() { 32 } else { 128 })
        );
        assert_eq!(
            host.resolve("127.0.0.1"),
            Some(vec!["127.0.0.1".parse().unwrap()])
        );
    }
}
