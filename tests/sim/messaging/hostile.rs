//! A member that says whatever may be said: the sequencer goes on, says little, keeps little.

use everbeat::ids::NodeUuid;
use everbeat::messaging::heartbeat::{Sequencer, SequencerOutput};
use everbeat::proto::rng::Rng;
use everbeat::time::Instant;
use everbeat::wire::ccm::Cookie;
use everbeat::wire::ordered::{Frame, Ordered, View};

use crate::ccm::name_of;

/// Inputs of one run.
const INPUTS: u64 = 20_000;
/// Runs.
const RUNS: u64 = if cfg!(debug_assertions) { 4 } else { 50 };
/// What one input may lead to at most: all pieces of a window, and a few words.
const OUTPUTS_MAX: u32 = 400;

fn view(instance: u64) -> View {
    View {
        instance: u32::try_from(instance).unwrap(),
        cookie: Cookie::new(b"hostile"),
    }
}

fn number(rng: &mut Rng) -> u64 {
    match rng.below(12) {
        0 => u64::MAX,
        1 => 0,
        2 => 1 << 32,
        _ => rng.below(200),
    }
}

fn frame(rng: &mut Rng, views: u64) -> Frame {
    let piece = vec![7; usize::try_from(rng.below(50)).unwrap()];
    match rng.below(8) {
        0 => Frame::Flush {
            again: rng.percent(50),
            closed: rng.percent(30),
            before: rng.percent(70).then(|| view(rng.below(views + 1))),
            have: number(rng),
            uuid: NodeUuid([u8::try_from(rng.below(3)).unwrap(); 16]),
        },
        1 => Frame::Ready,
        2 => Frame::Submit {
            number: number(rng),
            piece,
        },
        3 => Frame::Ordered {
            stable: number(rng),
            more: rng.percent(50),
            ordered: Ordered {
                place: number(rng),
                sender: u16::try_from(rng.below(5)).unwrap(),
                number: number(rng),
                piece,
            },
        },
        4 => Frame::Beat {
            last: number(rng),
            stable: number(rng),
        },
        5 => Frame::Have { have: number(rng) },
        6 => Frame::Want {
            first: number(rng),
            last: number(rng),
        },
        _ => Frame::Missing {
            number: number(rng),
        },
    }
}

/// Takes what the machine says; what is for itself comes back. How much it was.
fn drain(machine: &mut Sequencer, local: usize, now: u64) -> u32 {
    let mut count = 0;
    while let Some(output) = machine.poll_output() {
        count += 1;
        if let SequencerOutput::Send { to, bytes } = output
            && to.is_none_or(|to| to == name_of(local))
        {
            let (view, frame) = Frame::decode(&bytes).unwrap();
            machine.handle_frame(Instant(now), &name_of(local), view, frame);
        }
        assert!(count <= OUTPUTS_MAX, "{count} outputs of one input");
    }
    count
}

#[test]
fn nonsense_of_a_member_ends_nothing() {
    let mut said = 0;
    for seed in 1..=RUNS {
        let mut rng = Rng::new(seed);
        // The first member gives places, the others take them.
        let local = usize::try_from(seed % 3).unwrap();
        let mut machine = Sequencer::new(name_of(local), NodeUuid([1; 16]));
        let (mut now, mut views) = (0, 0);
        for _ in 0..INPUTS {
            now += rng.below(40);
            match rng.below(200) {
                0 => {
                    views += 1;
                    let members = (0..3).map(name_of).collect();
                    machine.handle_view(Instant(now), view(views), members);
                }
                1 => machine.send(Instant(now), vec![vec![1; 9]; 3]),
                2 => machine.handle_pause(Instant(now), rng.percent(30)),
                3..10 => machine.handle_timeout(Instant(now)),
                _ => {
                    let from = name_of(usize::try_from(rng.below(4)).unwrap());
                    let of = view(views.saturating_sub(rng.below(3) / 2));
                    let frame = frame(&mut rng, views);
                    machine.handle_frame(Instant(now), &from, of, frame);
                }
            }
            said += u64::from(drain(&mut machine, local, now));
        }
    }
    assert!(said > INPUTS, "{said} outputs: nothing was heard at all");
}
