//! Watches the heartbeat traffic that reaches this machine, whoever receives it.
//!
//! For tools beside a running daemon: it takes no datagram from anybody, and sees those that go
//! to another port, or that nobody receives.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use nix::net::if_::if_indextoname;
use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::io::unix::AsyncFd;

use crate::sys::reactor::register;

/// PACKET_OUTGOING. Source: Linux, `linux/if_packet.h`.
const OUTGOING: u8 = 4;
const RECEIVE_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A datagram that looks like heartbeat's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// The interface it came in by.
    pub interface: String,
    /// Its sender.
    pub source: SocketAddr,
    /// To whom it was sent.
    pub target: SocketAddr,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// The watching socket.
#[derive(Debug)]
pub struct Sniffer {
    socket: AsyncFd<Socket>,
    buffer: Vec<u8>,
}

impl Sniffer {
    /// Watches all interfaces from now on.
    ///
    /// Errors: no right to; root has it.
    /// Panics: outside a tokio runtime.
    pub fn open() -> io::Result<Self> {
        // Packets of both families; the number is in network order.
        let all = u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?;
        let protocol = Protocol::from(i32::from(all.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol))?;
        socket.set_nonblocking(true)?;
        socket.attach_filter(&only_udp())?;
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        Ok(Self {
            socket: register(socket)?,
            buffer: vec![0; 65_536],
        })
    }

    /// Waits for the next one that comes in. Cancel-safe.
    pub async fn next(&mut self) -> io::Result<Sniffed> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Sniffed>> {
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx))?;
            let buffer = &mut self.buffer;
            let read = guard.try_io(|socket| {
                recvfrom::<LinkAddr>(socket.as_raw_fd(), buffer).map_err(io::Error::from)
            });
            let (length, from) = match read {
                Ok(read) => read?,
                Err(_would_block) => continue,
            };
            let Some(from) = from.filter(|from| from.pkttype() != OUTGOING) else {
                continue;
            };
            let packet = self.buffer.get(..length).unwrap_or_default();
            let index = u32::try_from(from.ifindex()).unwrap_or(0);
            if let Some((source, target, payload)) = heartbeat_in(packet)
                && let Ok(interface) = if_indextoname(index)
            {
                let interface = interface.to_string_lossy().into_owned();
                let payload = payload.to_vec();
                return Poll::Ready(Ok(Sniffed {
                    interface,
                    source,
                    target,
                    payload,
                }));
            }
        }
    }
}

/// The UDP payload of an IP packet, with its two ends, if it begins like a heartbeat message.
fn heartbeat_in(packet: &[u8]) -> Option<(SocketAddr, SocketAddr, &[u8])> {
    let sliced = SlicedPacket::from_ip(packet).ok()?;
    let Some(TransportSlice::Udp(udp)) = &sliced.transport else {
        return None;
    };
    let (from, to) = match &sliced.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        Some(NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        _ => return None,
    };
    let payload = udp.payload();
    let begins = payload.starts_with(b"###\n") || payload.starts_with(b">>>\n");
    let source = SocketAddr::new(from, udp.source_port());
    let target = SocketAddr::new(to, udp.destination_port());
    begins.then_some((source, target, payload))
}

/// UDP over IPv4 or, without extension headers, IPv6.
fn only_udp() -> [SockFilter; 10] {
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_EQUAL: u16 = 0x15;
    const JUMP: u16 = 0x05;
    const RETURN: u16 = 0x06;
    const UDP: u32 = 17;
    let step = |code, yes, no, value| SockFilter::new(code, yes, no, value);
    [
        step(LOAD_BYTE, 0, 0, 0),
        step(AND, 0, 0, 0xf0),
        // IPv4: its protocol. Else to the second question.
        step(JUMP_EQUAL, 0, 2, 0x40),
        step(LOAD_BYTE, 0, 0, 9),
        step(JUMP, 0, 0, 2),
        // IPv6: its next header. Else to the end.
        step(JUMP_EQUAL, 0, 2, 0x60),
        step(LOAD_BYTE, 0, 0, 6),
        step(JUMP_EQUAL, 1, 0, UDP),
        step(RETURN, 0, 0, 0),
        step(RETURN, 0, 0, u32::MAX),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use std::time::Duration;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ipv4([10, 0, 0, 2], [10, 0, 0, 255], 9).udp(5000, 695);
        let mut packet = Vec::new();
        builder.write(&mut packet, payload).expect("a packet");
        packet
    }

    #[test]
    fn heartbeat_packets_are_told_from_others() {
        let good = packet(b"###\n...");
        let (source, target, payload) = heartbeat_in(&good).expect("found");
        assert_eq!(source, "10.0.0.2:5000".parse().expect("an address"));
        assert_eq!(target, "10.0.0.255:695".parse().expect("an address"));
        assert_eq!(payload, b"###\n...");
        assert!(heartbeat_in(&packet(b"hello")).is_none());
        for length in 0..good.len() - 4 {
            assert!(heartbeat_in(&good[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn packets_to_a_port_without_receiver_are_seen_and_others_not() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let mut sniffer = match Sniffer::open() {
                Ok(sniffer) => sniffer,
                Err(error) => return println!("skipped: {error}"),
            };
            for (from, to, text) in [
                ("127.0.0.1:0", "127.0.0.1:16951", "nonsense"),
                ("127.0.0.1:0", "127.0.0.1:16951", ">>>\nt=x\n<<<\n"),
                ("[::1]:0", "[::1]:16951", "###\nsix"),
            ] {
                let socket = std::net::UdpSocket::bind(from).expect("a socket");
                let _ = socket.send_to(text.as_bytes(), to);
            }
            for text in [">>>\nt=x\n<<<\n", "###\nsix"] {
                let wait = Duration::from_secs(5);
                loop {
                    let next = tokio::time::timeout(wait, sniffer.next()).await;
                    let seen = next.expect("in time").expect("a packet");
                    if seen.target.port() == 16951 {
                        assert_eq!(
                            (seen.interface.as_str(), &seen.payload[..]),
                            ("lo", text.as_bytes())
                        );
                        break;
                    }
                }
            }
        });
    }
}
