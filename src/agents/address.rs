//! The argument of an address resource: `IP[/NETMASK[/INTERFACE[:LABEL]][/BROADCAST]]`.

use std::net::{IpAddr, Ipv4Addr};

/// Longest interface name or label, bytes. Source: linux, `IFNAMSIZ` less its NUL.
const INTERFACE_BYTES_MAX: usize = 15;

/// Which script's argument it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// `IPaddr`: its address gets a label of the alias form, `eth0:0`.
    IpAddr,
    /// `IPaddr2`.
    IpAddr2,
    /// `IPv6addr`.
    Ipv6Addr,
    /// `SendArp`: announces an address, adds none.
    SendArp,
}

impl AddressKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::IpAddr, Self::IpAddr2, Self::Ipv6Addr, Self::SendArp];

    /// The name of the script.
    pub fn name(self) -> &'static str {
        match self {
            Self::IpAddr => "IPaddr",
            Self::IpAddr2 => "IPaddr2",
            Self::Ipv6Addr => "IPv6addr",
            Self::SendArp => "SendArp",
        }
    }

    /// The kind whose script has this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn grammar(self) -> &'static str {
        match self {
            Self::IpAddr | Self::IpAddr2 => "IP[/NETMASK[/INTERFACE[:LABEL]][/BROADCAST]]",
            Self::Ipv6Addr => "IPV6[/PREFIX[/INTERFACE]]",
            Self::SendArp => "IP/INTERFACE",
        }
    }
}

/// The broadcast address asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broadcast {
    /// Not said: as the other addresses of the network have it.
    Unsaid,
    /// `+`: the last address of the network.
    Last,
    /// `-`: none.
    None,
    /// This one.
    Given(Ipv4Addr),
}

/// What the argument says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressArgument {
    /// Whose argument it is.
    pub kind: AddressKind,
    /// The address.
    pub ip: IpAddr,
    /// Length of the network's prefix, if said.
    pub prefix: Option<u8>,
    /// Name of the interface, if said.
    pub interface: Option<String>,
    /// Whole label (`eth0:0`), if said.
    pub label: Option<String>,
    /// Its broadcast address.
    pub broadcast: Broadcast,
}

/// Why an argument is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{argument:?}: {reason}; write {}::{}", kind.name(), kind.grammar())]
pub struct AddressError {
    argument: String,
    reason: String,
    kind: AddressKind,
}

impl AddressArgument {
    /// Reads the argument of a resource.
    ///
    /// Source: heartbeat 3.0.6, resource.d/IPaddr2, IPaddr, IPv6addr, SendArp; resource-agents
    /// 4.12, findif.sh (netmasks of four numbers).
    /// Differs: an empty netmask (`10.0.0.5//eth0`) is none; the original takes the interface for
    /// the netmask and fails.
    pub fn parse(kind: AddressKind, argument: &str) -> Result<Self, AddressError> {
        let wrong = |reason: String| AddressError {
            argument: argument.to_owned(),
            reason,
            kind,
        };
        let mut words = argument.split('/');
        let ip = words.next().unwrap_or_default();
        let ip: IpAddr = ip
            .parse()
            .map_err(|_| wrong(format!("{ip:?} is no address")))?;
        if kind == AddressKind::Ipv6Addr && ip.is_ipv4() {
            return Err(wrong(format!("{ip} is no IPv6 address")));
        }
        let mut parsed = Self {
            kind,
            ip,
            prefix: None,
            interface: None,
            label: None,
            broadcast: Broadcast::Unsaid,
        };
        let mut place = Place::Netmask;
        for word in words {
            place = parsed.take(word, place).map_err(wrong)?;
        }
        Ok(parsed)
    }

    /// Takes one word; gives the place of the next.
    fn take(&mut self, word: &str, place: Place) -> Result<Place, String> {
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        match place {
            Place::Netmask if word.is_empty() => Ok(Place::Interface),
            Place::Netmask if number => {
                self.prefix = Some(prefix(word, self.ip)?);
                Ok(Place::Interface)
            }
            Place::Netmask | Place::Interface if is_interface(word) => {
                self.set_interface(word)?;
                Ok(Place::Broadcast)
            }
            Place::Interface if word.is_empty() => Ok(Place::Broadcast),
            Place::Interface | Place::Broadcast if self.ip.is_ipv4() => {
                self.broadcast = broadcast(word)?;
                Ok(Place::End)
            }
            Place::Broadcast if word.is_empty() => Ok(Place::End),
            _ => Err(format!("{word:?} has no meaning there")),
        }
    }

    fn set_interface(&mut self, word: &str) -> Result<(), String> {
        if word.len() > INTERFACE_BYTES_MAX {
            return Err(format!(
                "{word:?} is longer than {INTERFACE_BYTES_MAX} characters"
            ));
        }
        match word.split_once(':') {
            Some((interface, label)) if !label.is_empty() => {
                self.interface = Some(interface.to_owned());
                self.label = Some(word.to_owned());
            }
            Some((interface, _)) => self.interface = Some(interface.to_owned()),
            None => self.interface = Some(word.to_owned()),
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Place {
    Netmask,
    Interface,
    Broadcast,
    End,
}

fn is_interface(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn broadcast(word: &str) -> Result<Broadcast, String> {
    match word {
        "" => Ok(Broadcast::Unsaid),
        "+" => Ok(Broadcast::Last),
        "-" => Ok(Broadcast::None),
        _ => word
            .parse()
            .map(Broadcast::Given)
            .map_err(|_| format!("{word:?} is no broadcast address")),
    }
}

/// Length of a prefix, from a number or a mask of four numbers.
fn prefix(word: &str, ip: IpAddr) -> Result<u8, String> {
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    if let (true, Ok(mask)) = (ip.is_ipv4(), word.parse::<Ipv4Addr>()) {
        let mask = u32::from(mask);
        let ones = mask.leading_ones();
        return if mask.count_ones() == ones && ones > 0 {
            Ok(ones as u8)
        } else {
            Err(format!(
                "{word:?} is no netmask: its ones are not all in front"
            ))
        };
    }
    match word.parse::<u8>() {
        Ok(bits) if (1..=longest).contains(&bits) => Ok(bits),
        _ => Err(format!("{word:?} is no netmask of 1 to {longest} bits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(argument: &str) -> AddressArgument {
        AddressArgument::parse(AddressKind::IpAddr2, argument).unwrap()
    }

    fn refuse(kind: AddressKind, argument: &str) -> String {
        AddressArgument::parse(kind, argument)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn each_part_may_be_missing() {
        let a = parse("10.0.0.5");
        assert_eq!((a.prefix, &a.interface), (None, &None));
        assert_eq!(a.broadcast, Broadcast::Unsaid);
        let a = parse("10.0.0.5/24/eth0/10.0.0.255");
        assert_eq!((a.prefix, a.interface.as_deref()), (Some(24), Some("eth0")));
        assert_eq!(a.broadcast, Broadcast::Given(Ipv4Addr::new(10, 0, 0, 255)));
        let a = parse("10.0.0.5/24/10.0.0.255");
        assert_eq!((a.prefix, &a.interface), (Some(24), &None));
        assert_eq!(a.broadcast, Broadcast::Given(Ipv4Addr::new(10, 0, 0, 255)));
        let a = parse("10.0.0.5/24//10.0.0.255");
        assert_eq!((a.prefix, &a.interface), (Some(24), &None));
        assert_eq!(a.broadcast, Broadcast::Given(Ipv4Addr::new(10, 0, 0, 255)));
        let a = parse("10.0.0.5//eth0");
        assert_eq!((a.prefix, a.interface.as_deref()), (None, Some("eth0")));
        let a = parse("10.0.0.5/eth0");
        assert_eq!((a.prefix, a.interface.as_deref()), (None, Some("eth0")));
        assert_eq!(parse("10.0.0.5/24/eth0/+").broadcast, Broadcast::Last);
        assert_eq!(parse("10.0.0.5/24/eth0/-").broadcast, Broadcast::None);
        assert_eq!(parse("10.0.0.5/24/eth0/").broadcast, Broadcast::Unsaid);
    }

    #[test]
    fn labels_follow_the_interface() {
        let a = parse("10.0.0.5/24/eth0:web");
        assert_eq!(a.interface.as_deref(), Some("eth0"));
        assert_eq!(a.label.as_deref(), Some("eth0:web"));
        assert_eq!(parse("10.0.0.5/24/eth0:").label, None);
    }

    #[test]
    fn netmasks_of_four_numbers() {
        assert_eq!(parse("10.0.0.5/255.255.255.0/eth0").prefix, Some(24));
        assert_eq!(parse("10.0.0.5/255.255.255.255").prefix, Some(32));
        assert!(refuse(AddressKind::IpAddr, "10.0.0.5/255.0.255.0").contains("not all in front"));
        assert!(refuse(AddressKind::IpAddr, "10.0.0.5/0.0.0.0").contains("not all in front"));
    }

    #[test]
    fn ipv6() {
        let kind = AddressKind::Ipv6Addr;
        let a = AddressArgument::parse(kind, "2001:db8::5/64/eth0").unwrap();
        assert_eq!((a.prefix, a.interface.as_deref()), (Some(64), Some("eth0")));
        assert_eq!(parse("fe80::1/64/eth0").prefix, Some(64));
        assert_eq!(
            refuse(kind, "10.0.0.5"),
            "\"10.0.0.5\": 10.0.0.5 is no IPv6 address; write IPv6addr::IPV6[/PREFIX[/INTERFACE]]"
        );
        assert!(refuse(kind, "2001:db8::5/64/eth0/10.0.0.1").contains("no meaning"));
        assert!(refuse(kind, "2001:db8::5/255.255.255.0").contains("1 to 128"));
    }

    #[test]
    fn what_is_no_address_says_so() {
        let kind = AddressKind::IpAddr2;
        assert!(refuse(kind, "10.0.0").contains("\"10.0.0\" is no address; write IPaddr2::IP["));
        assert!(refuse(kind, "").contains("no address"));
        assert!(refuse(kind, "10.0.0.5/33").contains("1 to 32 bits"));
        assert!(refuse(kind, "10.0.0.5/0").contains("1 to 32 bits"));
        assert!(refuse(kind, "10.0.0.5/24/eth0/x").contains("no broadcast"));
        assert!(refuse(kind, "10.0.0.5/24/eth0/10.0.0.255/x").contains("no meaning"));
        assert!(refuse(kind, "10.0.0.5/24/averyverylongname").contains("15"));
    }

    #[test]
    fn kinds_have_the_scripts_names() {
        assert_eq!(AddressKind::named("IPaddr2"), Some(AddressKind::IpAddr2));
        assert_eq!(AddressKind::named("Filesystem"), None);
    }
}
