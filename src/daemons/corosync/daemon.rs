//! The loop: waits for datagrams, time, signals and interfaces, and hands each to the ring.

use std::process::ExitCode;

use super::clients::{Clients, Wish};
use super::ring::{Event, Ring};
use super::start::Loaded;
use crate::daemons::crm::{Crm, End, Work};
use crate::proto::heartbeat::Severity;
use crate::runtime::clock::{self, Alarm};
use crate::runtime::interfaces::{ChangeNotice, Interfaces};
use crate::runtime::log::Logger;
use crate::runtime::signals::{SignalRequest, Signals};
use crate::runtime::unix_server::ClientEvent;
use crate::wire::cluster::Cfg;

/// Exit code of a node that another one fenced: who starts it again should not.
/// Source: spec crm-runtime.md section 1, `fatal`.
const EXIT_FENCED: u8 = 100;

/// The daemon of a ring.
#[derive(Debug)]
pub struct Daemon {
    ring: Ring,
    loaded: Loaded,
    log: Logger,
    signals: Signals,
    alarm: Alarm,
    changes: Option<ChangeNotice>,
    /// The CRM, where it is to run.
    crm: Option<Crm>,
    clients: Clients,
    end: Option<u8>,
}

impl Daemon {
    /// Takes the ring; call inside the runtime.
    pub fn new(ring: Ring, crm: Option<Crm>, loaded: Loaded, log: Logger) -> std::io::Result<Self> {
        Ok(Self {
            crm,
            ring,
            loaded,
            log,
            signals: Signals::new()?,
            alarm: Alarm::new()?,
            changes: ChangeNotice::open().ok(),
            clients: Clients::open()?,
            end: None,
        })
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self) -> std::io::Result<ExitCode> {
        loop {
            while let Some(event) = self.ring.poll_event() {
                if let Some(crm) = &mut self.crm {
                    crm.handle_event(clock::now(), &mut self.ring, &event);
                }
                self.handle_event(event);
            }
            self.look_at_crm();
            if let Some(code) = self.end {
                self.ring.leave(clock::now());
                return Ok(ExitCode::from(code));
            }
            let above = self.crm.as_ref().and_then(Crm::poll_timeout);
            let due = self.ring.poll_timeout().into_iter().chain(above).min();
            self.alarm.set(due)?;
            tokio::select! {
                () = self.ring.ready() => {}
                () = self.alarm.fired() => {}
                signal = self.signals.next() => self.handle_signal(signal),
                () = changed(&mut self.changes) => self.look_at_interfaces(),
                event = self.clients.event() => self.handle_tool(event),
                work = work(&mut self.crm) => {
                    if let Some(crm) = &mut self.crm {
                        crm.handle_work(clock::now(), &mut self.ring, work);
                    }
                }
            }
            // What waits in the sockets came before now, however late we are.
            self.ring.handle_ready(clock::now());
            if due.is_some_and(|at| at <= clock::mono()) {
                self.ring.handle_timeout(clock::now());
                if let Some(crm) = &mut self.crm {
                    crm.handle_timeout(clock::now(), &mut self.ring);
                }
            }
        }
    }

    fn handle_tool(&mut self, event: ClientEvent) {
        let wish = self
            .clients
            .handle(clock::now(), event, &mut self.ring, &self.loaded);
        match wish {
            Some(Wish::ShutDown) => self.shut_down("a tool"),
            Some(Wish::ReopenLogs) => self.log.reopen(),
            None => {}
        }
    }

    fn shut_down(&mut self, by: &str) {
        self.log
            .log(Severity::Notice, format!("Node was shut down by {by}"));
        match &mut self.crm {
            Some(crm) => crm.shut_down(clock::now(), &mut self.ring),
            None => self.end = Some(0),
        }
    }

    fn look_at_crm(&mut self) {
        match self.crm.as_ref().and_then(Crm::end) {
            Some(End::Left) => self.end = Some(0),
            Some(End::Fenced) => self.end = Some(EXIT_FENCED),
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
                self.end = Some(21);
            }
            Event::Asked(..)
            | Event::Group(..)
            | Event::Verdict(_)
            | Event::Ring { .. }
            | Event::Synchronised(_) => {}
        }
    }

    fn handle_signal(&mut self, signal: SignalRequest) {
        match signal {
            SignalRequest::Terminate | SignalRequest::Interrupt => self.shut_down("a signal"),
            SignalRequest::Reload => self.log.reopen(),
            SignalRequest::MoreDebug => self.log.set_debug_level(1),
            SignalRequest::LessDebug => self.log.set_debug_level(0),
        }
    }

    fn look_at_interfaces(&mut self) {
        let Ok(interfaces) = Interfaces::read() else {
            return;
        };
        let holder = interfaces.holder_of(self.loaded.address);
        let there = holder.is_some_and(|interface| interface.up);
        self.ring.interfaces_changed(clock::now(), there);
    }
}

/// Waits for work of the CRM that ended; for ever if there is none.
async fn work(crm: &mut Option<Crm>) -> Work {
    match crm {
        Some(crm) => crm.work().await,
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
