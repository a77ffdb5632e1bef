use super::*;

#[test]
fn a_node_is_fenced_by_one_other_and_all_know() {
    let cib = cib(
        &device("sw", "fence_x", &[("pcmk_host_list", "n1 n2 n3")]),
        "",
    );
    let mut bench = Bench::new(&cib, all_well());
    bench.fence(1, "n3", "reboot", 7);
    assert_eq!(bench.done, ["n1 fence_x reboot n3"]);
    assert_eq!(bench.told(7), Some((0, String::new())));
    let over: Vec<u32> = bench.over.iter().map(|(id, _)| *id).collect();
    assert_eq!(over, [1, 2, 3]);
    for id in 1..=3 {
        let records = bench.fencers[&id].history().records();
        assert_eq!(records, bench.fencers[&1].history().records());
        let record = &records[0];
        assert_eq!((&*record.origin, &*record.delegate), ("n1", "n1"));
        assert_eq!(record.state, FenceState::Done);
    }
    // By its number, too.
    bench.fence(2, "3", "off", 8);
    assert_eq!(bench.done[1], "n2 fence_x off n3");
    // Without tolerance it is done again, though the clock of the other went ahead.
    bench.now.unix_s -= 100;
    bench.fence(1, "n3", "reboot", 9);
    assert_eq!(bench.done[2], "n1 fence_x reboot n3");
}

#[test]
fn a_device_that_was_started_is_preferred_and_the_target_comes_last() {
    let cib = cib(&device("sw", "fence_x", &[("pcmk_host_list", "n3")]), "");
    let mut bench = Bench::new(&cib, all_well());
    bench.on(2, |fencer, _| fencer.set_active("sw", true));
    bench.on(3, |fencer, _| fencer.set_active("sw", true));
    bench.fence(1, "n3", "off", 1);
    assert_eq!(bench.done, ["n2 fence_x off n3"]);
    // The others can't: the target itself does it, led by another one.
    let mut bench = Bench::new(
        &cib,
        Box::new(|_, _, node| Some((i32::from(node != 3), String::new()))),
    );
    bench.fence(3, "n3", "off", 2);
    assert_eq!(bench.fencers[&1].history().records()[0].leader, NodeId(1));
    let last = bench.done.last().map(String::as_str);
    assert_eq!(last, Some("n3 fence_x off n3"));
    assert_eq!(bench.told(2), Some((0, String::new())));
}

#[test]
fn levels_are_tried_in_order_and_two_devices_switch_off_before_any_on() {
    let devices = ["bad", "one", "two"].map(|id| {
        let agent = format!("fence_{id}");
        device(id, &agent, &[("pcmk_host_list", "n2")])
    });
    let topology = "<fencing-level id='1' index='1' target='n2' devices='bad'/>\
                    <fencing-level id='2' index='2' target-pattern='^n.$' devices='one,bad'/>\
                    <fencing-level id='3' index='2' target='n2' devices='one,two'/>";
    let cib = cib(&devices.concat(), topology);
    let agents =
        |program: &str, _: &str, _| Some((i32::from(program == "fence_bad"), String::new()));
    let mut bench = Bench::new(&cib, Box::new(agents));
    bench.fence(1, "n2", "reboot", 1);
    // A device is tried twice.
    let wanted = [
        "n1 fence_bad reboot n2",
        "n1 fence_bad reboot n2",
        "n1 fence_one off n2",
        "n1 fence_two off n2",
        "n1 fence_one on n2",
        "n1 fence_two on n2",
    ];
    assert_eq!(bench.done, wanted);
    assert_eq!(bench.told(1), Some((0, String::new())));
    // The pattern counts for a node without levels of its own.
    bench.done.clear();
    bench.fence(1, "n3", "off", 2);
    assert_eq!(bench.done, [""; 0], "one doesn't list n3");
    assert!(bench.told(2).is_some_and(|(exit, _)| exit == 1));
}

#[test]
fn an_attribute_tells_the_level() {
    let topology = "<fencing-level id='1' index='1' target-attribute='rack' target-value='7' \
                    devices='pdu'/>";
    let devices =
        device("a", "fence_a", &[]) + &device("pdu", "fence_p", &[("pcmk_host_check", "none")]);
    let mut bench = Bench::new(&cib(&devices, topology), all_well());
    bench.fence(3, "n2", "off", 1);
    assert_eq!(bench.done, ["n3 fence_p off n2"]);
}

#[test]
fn a_level_ends_when_a_device_of_it_fails_and_the_reason_is_the_agents() {
    let devices = device(
        "one",
        "fence_one",
        &[("pcmk_host_list", "n2"), ("pcmk_off_retries", "1")],
    ) + &device("two", "fence_two", &[("pcmk_host_list", "n2")]);
    let topology = "<fencing-level id='1' index='1' target='n2' devices='one,two'/>";
    let mut bench = Bench::new(
        &cib(&devices, topology),
        Box::new(|_, _, _| Some((1, String::new()))),
    );
    bench.fence(1, "n2", "off", 1);
    assert_eq!(bench.done, ["n1 fence_one off n2"]);
    assert_eq!(bench.told(1), Some((1, "the switch doesn't answer".into())));
    assert_eq!(bench.states(3), [FenceState::Failed]);
}

#[test]
fn an_agent_that_hangs_is_left_and_the_next_node_tries() {
    let cib = cib(
        &device(
            "sw",
            "fence_x",
            &[("pcmk_host_list", "n3"), ("pcmk_off_timeout", "10s")],
        ),
        "",
    );
    let agents = |_: &str, _: &str, node| (node != 1).then(|| (0, String::new()));
    let mut bench = Bench::new(&cib, Box::new(agents));
    bench.fence(1, "n3", "off", 1);
    assert_eq!(bench.done, ["n1 fence_x off n3"]);
    bench.pass(11);
    assert_eq!(bench.done, ["n1 fence_x off n3", "n2 fence_x off n3"]);
    assert_eq!(bench.told(1), Some((0, String::new())));
}

#[test]
fn a_node_that_dies_while_it_fences_is_replaced() {
    let cib = cib(&device("sw", "fence_x", &[("pcmk_host_list", "n3")]), "");
    let agents = |_: &str, _: &str, node| (node != 2).then(|| (0, String::new()));
    let mut bench = Bench::new(&cib, Box::new(agents));
    bench.on(2, |fencer, _| fencer.set_active("sw", true));
    bench.fence(1, "n3", "off", 1);
    assert_eq!(bench.done, ["n2 fence_x off n3"]);
    bench.die(2);
    assert_eq!(bench.done, ["n2 fence_x off n3", "n1 fence_x off n3"]);
    assert_eq!(bench.told(1), Some((0, String::new())));
}

#[test]
fn the_same_request_twice_is_done_once() {
    let cib = cib(&device("sw", "fence_x", &[("pcmk_host_list", "n3")]), "");
    let mut bench = Bench::new(&cib, Box::new(|_, _, _| None));
    bench.fence(1, "n3", "reboot", 1);
    bench.fence(2, "N3", "reboot", 2);
    assert_eq!(
        bench.states(3),
        [FenceState::Executing, FenceState::Duplicate]
    );
    bench.let_end(0);
    assert_eq!(bench.done.len(), 1);
    assert_eq!(bench.told(1), Some((0, String::new())));
    assert_eq!(bench.told(2), Some((0, String::new())));
    assert_eq!(bench.states(3), [FenceState::Done, FenceState::Done]);
    // So short ago that it need not be done again.
    let mut again = order("n3", "reboot");
    again.tolerance = Duration::from_secs(5);
    bench.on(2, |fencer, now| fencer.fence(now, again.clone(), Some(3)));
    assert_eq!(
        (bench.done.len(), bench.told(3)),
        (1, Some((0, String::new())))
    );
    bench.pass(6);
    bench.on(2, |fencer, now| fencer.fence(now, again, Some(4)));
    assert_eq!(bench.done.len(), 2);
}

#[test]
fn what_a_dead_leader_began_counts_if_it_ends_well() {
    let cib = cib(
        &device(
            "sw",
            "fence_x",
            &[("pcmk_host_list", "n3"), ("pcmk_off_retries", "1")],
        ),
        "",
    );
    for exit in [0, 1] {
        let mut bench = Bench::new(&cib, Box::new(|_, _, _| None));
        bench.on(2, |fencer, _| fencer.set_active("sw", true));
        bench.fence(1, "n3", "off", 1);
        bench.die(1);
        assert_eq!(bench.states(2), [FenceState::Executing]);
        // The new leader's request waits for it.
        bench.fence(2, "n3", "off", 2);
        bench.let_end(exit);
        assert_eq!(bench.done, ["n2 fence_x off n3"]);
        assert_eq!(bench.told(2).map(|(exit, _)| exit), Some(exit));
        let state = if exit == 0 {
            FenceState::Done
        } else {
            FenceState::Failed
        };
        assert_eq!(bench.states(2), [state, state]);
        assert!(
            bench
                .over
                .iter()
                .any(|(id, result)| *id == 2 && result.exit == exit)
        );
    }
    // A leader that died while it asked leaves nothing to wait for.
    let mut bench = Bench::new(&cib, Box::new(|_, _, _| None));
    bench.fence(1, "n3", "off", 1);
    assert_eq!(bench.states(2), [FenceState::Executing]);
    bench.die(1);
    assert_eq!(bench.states(2), [FenceState::Failed], "it did it itself");
}

#[test]
fn a_node_that_joins_learns_what_was_and_forgets_with_the_others() {
    let cib = cib(&device("sw", "fence_x", &[("pcmk_host_list", "n3")]), "");
    let mut bench = Bench::new(&cib, all_well());
    bench.fence(1, "n3", "reboot", 1);
    bench.die(3);
    bench.add(3, &cib);
    bench.meet();
    assert_eq!(bench.states(3), [FenceState::Done]);
    bench.on(3, |fencer, _| fencer.ask_history(9));
    assert!(bench.answers.contains(&(3, 9, Answer::History)));
    bench.on(2, |fencer, _| fencer.clean_up(Some("n1")));
    assert_eq!(bench.states(3).len(), 1);
    bench.on(2, |fencer, _| fencer.clean_up(None));
    assert!((1..=3).all(|id| bench.states(id).is_empty()));
}

#[test]
fn the_history_is_bounded() {
    let cib = cib(&device("sw", "fence_x", &[("pcmk_host_list", "n3")]), "");
    let mut bench = Bench::new(&cib, all_well());
    for asker in 0..600 {
        bench.fence(1, "n3", "reboot", asker);
    }
    let count = bench.states(2).len();
    assert!((250..=500).contains(&count), "{count}");
    assert_eq!(bench.told(599), Some((0, String::new())));
}

#[test]
fn a_person_confirms_where_no_device_can() {
    let mut bench = Bench::new(&cib("", ""), all_well());
    bench.fence(1, "n3", "reboot", 1);
    let answer = (1, "No device can fence n3".to_owned());
    assert_eq!(bench.told(1), Some(answer));
    let failed = Status::NoFenceDevice as i32;
    assert!(bench.over.iter().all(|(_, result)| result.status == failed));
    bench.over.clear();
    bench.on(2, |fencer, now| {
        fencer.confirm(now, "3", "stonith_admin.1", 2)
    });
    assert_eq!(bench.told(2), Some((0, String::new())));
    let (_, result) = &bench.over[0];
    assert_eq!(
        (bench.over.len(), &*result.target, &*result.delegate),
        (3, "n3", HUMAN)
    );
}

#[test]
fn a_confirmation_ends_what_is_under_way() {
    let cib = cib(&device("sw", "fence_x", &[("pcmk_host_list", "n3")]), "");
    let mut bench = Bench::new(&cib, Box::new(|_, _, _| None));
    bench.fence(1, "n3", "reboot", 1);
    bench.on(2, |fencer, now| {
        fencer.confirm(now, "n3", "stonith_admin.1", 2)
    });
    assert_eq!(bench.told(1), Some((0, String::new())));
    bench.let_end(1);
    assert_eq!(bench.states(1), [FenceState::Done, FenceState::Done]);
}

#[test]
fn lists_and_status_are_asked_where_nobody_says() {
    let devices = device(
        "list",
        "fence_list",
        &[
            ("pcmk_host_map", "n2:p2;n3:p3"),
            ("pcmk_host_check", "dynamic-list"),
        ],
    ) + &device("stat", "fence_stat", &[("pcmk_host_check", "status")])
        + &device("fall", "fence_fall", &[]);
    let agents = |program: &str, input: &str, _| {
        let asks = |action: &str| input.starts_with(&format!("action={action}\n"));
        Some(match program {
            "fence_list" if asks("list") => (0, "p3,\np1,x\n".to_owned()),
            "fence_fall" if asks("list") => (1, String::new()),
            // It knows n2, which is off.
            _ if asks("status") && input.contains("plug=n2") => (2, String::new()),
            _ if asks("status") => (1, String::new()),
            _ => (0, String::new()),
        })
    };
    let mut bench = Bench::new(&cib(&devices, ""), Box::new(agents));
    let mut ask = |asker, target: Option<&str>| {
        bench.on(2, |fencer, now| {
            fencer.ask_devices(now, target, None, asker)
        });
        let mut answers = bench.answers.iter();
        match answers.find(|(_, to, _)| *to == asker).cloned() {
            Some((2, _, Answer::Devices(devices))) => devices.join(" "),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(1, Some("n3")), "list");
    assert_eq!(ask(2, Some("n2")), "fall stat");
    assert_eq!(ask(3, Some("n1")), "");
    assert_eq!(ask(4, None), "fall list stat");
}

#[test]
fn delays_are_waited_for_and_a_device_does_one_thing_at_a_time() {
    let devices = device(
        "sw",
        "fence_x",
        &[
            ("pcmk_host_list", "n1 n2 n3"),
            ("pcmk_delay_base", "n3:5;n2:2"),
        ],
    );
    let cib = cib(&devices, "");
    let mut bench = Bench::new(&cib, Box::new(|_, _, _| None));
    bench.fence(1, "n3", "off", 1);
    bench.fence(1, "n2", "off", 2);
    bench.pass(1);
    assert_eq!(bench.done, [""; 0]);
    bench.pass(2);
    assert_eq!(bench.done, ["n1 fence_x off n2"]);
    bench.pass(5);
    assert_eq!(bench.done.len(), 1, "its delay is over, the device busy");
    bench.let_end(0);
    assert_eq!(bench.done, ["n1 fence_x off n2", "n1 fence_x off n3"]);
    bench.let_end(0);
    let mut at_once = order("n3", "reboot");
    at_once.delay_s = -1;
    bench.on(1, |fencer, now| fencer.fence(now, at_once, None));
    assert_eq!(bench.done.len(), 3);
}

#[test]
fn a_node_tries_its_other_devices_before_another_node_does() {
    let bad = [("pcmk_host_list", "n3"), ("priority", "5")];
    let good = [("pcmk_host_list", "n3")];
    let devices = device("x", "fence_bad", &bad) + &device("y", "fence_good", &good);
    let fails =
        |program: &str, _: &str, _| Some((i32::from(program == "fence_bad"), String::new()));
    let mut bench = Bench::new(&cib(&devices, ""), Box::new(fails));
    bench.fence(1, "n3", "off", 1);
    let bad = "n1 fence_bad off n3";
    assert_eq!(bench.done, [bad, bad, "n1 fence_good off n3"]);
    assert_eq!(bench.told(1), Some((0, String::new())));
}

#[test]
fn all_devices_that_let_a_node_in_have_to_do_it() {
    let fabric = "<resource-agent><parameters><parameter name='port'/></parameters><actions>\
        <action name='on' automatic='1'/><action name='off'/></actions></resource-agent>";
    let devices = device("f1", "fence_fabric1", &[("pcmk_host_list", "n3")])
        + &device("f2", "fence_fabric2", &[("pcmk_host_list", "n3")])
        + &device("sw", "fence_x", &[("pcmk_host_list", "n3")]);
    let agents = move |_: &str, input: &str, _| {
        let asked = input.starts_with("action=metadata");
        Some((
            0,
            if asked {
                fabric.to_owned()
            } else {
                String::new()
            },
        ))
    };
    let mut bench = Bench::new(&cib(&devices, ""), Box::new(agents));
    bench.fence(1, "n3", "on", 1);
    assert_eq!(
        bench.done,
        ["n1 fence_fabric1 on n3", "n1 fence_fabric2 on n3"]
    );
    // They know no reboot.
    bench.done.clear();
    for id in 1..=3 {
        bench.on(id, |fencer, _| assert!(fencer.registry.deregister("sw")));
    }
    bench.fence(1, "n3", "reboot", 2);
    assert_eq!(bench.done, ["n1 fence_fabric1 off n3"]);
}

#[test]
fn devices_of_tools_count_until_they_are_taken_back() {
    let mut bench = Bench::new(&cib("", ""), all_well());
    let parameters = [("pcmk_host_list".to_owned(), "n3".to_owned())];
    let device = Device::new("own", "fence_own", parameters.into());
    bench.on(2, |fencer, _| {
        assert!(matches!(
            fencer.register(device),
            Answer::Ended { exit: 0, .. }
        ));
        let target = LevelTarget::Node("n3".into());
        let answer = fencer.register_level(target, 10, vec!["own".into()]);
        assert!(matches!(answer, Answer::Ended { exit: 1, .. }));
    });
    bench.fence(1, "n3", "off", 1);
    assert_eq!(bench.done, ["n2 fence_own off n3"]);
    bench.on(2, |fencer, _| drop(fencer.deregister("own")));
    bench.fence(1, "n3", "off", 2);
    assert!(bench.told(2).is_some_and(|(exit, _)| exit == 1));
}

#[test]
fn requests_of_the_network_are_bounded() {
    let mut bench = Bench::new(&cib("", ""), Box::new(|_, _, _| None));
    for number in 0..2000 {
        let query = crate::wire::crm::FenceQuery {
            ticket: FenceTicket {
                origin: NodeId(9),
                number,
            },
            leader: NodeId(9),
            target: format!("x{number}"),
            action: "off".into(),
            client: "x".repeat(100_000),
            timeout_ms: u64::MAX,
            delay_s: i64::MIN,
        };
        bench
            .queue
            .push_back((NodeId(3), Message::FenceQuery(query)));
    }
    bench.settle();
    let records = bench.fencers[&1].history().records();
    assert!(records.len() <= 500);
    assert!(records.iter().all(|record| record.client.len() <= 1024));
}
