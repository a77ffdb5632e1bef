use super::*;
use std::time::Duration;

fn plan(address: &str, port: u16, way: Way) -> Plan {
    Plan {
        address: address.parse().unwrap(),
        port,
        way,
        buffer_bytes: 262_144,
    }
}

async fn next(sockets: &mut Sockets) -> Vec<u8> {
    loop {
        if let Some(datagram) = sockets.receive() {
            return datagram.to_vec();
        }
        let ready = tokio::time::timeout(Duration::from_secs(5), sockets.ready()).await;
        ready.expect("a datagram comes").unwrap();
    }
}

fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(test);
}

#[test]
fn unicast_reaches_each_other_member_and_strangers_are_not_heard() {
    run(async {
        let members: Vec<IpAddr> = ["127.0.0.2", "127.0.0.3"]
            .map(|a| a.parse().unwrap())
            .into();
        let way = || Way::Unicast {
            members: members.clone(),
            only_members: true,
        };
        let mut a = Sockets::open(&plan("127.0.0.2", 25_405, way())).unwrap();
        let mut b = Sockets::open(&plan("127.0.0.3", 25_405, way())).unwrap();
        let stranger = Sockets::open(&plan("127.0.0.4", 25_405, way())).unwrap();
        stranger.multicast(&[b"strange"]);
        a.multicast(&[b"to all"]);
        assert_eq!(next(&mut b).await, b"to all");
        b.unicast(members[0], b"token");
        assert_eq!(next(&mut a).await, b"token");
        assert_eq!(a.receive(), None, "not its own");
    });
}

#[test]
fn multicasts_are_read_before_the_token_and_not_by_their_sender() {
    run(async {
        let way = || Way::Multicast {
            group: "239.192.77.1".parse().unwrap(),
            ttl: 1,
        };
        let mut a = Sockets::open(&plan("127.0.0.5", 25_415, way())).unwrap();
        let mut b = Sockets::open(&plan("127.0.0.6", 25_415, way())).unwrap();
        a.unicast("127.0.0.6".parse().unwrap(), b"token");
        assert_eq!(next(&mut b).await, b"token");
        a.unicast("127.0.0.6".parse().unwrap(), b"again");
        b.discard();
        assert_eq!(a.receive(), None);
    });
}

#[test]
fn a_flood_to_all_does_not_keep_the_token_waiting() {
    run(async {
        let group: IpAddr = "239.192.77.3".parse().unwrap();
        let way = Way::Multicast { group, ttl: 1 };
        let mut one = Sockets::open(&plan("127.0.0.7", 25_435, way)).unwrap();
        let flood = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None);
        let flood = flood.unwrap();
        flood
            .set_multicast_if_v4(&"127.0.0.7".parse().unwrap())
            .unwrap();
        let to_all = std::net::SocketAddr::new(group, 25_435).into();
        flood.send_to(b"flood", &to_all).unwrap();
        assert_eq!(next(&mut one).await, b"flood");
        let token = std::net::SocketAddr::new("127.0.0.7".parse().unwrap(), 25_435).into();
        flood.send_to(b"token", &token).unwrap();
        for _ in 0..5000 {
            // Two for each that is read: the group's socket is never empty.
            for _ in 0..2 {
                flood.send_to(b"flood", &to_all).unwrap();
            }
            if one.receive() == Some(b"token") {
                return;
            }
        }
        panic!("5000 datagrams to all went before the token");
    });
}

#[test]
fn an_address_of_another_host_is_named() {
    run(async {
        let error = Sockets::open(&plan("192.0.2.1", 25_425, Way::Broadcast)).unwrap_err();
        assert!(error.to_string().contains("192.0.2.1"), "{error}");
    });
}
