use super::*;
use crate::runtime::interfaces::Ipv4Entry;

fn machine() -> Interfaces {
    let eth0 = Interface {
        index: 5,
        up: true,
        ipv4: vec![Ipv4Entry {
            address: Ipv4Addr::new(10, 0, 0, 1),
            broadcast: Some(Ipv4Addr::new(10, 0, 0, 255)),
        }],
        ipv6: vec![],
    };
    let bare = Interface {
        index: 7,
        ..Interface::default()
    };
    Interfaces([("eth0".to_owned(), eth0), ("bare".to_owned(), bare)].into())
}

fn udp(medium: &Medium) -> UdpPlan {
    match plan(medium, &machine(), &Known::new()) {
        Ok(Plan::Udp(udp)) => udp,
        other => panic!("{other:?}"),
    }
}

fn lack(medium: &Medium) -> String {
    plan(medium, &machine(), &Known::new())
        .expect_err("a lack")
        .to_string()
}

#[test]
fn broadcast_goes_to_the_interfaces_broadcast_address() {
    let udp = udp(&Medium::Bcast {
        interface: "eth0".into(),
        port: 694,
    });
    assert_eq!(udp.target, "10.0.0.255:694".parse().expect("an address"));
    assert_eq!(udp.listen, "0.0.0.0:694".parse().expect("an address"));
    assert_eq!(udp.index, 5);
}

#[test]
fn lacks_say_what_is_missing() {
    let bcast = |interface: &str| Medium::Bcast {
        interface: interface.into(),
        port: 694,
    };
    assert!(lack(&bcast("eth9")).contains("eth9 does not exist"));
    assert!(lack(&bcast("bare")).contains("bare has no IPv4 address"));
    let ucast = Medium::Ucast {
        interface: "eth0".into(),
        peer: "b".into(),
        port: 694,
    };
    assert!(lack(&ucast).contains("cannot resolve b"));
    let peer = "fe80::2%eth9".to_owned();
    let ucast6 = Medium::Ucast6 {
        interface: "eth0".into(),
        peer,
        port: 694,
    };
    assert!(lack(&ucast6).contains("eth9 behind the %"));
}

#[test]
fn link_local_targets_get_the_scope_of_the_interface() {
    let ucast6 = |peer: &str| Medium::Ucast6 {
        interface: "eth0".into(),
        peer: peer.into(),
        port: 694,
    };
    let scope = |medium: &Medium| match udp(medium).target {
        SocketAddr::V6(v6) => v6.scope_id(),
        SocketAddr::V4(_) => panic!("IPv4"),
    };
    assert_eq!(scope(&ucast6("fe80::2")), 5);
    assert_eq!(scope(&ucast6("fe80::2%bare")), 7);
    assert_eq!(scope(&ucast6("fd00::2")), 0);
    let group: Ipv6Addr = "ff02::694".parse().expect("a group");
    let mcast6 = Medium::Mcast6 {
        interface: "eth0".into(),
        group,
        port: 694,
        hops: 1,
        loopback: false,
    };
    assert_eq!(scope(&mcast6), 5);
    assert_eq!(udp(&mcast6).listen, udp(&mcast6).target);
}

#[test]
fn a_ping_group_works_with_the_hosts_it_knows() {
    let hosts = vec!["10.0.0.9".to_owned(), "router".to_owned()];
    let group = Medium::PingGroup {
        name: "g".into(),
        hosts,
    };
    let wanted = HostName {
        name: "router".into(),
        v6: false,
    };
    assert_eq!(names(&group), std::slice::from_ref(&wanted));
    let Ok(Plan::Ping(some)) = plan(&group, &machine(), &Known::new()) else {
        panic!("no plan")
    };
    assert_eq!((some.node.as_str(), some.hosts.len()), ("g", 1));
    let known = [(wanted, IpAddr::from([10, 0, 0, 8]))].into();
    let Ok(Plan::Ping(all)) = plan(&group, &machine(), &known) else {
        panic!("no plan")
    };
    assert_eq!(all.hosts.len(), 2);
}

#[test]
fn a_name_is_looked_up_in_the_family_of_its_medium() {
    let v6 = |name: &str| HostName {
        name: name.into(),
        v6: true,
    };
    let ping6 = Medium::Ping6 {
        host: "10.0.0.1".into(),
    };
    assert_eq!(
        names(&ping6),
        [v6("10.0.0.1")],
        "an IPv4 address is no IPv6 address"
    );
    let ucast6 = Medium::Ucast6 {
        interface: "eth0".into(),
        peer: "b%eth0".into(),
        port: 1,
    };
    assert_eq!(names(&ucast6), [v6("b")]);
}
