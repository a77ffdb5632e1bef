//! The consensus membership in the daemon: heartbeat's `ccm`, built in.
//!
//! It runs where ha.cf starts a `ccm` by `respawn` or `failfast`, and with any `crm`. A node
//! without such a line stays outside even if others run one: their clients would take it for a
//! node that does what members do. Nothing breaks by that; their votes wait for it, which is
//! said in the log.

use crate::config::ha_cf::{CrmMode, HaCf};
use crate::daemons::report::{MemberReport, MembershipReport};
use crate::ids::NodeName;
use crate::proto::ccm::{self, CLIENT, Service, ServiceOutput, State, quorum};
use crate::proto::heartbeat::{Cluster, Event, Severity};
use crate::time::{Instant, Now};
use crate::wire::ccm::is_ccm;
use crate::wire::heartbeat::Message;
use crate::wire::ipc::ccm::ClientEvent;

/// What the node must do.
#[derive(Debug)]
pub enum Effect {
    /// Hand it to the node protocol.
    Send(Message),
    /// A line for the log.
    Log(Severity, String),
    /// Tell the CRM, and write the line if there is one.
    Event(ccm::Event, Option<String>),
}

/// The membership of this node, if it takes part in one.
#[derive(Debug)]
pub struct Membership {
    service: Option<Service>,
    current: Option<Current>,
    /// What clients must hear; taken by the sockets after each input.
    told: Vec<ClientEvent>,
    /// It was said that others have a membership without us.
    warned: bool,
    warning: Option<String>,
}

/// The last membership.
#[derive(Debug)]
struct Current {
    membership: ccm::Membership,
    since_unix: u64,
    /// False while the next one is being agreed on.
    holds: bool,
}

/// True if ha.cf wants the membership.
fn is_wanted(config: &HaCf) -> bool {
    config.crm != CrmMode::Off || config.respawn.iter().any(|child| child.name() == CLIENT)
}

/// The chain of quorum plugins: `env quorum=LIST` in ha.cf, as heartbeat's daemon hands it to
/// ccm in `HA_quorum`.
fn plugins(config: &HaCf) -> Result<Vec<quorum::Plugin>, quorum::UnknownPlugin> {
    let line = config.env.iter().find(|(name, _)| name == "quorum");
    line.map_or(Ok(quorum::DEFAULT.into()), |(_, list)| quorum::parse(list))
}

impl Membership {
    /// For the node of this configuration.
    pub fn of(config: &HaCf, local: &NodeName, seed: u64) -> (Self, Option<quorum::UnknownPlugin>) {
        let (quorum, wrong) = match plugins(config) {
            Ok(quorum) => (quorum, None),
            Err(wrong) => (quorum::DEFAULT.into(), Some(wrong)),
        };
        let service = || Service::new(local.clone(), config.keepalive, quorum, seed);
        let membership = Self {
            service: is_wanted(config).then(service),
            current: None,
            told: Vec::new(),
            warned: false,
            warning: None,
        };
        (membership, wrong)
    }

    /// True if this node takes part.
    pub fn is_on(&self) -> bool {
        self.service.is_some()
    }

    /// The node protocol told something.
    pub fn handle_event(&mut self, now: Now, event: &Event, cluster: &Cluster) {
        match &mut self.service {
            Some(service) => service.handle_event(now, event, cluster),
            None => self.overhear(event),
        }
    }

    fn overhear(&mut self, event: &Event) {
        if let Event::Deliver(delivery) = event
            && !self.warned
            && !delivery.local
            && is_ccm(&delivery.message)
        {
            self.warned = true;
            self.warning = Some(format!(
                "{} runs ccm and this node doesn't: votes there wait for it in vain. Write its \
                 respawn line in this node's ha.cf, too",
                delivery.from
            ));
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Now) {
        if let Some(service) = &mut self.service {
            service.handle_timeout(now);
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.service.as_ref().and_then(Service::poll_timeout)
    }

    /// This node leaves the membership for good.
    pub fn leave(&mut self) {
        if let Some(service) = &mut self.service {
            service.leave();
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self, now: Now) -> Option<Effect> {
        if let Some(warning) = self.warning.take() {
            return Some(Effect::Log(Severity::Warning, warning));
        }
        Some(match self.service.as_mut()?.poll_output()? {
            ServiceOutput::Send(message) => Effect::Send(message),
            ServiceOutput::Log(severity, text) => Effect::Log(severity, text),
            ServiceOutput::Event(event) => {
                let line = self.note(now, event.clone());
                Effect::Event(event, line)
            }
        })
    }

    /// Keeps an event for tools and clients; the line for the log, if it is worth one.
    fn note(&mut self, now: Now, event: ccm::Event) -> Option<String> {
        match event {
            ccm::Event::Membership(membership) => {
                let line = title(&membership);
                let same = self.current.as_ref();
                let same = same.is_some_and(|c| c.holds && c.membership == membership);
                self.told.extend(client_events(&membership));
                self.current = Some(Current {
                    membership,
                    since_unix: now.unix_s,
                    holds: true,
                });
                (!same).then_some(line)
            }
            // Differs: heartbeat's ccm tells its clients nothing when it is put out, and they go
            // on with the membership that was.
            ccm::Event::Influx | ccm::Event::Evicted => {
                let current = self.current.as_mut()?;
                if std::mem::take(&mut current.holds) {
                    self.told.push(ClientEvent::Influx);
                }
                if event == ccm::Event::Evicted {
                    self.current = None;
                    return Some("this node is no member any more".into());
                }
                None
            }
        }
    }

    /// What clients must hear since the last time.
    pub fn take_told(&mut self) -> Vec<ClientEvent> {
        std::mem::take(&mut self.told)
    }

    /// What a client hears when it connects.
    pub fn greeting(&self) -> Vec<ClientEvent> {
        let current = self.current.iter().filter(|current| current.holds);
        current.flat_map(|c| client_events(&c.membership)).collect()
    }

    /// The picture for tools; none where this node takes part in none.
    pub fn report(&self) -> Option<MembershipReport> {
        let machine = self.service.as_ref()?.machine();
        let state = machine.map_or(State::None, ccm::Ccm::state);
        let Some(current) = &self.current else {
            return Some(MembershipReport {
                state: "none".into(),
                phase: state.as_str().into(),
                ..MembershipReport::default()
            });
        };
        let word = if current.holds { "member" } else { "in flux" };
        let known = &current.membership;
        let node = |(index, name): (usize, &NodeName)| {
            let member = known.members.iter().find(|member| member.index == index);
            MemberReport {
                name: name.to_string(),
                id: u32::try_from(index).unwrap_or(u32::MAX),
                member: member.is_some(),
                born: member.map(|member| member.born),
            }
        };
        Some(MembershipReport {
            state: word.into(),
            phase: state.as_str().into(),
            instance: known.instance,
            quorum: known.quorum,
            leader: Some(known.leader.to_string()),
            since_unix: Some(current.since_unix),
            nodes: known.nodes.iter().enumerate().map(node).collect(),
        })
    }
}

fn title(membership: &ccm::Membership) -> String {
    let names: Vec<&str> = membership.members.iter().map(|m| m.name.as_str()).collect();
    format!(
        "membership {}: {}, {} quorum, led by {}",
        membership.instance,
        names.join(" "),
        if membership.quorum { "with" } else { "without" },
        membership.leader
    )
}

fn client_events(membership: &ccm::Membership) -> [ClientEvent; 2] {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let member = |member: &ccm::Member| (number(member.index), member.born);
    [
        ClientEvent::Nodes {
            own: number(membership.own),
            names: membership.nodes.clone(),
        },
        ClientEvent::Membership {
            instance: membership.instance,
            quorum: membership.quorum,
            members: membership.members.iter().map(member).collect(),
        },
    ]
}
