//! The controller on simulated hosts: formation, failures, fencing, partitions, shutdown.

use everbeat::proto::rng::Rng;
use everbeat::sim::crm::{Behaviour, Setting, World};
use everbeat::wire::crm::{AttributeChange, AttributeTask, AttributeValue};
use everbeat::wire::crm::{OperationKind, Request, RequestFlags};

const CIB: &str = r#"<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1"
 num_updates="0" admin_epoch="0"><configuration><crm_config>
 <cluster_property_set id="cib-bootstrap-options">
  <nvpair id="o1" name="stonith-enabled" value="true"/>
  <nvpair id="o2" name="no-quorum-policy" value="stop"/>
 </cluster_property_set></crm_config><nodes/><resources>
 <group id="web"><primitive id="vip" class="ocf" provider="heartbeat" type="IPaddr2">
   <operations><op id="vip-m" name="monitor" interval="10s" timeout="20s"/></operations></primitive>
  <primitive id="site" class="ocf" provider="heartbeat" type="Dummy"/></group>
 <clone id="all"><primitive id="clone-ping" class="ocf" provider="pacemaker" type="Dummy"/></clone>
 <primitive id="switch" class="stonith" type="fence_dummy"/>
 </resources><constraints>
 <rsc_location id="l1" rsc="web" node="n1" score="50"/></constraints></configuration>
 <status/></cib>"#;

fn world(hosts: u32, seed: u64) -> World {
    World::new(&Setting {
        hosts,
        cib: CIB.to_owned(),
        seed,
    })
}

fn running(hosts: u32) -> World {
    let mut world = world(hosts, 1);
    world.start(&(1..=hosts).collect::<Vec<_>>());
    world.run_ms(3000);
    world
}

#[track_caller]
fn quiet(world: &World) {
    let complaints = world.complaints();
    assert!(complaints.is_empty(), "{complaints:?}\n{}", world.story());
}

fn request(operation: OperationKind, section: &str, input: &str) -> Request {
    Request {
        call: 0,
        operation,
        flags: RequestFlags::default(),
        section: Some(section.to_owned()),
        xpath: None,
        input: Some(input.to_owned()),
        user: None,
        groups: Vec::new(),
        client: "cibadmin".into(),
        unix_s: 0,
        time: None,
    }
}

#[test]
fn three_hosts_form_a_cluster_and_start_its_resources() {
    let mut world = running(3);
    quiet(&world);
    for resource in ["vip", "site"] {
        assert!(world.host(1).runs(resource), "{}", world.story());
    }
    for id in 1..=3 {
        assert!(world.host(id).runs("clone-ping"));
    }
    let cib = world.host(2).controller().unwrap().cib();
    assert_eq!(cib.attr(cib.root(), "have-quorum"), Some("1"));
    let nodes = everbeat::cib::xpath::select(cib, "//nodes/node").unwrap();
    assert_eq!(nodes.len(), 3);
    let log = world.story();
    for words in [
        "Quorum acquired",
        "Initiating start operation vip_start_0 on n1",
        "): Complete",
    ] {
        assert!(log.contains(words), "{words}\n{log}");
    }
    // Nothing more to do: the next transition is empty.
    let before = world.story().matches("Initiating").count();
    world.run_ms(60_000);
    assert_eq!(world.story().matches("Initiating").count(), before);
}

#[test]
fn one_host_of_three_waits_for_the_others_as_long_as_dc_deadtime() {
    let mut world = world(3, 1);
    world.start(&[1]);
    world.run_ms(19_000);
    assert_eq!(world.host(1).controller().unwrap().dc(), None);
    world.run_ms(2000);
    assert_eq!(world.host(1).controller().unwrap().dc(), Some("n1"));
    assert!(!world.host(1).runs("vip"), "no quorum");
    world.start(&[2, 3]);
    world.run_ms(3000);
    quiet(&world);
    assert_eq!(
        world.host(3).controller().unwrap().dc(),
        Some("n1"),
        "it stays"
    );
    assert!(world.host(1).runs("vip"), "{}", world.story());
}

#[test]
fn the_resources_of_a_host_without_power_move_once_it_is_fenced() {
    let mut world = running(3);
    world.power_off(1);
    world.run_ms(900);
    assert!(
        !world.host(2).runs("vip") && !world.host(3).runs("vip"),
        "not before"
    );
    world.run_ms(3000);
    quiet(&world);
    assert!(
        world.host(2).runs("vip") != world.host(3).runs("vip"),
        "{}",
        world.story()
    );
    assert!(
        world
            .story()
            .contains("Requesting fencing (reboot) of node n1")
    );
    world.start(&[1]);
    world.run_ms(5000);
    quiet(&world);
    assert!(
        world.host(1).runs("vip"),
        "its score is there: {}",
        world.story()
    );
}

#[test]
fn without_fencing_nothing_moves() {
    let mut world = running(3);
    world.set_fencing(false);
    world.power_off(1);
    world.run_ms(20_000);
    assert!(!world.host(2).runs("vip") && !world.host(3).runs("vip"));
    // Ten times it was tried; again when the cluster looks at everything anew, after a quarter of
    // an hour.
    assert!(world.story().contains("giving up"), "{}", world.story());
    world.set_fencing(true);
    world.run_ms(16 * 60_000);
    quiet(&world);
    assert!(world.host(2).runs("vip") || world.host(3).runs("vip"));
}

#[test]
fn a_minority_is_fenced_and_a_killed_daemon_too() {
    for cut in [true, false] {
        let mut world = running(3);
        match cut {
            true => world.cut(&[&[1], &[2, 3]]),
            false => world.kill(1),
        }
        world.run_ms(5000);
        assert!(world.host(1).controller().is_none(), "fenced");
        assert!(
            world.host(2).runs("vip") || world.host(3).runs("vip"),
            "{}",
            world.story()
        );
        quiet(&world);
    }
}

#[test]
fn a_failed_monitor_is_counted_and_the_resource_comes_back() {
    let mut world = running(2);
    world.host_mut(1).break_down("vip");
    world.run_ms(12_000);
    quiet(&world);
    assert!(
        world.host(1).runs("vip") && world.host(1).runs("site"),
        "{}",
        world.story()
    );
    let attributes = world.host(2).controller().unwrap().attributes();
    assert_eq!(
        attributes.get("fail-count-vip#monitor_10000", "n1"),
        Some("1")
    );
    let story = world.story();
    assert!(
        story.contains("expected 'ok' but got 'not running'"),
        "{story}"
    );
}

#[test]
fn a_failed_start_goes_elsewhere_and_a_failed_stop_is_fenced() {
    let mut world = world(3, 1);
    world.host_mut(1).behave("site", Behaviour::NoStart);
    world.start(&[1, 2, 3]);
    world.run_ms(5000);
    quiet(&world);
    let at = [2, 3].into_iter().find(|id| world.host(*id).runs("site"));
    let at = at.unwrap_or_else(|| panic!("{}", world.story()));
    world.host_mut(at).behave("vip", Behaviour::NoStop);
    let ban = format!("<rsc_location id='ban' rsc='web' node='n{at}' score='-INFINITY'/>");
    world.change(1, request(OperationKind::Create, "constraints", &ban));
    world.run_ms(6000);
    assert!(
        world.host(at).controller().is_none(),
        "fenced: {}",
        world.story()
    );
    quiet(&world);
}

#[test]
fn changes_from_all_hosts_are_made_once_and_everywhere() {
    let mut world = running(3);
    for n in 0..20 {
        for id in 1..=3 {
            let node = format!("<nvpair id='p{id}-{n}' name='p{id}-{n}' value='1'/>");
            let set = format!(
                "<cluster_property_set id='cib-bootstrap-options'>{node}</cluster_property_set>"
            );
            let mut ask = request(OperationKind::Modify, "crm_config", &set);
            ask.flags.can_create = true;
            world.change(id, ask);
        }
    }
    world.run_ms(3000);
    quiet(&world);
    let cib = world.host(1).controller().unwrap().cib();
    let found = everbeat::cib::xpath::select(cib, "//nvpair[@value='1']").unwrap();
    assert!(found.len() >= 60, "{}", found.len());
}

#[test]
fn a_host_leaves_after_its_resources() {
    let mut world = running(3);
    world.with(1, |controller, now| controller.shut_down(now));
    world.run_ms(5000);
    assert!(world.host(1).controller().is_none(), "{}", world.story());
    assert_eq!(world.host(1).active().count(), 0);
    assert!(world.host(2).runs("vip") || world.host(3).runs("vip"));
    assert!(
        !world.story().contains("Requesting fencing"),
        "{}",
        world.story()
    );
    quiet(&world);
    for id in [2, 3] {
        world.with(id, |controller, now| controller.shut_down(now));
    }
    world.run_ms(10_000);
    for id in [2, 3] {
        assert!(world.host(id).controller().is_none(), "{}", world.story());
        assert_eq!(world.host(id).active().count(), 0);
    }
}

#[test]
fn transient_attributes_live_as_long_as_their_node() {
    let mut world = running(3);
    let change = AttributeChange {
        task: AttributeTask::Update,
        value: AttributeValue {
            name: "pingd".into(),
            node: "n2".into(),
            value: Some("100".into()),
            set: None,
            dampening_ms: 0,
            private: false,
        },
    };
    world.with(2, |controller, now| {
        controller.change_attribute(now, change)
    });
    world.run_ms(1000);
    let select = |world: &World| {
        let cib = world.host(3).controller().unwrap().cib();
        everbeat::cib::xpath::select(cib, "//nvpair[@name='pingd'][@value='100']")
            .unwrap()
            .len()
    };
    assert_eq!(select(&world), 1);
    world.power_off(2);
    world.run_ms(4000);
    assert_eq!(select(&world), 0);
    quiet(&world);
}

/// A random course of faults, from a seed; everything heals in the end.
struct Course {
    world: World,
    rng: Rng,
    hosts: u32,
    /// Ids of what was asked for, by host and call, and whether the host had quorum then.
    asked: Vec<(u32, u64, String)>,
    /// Ids of what was acknowledged by a host with quorum.
    acknowledged: Vec<String>,
}

impl Course {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let hosts = 3 + 2 * u32::try_from(rng.below(2)).unwrap();
        let mut world = world(hosts, seed);
        world.start(&(1..=hosts).collect::<Vec<_>>());
        Self {
            world,
            rng,
            hosts,
            asked: Vec::new(),
            acknowledged: Vec::new(),
        }
    }

    fn any(&mut self) -> u32 {
        1 + u32::try_from(self.rng.below(u64::from(self.hosts))).unwrap()
    }

    /// One fault or change, and some time.
    fn turn(&mut self) {
        let id = self.any();
        let down: Vec<u32> = (1..=self.hosts)
            .filter(|id| self.world.host(*id).controller().is_none())
            .collect();
        match self.rng.below(9) {
            0 => self.world.power_off(id),
            1 => self.world.kill(id),
            2 | 3 => self.cut(),
            4 | 5 if !down.is_empty() => self.world.start(&down),
            6 => self.world.host_mut(id).break_down("vip"),
            7 => {
                let behaviour = match self.rng.below(3) {
                    0 => Behaviour::NoStart,
                    _ => Behaviour::Good,
                };
                self.world.host_mut(id).behave("site", behaviour);
            }
            _ => self.change(id),
        }
        for _ in 0..self.rng.below(4) {
            let span = self.rng.below(400);
            self.world.run_ms(span);
            self.note_answers();
            let id = self.any();
            self.change(id);
        }
        let span = self.rng.below(3000);
        self.world.run_ms(span);
        self.note_answers();
    }

    fn cut(&mut self) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for id in 1..=self.hosts {
            if self.rng.percent(50) {
                a.push(id)
            } else {
                b.push(id)
            }
        }
        let all: Vec<u32> = (1..=self.hosts).collect();
        match self.rng.below(10) {
            0..3 => self.world.cut(&[&all]),
            // Two memberships at once: the first ends before its members agreed.
            3..5 => {
                self.world.cut(&[&a, &b]);
                let span = self.rng.below(20);
                self.world.run_ms(span);
                self.world.cut(&[&all]);
            }
            _ => self.world.cut(&[&a, &b]),
        }
    }

    fn change(&mut self, host: u32) {
        let id = format!("x{}", self.asked.len());
        let set = format!(
            "<cluster_property_set id='cib-bootstrap-options'>\
             <nvpair id='{id}' name='{id}' value='1'/></cluster_property_set>"
        );
        if let Some(call) = self
            .world
            .change(host, request(OperationKind::Modify, "crm_config", &set))
        {
            self.asked.push((host, call, id));
        }
    }

    fn note_answers(&mut self) {
        for host in 1..=self.hosts {
            let answers = self.world.host_mut(host).take_answers();
            for (call, well, quorate) in answers {
                let of_it = |(h, c, _): &(u32, u64, String)| *h == host && *c == call;
                let Some(place) = self.asked.iter().rposition(of_it) else {
                    continue;
                };
                if well && quorate {
                    self.acknowledged.push(self.asked[place].2.clone());
                }
            }
        }
    }

    fn heal(&mut self) {
        for id in 1..=self.hosts {
            for resource in ["vip", "site"] {
                self.world.host_mut(id).behave(resource, Behaviour::Good);
            }
        }
        let all: Vec<u32> = (1..=self.hosts).collect();
        let (first, rest) = all.split_at(2);
        self.world.cut(&[first, rest]);
        let span = self.rng.below(20);
        self.world.run_ms(span);
        self.world.cut(&[&all]);
        for _ in 0..4 {
            let down = all.iter().copied();
            let down: Vec<u32> = down
                .filter(|id| self.world.host(*id).controller().is_none())
                .collect();
            self.world.start(&down);
            self.world.run_ms(30_000);
        }
        self.note_answers();
    }
}

#[test]
fn whatever_happens_nothing_runs_twice_no_change_is_lost_and_all_heals() {
    let (from, to) = match std::env::var("EVERBEAT_FULL") {
        Ok(_) => (1, 1000),
        Err(_) => (1, 60),
    };
    for seed in from..=to {
        let mut course = Course::new(seed);
        for _ in 0..12 {
            course.turn();
        }
        course.heal();
        let world = &course.world;
        let complaints = world.complaints();
        assert!(
            complaints.is_empty(),
            "seed {seed}: {complaints:?}\n{}",
            world.story()
        );
        let cib = world.host(1).controller().unwrap().cib();
        for id in &course.acknowledged {
            assert!(
                cib.by_id(id).is_some(),
                "seed {seed}: {id} is lost\n{}",
                world.story()
            );
        }
        let owners = (1..=course.hosts)
            .filter(|id| world.host(*id).runs("vip"))
            .count();
        assert_eq!(owners, 1, "seed {seed}\n{}", world.story());
    }
}
