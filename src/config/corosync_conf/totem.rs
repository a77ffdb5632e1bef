//! The section `totem`.

use super::generation::Generation;
use super::model::{Cipher, Crypto, Hash, IpVersion, RrpMode, Totem, Transport};
use super::read::Reader;
use super::section::Merged;
use super::timing::{Given, Timing};

/// Most of `window_size` and `max_messages` together: beyond it the real one ends.
/// Source: corosync 3.1.7, exec/totemsrp.c, `QUEUE_RTR_ITEMS_SIZE_MAX`
const WINDOW_MAX: u32 = 16_384;

/// Bounds of a key in the file. Source: corosync 3.1.7, `TOTEM_PRIVATE_KEY_LEN_MIN` and `…_MAX`
const KEY_BYTES: std::ops::RangeInclusive<usize> = 128..=4096;

pub(super) fn read(reader: &mut Reader<'_, '_>, nodes: usize) -> Totem {
    check_version(reader);
    let totem = reader.totem();
    let transport = transport(reader, &totem);
    let timing = timing(reader, &totem, nodes, transport);
    let crypto = crypto(reader, &totem, transport);
    let key = totem.text("key").map(|k| k.as_bytes().to_vec().into());
    check_key(reader, &totem, crypto);
    Totem {
        cluster_name: totem.text("cluster_name").map(str::to_owned),
        transport,
        nodeid: totem.number_or("nodeid", 0),
        clear_node_high_bit: totem.is("clear_node_high_bit", "yes"),
        crypto,
        key,
        keyfile: totem.text("keyfile").map(Into::into),
        rrp_mode: match totem.text("rrp_mode") {
            Some("active") => RrpMode::Active,
            Some("passive") => RrpMode::Passive,
            _ => RrpMode::None,
        },
        config_version: totem.number_or("config_version", 0),
        ip_version: ip_version(reader, &totem, transport),
        block_unlisted_ips: !totem.is("block_unlisted_ips", "no"),
        cancel_token_hold_on_retransmit: totem.is("cancel_token_hold_on_retransmit", "yes"),
        timing,
    }
}

fn check_version(reader: &mut Reader<'_, '_>) {
    let totem = reader.totem();
    let Some(first) = totem.first() else {
        let help = "write `totem {`, `version: 2` and `}` into it; corosync.conf(5) has an example";
        reader.error(reader.end(), "there is no section totem", help);
        return;
    };
    match totem.key("version") {
        Some(key) if key.value == "2" => {}
        Some(key) => {
            let message = format!("version is that of the file's format, not {}", key.value);
            reader.error(key.value_span, message, "write version: 2");
        }
        None => {
            let help = "write version: 2 into it: the version of the file's format";
            reader.refused(first.span, "totem has no version", help);
        }
    }
}

fn transport(reader: &mut Reader<'_, '_>, totem: &Merged<'_>) -> Transport {
    let three = reader.generation() == Generation::Three;
    let transport = match totem.text("transport") {
        Some("udpu") => Transport::Udpu,
        Some("knet") => Transport::Knet,
        Some("iba") => Transport::Iba,
        Some("udp") => Transport::Udp,
        _ if three => Transport::Knet,
        _ => Transport::Udp,
    };
    let help = "set transport: udpu (or udp) on all nodes, with crypto_cipher and crypto_hash \
                none, which 3.x demands of them";
    let span = reader.totem_span("transport");
    match (transport, totem.key("transport")) {
        _ if totem.first().is_none() => {}
        (Transport::Knet, Some(_)) => {
            reader.warning(span, "everbeat does not speak knet", help);
        }
        (Transport::Knet, None) => {
            let message = "without transport corosync 3.x uses knet, which everbeat does not speak";
            reader.warning(span, message, help);
        }
        (Transport::Iba, _) => {
            let message = "everbeat does not speak InfiniBand's own transport";
            reader.warning(span, message, "set transport: udp or udpu on all nodes");
        }
        _ => {}
    }
    transport
}

fn timing(
    reader: &mut Reader<'_, '_>,
    totem: &Merged<'_>,
    nodes: usize,
    transport: Transport,
) -> Timing {
    let generation = reader.generation();
    let given = given(totem);
    let timing = Timing::derive(&given, generation, nodes, transport == Transport::Knet);
    if let Some((key, message)) = timing.broken(&given, generation) {
        let help = format!("corosync {generation} does not start with it; write more for {key}");
        reader.error(reader.totem_span(key), message, help);
    }
    let window = timing.window_size.saturating_add(timing.max_messages);
    if window > WINDOW_MAX {
        let message = format!("window_size and max_messages make {window}");
        let help = format!("together at most {WINDOW_MAX}: with more the real one ends");
        reader.error(reader.totem_span("window_size"), message, help);
    }
    if given.consensus != 0 && timing.consensus < timing.token {
        let message = format!(
            "consensus {} ms is shorter than token {} ms",
            timing.consensus, timing.token
        );
        let help = "1.2 times token is usual: with less a slow member is left out of the ring";
        let span = reader.totem_span("consensus");
        reader.note(span, message, help);
    }
    timing
}

fn given(totem: &Merged<'_>) -> Given {
    let number = |name: &str| totem.number_or(name, 0);
    Given {
        token: number("token"),
        token_coefficient: totem.number("token_coefficient"),
        token_retransmit: number("token_retransmit"),
        token_retransmits_before_loss_const: number("token_retransmits_before_loss_const"),
        token_warning: totem.number("token_warning"),
        hold: number("hold"),
        join: number("join"),
        send_join: number("send_join"),
        consensus: number("consensus"),
        merge: number("merge"),
        downcheck: number("downcheck"),
        fail_recv_const: number("fail_recv_const"),
        seqno_unchanged_const: number("seqno_unchanged_const"),
        heartbeat_failures_allowed: number("heartbeat_failures_allowed"),
        max_network_delay: number("max_network_delay"),
        window_size: number("window_size"),
        max_messages: number("max_messages"),
        miss_count_const: number("miss_count_const"),
        rrp_problem_count_timeout: number("rrp_problem_count_timeout"),
        rrp_problem_count_threshold: number("rrp_problem_count_threshold"),
        rrp_problem_count_mcast_threshold: number("rrp_problem_count_mcast_threshold"),
        rrp_token_expired_timeout: number("rrp_token_expired_timeout"),
        rrp_autorecovery_check_timeout: number("rrp_autorecovery_check_timeout"),
        netmtu: number("netmtu"),
    }
}

/// What secauth, crypto_cipher and crypto_hash come to.
///
/// Source: spec corosync-conf.md 3.1; 2.x: secauth is on unless it says `off`, and cipher and hash
/// stand in its place where they are given.
fn crypto(reader: &mut Reader<'_, '_>, totem: &Merged<'_>, transport: Transport) -> Crypto {
    match reader.generation() {
        Generation::One if totem.is("secauth", "off") => Crypto::Bare,
        Generation::One => {
            let takes_nss = totem.is("crypto_accept", "new");
            Crypto::Sober {
                sends_nss: takes_nss && totem.is("crypto_type", "nss"),
                takes_nss,
            }
        }
        Generation::Two => {
            let (cipher, hash) = if totem.is("secauth", "off") {
                (Cipher::None, Hash::None)
            } else {
                (Cipher::Aes256, Hash::Sha1)
            };
            let (cipher, hash) = given_crypto(reader, totem, cipher, hash);
            Crypto::Wrapped { cipher, hash }
        }
        Generation::Three => {
            let (cipher, hash) = if totem.is("secauth", "on") {
                (Cipher::Aes256, Hash::Sha256)
            } else {
                (Cipher::None, Hash::None)
            };
            let (_, hash) = given_crypto(reader, totem, cipher, hash);
            if hash != Hash::None && transport != Transport::Knet {
                let span = ["crypto_hash", "crypto_cipher", "secauth"]
                    .into_iter()
                    .find_map(|name| totem.key(name))
                    .map(super::tree::Key::span);
                let message = "corosync 3.x has encryption and signatures only with knet";
                let help = "set crypto_cipher and crypto_hash to none; a file of 2.x says so by \
                            `everbeat {`, `generation: 2`, `}`";
                reader.error(span.unwrap_or_default(), message, help);
            }
            Crypto::Bare
        }
    }
}

fn given_crypto(
    reader: &mut Reader<'_, '_>,
    totem: &Merged<'_>,
    cipher: Cipher,
    hash: Hash,
) -> (Cipher, Hash) {
    let cipher = match totem.text("crypto_cipher") {
        Some("none") => Cipher::None,
        Some("aes256") => Cipher::Aes256,
        Some("aes192") => Cipher::Aes192,
        Some("aes128") => Cipher::Aes128,
        Some("3des") => Cipher::TripleDes,
        _ => cipher,
    };
    let hash = match totem.text("crypto_hash") {
        Some("none") => Hash::None,
        Some("md5") => Hash::Md5,
        Some("sha1") => Hash::Sha1,
        Some("sha256") => Hash::Sha256,
        Some("sha384") => Hash::Sha384,
        Some("sha512") => Hash::Sha512,
        _ => hash,
    };
    if cipher != Cipher::None && hash == Hash::None {
        let span = reader.totem_span("crypto_cipher");
        let help = "set crypto_hash, sha256 for instance: what is encrypted must be signed, too";
        reader.error(
            span,
            "crypto_cipher needs a crypto_hash other than none",
            help,
        );
    }
    (cipher, hash)
}

fn check_key(reader: &mut Reader<'_, '_>, totem: &Merged<'_>, crypto: Crypto) {
    let Some(key) = totem.key("key").filter(|_| crypto.needs_key()) else {
        return;
    };
    let length = key.value.len();
    let good = match reader.generation() {
        Generation::Two => (1..=128).contains(&length),
        _ => KEY_BYTES.contains(&length),
    };
    if !good {
        let message = format!("the key has {length} bytes");
        let help = "better make one in a file by corosync-keygen(8)";
        reader.error(key.name_span, message, help);
    }
}

fn ip_version(reader: &Reader<'_, '_>, totem: &Merged<'_>, transport: Transport) -> IpVersion {
    let three = reader.generation() == Generation::Three;
    match totem.text("ip_version") {
        Some("ipv4") => IpVersion::V4,
        Some("ipv6") => IpVersion::V6,
        Some("ipv4-6") => IpVersion::V4BeforeV6,
        Some("ipv6-4") => IpVersion::V6BeforeV4,
        _ if three && transport != Transport::Udp => IpVersion::V6BeforeV4,
        _ => IpVersion::V4,
    }
}
