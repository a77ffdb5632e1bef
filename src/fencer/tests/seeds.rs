//! Watchdogs in clusters of five, with faults from a seed: parts, daemons that stop for a while
//! or are killed, machines that lose their power. Whoever is said to have reset itself has.

use super::*;
use crate::proto::rng::Rng;

const NODES: u32 = 5;
/// Of each device.
const TIMEOUT: Duration = Duration::from_secs(3);
const STEP: Duration = Duration::from_millis(50);

enum Input {
    Membership(Membership),
    Message(NodeId, Vec<u8>),
}

struct Host {
    fencer: Fencer,
    view: Vec<u32>,
    part: u64,
    inbox: VecDeque<Input>,
    stopped_until: Instant,
    /// Off until then.
    off_until: Option<Instant>,
    fed: Option<Instant>,
    resets: u32,
}

struct World {
    now: Now,
    rng: Rng,
    hosts: BTreeMap<u32, Host>,
    reform_at: Option<Instant>,
    formed: u64,
    /// How often each had been reset when it was last a member of a part with quorum.
    seen: BTreeMap<u32, u32>,
    claims: u32,
    cib: Document,
}

impl World {
    fn new(seed: u64, wait: &str) -> Self {
        let text = format!(
            "<cib><configuration><crm_config><cluster_property_set id='o'>\
             <nvpair id='1' name='stonith-watchdog-timeout' value='{wait}'/>\
             </cluster_property_set></crm_config></configuration></cib>"
        );
        let mut world = Self {
            now: Now {
                mono: Instant(1_000_000),
                unix_s: 1,
            },
            rng: Rng::new(seed),
            hosts: BTreeMap::new(),
            reform_at: Some(Instant(0)),
            formed: 0,
            seen: BTreeMap::new(),
            claims: 0,
            cib: read(&text).unwrap(),
        };
        for id in 1..=NODES {
            let fencer = world.daemon(id);
            let host = Host {
                fencer,
                view: Vec::new(),
                part: 0,
                inbox: VecDeque::new(),
                stopped_until: Instant(0),
                off_until: None,
                fed: None,
                resets: 0,
            };
            world.hosts.insert(id, host);
        }
        world
    }

    fn daemon(&mut self, id: u32) -> Fencer {
        let mut fencer = Fencer::new(NodeId(id), &format!("n{id}"), self.rng.below(u64::MAX));
        fencer.equip(Some(TIMEOUT), true);
        fencer.configure(&self.cib);
        fencer
    }

    fn run(&mut self, seconds: u64, faults: bool) {
        for _ in 0..seconds * 20 {
            self.now.mono += STEP;
            if faults && self.rng.below(100) == 0 {
                self.fault();
            }
            self.machines();
            if self.reform_at.is_some_and(|at| at <= self.now.mono) {
                self.reform();
            }
            for id in 1..=NODES {
                self.turn(id);
            }
        }
    }

    fn fault(&mut self) {
        let id = 1 + u32::try_from(self.rng.below(NODES.into())).unwrap();
        let (kind, span) = (self.rng.below(5), self.rng.below(9000));
        let until = self.now.mono + Duration::from_millis(span);
        let fresh = self.daemon(id);
        let parts: Vec<u64> = (0..NODES).map(|_| self.rng.below(2)).collect();
        let host = self.hosts.get_mut(&id).unwrap();
        match kind {
            0 => host.stopped_until = until,
            // The daemon is killed and comes again; its device stays armed.
            1 => {
                host.fencer = fresh;
                host.view.clear();
                host.inbox.clear();
            }
            2 => host.reset(until, fresh),
            3 => self.hosts.values_mut().for_each(|host| host.part = 0),
            _ => {
                let split = self.hosts.values_mut().zip(parts);
                split.for_each(|(host, part)| host.part = part);
            }
        }
        self.reform_later();
    }

    fn reform_later(&mut self) {
        let later = 500 + self.rng.below(1500);
        self.reform_at = Some(self.now.mono + Duration::from_millis(later));
    }

    /// Power and watchdogs.
    fn machines(&mut self) {
        for id in 1..=NODES {
            let now = self.now.mono;
            let host = &self.hosts[&id];
            let bitten = host.fed.is_some_and(|fed| now.since(fed) >= TIMEOUT);
            let back = host.off_until.is_some_and(|at| at <= now);
            let awake = host.stopped_until != Instant(0) && host.stopped_until <= now;
            if bitten {
                let until = now + Duration::from_millis(1000 + self.rng.below(9000));
                let fresh = self.daemon(id);
                self.hosts.get_mut(&id).unwrap().reset(until, fresh);
            }
            let host = self.hosts.get_mut(&id).unwrap();
            if back {
                host.off_until = None;
            }
            if awake {
                host.stopped_until = Instant(0);
            }
            if bitten || back || awake {
                self.reform_later();
            }
        }
    }

    /// Who sees one another forms memberships; who lost somebody orders fencing.
    fn reform(&mut self) {
        self.reform_at = None;
        for part in 0..2 {
            let runs = |host: &Host| host.part == part && host.is_awake();
            let ids: Vec<u32> = self
                .hosts
                .iter()
                .filter(|(_, h)| runs(h))
                .map(|(id, _)| *id)
                .collect();
            self.formed += 1;
            let members = ids.iter().map(|id| Member {
                id: NodeId(*id),
                name: format!("n{id}"),
                uuid: id.to_string(),
            });
            let membership = Membership {
                id: MembershipId(self.formed),
                members: members.collect(),
                quorate: ids.len() * 2 > NODES as usize,
            };
            for id in &ids {
                let host = self.hosts.get_mut(id).unwrap();
                host.view.clone_from(&ids);
                host.inbox.push_back(Input::Membership(membership.clone()));
            }
            if membership.quorate {
                let seen = ids.iter().map(|id| (*id, self.hosts[id].resets));
                self.seen.extend(seen.collect::<Vec<_>>());
                self.order(ids[0], &ids);
            }
        }
    }

    fn order(&mut self, by: u32, members: &[u32]) {
        self.turn(by);
        for target in (1..=NODES).filter(|id| !members.contains(id)) {
            let (now, order) = (self.now, order(&format!("n{target}"), "reboot"));
            let fencer = &mut self.hosts.get_mut(&by).unwrap().fencer;
            fencer.fence(now, order, None);
        }
    }

    /// A host does what it can, if it runs.
    fn turn(&mut self, id: u32) {
        let now = self.now;
        loop {
            let host = self.hosts.get_mut(&id).unwrap();
            if !host.is_awake() {
                return;
            }
            if let Some(output) = host.fencer.poll_output() {
                self.carry_out(id, output);
            } else if let Some(input) = host.inbox.pop_front() {
                match input {
                    Input::Membership(membership) => {
                        host.fencer.handle_membership(now, &membership)
                    }
                    Input::Message(from, bytes) => {
                        let message = Message::decode(&bytes).unwrap();
                        host.fencer.handle_message(now, from, message);
                    }
                }
            } else if host.fencer.poll_timeout().is_some_and(|at| at <= now.mono) {
                let due = host.fencer.poll_timeout();
                host.fencer.handle_timeout(now);
                assert_ne!(host.fencer.poll_timeout(), due, "what is due is done");
            } else {
                return;
            }
        }
    }

    fn carry_out(&mut self, id: u32, output: Output) {
        let now = self.now;
        match output {
            Output::Send(message) => {
                self.check(id, &message);
                let bytes = message.encode();
                let (view, part) = (self.hosts[&id].view.clone(), self.hosts[&id].part);
                for to in &view {
                    let host = self.hosts.get_mut(to).unwrap();
                    if host.view == view && host.part == part && host.off_until.is_none() {
                        host.inbox
                            .push_back(Input::Message(NodeId(id), bytes.clone()));
                    }
                }
            }
            Output::Watchdog(feeding) => {
                let host = self.hosts.get_mut(&id).unwrap();
                host.fed = (feeding != Feeding::Close).then_some(now.mono);
                if let Feeding::Open(_) = feeding {
                    host.fencer.watchdog_opened(now, true);
                }
            }
            Output::Run { .. } => panic!("there are no agents"),
            Output::Answer { .. } | Output::Over(_) | Output::Log(..) => {}
        }
    }

    /// A node says that another one is down: it has been reset since it was a member.
    fn check(&mut self, by: u32, message: &Message) {
        let Message::FenceResult(result) = message else {
            return;
        };
        if result.exit != 0 || result.last {
            return;
        }
        self.claims += 1;
        let target: u32 = result.target[1..].parse().unwrap();
        let host = &self.hosts[&target];
        assert!(
            host.resets > self.seen[&target],
            "n{by} says that n{target} is down at {:?}; it was fed at {:?}",
            self.now.mono,
            host.fed
        );
    }
}

impl Host {
    fn is_awake(&self) -> bool {
        self.off_until.is_none() && self.stopped_until == Instant(0)
    }

    fn reset(&mut self, until: Instant, fresh: Fencer) {
        self.fencer = fresh;
        self.view.clear();
        self.inbox.clear();
        self.stopped_until = Instant(0);
        self.off_until = Some(until);
        self.fed = None;
        self.resets += 1;
    }
}

#[test]
fn who_is_said_to_have_reset_itself_has() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("SEED");
    let runs = number("RUNS").unwrap_or(if first.is_some() { 1 } else { 6 });
    let first = first.unwrap_or(1);
    let mut claims = 0;
    for seed in first..first + runs {
        for wait in ["-1", "5", "12"] {
            println!("SEED={seed}, stonith-watchdog-timeout={wait}");
            let mut world = World::new(seed, wait);
            world.run(10, false);
            world.run(120, true);
            claims += world.claims;
            // Once all is well again everybody lives on.
            world.hosts.values_mut().for_each(|host| host.part = 0);
            world.reform_later();
            world.run(40, false);
            let resets = |world: &World| world.hosts.values().map(|h| h.resets).sum::<u32>();
            let before = resets(&world);
            world.run(20, false);
            assert_eq!(resets(&world), before, "nobody is reset in a whole cluster");
            assert!(world.hosts.values().all(|host| host.fed.is_some()));
        }
    }
    assert!(claims > 0, "somebody took over");
}
