use std::net::IpAddr;

use etherparse::PacketBuilder;

use super::*;

/// An Ethernet packet with a UDP datagram to port 694.
fn udp(payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 0, 0, 1], [10, 0, 0, 255], 64)
        .udp(40_000, 694);
    let mut out = Vec::new();
    builder.write(&mut out, payload).unwrap();
    out
}

fn words(order: Order, words: &[u32]) -> Vec<u8> {
    let bytes = words.iter().map(|word| match order {
        Order::Little => word.to_le_bytes(),
        Order::Big => word.to_be_bytes(),
    });
    bytes.collect::<Vec<_>>().concat()
}

fn pcap(order: Order, magic: u32, link: u32, packets: &[&[u8]]) -> Vec<u8> {
    let version = match order {
        Order::Little => 0x0004_0002,
        Order::Big => 0x0002_0004,
    };
    let mut file = words(order, &[magic, version, 0, 0, 262_144, link]);
    for packet in packets {
        let length = packet.len() as u32;
        file.extend(words(order, &[1000, 5, length, length]));
        file.extend_from_slice(packet);
    }
    file
}

fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = body.len() as u32 + 12;
    let mut out = words(order, &[kind, length]);
    out.extend_from_slice(&body);
    out.extend(words(order, &[length]));
    out
}

fn records(file: &[u8], piece: usize) -> (Vec<Record>, usize) {
    let mut decoder = Decoder::new();
    let mut found = Vec::new();
    for piece in file.chunks(piece) {
        decoder.push(piece);
        while let Some(record) = decoder.next_record().unwrap() {
            found.push(record);
        }
    }
    (found, decoder.waiting_bytes())
}

#[test]
fn pcap_in_both_orders_and_units() {
    let packet = udp(b"hello");
    for order in [Order::Little, Order::Big] {
        for (magic, ns) in [(0xa1b2_c3d4, 5000), (0xa1b2_3c4d, 5)] {
            let file = pcap(order, magic, 1, &[&packet, &packet]);
            for piece in [1, 7, file.len()] {
                let (found, waiting) = records(&file, piece);
                assert_eq!((found.len(), waiting), (2, 0));
                assert_eq!(found[1].time_ns, 1_000_000_000_000 + ns);
                assert_eq!(found[1].bytes, packet);
            }
            assert_eq!(records(&file[..file.len() - 1], 100).0.len(), 1);
            assert!(records(&file[..file.len() - 1], 100).1 > 0);
        }
    }
}

#[test]
fn pcapng_with_its_units_of_time() {
    let packet = udp(b"hello");
    let length = packet.len() as u32;
    for order in [Order::Little, Order::Big] {
        let section = block(order, 0x0a0d_0d0a, &words(order, &[0x1a2b_3c4d, 0, !0, !0]));
        let link = match order {
            Order::Little => 1,
            Order::Big => 1 << 16,
        };
        let unit = |unit| match order {
            Order::Little => [9, 0, 1, 0, unit, 0, 0, 0],
            Order::Big => [0, 9, 0, 1, unit, 0, 0, 0],
        };
        let plain = words(order, &[link, 0]);
        let nanoseconds = [&plain[..], &unit(9)].concat();
        let halves = [&plain[..], &unit(0x81)].concat();
        let body = |interface, ticks| {
            let head = words(order, &[interface, 0, ticks, length, length + 1]);
            [&head[..], &packet].concat()
        };
        let simple = [&words(order, &[length])[..], &packet].concat();
        let file = [
            section,
            block(order, 1, &plain),
            block(order, 1, &nanoseconds),
            block(order, 1, &halves),
            block(order, 5, b"statistics"),
            block(order, 6, &body(0, 7)),
            block(order, 6, &body(1, 7)),
            block(order, 6, &body(2, 7)),
            block(order, 3, &simple),
        ]
        .concat();
        for piece in [1, 11, file.len()] {
            let (found, waiting) = records(&file, piece);
            let times: Vec<u64> = found.iter().map(|r| r.time_ns).collect();
            assert_eq!(times, [7000, 7, 3_500_000_000, 0]);
            assert!(found[0].cut && !found[3].cut && waiting == 0);
            assert!(found.iter().all(|r| r.bytes == packet));
        }
    }
}

#[test]
fn files_that_are_none() {
    let error = |file: &[u8]| {
        let mut decoder = Decoder::new();
        decoder.push(file);
        let first = decoder.next_record().unwrap_err();
        assert_eq!(decoder.next_record(), Err(first.clone()));
        first
    };
    assert_eq!(error(b"{\"hex\": \"\"}"), CaptureError::UnknownFormat);
    let mut long = pcap(Order::Little, 0xa1b2_c3d4, 1, &[]);
    long.extend(words(Order::Little, &[0, 0, 262_145, 0]));
    assert_eq!(error(&long), CaptureError::TooLarge(262_145));
    let section = words(Order::Big, &[0x0a0d_0d0a, 28, 0x1111_1111]);
    assert!(matches!(error(&section), CaptureError::Damaged(_)));
    let short = words(Order::Little, &[0x0a0d_0d0a, 8, 0x1a2b_3c4d]);
    assert!(matches!(error(&short), CaptureError::Damaged(_)));
}

fn record(link: LinkType, bytes: &[u8]) -> Record {
    Record {
        time_ns: 1,
        link,
        bytes: bytes.to_vec(),
        cut: false,
    }
}

#[test]
fn a_datagram_comes_out_of_every_link_type() {
    let packet = udp(b"hello");
    let ip = &packet[14..];
    let cooked = [&[0; 14][..], &[8, 0], ip].concat();
    let cooked2 = [&[8, 0][..], &[0; 18], ip].concat();
    let tagged = [&packet[..12], &[0x81, 0, 0, 7], &packet[12..]].concat();
    let loopback = [&[2, 0, 0, 0][..], ip].concat();
    for (link, bytes) in [
        (LinkType::Ethernet, &packet[..]),
        (LinkType::Ethernet, &tagged),
        (LinkType::Ip, ip),
        (LinkType::LinuxCooked, &cooked),
        (LinkType::LinuxCooked2, &cooked2),
        (LinkType::Loopback, &loopback),
    ] {
        let found = Assembler::new().push(&record(link, bytes)).unwrap();
        assert_eq!(found.from, IpAddr::from([10, 0, 0, 1]));
        assert_eq!(found.to, IpAddr::from([10, 0, 0, 255]));
        assert_eq!((&found.payload[..], found.cut), (&b"hello"[..], false));
        let udp = Transport::Udp {
            from_port: 40_000,
            to_port: 694,
        };
        assert_eq!(found.transport, udp);
    }
    let other = record(LinkType::Other(147), &packet);
    assert_eq!(Assembler::new().push(&other), None);
}

#[test]
fn a_packet_cut_by_the_capture_says_so() {
    let packet = udp(b"hello");
    for length in 0..packet.len() {
        let found = Assembler::new().push(&record(LinkType::Ethernet, &packet[..length]));
        assert!(found.is_none_or(|found| found.cut));
    }
}

#[test]
fn echoes_of_both_kinds() {
    let mut four = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .icmpv4_echo_reply(1, 2)
        .write(&mut four, b"body")
        .unwrap();
    let mut six = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64)
        .icmpv6_echo_request(1, 2)
        .write(&mut six, b"body")
        .unwrap();
    for (bytes, reply) in [(four, true), (six, false)] {
        let found = Assembler::new()
            .push(&record(LinkType::Ip, &bytes))
            .unwrap();
        assert_eq!(found.transport, Transport::Echo { reply });
        assert_eq!(found.payload, b"body");
    }
}

#[test]
fn fragments_of_both_versions_are_joined() {
    let payload: Vec<u8> = (0..100).collect();
    let mut whole = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(1, 694)
        .write(&mut whole, &payload)
        .unwrap();
    let four = |start: usize, end: usize| {
        let mut packet = whole[..20].to_vec();
        packet[2..4].copy_from_slice(&(20 + (end - start) as u16).to_be_bytes());
        let more = if end < 108 { 0x2000 } else { 0 };
        packet[6..8].copy_from_slice(&((start as u16 / 8) | more).to_be_bytes());
        [&packet, &whole[20 + start..20 + end]].concat()
    };
    let six = |start: usize, end: usize| {
        let mut packet = vec![0x60, 0, 0, 0, 0, (8 + end - start) as u8, 44, 64];
        packet.extend([3; 32]);
        let field = (start as u16) | u16::from(end < 108);
        packet.extend([17, 0]);
        packet.extend(field.to_be_bytes());
        packet.extend([0, 0, 0, 9]);
        [&packet, &whole[20 + start..20 + end]].concat()
    };
    let parts: [&dyn Fn(usize, usize) -> Vec<u8>; 2] = [&four, &six];
    for part in parts {
        let mut assembler = Assembler::new();
        let last = assembler.push(&record(LinkType::Ip, &part(48, 108)));
        assert_eq!(last, None);
        let found = assembler.push(&record(LinkType::Ip, &part(0, 48))).unwrap();
        assert_eq!(found.payload, payload);
        assert!(!found.cut);
    }
}

/// Found by the fuzz target: a library's reader of these headers went past the end.
#[test]
fn extension_headers_may_be_cut_anywhere() {
    const EXTENSIONS: [u8; 5] = [0, 43, 44, 51, 60];
    for first in EXTENSIONS {
        for second in EXTENSIONS {
            let mut packet = vec![0x60, 0, 0, 0, 0, 200, first, 64];
            packet.extend([3; 32]);
            packet.extend([second, 1, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
            packet.extend([17, 4, 0, 0, 0, 0, 0, 9, 0, 0]);
            for length in 40..=packet.len() {
                let cut = record(LinkType::Ip, &packet[..length]);
                assert_eq!(
                    Assembler::new().push(&cut),
                    None,
                    "{first} {second} {length}"
                );
            }
        }
    }
}
