//! Ways to peers: the media of one kind on one interface and port. Pure.

use std::net::IpAddr;

use crate::config::ha_cf::Medium;
use crate::ids::LinkName;

/// Media that share what can be wrong with them: `ucast` lines of one interface are one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// `bcast`, `ucast`, …
    pub directive: &'static str,
    /// The link of its media.
    pub link: LinkName,
    /// UDP port; none for serial lines and pinged hosts.
    pub port: Option<u16>,
    /// The group, for multicast.
    pub group: Option<IpAddr>,
    /// Its media, by their place in ha.cf.
    pub media: Vec<usize>,
}

impl Path {
    /// The paths of a configuration, in its order.
    pub fn all(media: &[Medium]) -> Vec<Self> {
        let mut paths: Vec<Self> = Vec::new();
        for (place, medium) in media.iter().enumerate() {
            let new = Self {
                directive: medium.directive(),
                link: medium.link(),
                port: medium.port(),
                group: group(medium),
                media: vec![place],
            };
            match paths.iter_mut().find(|p| p.is_like(&new)) {
                Some(same) => same.media.push(place),
                None => paths.push(new),
            }
        }
        paths
    }

    /// True for pinged hosts, which have no peers.
    pub fn is_ping(&self) -> bool {
        self.directive.starts_with("ping")
    }

    /// True for paths that a datagram can come by.
    pub fn is_udp(&self) -> bool {
        self.port.is_some()
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.directive, &self.link, self.port, self.group)
            == (other.directive, &other.link, other.port, other.group)
    }

    /// How well a datagram to `target` fits: 0 not at all, 2 exactly.
    pub fn fit(&self, interface: &str, (target, port): (IpAddr, u16), own: &[IpAddr]) -> u8 {
        if self.link.as_str() != interface || self.port != Some(port) {
            return 0;
        }
        let exact = match (self.directive, self.group) {
            (_, Some(group)) => return if group == target { 2 } else { 0 },
            ("bcast", None) => !own.contains(&target) && !target.is_multicast(),
            _ => own.contains(&target),
        };
        if exact { 2 } else { 1 }
    }
}

fn group(medium: &Medium) -> Option<IpAddr> {
    match medium {
        Medium::Mcast { group, .. } => group.parse().ok(),
        Medium::Mcast6 { group, .. } => Some((*group).into()),
        _ => None,
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.directive, self.link)?;
        match (self.group, self.port) {
            (Some(group), Some(port)) => write!(f, ", group {group}, port {port}"),
            (None, Some(port)) => write!(f, ", port {port}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ucast(peer: &str) -> Medium {
        Medium::Ucast {
            interface: "eth0".into(),
            peer: peer.into(),
            port: 694,
        }
    }

    #[test]
    fn ucast_lines_of_an_interface_are_one_way() {
        let bcast = Medium::Bcast {
            interface: "eth0".into(),
            port: 694,
        };
        let paths = Path::all(&[ucast("a"), bcast, ucast("b")]);
        let titles: Vec<_> = paths.iter().map(Path::to_string).collect();
        assert_eq!(titles, ["ucast eth0, port 694", "bcast eth0, port 694"]);
        assert_eq!(paths[0].media, [0, 2]);
    }

    #[test]
    fn a_datagram_belongs_to_the_path_of_its_kind() {
        let mcast = Medium::Mcast {
            interface: "eth0".into(),
            group: "239.0.0.1".into(),
            port: 694,
            ttl: 1,
            loopback: false,
        };
        let bcast = Medium::Bcast {
            interface: "eth0".into(),
            port: 694,
        };
        let paths = Path::all(&[ucast("b"), bcast, mcast]);
        let own: [IpAddr; 1] = [[10, 0, 0, 1].into()];
        let fits = |target: [u8; 4], port| {
            let all = paths
                .iter()
                .map(|p| p.fit("eth0", (target.into(), port), &own));
            all.collect::<Vec<_>>()
        };
        assert_eq!(fits([10, 0, 0, 1], 694), [2, 1, 0]);
        assert_eq!(fits([10, 0, 0, 255], 694), [1, 2, 0]);
        assert_eq!(fits([239, 0, 0, 1], 694), [1, 1, 2]);
        assert_eq!(fits([10, 0, 0, 1], 695), [0, 0, 0]);
        assert_eq!(paths[0].fit("eth1", (own[0], 694), &own), 0);
    }
}
