use super::*;

const OK: WorkResult = WorkResult::Done;
const NOT: WorkResult = WorkResult::NotRunning;

fn failed() -> WorkResult {
    WorkResult::Failed {
        exit: Some(5),
        reason: "broken".to_owned(),
    }
}

fn group() -> GroupRun {
    let node = NodeName::new("a").expect("a name");
    let resources = ["10.0.0.1", "Disk::x", "web"].map(str::to_owned);
    GroupRun::new("10.0.0.1".to_owned(), node, resources.to_vec())
}

/// Lets the group act, each action ending as `results` says; what it did and said, in short.
fn play(group: &mut GroupRun, at: u64, results: &[WorkResult]) -> Vec<String> {
    let mut story = Vec::new();
    let mut results = results.iter();
    while let Some(step) = group.step(Instant(at)) {
        match step {
            Step::Notice(notice) => story.push(word(&notice)),
            Step::Act(resource, action) => {
                story.push(format!("{resource} {action}"));
                let Some(result) = results.next() else { break };
                if let Some(notice) = group.completed(Instant(at), result.clone()) {
                    story.push(word(&notice));
                }
            }
        }
    }
    story
}

fn word(notice: &Notice) -> String {
    let text = format!("{notice:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}

#[test]
fn starts_left_to_right_and_skips_what_runs() {
    let mut g = group();
    g.want = true;
    let story = play(&mut g, 0, &[NOT, OK, OK, NOT, OK]);
    assert_eq!(
        story,
        [
            "Acquiring",
            "10.0.0.1 status",
            "10.0.0.1 start",
            "Disk::x status",
            "web status",
            "web start",
            "Running"
        ]
    );
    assert_eq!(g.claim(), Claim::Held);
}

#[test]
fn stops_right_to_left() {
    let mut g = group();
    g.run = Run::Running;
    g.want = false;
    let story = play(&mut g, 0, &[OK, OK, OK]);
    let expected = [
        "Releasing",
        "web stop",
        "Disk::x stop",
        "10.0.0.1 stop",
        "Stopped",
    ];
    assert_eq!(story, expected);
    assert_eq!(g.claim(), Claim::Free);
}

#[test]
fn a_failed_start_stops_all_and_waits_longer_each_time() {
    let mut g = group();
    for (failures, pause) in [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 600)] {
        g.want = true;
        let story = play(&mut g, 0, &[NOT, OK, NOT, failed(), OK, OK, OK]);
        let tail = [
            "Failed",
            "Releasing",
            "web stop",
            "Disk::x stop",
            "10.0.0.1 stop",
        ];
        assert_eq!(story[5], "Failed", "{story:?}");
        assert_eq!(story[6..9], tail[2..5], "{story:?}");
        assert_eq!(g.entry.failures, failures);
        assert_eq!(g.retry_at, Instant(pause * 1000));
        assert!(!g.want);
    }
}

#[test]
fn a_change_of_mind_in_the_middle_of_starting_ends_the_action_first() {
    let mut g = group();
    g.want = true;
    let story = play(&mut g, 0, &[NOT]);
    assert_eq!(story.last().map(String::as_str), Some("10.0.0.1 start"));
    g.want = false;
    assert_eq!(g.step(Instant(0)), None);
    assert_eq!(g.completed(Instant(0), OK), None);
    let story = play(&mut g, 0, &[OK, OK, OK]);
    assert_eq!(story.first().map(String::as_str), Some("Releasing"));
    assert_eq!(g.run, Run::Stopped);
}

#[test]
fn a_failed_stop_is_tried_eleven_times_a_second_apart() {
    let mut g = group();
    g.run = Run::Running;
    for second in 0..=10 {
        let story = play(&mut g, second * 1000, &[failed()]);
        assert!(
            story.contains(&"web stop".to_owned()),
            "{second}: {story:?}"
        );
        if second < 10 {
            assert_eq!(g.poll_timeout(), Some(Instant((second + 1) * 1000)));
        }
    }
    assert_eq!(g.busy, Some(("web".to_owned(), Action::Status)));
}

#[test]
fn what_still_runs_after_all_tries_is_unstoppable() {
    for (status, end) in [(OK, "Unstoppable"), (NOT, "NotCompliant")] {
        let mut g = group();
        g.run = Run::Running;
        for second in 0..10 {
            play(&mut g, second * 1000, &[failed()]);
        }
        let story = play(&mut g, 10_000, &[failed(), status]);
        assert_eq!(story[..2], ["web stop", "web status"], "{story:?}");
        assert_eq!(story[2], end, "{story:?}");
    }
}

#[test]
fn probing_adopts_all_or_stops_a_lonely_address() {
    let mut g = group();
    g.probe();
    let story = play(&mut g, 0, &[OK, OK, OK]);
    assert_eq!(story.last().map(String::as_str), Some("Adopted"));
    assert_eq!(g.claim(), Claim::Held);

    let mut g = group();
    g.probe();
    let story = play(&mut g, 0, &[OK, NOT, NOT, OK, OK, OK]);
    let expected = [
        "PartlyFound",
        "web stop",
        "Disk::x stop",
        "10.0.0.1 stop",
        "Stopped",
    ];
    assert_eq!(story[3..], expected);

    let mut g = group();
    g.probe();
    let story = play(&mut g, 0, &[NOT, NOT, OK]);
    assert_eq!(story[3..], ["PartlyFound"]);
    assert_eq!(g.run, Run::Stopped);
}
