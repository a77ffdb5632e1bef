//! Media lines, and the port and speed that hold for those after them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use super::lines::{Line, Word};
use super::model::{Medium, TableNode};
use super::reader::Reader;
use crate::config::source::Span;
use crate::config::value;
use crate::ids::NodeName;
use crate::limits;

/// Speeds of serial lines. Source: heartbeat 3.0.6, `serial_sts`
const BAUDS: [u32; 7] = [9600, 19200, 38400, 57600, 115_200, 230_400, 460_800];

pub(super) fn baud(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(first) = reader.model.places.directive("baud") {
        let (line, _) = reader.found.source().position(first.start);
        reader.error(word.span, "baud can be given only once").help =
            Some(format!("take out this line or line {line}"));
        return;
    }
    let (number, whole) = value::leading_number(word.text);
    let Some(baud) = BAUDS.into_iter().find(|b| i64::from(*b) == number) else {
        let message = format!("baud: {:?} is no speed of a serial line", word.text);
        reader.error(word.span, message).help =
            Some("use 9600, 19200, 38400, 57600, 115200, 230400 or 460800".into());
        return;
    };
    if !whole {
        let message = format!("baud: heartbeat reads {:?} as {baud}", word.text);
        reader.warning(word.span, message).help = Some(format!("write {baud}"));
    }
    let before = reader.model.baud.to_string();
    let is_serial = |m: &Medium| matches!(m, Medium::Serial { .. });
    late(reader, word, "baud", &before, is_serial);
    reader.model.baud = baud;
}

pub(super) fn udpport(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let (number, whole) = value::leading_number(word.text);
    if number <= 0 {
        let message = format!("udpport: {:?} is no port", word.text);
        reader.error(word.span, message).help = Some("write a number from 1 to 65535".into());
        return;
    }
    // Only the lower 16 bits reach the socket.
    let port = (number & 0xffff) as u16;
    if port == 0 {
        let message = format!("udpport: {number} is no port");
        reader.error(word.span, message).help = Some("write a number from 1 to 65535".into());
        return;
    }
    if !whole || i64::from(port) != number {
        let message = format!("udpport: heartbeat reads {:?} as port {port}", word.text);
        reader.warning(word.span, message).help = Some(format!("write {port}"));
    }
    reserved(reader, word, port);
    let before = reader.model.udpport.to_string();
    late(reader, word, "udpport", &before, uses_udpport);
    reader.model.udpport = port;
}

fn reserved(reader: &mut Reader<'_, '_>, word: Word<'_>, port: u16) {
    let mut services = reader.host.udp_services().iter();
    let other = services.find(|(name, p)| *p == port && name != "ha-cluster");
    if let Some((name, _)) = other {
        let message = format!("udp port {port} is the port of the service {name:?}");
        reader.warning(word.span, message).help =
            Some("take another one if that service runs here".into());
    }
}

/// `udpport` and `baud` hold for media that come after them only.
///
/// Source: heartbeat 3.0.6: media are set up as their lines are read
fn late(
    reader: &mut Reader<'_, '_>,
    word: Word<'_>,
    name: &str,
    before: &str,
    concerns: fn(&Medium) -> bool,
) {
    let mut media = reader.model.media.iter().zip(&reader.model.places.media);
    let Some((medium, span)) = media.find(|(m, _)| concerns(m)) else {
        return;
    };
    let (line, _) = reader.found.source().position(span.start);
    let directive = medium.directive();
    let harm = if before == word.text {
        " (it is the same this time)"
    } else {
        ""
    };
    let message = format!(
        "{name} comes after {directive} (line {line}), which keeps {name} {before}{harm}: \
         the {name} setting must precede media statements"
    );
    let help = format!(
        "put `{name} {}` before line {line}, on all nodes at the same time",
        word.text
    );
    reader.warning(word.span, message).help = Some(help);
}

/// mcast and mcast6 have the port in their own line.
fn uses_udpport(medium: &Medium) -> bool {
    matches!(
        medium,
        Medium::Bcast { .. } | Medium::Ucast { .. } | Medium::Ucast6 { .. }
    )
}

pub(super) fn bcast(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    let medium = Medium::Bcast {
        interface: word.text.to_owned(),
        port: reader.model.udpport,
    };
    push(reader, word.span, medium);
}

pub(super) fn udp(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    reader
        .warning(word.span, "udp is the old name of bcast")
        .help = Some(format!("write bcast {}", word.text));
    bcast(reader, word);
}

pub(super) fn ucast(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    let Some([interface, peer]) = words(reader, line, ["INTERFACE", "ADDRESS"]) else {
        return;
    };
    if !may_be_host(reader, peer) {
        return;
    }
    let medium = Medium::Ucast {
        interface: interface.text.to_owned(),
        peer: peer.text.to_owned(),
        port: reader.model.udpport,
    };
    push(reader, line.span, medium);
}

pub(super) fn ucast6(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    let Some([interface, peer]) = words(reader, line, ["INTERFACE", "ADDRESS"]) else {
        return;
    };
    let address = peer.text.split('%').next().unwrap_or("");
    match address.parse::<Ipv6Addr>() {
        Ok(address) if is_of_a_host(address) => {}
        _ => {
            let message = format!("ucast6: {:?} is no IPv6 address of another host", peer.text);
            reader.error(peer.span, message).help =
                Some("write it as fe80::1%eth0 or 2001:db8::1".into());
            return;
        }
    }
    let medium = Medium::Ucast6 {
        interface: interface.text.to_owned(),
        peer: peer.text.to_owned(),
        port: reader.model.udpport,
    };
    push(reader, line.span, medium);
}

fn is_of_a_host(address: Ipv6Addr) -> bool {
    !address.is_loopback() && !address.is_multicast() && !address.is_unspecified()
}

pub(super) fn mcast(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    const FORM: [&str; 5] = ["INTERFACE", "GROUP", "PORT", "TTL", "LOOP"];
    let Some([interface, group, port, ttl, loopback]) = words(reader, line, FORM) else {
        return;
    };
    let is_group = group.text.parse().is_ok_and(|a: Ipv4Addr| a.is_multicast());
    if !is_group {
        let message = format!("mcast: {:?} is no multicast address", group.text);
        reader.error(group.span, message).help =
            Some("take one from 224.0.0.0 to 239.255.255.255, such as 239.0.0.1".into());
    }
    let (port, hops) = (group_port(reader, port), hops(reader, ttl, "TTL"));
    let loopback = loops(reader, loopback);
    if let (true, Some(port), Some(ttl), Some(loopback)) = (is_group, port, hops, loopback) {
        let medium = Medium::Mcast {
            interface: interface.text.to_owned(),
            group: group.text.to_owned(),
            port,
            ttl,
            loopback,
        };
        push(reader, line.span, medium);
    }
}

pub(super) fn mcast6(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    const FORM: [&str; 5] = ["INTERFACE", "GROUP", "PORT", "HOPS", "LOOP"];
    let Some([interface, group, port, ttl, loopback]) = words(reader, line, FORM) else {
        return;
    };
    let address = group.text.parse().ok().filter(Ipv6Addr::is_multicast);
    if address.is_none() {
        let message = format!("mcast6: {:?} is no IPv6 multicast address", group.text);
        reader.error(group.span, message).help =
            Some("take one that starts with ff, such as ff02::694".into());
    }
    let (port, hops) = (group_port(reader, port), hops(reader, ttl, "HOPS"));
    let loopback = loops(reader, loopback);
    if let (Some(group), Some(port), Some(hops), Some(loopback)) = (address, port, hops, loopback) {
        let medium = Medium::Mcast6 {
            interface: interface.text.to_owned(),
            group,
            port,
            hops,
            loopback,
        };
        push(reader, line.span, medium);
    }
}

fn group_port(reader: &mut Reader<'_, '_>, word: Word<'_>) -> Option<u16> {
    let (number, whole) = value::leading_number(word.text);
    let port = (number & 0xffff) as u16;
    let name = reader.directive;
    if number <= 0 || port == 0 {
        let message = format!("{name}: {:?} is no port", word.text);
        reader.error(word.span, message).help =
            Some("write a number from 1 to 65535, usually 694".into());
        return None;
    }
    if !whole || i64::from(port) != number {
        let message = format!("{name}: heartbeat reads {:?} as port {port}", word.text);
        reader.warning(word.span, message).help = Some(format!("write {port}"));
    }
    Some(port)
}

fn hops(reader: &mut Reader<'_, '_>, word: Word<'_>, what: &str) -> Option<u8> {
    bounded(reader, word, what, 4)
}

fn loops(reader: &mut Reader<'_, '_>, word: Word<'_>) -> Option<bool> {
    bounded(reader, word, "LOOP", 1).map(|n| n == 1)
}

/// A number from 0 to `max`; a word that is none counts as 0.
fn bounded(reader: &mut Reader<'_, '_>, word: Word<'_>, what: &str, max: u8) -> Option<u8> {
    let name = reader.directive;
    let (number, whole) = value::leading_number(word.text);
    let Some(number) = u8::try_from(number).ok().filter(|n| *n <= max) else {
        let message = format!("{name}: {what} is {:?}", word.text);
        reader.error(word.span, message).help = Some(format!("write a number from 0 to {max}"));
        return None;
    };
    if !whole {
        let message = format!("{name}: heartbeat reads {what} {:?} as {number}", word.text);
        reader.warning(word.span, message).help = Some(format!("write {number}"));
    }
    Some(number)
}

pub(super) fn serial(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if !word.text.starts_with('/') {
        let message = format!("serial: {:?} is no full path", word.text);
        reader.error(word.span, message).help = Some(format!("write /dev/{}", word.text));
        return;
    }
    let medium = Medium::Serial {
        device: PathBuf::from(word.text),
        baud: reader.model.baud,
    };
    push(reader, word.span, medium);
}

pub(super) fn ping(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if !may_be_host(reader, word) {
        return;
    }
    let host = word.text.to_owned();
    add_ping(reader, word, word.span, Medium::Ping { host });
}

pub(super) fn ping6(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if word.text.parse::<Ipv4Addr>().is_ok() {
        let message = format!("ping6: {:?} is an IPv4 address", word.text);
        reader.error(word.span, message).help = Some(format!("write ping {}", word.text));
        return;
    }
    if word.text.contains('%') {
        reader
            .refused(word.span, "ping6: an address with an interface")
            .help = Some("ping an address that is not link-local".into());
    }
    let host = word.text.to_owned();
    add_ping(reader, word, word.span, Medium::Ping6 { host });
}

pub(super) fn ping_group(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    let words = line.words();
    let Some((name, hosts)) = words.split_first().filter(|(_, hosts)| !hosts.is_empty()) else {
        reader
            .error(line.span, "ping_group needs a name and at least one host")
            .help = Some("write ping_group NAME ADDRESS…".into());
        return;
    };
    if !hosts.iter().all(|host| may_be_host(reader, *host)) {
        return;
    }
    let medium = Medium::PingGroup {
        name: name.text.to_owned(),
        hosts: hosts.iter().map(|h| h.text.to_owned()).collect(),
    };
    add_ping(reader, *name, line.span, medium);
}

/// Four numbers that are no address are no name either.
fn may_be_host(reader: &mut Reader<'_, '_>, word: Word<'_>) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let four = word.text.split('.').count() == 4 && word.text.split('.').all(number);
    let fine = !four || word.text.parse::<Ipv4Addr>().is_ok();
    if !fine {
        let message = format!("{}: {:?} is no address", reader.directive, word.text);
        reader.error(word.span, message).help =
            Some("each of the four numbers is from 0 to 255, without leading zeros".into());
    }
    fine
}

/// A pinged host is a node of the table too.
fn add_ping(reader: &mut Reader<'_, '_>, name: Word<'_>, span: Span, medium: Medium) {
    let node = match NodeName::new(name.text) {
        Ok(node) => node,
        Err(error) => {
            let message = format!("{}: {error}", reader.directive);
            reader.error(name.span, message);
            return;
        }
    };
    let known = reader.model.node_table.iter().any(|n| n.name == node);
    if !known && reader.model.node_table.len() < limits::HEARTBEAT_NODES_MAX {
        let entry = TableNode {
            name: node,
            ping: true,
        };
        reader.model.node_table.push(entry);
    }
    push(reader, span, medium);
}

fn push(reader: &mut Reader<'_, '_>, span: Span, medium: Medium) {
    if reader.model.media.len() >= limits::HEARTBEAT_MEDIA_MAX {
        let message = format!("more than {} media", limits::HEARTBEAT_MEDIA_MAX);
        reader.error(span, message).help = Some("take out what isn't needed".into());
        return;
    }
    if reader.model.media.contains(&medium) {
        let directive = medium.directive();
        let message = format!("the same {directive} a second time: every packet is sent twice");
        reader.warning(span, message).help = Some("take this one out".into());
    }
    reader.model.media.push(medium);
    reader.model.places.media.push(span);
}

/// The words of a line of fixed form; too few are an error, too many a warning.
fn words<'t, const N: usize>(
    reader: &mut Reader<'_, '_>,
    line: &Line<'t>,
    form: [&str; N],
) -> Option<[Word<'t>; N]> {
    let name = reader.directive;
    let words = line.words();
    let Some(fixed) = words.get(..N).and_then(|w| w.try_into().ok()) else {
        let missing = form[words.len().min(N - 1)];
        let message = format!("{name}: {missing} is missing");
        reader.error(line.span, message).help = Some(format!("write {name} {}", form.join(" ")));
        return None;
    };
    if let (Some(first), Some(last)) = (words.get(N), words.last()) {
        let message = format!("{name}: what follows {} is ignored", form[N - 1]);
        reader.warning(first.span.to(last.span), message).help = Some(format!(
            "{name} takes {}; one line for each",
            form.join(" ")
        ));
    }
    Some(fixed)
}
