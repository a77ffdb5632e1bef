use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.into(),
        up: true,
        loopback: name == "lo",
        mac: Some([2, 0, 0, 0, 0, index as u8]),
    }
}

fn address(index: u32, text: &str, prefix: u8, broadcast: Option<&str>) -> Address {
    Address {
        index,
        ip: ip(text),
        prefix,
        broadcast: broadcast.map(|b| b.parse().unwrap()),
        label: None,
        secondary: false,
        scope: 0,
    }
}

fn on_link(index: u32, network: &str, prefix: u8) -> OnLink {
    OnLink {
        index,
        network: ip(network),
        prefix,
        source: None,
    }
}

/// eth0 10.0.0.1/24 with broadcast, eth1 10.0.0.0/16 without, both with IPv6.
fn network() -> Network {
    Network {
        links: vec![link(1, "lo"), link(2, "eth0"), link(3, "eth1")],
        addresses: vec![
            address(1, "127.0.0.1", 8, None),
            address(2, "10.0.0.1", 24, Some("10.0.0.255")),
            address(3, "10.0.9.1", 16, None),
        ],
        on_link: vec![
            on_link(3, "10.0.0.0", 16),
            on_link(2, "10.0.0.0", 24),
            on_link(2, "2001:db8::", 64),
        ],
    }
}

fn place(kind: AddressKind, argument: &str) -> Result<Address, String> {
    network().place(&AddressArgument::parse(kind, argument).unwrap())
}

fn place2(argument: &str) -> Address {
    place(AddressKind::IpAddr2, argument).unwrap()
}

#[test]
fn the_longest_prefix_wins() {
    let a = place2("10.0.0.5");
    assert_eq!((a.index, a.prefix), (2, 24));
    assert_eq!(a.broadcast, Some("10.0.0.255".parse().unwrap()));
    let a = place2("10.0.7.5");
    assert_eq!((a.index, a.prefix, a.broadcast), (3, 16, None));
    let a = place2("2001:db8::5");
    assert_eq!((a.index, a.prefix, a.scope), (2, 64, 0));
}

#[test]
fn a_netmask_keeps_narrower_networks_out() {
    // 10.0.0.0/24 can't hold a /20.
    let a = place2("10.0.0.5/20");
    assert_eq!((a.index, a.prefix), (3, 20));
    let a = place2("10.0.0.5/32");
    assert_eq!((a.index, a.prefix, a.broadcast), (2, 32, None));
}

#[test]
fn interface_and_netmask_need_no_network() {
    let a = place2("192.168.1.5/24/eth1");
    assert_eq!((a.index, a.prefix), (3, 24));
    let error = place(AddressKind::IpAddr2, "192.168.1.5//eth1").unwrap_err();
    assert_eq!(
        error,
        "eth1 is in no network that contains 192.168.1.5: say its netmask, 192.168.1.5/24/eth1"
    );
    let error = place(AddressKind::IpAddr2, "192.168.1.5").unwrap_err();
    assert!(
        error.ends_with("say which, 192.168.1.5/24/INTERFACE"),
        "{error}"
    );
}

#[test]
fn the_named_interface_counts() {
    let a = place2("10.0.0.5//eth1");
    assert_eq!((a.index, a.prefix), (3, 16));
    let error = place(AddressKind::IpAddr2, "10.0.0.5/24/eth7").unwrap_err();
    assert_eq!(
        error,
        "there is no interface \"eth7\" for 10.0.0.5; there are lo, eth0, eth1"
    );
}

#[test]
fn link_local_needs_an_interface() {
    let error = place(AddressKind::Ipv6Addr, "fe80::5/64").unwrap_err();
    assert!(error.contains("name the interface"), "{error}");
    let a = place(AddressKind::Ipv6Addr, "fe80::5/64/eth0").unwrap();
    assert_eq!((a.index, a.scope), (2, SCOPE_LINK));
}

#[test]
fn broadcasts() {
    let of = |argument| place2(argument).broadcast.map(|b| b.to_string());
    assert_eq!(of("10.0.0.5/24/eth0/-"), None);
    assert_eq!(of("10.0.0.5/25/eth0/+").as_deref(), Some("10.0.0.127"));
    assert_eq!(of("10.0.0.5/24/eth0/10.0.0.0").as_deref(), Some("10.0.0.0"));
    assert_eq!(of("10.0.7.5/16/eth1"), None);
    let a = place(AddressKind::IpAddr, "10.0.7.5/16/eth1").unwrap();
    assert_eq!(a.broadcast, Some("10.0.255.255".parse().unwrap()));
}

#[test]
fn labels() {
    assert_eq!(place2("10.0.0.5").label, None);
    assert_eq!(
        place2("10.0.0.5/24/eth0:x").label.as_deref(),
        Some("eth0:x")
    );
    let mut network = network();
    let wanted = AddressArgument::parse(AddressKind::IpAddr, "10.0.0.5").unwrap();
    let mut first = network.place(&wanted).unwrap();
    assert_eq!(first.label.as_deref(), Some("eth0:0"));
    first.ip = ip("10.0.0.6");
    network.addresses.push(first);
    let second = network.place(&wanted).unwrap();
    assert_eq!(second.label.as_deref(), Some("eth0:1"));
}

#[test]
fn an_address_serves_where_it_should() {
    let mut network = network();
    network.addresses.push(address(1, "10.0.0.5", 32, None));
    let any = AddressArgument::parse(AddressKind::IpAddr2, "10.0.0.5").unwrap();
    assert_eq!(
        network.serving(&any).count(),
        0,
        "the loopback does not serve"
    );
    network.addresses.push(address(2, "10.0.0.5", 24, None));
    assert_eq!(network.serving(&any).count(), 1);
    let eth1 = AddressArgument::parse(AddressKind::IpAddr2, "10.0.0.5//eth1").unwrap();
    assert_eq!(network.serving(&eth1).count(), 0);
}
