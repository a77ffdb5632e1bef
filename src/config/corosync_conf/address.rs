//! Addresses and ids that follow from others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::generation::Generation;

/// The node id that an IPv4 address stands for.
///
/// Source: spec corosync-conf.md 6.1; 1.x reads the bytes in the order of its machine, which is
/// taken for little-endian here.
pub fn nodeid(address: Ipv4Addr, generation: Generation, clear_high_bit: bool) -> u32 {
    let bytes = address.octets();
    let id = match generation {
        Generation::One => u32::from_le_bytes(bytes),
        Generation::Two | Generation::Three => u32::from_be_bytes(bytes),
    };
    if clear_high_bit { id & 0x7FFF_FFFF } else { id }
}

/// The group that a cluster's name stands for.
///
/// Source: spec corosync-conf.md 6.2
pub fn group_of(cluster_name: &str, ring: u8, ipv6: bool) -> IpAddr {
    let fold = |v: u16, byte: u8| v.wrapping_mul(2).wrapping_add(u16::from(byte));
    let id = cluster_name.bytes().fold(0, fold);
    let id = id.wrapping_add(u16::from(ring));
    if ipv6 {
        return Ipv6Addr::new(0xFF15, 0, 0, 0, 0, 0, 0, id).into();
    }
    let [high, low] = [id >> 8, id % 255];
    Ipv4Addr::new(239, 192, high as u8, low as u8).into()
}

/// True when both are in the network of so many bits.
pub fn same_network(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    let cut = |a: u128, b: u128, width: u32| {
        let shift = width.saturating_sub(u32::from(bits));
        a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
    };
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => cut(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => cut(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_addresses() {
        let address = Ipv4Addr::new(10, 33, 120, 1);
        assert_eq!(nodeid(address, Generation::Three, false), 169_965_569);
        assert_eq!(nodeid(address, Generation::One, false), 24_649_994);
        let high = Ipv4Addr::new(192, 168, 0, 1);
        assert_eq!(nodeid(high, Generation::Two, true), 0x40A8_0001);
    }

    #[test]
    fn groups_come_from_names() {
        assert_eq!(group_of("ttm", 0, false).to_string(), "239.192.3.40");
        assert_eq!(group_of("ttm", 0, true).to_string(), "ff15::325");
        assert_eq!(group_of("ttm", 1, false).to_string(), "239.192.3.41");
    }

    #[test]
    fn networks_have_bits() {
        let ip = |s: &str| s.parse::<IpAddr>().unwrap();
        assert!(same_network(ip("10.33.100.77"), ip("10.33.0.0"), 16));
        assert!(!same_network(ip("10.33.100.77"), ip("10.33.0.0"), 24));
        assert!(same_network(ip("10.0.0.1"), ip("11.0.0.1"), 0));
        assert!(same_network(ip("fe80::1"), ip("fe80::2"), 64));
        assert!(!same_network(ip("fe80::1"), ip("10.0.0.1"), 0));
    }
}
