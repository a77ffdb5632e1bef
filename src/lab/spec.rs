//! What a lab is made of: hosts, their interfaces, cables between them.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most hosts of a lab. Ours: the names of switch ports and the hardware addresses hold it.
pub const HOSTS_MAX: usize = 64;
/// Most interfaces of a host.
pub const PORTS_MAX: usize = 8;
/// Longest name of a lab, bytes. Ours: it is part of a socket's path, which has 108.
const LAB_NAME_BYTES_MAX: usize = 32;
/// Longest host name, bytes. Source: Linux `__NEW_UTS_LEN`.
const HOST_NAME_BYTES_MAX: usize = 64;

/// Why a lab can't be made as described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A name that would not do as a folder or a host name.
    #[error("{0:?} is no name for {1}: letters, digits, `-`, `_` and `.`, at most {2} of them")]
    Name(String, &'static str, usize),
    /// Not `HOST=ADDRESS/LENGTH`.
    #[error("{0:?}: write HOST=ADDRESS/LENGTH, as in a=10.0.0.1/24 (more interfaces after commas)")]
    Host(String),
    /// Not `ADDRESS/LENGTH`.
    #[error("{0:?}: write an address with the length of its network, as in 10.0.0.1/24")]
    Address(String),
    /// Two hosts of one name.
    #[error("two hosts are named {0:?}")]
    Twice(String),
    /// Two interfaces with one address.
    #[error("{0} is given twice")]
    AddressTwice(IpAddr),
    /// No host, or too many.
    #[error("a lab has 1 to {HOSTS_MAX} hosts, each with 1 to {PORTS_MAX} interfaces")]
    Count,
    /// A serial cable to a host that isn't there.
    #[error("serial cable {0}:{1}: name two different hosts of the lab")]
    Serial(String, String),
}

/// An address and the length of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cidr {
    /// The host's address.
    pub address: IpAddr,
    /// Bits of the network part.
    pub prefix: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || SpecError::Address(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix == 0 || prefix > longest {
            return Err(wrong());
        }
        Ok(Self { address, prefix })
    }
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSpec {
    /// Its name, which is its host name too.
    pub name: String,
    /// The addresses of eth0, eth1 and so on; all hosts' eth0 are on one switch, all eth1 on
    /// another.
    pub ports: Vec<Vec<Cidr>>,
}

impl FromStr for HostSpec {
    type Err = SpecError;

    /// Reads `HOST=ADDR/LEN[+ADDR/LEN][,ADDR/LEN]`: `,` starts the next interface, `+` adds
    /// an address to the same one.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (name, ports) = text
            .split_once('=')
            .ok_or_else(|| SpecError::Host(text.to_owned()))?;
        let ports: Result<Vec<Vec<Cidr>>, SpecError> = ports
            .split(',')
            .map(|port| port.split('+').map(str::parse).collect())
            .collect();
        let host = Self {
            name: name.to_owned(),
            ports: ports?,
        };
        check_name(&host.name, "a host", HOST_NAME_BYTES_MAX)?;
        if host.ports.len() > PORTS_MAX {
            return Err(SpecError::Count);
        }
        Ok(host)
    }
}

/// A lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// Its hosts.
    pub hosts: Vec<HostSpec>,
    /// A folder that is copied to each host's /etc/ha.d.
    pub config: Option<PathBuf>,
    /// Serial cables, each between two hosts: /dev/lab-ttyS0 and so on, counted on each host.
    pub serial: Vec<(String, String)>,
}

impl Spec {
    /// A lab without hosts.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            hosts: Vec::new(),
            config: None,
            serial: Vec::new(),
        }
    }

    /// Adds a host, described as on the command line: `a=10.0.0.1/24,10.1.0.1/24`.
    pub fn host(mut self, text: &str) -> Result<Self, SpecError> {
        self.hosts.push(text.parse()?);
        Ok(self)
    }

    /// Copies `folder` to each host's /etc/ha.d.
    pub fn config(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config = Some(folder.into());
        self
    }

    /// Puts a serial cable between two hosts.
    pub fn serial(mut self, one: &str, other: &str) -> Self {
        self.serial.push((one.to_owned(), other.to_owned()));
        self
    }

    /// Looks at the whole.
    ///
    /// Errors: [`SpecError`], the first there is.
    pub fn check(&self) -> Result<(), SpecError> {
        check_lab_name(&self.name)?;
        if self.hosts.is_empty() || self.hosts.len() > HOSTS_MAX {
            return Err(SpecError::Count);
        }
        let mut addresses: Vec<IpAddr> = Vec::new();
        for (n, host) in self.hosts.iter().enumerate() {
            if self.hosts[..n].iter().any(|h| h.name == host.name) {
                return Err(SpecError::Twice(host.name.clone()));
            }
            for cidr in host.ports.iter().flatten() {
                if addresses.contains(&cidr.address) {
                    return Err(SpecError::AddressTwice(cidr.address));
                }
                addresses.push(cidr.address);
            }
        }
        let known = |name: &String| self.hosts.iter().any(|h| &h.name == name);
        match self
            .serial
            .iter()
            .find(|(a, b)| a == b || !known(a) || !known(b))
        {
            Some((a, b)) => Err(SpecError::Serial(a.clone(), b.clone())),
            None => Ok(()),
        }
    }
}

/// Refuses what can't be the name of a lab.
pub fn check_lab_name(name: &str) -> Result<(), SpecError> {
    check_name(name, "a lab", LAB_NAME_BYTES_MAX)
}

fn check_name(name: &str, what: &'static str, longest: usize) -> Result<(), SpecError> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && name.len() <= longest && name.chars().all(good) {
        Ok(())
    } else {
        Err(SpecError::Name(name.to_owned(), what, longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_interfaces_and_addresses() {
        let host: HostSpec = "a=10.0.0.1/24+fd00::1/64,10.1.0.1/16".parse().unwrap();
        assert_eq!(host.name, "a");
        let text: Vec<String> = host.ports.iter().flatten().map(Cidr::to_string).collect();
        assert_eq!(text, ["10.0.0.1/24", "fd00::1/64", "10.1.0.1/16"]);
        assert_eq!(host.ports.len(), 2);
    }

    #[test]
    fn wrong_hosts_say_how_to_write_them() {
        for (text, word) in [
            ("a", "HOST=ADDRESS/LENGTH"),
            ("a=", "10.0.0.1/24"),
            ("a=10.0.0.1", "10.0.0.1/24"),
            ("a=10.0.0.1/33", "10.0.0.1/24"),
            ("a=10.0.0.300/24", "10.0.0.1/24"),
            ("../x=10.0.0.1/24", "letters"),
            ("-x=10.0.0.1/24", "letters"),
            ("=10.0.0.1/24", "letters"),
        ] {
            let error = text.parse::<HostSpec>().unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_lab_is_checked_as_a_whole() {
        let lab = || Spec::new("x").host("a=10.0.0.1/24").unwrap();
        assert_eq!(lab().check(), Ok(()));
        assert_eq!(Spec::new("x").check(), Err(SpecError::Count));
        let twice = lab().host("a=10.0.0.2/24").unwrap();
        assert_eq!(twice.check(), Err(SpecError::Twice("a".into())));
        let same = lab().host("b=10.0.0.1/24").unwrap();
        assert!(matches!(same.check(), Err(SpecError::AddressTwice(_))));
        let cable = lab().serial("a", "b");
        assert!(matches!(cable.check(), Err(SpecError::Serial(..))));
    }
}
