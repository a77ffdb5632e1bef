//! Where captured messages come from: pcap, pcapng, JSON lines.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};

use anyhow::{Context, bail};
use serde_json::Value as Json;

use crate::wire::capture::{Assembler, Decoder, LinkType, Packet, Record, Transport};

/// Longest JSON line, bytes: twice the largest message, and room for the other fields.
const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// Bytes of a capture that may be a message.
pub struct Sighting {
    pub time: Time,
    pub from: String,
    pub to: String,
    /// `udp`, `icmp`, `serial` …
    pub via: String,
    /// UDP destination port, if that is what it came by.
    port: Option<u16>,
    /// True if everything from this source counts.
    is_message: bool,
    pub payload: Result<Vec<u8>, String>,
    /// Key lines that came with it.
    pub auth_key: Option<String>,
    /// True if the capture lacks the end of it.
    pub cut: bool,
}

/// When a message was seen.
#[derive(Clone, Copy)]
pub enum Time {
    /// Nanoseconds since 1970.
    Utc(u64),
    /// Milliseconds since the capture began.
    SinceStart(i64),
    /// Nobody wrote it down.
    Unknown,
}

impl Sighting {
    /// True if it is to be taken for a message: it came to one of the ports, or begins like one.
    pub fn counts(&self, ports: &[u16], looks_like_one: impl Fn(&[u8]) -> bool) -> bool {
        let looks_like_one = self
            .payload
            .as_ref()
            .is_ok_and(|bytes| looks_like_one(bytes));
        self.is_message || looks_like_one || self.port.is_some_and(|port| ports.contains(&port))
    }
}

/// Reads a capture and hands each thing that may be a message to `each`; gives notes for the
/// user.
pub fn read(
    input: &mut impl BufRead,
    each: &mut impl FnMut(Sighting) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<String>> {
    let first = input.fill_buf()?.first().copied();
    match first {
        None => Ok(vec!["the file is empty".into()]),
        Some(b'{' | b' ' | b'\t' | b'\r') => read_json(input, each).map(|()| Vec::new()),
        Some(_) => read_capture(input, each),
    }
}

fn read_capture(
    input: &mut impl Read,
    each: &mut impl FnMut(Sighting) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<String>> {
    let mut decoder = Decoder::new();
    let mut assembler = Assembler::new();
    let mut strange_links = BTreeSet::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        decoder.push(&piece[..length]);
        while let Some(record) = decoder.next_record()? {
            if let LinkType::Other(number) = record.link {
                strange_links.insert(number);
            }
            if let Some(sighting) = sighting_of(&mut assembler, &record) {
                each(sighting)?;
            }
        }
    }
    let mut notes: Vec<String> = strange_links
        .iter()
        .map(|number| format!("packets of link type {number} are not understood"))
        .collect();
    match assembler.incomplete() {
        0 => {}
        number => notes.push(format!("{number} datagrams lack fragments")),
    }
    match decoder.waiting_bytes() {
        0 => {}
        bytes => notes.push(format!(
            "the file ends inside a record, {bytes} bytes are left"
        )),
    }
    Ok(notes)
}

fn sighting_of(assembler: &mut Assembler, record: &Record) -> Option<Sighting> {
    let packet = assembler.push(record)?;
    let (via, port, to) = match packet.transport {
        Transport::Udp { to_port, .. } => ("udp", Some(to_port), with_port(&packet, to_port)),
        Transport::Echo { reply: false } => ("ping", None, packet.to.to_string()),
        Transport::Echo { reply: true } => ("pong", None, packet.to.to_string()),
    };
    Some(Sighting {
        time: Time::Utc(packet.time_ns),
        from: packet.from.to_string(),
        to,
        via: via.into(),
        port,
        is_message: false,
        payload: Ok(packet.payload),
        auth_key: None,
        cut: packet.cut,
    })
}

fn with_port(packet: &Packet, port: u16) -> String {
    std::net::SocketAddr::new(packet.to, port).to_string()
}

fn read_json(
    input: &mut impl BufRead,
    each: &mut impl FnMut(Sighting) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = input
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if line.len() as u64 == LINE_BYTES_MAX {
            bail!("line {number} is longer than {LINE_BYTES_MAX} bytes");
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let object: Json = serde_json::from_slice(&line)
            .with_context(|| format!("line {number} is no JSON object"))?;
        each(sighting_in(&object))?;
    }
    Ok(())
}

/// Fields: `hex`, `t_ms`, `from`, `to`, `port` or `dport`, `proto`, `auth_key`; only the first
/// must be there.
fn sighting_in(object: &Json) -> Sighting {
    let text = |name: &str| object[name].as_str().map(str::to_owned);
    let to = text("to").unwrap_or_else(|| "?".into());
    let port = object["port"].as_u64().or(object["dport"].as_u64());
    let to = match port {
        Some(port) if port > 0 => format!("{to}:{port}"),
        _ => to,
    };
    Sighting {
        time: object["t_ms"]
            .as_f64()
            .map_or(Time::Unknown, |ms| Time::SinceStart(ms.round() as i64)),
        from: text("from").unwrap_or_else(|| "?".into()),
        to,
        via: text("proto").unwrap_or_else(|| "?".into()),
        port: None,
        is_message: true,
        payload: match text("hex") {
            Some(digits) => unhex(&digits).ok_or_else(|| "field hex isn't hexadecimal".into()),
            None => Err("no field hex".into()),
        },
        auth_key: text("auth_key"),
        cut: false,
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let half = |digit: u8| char::from(digit).to_digit(16);
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [a, b] => u8::try_from(half(*a)? << 4 | half(*b)?).ok(),
            _ => None,
        })
        .collect()
}
