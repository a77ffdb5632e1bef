//! What a configuration must agree with: the host it is for.

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
    }
}
