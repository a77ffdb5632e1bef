//! An open medium of any kind.

use std::io;
use std::task::{Context, Poll};

use nix::sys::time::TimeSpec;

use super::plan::{PingPlan, Plan, UdpKind, UdpPlan};
use super::receive::{Buffer, Path};
use super::{Outgoing, Sent, Source, ping_endpoint, serial, udp};
use crate::wire::heartbeat::ping::Medium;

/// The descriptors of a medium.
#[derive(Debug)]
pub(super) enum Endpoint {
    Udp(udp::Endpoint),
    Ping(ping_endpoint::Endpoint),
    Serial(serial::Endpoint),
}

/// A message that came.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) bytes: Vec<u8>,
    pub(super) source: Source,
    pub(super) time: Option<TimeSpec>,
    pub(super) path: Option<Path>,
}

impl Endpoint {
    pub(super) fn open(plan: &Plan) -> io::Result<Self> {
        match plan {
            Plan::Udp(plan) => udp::Endpoint::open(plan.clone()).map(Self::Udp),
            Plan::Ping(plan) => ping_endpoint::Endpoint::open(plan.clone()).map(Self::Ping),
            Plan::Serial { device, baud } => {
                serial::Endpoint::open(device, *baud).map(Self::Serial)
            }
        }
    }

    pub(super) fn send(&mut self, outgoing: &dyn Outgoing) -> io::Result<Sent> {
        match self {
            Self::Udp(udp) => {
                let datagram = outgoing.datagram();
                udp.send(datagram)?;
                Ok(Sent::Bytes(datagram.len()))
            }
            Self::Ping(ping) => ping.send(outgoing),
            Self::Serial(line) => {
                let text = outgoing.text();
                if text.is_empty() {
                    return Ok(Sent::Nothing);
                }
                line.send(text)?;
                Ok(Sent::Bytes(text.len()))
            }
        }
    }

    /// The next message; `None` for something that came and is no message.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<io::Result<Option<Incoming>>> {
        match self {
            Self::Udp(udp) => udp.poll_receive(cx, buffer).map_ok(|arrival| {
                let source = arrival.source.map_or(Source::Unknown, Source::Udp);
                let (bytes, time, path) = (arrival.bytes, arrival.time, arrival.path);
                (!arrival.truncated).then_some(Incoming {
                    bytes,
                    source,
                    time,
                    path,
                })
            }),
            Self::Ping(ping) => ping.poll_receive(cx, buffer),
            Self::Serial(line) => line.poll_receive(cx).map_ok(Some),
        }
    }

    /// The line of its start, in heartbeat's words.
    pub(super) fn started(&self) -> String {
        match self {
            Self::Udp(udp) => udp_started(udp.plan()),
            Self::Ping(ping) => ping_started(ping.plan()),
            Self::Serial(line) => format!(
                "Starting serial heartbeat on tty {} ({} baud)",
                line.device().display(),
                line.baud()
            ),
        }
    }
}

fn ping_started(plan: &PingPlan) -> String {
    let what = match plan.medium {
        Medium::PingGroup => "ping group heartbeat started",
        Medium::Ping | Medium::Ping6 => "ping heartbeat started",
    };
    format!("{what}.")
}

fn udp_started(plan: &UdpPlan) -> String {
    let UdpPlan {
        interface,
        listen,
        target,
        ..
    } = plan;
    let (port, to) = (listen.port(), target.ip());
    match plan.kind {
        UdpKind::Bcast => {
            format!("UDP Broadcast heartbeat started on port {port} ({port}) interface {interface}")
        }
        UdpKind::Ucast => format!("ucast: started on port {port} interface {interface} to {to}"),
        UdpKind::Mcast { ttl, loopback, .. } => format!(
            "UDP multicast heartbeat started for group {to} port {port} interface {interface} \
             (ttl={ttl} loop={})",
            u8::from(loopback)
        ),
        UdpKind::Ucast6 => {
            format!("ucast6: heartbeat started for [{to}]:{port} on interface {interface}")
        }
        UdpKind::Mcast6 { hops, loopback } => format!(
            "UDP multicast heartbeat started for [{to}]:{port} on interface {interface} \
             (hops={hops} loop={})",
            u8::from(loopback)
        ),
    }
}
