use super::*;

const NOW: u64 = 1_795_346_911;

fn drawn(report: &Report) -> String {
    let text = super::report(report, NOW);
    let plain = anstream::adapter::strip_str(&text).to_string();
    // Times of day depend on the zone.
    let mut out = String::new();
    for part in plain.split_inclusive("since ") {
        let part = match part.as_bytes() {
            [h, m, b':', ..] if h.is_ascii_digit() && m.is_ascii_digit() => &part[8..],
            _ => part,
        };
        out += part;
    }
    out
}

fn pair() -> Report {
    let link = |name: &str, up: bool, heard: u64, late: u64| LinkReport {
        name: name.into(),
        medium: "bcast".into(),
        up,
        last_heard_ms: Some(heard),
        late_ms: late,
    };
    Report {
        host: "a".into(),
        version: "0.1.0".into(),
        pid: 70,
        since_unix: NOW - 7300,
        local_status: "active".into(),
        cluster: "linux-ha".into(),
        resources_held: "all".into(),
        nodes: vec![
            NodeReport {
                name: "a".into(),
                status: "active".into(),
                software: "everbeat 1".into(),
                ..NodeReport::default()
            },
            NodeReport {
                name: "b".into(),
                kind: "normal".into(),
                status: "dead".into(),
                software: "heartbeat".into(),
                status_since_unix: Some(NOW - 65),
                last_heard_ms: Some(67_300),
                dead_after_ms: Some(2000),
                links: vec![
                    link("eth0", false, 67_300, 66_800),
                    link("eth1", true, 300, 20),
                ],
                ..NodeReport::default()
            },
        ],
        groups: vec![GroupReport {
            key: "IPaddr2::10.0.0.5/24".into(),
            preferred: "b".into(),
            resources: vec!["IPaddr2::10.0.0.5/24".into(), "apache2".into()],
            holder: Some("a".into()),
            holders: vec!["a".into()],
            state: "running".into(),
            since_unix: Some(NOW - 64),
            why: "b is dead".into(),
        }],
        ..Report::default()
    }
}

#[test]
fn a_pair_of_which_one_is_dead() {
    let expected = "\
a  active  everbeat 0.1.0  pid 70  since  (2 h 1 min)  cluster linux-ha  holds all

a             active                               this node, everbeat 1
b             dead    heard 1 min ago              heartbeat, since  (1 min)
  eth0 bcast  dead    heard 1 min ago, 1 min late
  eth1 bcast  up      heard 0.3 s ago

IPaddr2::10.0.0.5/24  a  running  since  (1 min), b is dead, prefers b
  apache2
";
    assert_eq!(drawn(&pair()), expected);
}

#[test]
fn what_is_waited_for_stands_at_the_top() {
    let mut report = pair();
    report.waiting_for = vec!["for node b to come up (initdead in 12 s)".into()];
    let text = drawn(&report);
    assert_eq!(
        text.lines().nth(1),
        Some("waiting  for node b to come up (initdead in 12 s)")
    );
}

#[test]
fn a_membership_is_told_under_the_head() {
    let mut report = pair();
    report.membership = Some(crate::daemons::report::MembershipReport {
        state: "member".into(),
        instance: 4,
        leader: Some("b".into()),
        ..Default::default()
    });
    let text = drawn(&report);
    let second = text.lines().nth(1);
    assert_eq!(second, Some("membership 4, without quorum, led by b"));
}

#[test]
fn two_owners_and_none_are_told_loudly() {
    let mut report = pair();
    report.groups[0].holders = vec!["a".into(), "b".into()];
    assert!(drawn(&report).contains("BOTH a AND b"));
    report.groups[0].holders.clear();
    report.groups[0].holder = None;
    assert!(drawn(&report).contains("nobody"));
}

#[test]
fn a_report_without_anything_is_no_reason_to_fail() {
    assert!(!drawn(&Report::default()).is_empty());
}
