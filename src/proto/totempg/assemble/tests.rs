use super::*;
use crate::proto::totempg::{Packer, TooLong};

const NODE: NodeId = NodeId(1);

fn message(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

fn packets(packer: &mut Packer) -> Vec<Vec<u8>> {
    packer.flush();
    std::iter::from_fn(|| packer.poll_packet()).collect()
}

fn receive(assembler: &mut Assembler, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let each = packets
        .iter()
        .map(|p| assembler.receive(NODE, p, ByteOrder::NATIVE).unwrap());
    each.flatten().map(Cow::into_owned).collect()
}

#[test]
fn messages_of_all_lengths_come_whole_and_in_order() {
    for packet_bytes in [11, 12, 64, 1410] {
        let lengths = [0, 1, 2, 5, 40, 54, 55, 1399, 1400, 1401, 3000, 0, 7];
        let sent: Vec<_> = (0..).zip(lengths).map(|(i, n)| message(n, i)).collect();
        let mut packer = Packer::new(packet_bytes);
        for message in &sent {
            packer.push(message).unwrap();
        }
        let packets = packets(&mut packer);
        assert!(packets.iter().all(|p| p.len() <= packet_bytes));
        let full = packets
            .iter()
            .filter(|p| p.len() + 3 > packet_bytes)
            .count();
        assert!(
            full + 2 >= packets.len(),
            "{full} of {} are full",
            packets.len()
        );
        assert_eq!(
            receive(&mut Assembler::new(), &packets),
            sent,
            "{packet_bytes}"
        );
        assert!(packer.is_empty());
    }
}

#[test]
fn a_mebibyte_takes_many_fragments() {
    let sent = message(limits::TOTEMPG_MESSAGE_BYTES_MAX, 3);
    let mut packer = Packer::new(1410);
    packer.push(b"before").unwrap();
    packer.push(&sent).unwrap();
    let packets = packets(&mut packer);
    // Numbers of fragments run 1 to 255 and on with 1.
    let continuations: Vec<_> = packets.iter().map(|p| p[5]).collect();
    assert_eq!(continuations[..3], [0, 1, 2]);
    assert_eq!(continuations[255..258], [255, 1, 2]);
    assert_eq!(
        receive(&mut Assembler::new(), &packets),
        [b"before".to_vec(), sent.clone()]
    );
    let long = vec![0; sent.len() + 1];
    assert_eq!(packer.push(&long), Err(TooLong(long.len())));
}

#[test]
fn what_can_not_be_whole_is_dropped_alone() {
    let mut packer = Packer::new(40);
    packer.push(&message(60, 1)).unwrap();
    packer.push(b"small").unwrap();
    packer.push(&message(60, 2)).unwrap();
    packer.push(b"last").unwrap();
    let packets = packets(&mut packer);
    let late = receive(&mut Assembler::new(), &packets[1..]);
    assert_eq!(late, [b"small".to_vec(), message(60, 2), b"last".to_vec()]);
    let mut hole = packets.clone();
    hole.remove(1);
    let got = receive(&mut Assembler::new(), &hole);
    assert!(!got.contains(&message(60, 1)) && got.contains(&b"last".to_vec()));
}

#[test]
fn a_change_of_members_does_not_cut_a_message() {
    let mut packer = Packer::new(40);
    packer.push(&message(60, 1)).unwrap();
    let cut = packets(&mut packer);
    packer.push(b"sync").unwrap();
    let sync = packets(&mut packer);
    let mut assembler = Assembler::new();
    assert_eq!(receive(&mut assembler, &cut[..1]), [[0; 0]; 0]);
    assembler.begin_synchronising();
    assert_eq!(receive(&mut assembler, &sync), [b"sync"]);
    assembler.end_synchronising();
    assert_eq!(receive(&mut assembler, &cut[1..]), [message(60, 1)]);
}

#[test]
fn a_message_without_end_takes_bounded_room() {
    let part = vec![7; 60_000];
    let endless = |continuation, fragmented| {
        let mut out = Vec::new();
        let parts = vec![&part[..]];
        Packet {
            fragmented,
            continuation,
            parts,
        }
        .encode_into(&mut out);
        out
    };
    let mut assembler = Assembler::new();
    for i in 0..40 {
        let packet = endless(i, i + 1);
        assert_eq!(receive(&mut assembler, &[packet]), [[0; 0]; 0]);
    }
    let held = assembler.usual[&NODE].begun.capacity();
    assert!(held <= 2 * limits::TOTEMPG_ASSEMBLY_BYTES_MAX);
    assert_eq!(receive(&mut assembler, &[endless(40, 0)]), [[0; 0]; 0]);
    assert_eq!(
        receive(&mut assembler, &[endless(0, 0)]),
        std::slice::from_ref(&part)
    );
}
