//! Frames of the sequencer, each with its sender, as a member of a view of three hears them.
#![no_main]

use everbeat::ids::{NodeName, NodeUuid};
use everbeat::messaging::heartbeat::{Sequencer, SequencerOutput};
use everbeat::time::Instant;
use everbeat::wire::ordered::{Frame, View};
use libfuzzer_sys::fuzz_target;

// Input: pieces of one byte length, each a frame; the first byte says who sent it.
fuzz_target!(|data: &[u8]| {
    let name = |word: &str| NodeName::new(word).expect("a name");
    let names = ["a", "b", "c"].map(name);
    let mut machine = Sequencer::new(names[0].clone(), NodeUuid([1; 16]));
    machine.handle_view(Instant(0), View::default(), names.to_vec());
    machine.send(Instant(0), vec![b"one".to_vec(), b"two".to_vec()]);
    let (mut rest, mut now) = (data, 0);
    while let Some((length, tail)) = rest.split_first() {
        let (piece, tail) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = tail;
        let Some((sender, bytes)) = piece.split_first() else {
            continue;
        };
        let sender = &names[usize::from(*sender) % names.len()];
        if let Ok((view, frame)) = Frame::decode(bytes) {
            assert_eq!(Frame::decode(&frame.encode(&view)), Ok((view.clone(), frame.clone())));
            machine.handle_frame(Instant(now), sender, view, frame);
        }
        now += 100;
        machine.handle_timeout(Instant(now));
        settle(&mut machine, &names[0], now);
    }
});

/// What the machine sends to all comes back to it.
fn settle(machine: &mut Sequencer, local: &NodeName, now: u64) {
    while let Some(output) = machine.poll_output() {
        if let SequencerOutput::Send { to: None, bytes } = output {
            let (view, frame) = Frame::decode(&bytes).expect("our own frame");
            machine.handle_frame(Instant(now), local, view, frame);
        }
    }
}
