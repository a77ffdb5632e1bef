//! The loop: waits for datagrams, time, signals and interfaces, and hands each to the ring.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::clients::{Clients, Wish};
use super::crm;
use super::groups::Groups;
use super::reload;
use super::reread::{Reread, Rereading};
use super::ring::{Event, Ring};
use super::start::{self, Loaded};
use crate::config::diagnostic::Diagnostic;
use crate::config::render;
use crate::daemons::crm::{Crm, EXIT_FENCED, End, Work};
use crate::ids::NodeId;
use crate::proto::heartbeat::Severity;
use crate::runtime::clock::{self, Alarm};
use crate::runtime::interfaces::{ChangeNotice, Interfaces};
use crate::runtime::log::{Logger, Subsystem};
use crate::runtime::signals::{SignalRequest, Signals};
use crate::runtime::unix_server::ClientEvent;
use crate::time::Instant;
use crate::wire::cluster::{Cfg, Message, Source};

/// How long the others are waited for before this node leaves.
const FAREWELL: Duration = Duration::from_millis(500);

/// The daemon of a ring.
#[derive(Debug)]
pub struct Daemon {
    ring: Ring,
    loaded: Loaded,
    log: Logger,
    /// There is a terminal that lines may go to.
    log_to_stderr: bool,
    signals: Signals,
    alarm: Alarm,
    changes: Option<ChangeNotice>,
    /// The CRM, where it is to run.
    crm: Option<Crm>,
    clients: Clients,
    groups: Groups,
    rereading: Rereading,
    end: Option<u8>,
    /// Another node ended this one: it says no word, as the original does.
    killed: bool,
    /// The others were told that this node leaves; it does so then at the latest.
    farewell: Option<Instant>,
}

impl Daemon {
    /// Takes the ring; call inside the runtime.
    pub fn new(
        (mut ring, crm): (Ring, Option<Crm>),
        loaded: Loaded,
        (log, log_to_stderr): (Logger, bool),
    ) -> std::io::Result<Self> {
        // The CRM takes its time over what it hears.
        if crm.is_none() {
            ring.tell_first();
        }
        Ok(Self {
            crm,
            ring,
            log,
            log_to_stderr,
            signals: Signals::new()?,
            alarm: Alarm::new()?,
            changes: ChangeNotice::open().ok(),
            clients: Clients::open(&loaded)?,
            groups: Groups::open()?,
            rereading: Rereading::default(),
            loaded,
            end: None,
            killed: false,
            farewell: None,
        })
    }

    /// Runs until the daemon ends; its exit code.
    pub async fn run(mut self) -> std::io::Result<u8> {
        loop {
            self.tell();
            self.look_at_crm();
            if let Some(code) = self.end
                && self.has_taken_leave(code)
            {
                if !self.killed {
                    self.ring.leave(clock::now());
                }
                return Ok(code);
            }
            let above = self.crm.as_ref().and_then(Crm::poll_timeout);
            let due = self.ring.poll_timeout().into_iter();
            let due = due.chain(above).chain(self.farewell).min();
            self.alarm.set(due)?;
            tokio::select! {
                () = self.ring.ready() => {}
                () = self.alarm.fired() => {}
                signal = self.signals.next() => self.handle_signal(signal),
                () = changed(&mut self.changes) => self.look_at_interfaces(),
                reread = self.rereading.done() => self.take_reread(reread),
                event = self.clients.event() => self.handle_tool(event),
                event = self.groups.event(self.ring.takes_more()) => {
                    let access = &self.loaded.conf.access;
                    self.groups.handle(clock::now(), event, &mut self.ring, access);
                    // What went with a token that is here comes back at once.
                    self.tell();
                }
                work = work(&mut self.crm, self.ring.takes_more()) => {
                    if let Some(crm) = &mut self.crm {
                        crm.handle_work(clock::now(), work);
                    }
                }
            }
            // What waits in the sockets came before now, however late we are.
            self.ring.handle_ready(clock::now());
            if due.is_some_and(|at| at <= clock::mono()) {
                self.ring.handle_timeout(clock::now());
                if let Some(crm) = &mut self.crm {
                    crm.handle_timeout(clock::now());
                }
            }
        }
    }

    /// Tells all here what happened on the ring, then the others what waited for that.
    fn tell(&mut self) {
        self.hand_on();
        self.groups.flush();
        self.ring.send_kept();
    }

    /// Hands on what happened on the ring, and what the CRM has to say about it.
    fn hand_on(&mut self) {
        self.send_for_crm();
        while let Some(event) = self.ring.poll_event() {
            if let Some(crm) = &mut self.crm {
                crm::hear(crm, clock::now(), &event);
            }
            self.handle_event(event);
            self.send_for_crm();
        }
        if let Some(crm) = &mut self.crm {
            crm::follow(crm, clock::now(), &self.ring);
            self.send_for_crm();
        }
    }

    fn send_for_crm(&mut self) {
        if let Some(crm) = &mut self.crm
            && let Err(error) = crm::send(crm, clock::now(), &mut self.ring)
        {
            self.log.log(Severity::Critical, format!("{error:#}"));
            self.end = Some(21);
        }
    }

    fn handle_tool(&mut self, event: ClientEvent) {
        let wish = self
            .clients
            .handle(clock::now(), event, &mut self.ring, &self.loaded);
        match wish {
            Some(Wish::ShutDown) => self.shut_down("a tool"),
            Some(Wish::ReopenLogs) => self.log.reopen(),
            Some(Wish::Reload(client)) => {
                let node = self.loaded.node;
                let message = Message::Cfg(Cfg::Reload(Source { node, client }));
                self.ring.send_service(clock::now(), &message);
            }
            None => {}
        }
    }

    /// True once the others know that this node leaves in order, or need not.
    fn has_taken_leave(&mut self, code: u8) -> bool {
        let now = clock::now();
        if code != 0 {
            return true;
        }
        match self.farewell {
            Some(latest) => now.mono >= latest || self.ring.backlog() == 0,
            None => {
                self.farewell = Some(now.mono + FAREWELL);
                !self.ring.announce_leave(now)
            }
        }
    }

    fn shut_down(&mut self, by: &str) {
        self.log
            .log(Severity::Notice, format!("Node was shut down by {by}"));
        match &mut self.crm {
            Some(crm) => crm.shut_down(clock::now()),
            None => self.end = Some(0),
        }
    }

    fn look_at_crm(&mut self) {
        match self.crm.as_ref().and_then(Crm::end) {
            Some(End::Left) => self.end = Some(0),
            Some(End::Fenced | End::Refused) => self.end = Some(EXIT_FENCED),
            None => {}
        }
    }

    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Failed { code, text } => {
                self.log.log(Severity::Error, text);
                self.end = Some(code);
            }
            Event::Asked(from, Cfg::KillNode { node, .. }) if node == self.loaded.node => {
                let text = format!("Killed by node {from}");
                self.log.log(Severity::Critical, text);
                self.killed = true;
                self.end = Some(21);
            }
            Event::Group(client, event) => self.groups.tell(client, &event),
            Event::Ring { members, .. } => self.clients.ring_changed(&members, &self.ring),
            Event::Verdict(_) => self.clients.tell_trackers(&self.ring),
            Event::Asked(from, Cfg::Reload(source)) => {
                let text = format!("Config reload requested by node {from}");
                self.log.of(Subsystem::Cfg).log(Severity::Notice, text);
                let own = (from == self.loaded.node).then_some(source.client);
                self.rereading.ask(&self.loaded.path, own);
            }
            Event::Asked(_, Cfg::RingReenable(_)) => self.ring.reenable_rings(),
            Event::Asked(..) | Event::Synchronised(_) => {}
        }
    }

    fn handle_signal(&mut self, signal: SignalRequest) {
        match signal {
            SignalRequest::Terminate | SignalRequest::Interrupt => self.shut_down("a signal"),
            SignalRequest::Reload => {
                self.log.reopen();
                // What is wrong stands in the log.
                self.rereading.ask(&self.loaded.path, None);
            }
            SignalRequest::MoreDebug => self.log.set_debug_level(1),
            SignalRequest::LessDebug => self.log.set_debug_level(0),
        }
    }

    /// corosync.conf was read again: takes it over, and answers those who asked.
    fn take_reread(&mut self, reread: Reread) {
        tell_findings(&self.log.of(Subsystem::Cfg), &reread.found);
        let result = self.take_over(reread);
        for tool in self.rereading.next(&self.loaded.path) {
            self.clients.answer_reload(tool, result);
        }
    }

    /// Errors, under the original's names: nothing changed then, and the log says why.
    fn take_over(&mut self, reread: Reread) -> Result<(), &'static str> {
        let path = self.loaded.path.clone();
        let log = self.log.of(Subsystem::Cfg);
        let addresses = reread.addresses;
        let problem = match reread.read {
            Ok(Some(new))
                if (new.node, &new.addresses) == (self.loaded.node, &self.loaded.addresses) =>
            {
                match self.take(new, addresses) {
                    Ok(()) => return Ok(()),
                    Err(error) => format!("{error:#}"),
                }
            }
            Ok(Some(_)) => "the id and the address of this node can't change while it runs".into(),
            Ok(None) => "it can't be used".into(),
            Err(error) => format!("{error:#}"),
        };
        let text = format!(
            "Unable to reload {}: {problem}. The node goes on with what it has.",
            path.display()
        );
        log.log(Severity::Error, text);
        Err("CS_ERR_INVALID_PARAM")
    }

    fn take(
        &mut self,
        new: Loaded,
        addresses: Vec<BTreeMap<NodeId, IpAddr>>,
    ) -> anyhow::Result<()> {
        let mut conf = self.loaded.conf.clone();
        let left_out = reload::take_over(&mut conf, new.conf);
        let config = super::log::config(&conf, self.log_to_stderr);
        super::log::check(&config)?;
        let loaded = Loaded { conf, ..new };
        let settings = start::settings(&loaded, addresses, self.ring.remembered_votes())?;
        self.loaded = loaded;
        self.ring.take_settings(clock::now(), settings);
        self.log.change(config.into());
        self.clients.reread(&self.loaded, &self.ring);
        if let Some(crm) = &mut self.crm {
            crm::reread(crm, clock::now(), &self.loaded.conf);
        }
        let log = self.log.of(Subsystem::Cfg);
        for key in left_out {
            let text = format!("{key} was changed: it counts when this node starts again");
            log.log(Severity::Warning, text);
        }
        let text = format!("{} was read again", self.loaded.path.display());
        log.log(Severity::Notice, text);
        Ok(())
    }

    fn look_at_interfaces(&mut self) {
        let Ok(interfaces) = Interfaces::read() else {
            return;
        };
        let is_there = |address| {
            let holder = interfaces.holder_of(address);
            holder.is_some_and(|interface| interface.up)
        };
        self.ring.interfaces_changed(clock::now(), is_there);
    }
}

fn tell_findings(log: &Logger, found: &[Diagnostic]) {
    for finding in found {
        for line in render::text(finding, false).lines() {
            log.log(Severity::Warning, line);
        }
    }
}

/// Waits for work of the CRM that ended, or, if the ring takes more, for a tool of it; for ever if
/// there is none.
async fn work(crm: &mut Option<Crm>, takes_more: bool) -> Work {
    match crm {
        Some(crm) => crm.work(takes_more).await,
        None => std::future::pending().await,
    }
}

async fn changed(notice: &mut Option<ChangeNotice>) {
    let heard = match notice {
        Some(notice) => notice.changed().await.is_ok(),
        None => false,
    };
    if !heard {
        std::future::pending::<()>().await;
    }
}
