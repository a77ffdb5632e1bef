//! Fencers of several nodes, with agents that are made up, on messages in one order.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::cib::read;
use crate::ids::MembershipId;
use crate::wire::crm::FenceState;

mod device;
mod hostile;
mod machine;
mod seeds;
mod watchdog;

/// A CIB with these resources and levels.
fn cib(resources: &str, topology: &str) -> Document {
    let text = format!(
        "<cib><configuration><crm_config/><nodes>\
         <node id='1' uname='n1'/><node id='2' uname='n2'><instance_attributes id='a'>\
         <nvpair id='a1' name='rack' value='7'/></instance_attributes></node>\
         <node id='3' uname='n3'/></nodes><resources>{resources}</resources><constraints/>\
         <fencing-topology>{topology}</fencing-topology></configuration></cib>"
    );
    read(&text).unwrap()
}

fn device(id: &str, agent: &str, parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().enumerate().map(|(at, (name, value))| {
        format!("<nvpair id='{id}-{at}' name='{name}' value='{value}'/>")
    });
    format!(
        "<primitive id='{id}' class='stonith' type='{agent}'><instance_attributes id='{id}-i'>{}\
         </instance_attributes></primitive>",
        pairs.collect::<String>()
    )
}

const METADATA: &str = "<resource-agent name='x'><parameters><parameter name='plug'/>\
    </parameters><actions><action name='on'/><action name='off'/><action name='reboot'/>\
    <action name='list'/><action name='status'/></actions></resource-agent>";

/// How the made up agents answer: exit code and output, by program and the lines it reads.
type Agents = Box<dyn FnMut(&str, &str, u32) -> Option<(i32, String)>>;

/// A cluster of fencers.
struct Bench {
    now: Now,
    fencers: BTreeMap<u32, Fencer>,
    queue: VecDeque<(NodeId, Message)>,
    agents: Agents,
    /// `n1 fence_x reboot n2`: what was done, in order.
    done: Vec<String>,
    over: Vec<(u32, FenceResult)>,
    answers: Vec<(u32, u64, Answer)>,
    /// Runs that never end.
    hanging: Vec<(u32, JobId, Instant)>,
    /// When each node's watchdog was fed last.
    fed: BTreeMap<u32, Instant>,
    quorate: bool,
}

impl Bench {
    fn new(cib: &Document, agents: Agents) -> Self {
        let mut bench = Self {
            now: Now {
                mono: Instant(1000),
                unix_s: 1_700_000_000,
            },
            fencers: BTreeMap::new(),
            queue: VecDeque::new(),
            agents,
            done: Vec::new(),
            over: Vec::new(),
            answers: Vec::new(),
            hanging: Vec::new(),
            fed: BTreeMap::new(),
            quorate: true,
        };
        for id in 1..=3 {
            bench.add(id, cib);
        }
        bench.meet();
        bench
    }

    fn add(&mut self, id: u32, cib: &Document) {
        let mut fencer = Fencer::new(NodeId(id), &format!("n{id}"), id.into());
        fencer.equip(Some(Duration::from_secs(3)), true);
        fencer.configure(cib);
        self.fencers.insert(id, fencer);
    }

    /// All that are there see one another.
    fn meet(&mut self) {
        let members = self.fencers.keys().map(|id| Member {
            id: NodeId(*id),
            name: format!("n{id}"),
            uuid: id.to_string(),
        });
        let membership = Membership {
            id: MembershipId(self.now.mono.0),
            members: members.collect(),
            quorate: self.quorate,
        };
        let now = self.now;
        for fencer in self.fencers.values_mut() {
            fencer.handle_membership(now, &membership);
        }
        self.settle();
    }

    fn die(&mut self, id: u32) {
        self.fencers.remove(&id);
        self.hanging.retain(|(node, ..)| *node != id);
        self.meet();
    }

    fn on(&mut self, id: u32, act: impl FnOnce(&mut Fencer, Now)) {
        let now = self.now;
        act(self.fencers.get_mut(&id).unwrap(), now);
        self.settle();
    }

    fn fence(&mut self, id: u32, target: &str, action: &str, asker: u64) {
        let order = order(target, action);
        self.on(id, |fencer, now| fencer.fence(now, order, Some(asker)));
    }

    fn settle(&mut self) {
        loop {
            let ids: Vec<u32> = self.fencers.keys().copied().collect();
            for id in ids {
                while let Some(output) = self.fencers.get_mut(&id).and_then(Fencer::poll_output) {
                    self.carry_out(id, output);
                }
            }
            let Some((from, message)) = self.queue.pop_front() else {
                return;
            };
            let bytes = message.encode();
            let now = self.now;
            for fencer in self.fencers.values_mut() {
                fencer.handle_message(now, from, Message::decode(&bytes).unwrap());
            }
        }
    }

    fn carry_out(&mut self, id: u32, output: Output) {
        let now = self.now;
        match output {
            Output::Send(message) => self.queue.push_back((NodeId(id), message)),
            Output::Run { job, call, timeout } => {
                let program = call.program.display().to_string();
                let program = program.rsplit('/').next().unwrap_or_default().to_owned();
                let port = call.port.clone().unwrap_or_default();
                if matches!(&*call.action, "reboot" | "off" | "on") {
                    self.done
                        .push(format!("n{id} {program} {} {port}", call.action));
                }
                if call.action == "metadata" && !program.contains("fabric") {
                    let ended = ended(0, METADATA);
                    let fencer = self.fencers.get_mut(&id).unwrap();
                    return fencer.handle_ended(now, job, ended);
                }
                match (self.agents)(&program, &call.input, id) {
                    Some((exit, output)) => {
                        let fencer = self.fencers.get_mut(&id).unwrap();
                        fencer.handle_ended(now, job, ended(exit, &output));
                    }
                    None => self.hanging.push((id, job, now.mono + timeout)),
                }
            }
            Output::Answer { asker, answer } => self.answers.push((id, asker, answer)),
            Output::Over(result) => self.over.push((id, result)),
            Output::Watchdog(Feeding::Close) => drop(self.fed.remove(&id)),
            Output::Watchdog(what) => {
                self.fed.insert(id, now.mono);
                if let Feeding::Open(_) = what {
                    self.fencers
                        .get_mut(&id)
                        .unwrap()
                        .watchdog_opened(now, true);
                }
            }
            Output::Log(..) => {}
        }
    }

    /// Time passes, second by second.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now.mono += Duration::from_secs(1);
            self.now.unix_s += 1;
            let now = self.now;
            let (due, later) = std::mem::take(&mut self.hanging)
                .into_iter()
                .partition(|(_, _, until)| *until <= now.mono);
            self.hanging = later;
            for (id, job, _) in due {
                let late = Ended {
                    exit: None,
                    status: Status::Timeout,
                    output: String::new(),
                    reason: "too slow".into(),
                };
                self.fencers
                    .get_mut(&id)
                    .unwrap()
                    .handle_ended(now, job, late);
            }
            for fencer in self.fencers.values_mut() {
                let due = fencer.poll_timeout();
                if due.is_some_and(|at| at <= now.mono) {
                    fencer.handle_timeout(now);
                    assert_ne!(fencer.poll_timeout(), due, "what is due is done");
                }
            }
            self.settle();
        }
    }

    /// An agent that hangs ends after all.
    fn let_end(&mut self, exit: i32) {
        for (id, job, _) in std::mem::take(&mut self.hanging) {
            let now = self.now;
            if let Some(fencer) = self.fencers.get_mut(&id) {
                fencer.handle_ended(now, job, ended(exit, ""));
            }
        }
        self.settle();
    }

    /// What a tool was told: exit code and reason.
    fn told(&self, asker: u64) -> Option<(i32, String)> {
        self.answers
            .iter()
            .find_map(|(_, to, answer)| match answer {
                Answer::Ended { exit, reason, .. } if *to == asker => Some((*exit, reason.clone())),
                _ => None,
            })
    }

    fn states(&self, id: u32) -> Vec<FenceState> {
        let records = self.fencers[&id].history().records();
        records.iter().map(|record| record.state).collect()
    }
}

fn ended(exit: i32, output: &str) -> Ended {
    Ended {
        exit: Some(exit),
        status: Status::Done,
        output: output.to_owned(),
        reason: match exit {
            0 => String::new(),
            _ => "the switch doesn't answer".to_owned(),
        },
    }
}

fn order(target: &str, action: &str) -> Order {
    Order {
        target: target.to_owned(),
        action: action.to_owned(),
        client: "test".to_owned(),
        timeout: Duration::from_secs(60),
        delay_s: 0,
        tolerance: Duration::ZERO,
    }
}

fn all_well() -> Agents {
    Box::new(|_, _, _| Some((0, String::new())))
}
