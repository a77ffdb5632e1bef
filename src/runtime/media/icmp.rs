//! Echo requests and replies, IPv4 and IPv6. Pure.
//!
//! Layout: 0 1 type | 1 1 code | 2 2 checksum | 4 2 id | 6 2 seq | 8 n body
//! Source: RFC 792, RFC 4443 section 4; heartbeat 3.0.6 writes the id in the order of the host.

/// Bytes of the head of an echo.
const HEAD_BYTES: usize = 8;

/// An echo reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    pub(super) id: u16,
    pub(super) seq: u16,
    pub(super) body: &'a [u8],
}

/// Makes an echo request; over IPv6 the kernel fills in the checksum.
pub(super) fn encode_request(v6: bool, id: u16, seq: u16, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(HEAD_BYTES + body.len());
    packet.extend_from_slice(&[if v6 { 128 } else { 8 }, 0, 0, 0]);
    packet.extend_from_slice(&id.to_ne_bytes());
    packet.extend_from_slice(&seq.to_be_bytes());
    packet.extend_from_slice(body);
    if !v6 {
        let sum = checksum(&packet).to_be_bytes();
        packet[2..4].copy_from_slice(&sum);
    }
    packet
}

/// Reads an echo reply as a raw socket gives it: over IPv4 with the IP header before it.
pub(super) fn decode_reply(v6: bool, packet: &[u8]) -> Option<Reply<'_>> {
    let icmp = if v6 {
        packet
    } else {
        packet.get(ip_header_bytes(packet)?..)?
    };
    let [kind, code, _, _, a, b, c, d, body @ ..] = icmp else {
        return None;
    };
    let expected = if v6 { 129 } else { 0 };
    if (*kind, *code) != (expected, 0) || (!v6 && checksum(icmp) != 0) {
        return None;
    }
    let id = u16::from_ne_bytes([*a, *b]);
    Some(Reply {
        id,
        seq: u16::from_be_bytes([*c, *d]),
        body,
    })
}

fn ip_header_bytes(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let bytes = usize::from(first & 0x0f) * 4;
    (first >> 4 == 4 && bytes >= 20).then_some(bytes)
}

/// The ones' complement sum; zero over a packet that holds its right checksum.
fn checksum(packet: &[u8]) -> u16 {
    let words = packet.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let mut sum = words.fold(0u32, |sum, word| {
        let sum = sum + word;
        (sum & 0xffff) + (sum >> 16)
    });
    sum = (sum & 0xffff) + (sum >> 16);
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(mut request: Vec<u8>, ip: bool) -> Vec<u8> {
        if ip {
            request[0] = 0;
            request[2..4].fill(0);
            let sum = checksum(&request).to_be_bytes();
            request[2..4].copy_from_slice(&sum);
            let mut packet = vec![0x45; 1];
            packet.resize(20, 0);
            packet.extend_from_slice(&request);
            return packet;
        }
        request[0] = 129;
        request
    }

    #[test]
    fn a_request_comes_back_as_its_reply() {
        for body in [&b"###\n"[..], b"odd", b""] {
            let four = answered(encode_request(false, 0x1234, 7, body), true);
            let reply = Reply {
                id: 0x1234,
                seq: 7,
                body,
            };
            assert_eq!(decode_reply(false, &four), Some(reply.clone()));
            let six = answered(encode_request(true, 0x1234, 7, body), false);
            assert_eq!(decode_reply(true, &six), Some(reply));
        }
    }

    #[test]
    fn a_known_checksum() {
        // 8 0 sum 1 1, body abcd: worked out by hand.
        let packet = encode_request(false, 0x0100u16.to_be(), 1, b"ab");
        assert_eq!(
            &packet[2..4],
            &(!(0x0800u16 + 0x0100 + 0x0001 + 0x6162)).to_be_bytes()
        );
    }

    #[test]
    fn whatever_is_no_reply_of_an_echo_is_refused() {
        let request = encode_request(false, 1, 1, b"x");
        let good = answered(request.clone(), true);
        assert!(decode_reply(false, &request).is_none(), "no IP header");
        for length in 0..28 {
            assert!(decode_reply(false, &good[..length]).is_none(), "{length}");
        }
        for byte in 20..good.len() {
            let mut bad = good.clone();
            bad[byte] ^= 0x40;
            assert!(decode_reply(false, &bad).is_none(), "{byte}");
        }
        assert!(decode_reply(true, &[128, 0, 0, 0, 0, 0, 0, 0]).is_none());
    }
}
