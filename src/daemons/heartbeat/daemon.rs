//! The loop: waits for packets, time, signals, scripts, clients and ended work, and hands each
//! to the node.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::children::{Children, Report as ChildReport};
use super::node::{Node, Wish};
use super::phase::{End, Phase};
use super::picture::Constant;
use super::reload;
use super::serve::Sockets;
use super::store::Store;
use crate::config::ha_cf::CrmMode;
use crate::daemons::crm::{self, Crm, Work};
use crate::proto::ccm::CLIENT;
use crate::proto::heartbeat::Severity;
use crate::runtime::clock::{self, Alarm};
use crate::runtime::media::Media;
use crate::runtime::signals::{SignalRequest, Signals};
use crate::sys::reboot::reboot_now;
use crate::v1::{Command, WorkId, WorkResult};

/// Added to our dead time while we execute ourselves again. Source: heartbeat 3.0.6.
const RESTART_EXTRA: Duration = Duration::from_secs(30);

/// Packets that are read before time is looked at, at most: more are a flood, and what is due
/// is done all the same.
const PACKETS_BEFORE_TIME_MAX: u32 = 64;

/// The node and all it waits for.
#[derive(Debug)]
pub struct Daemon {
    node: Node,
    sockets: Sockets,
    signals: Signals,
    alarm: Alarm,
    results: mpsc::UnboundedReceiver<(WorkId, WorkResult)>,
    children: Children,
    /// Their end, while they are being stopped.
    children_end: Option<JoinHandle<()>>,
    reports: mpsc::UnboundedReceiver<ChildReport>,
    report_here: mpsc::UnboundedSender<ChildReport>,
    phase: Phase,
    constant: Constant,
    files: reload::Fingerprint,
    in_terminal: bool,
    store: Store,
}

/// What the daemon is made of.
#[derive(Debug)]
pub struct Parts {
    /// The node.
    pub node: Node,
    /// FIFO and sockets.
    pub sockets: Sockets,
    /// Work that ended.
    pub results: mpsc::UnboundedReceiver<(WorkId, WorkResult)>,
    /// Process and start.
    pub constant: Constant,
    /// The configuration as it was read.
    pub files: reload::Fingerprint,
    /// True if SIGINT comes from somebody at a terminal who means to end it.
    pub in_terminal: bool,
}

impl Daemon {
    /// Takes the parts; call inside the runtime.
    pub fn new(parts: Parts) -> std::io::Result<Self> {
        let (report_here, reports) = mpsc::unbounded_channel();
        Ok(Self {
            node: parts.node,
            sockets: parts.sockets,
            signals: Signals::new()?,
            alarm: Alarm::new()?,
            results: parts.results,
            children: Children::default(),
            children_end: None,
            reports,
            report_here,
            phase: Phase::Running,
            constant: parts.constant,
            files: parts.files,
            in_terminal: parts.in_terminal,
            store: Store::default(),
        })
    }

    /// The media, as they were opened.
    pub fn media(&self) -> &Media {
        &self.node.media
    }

    /// Runs until the daemon ends.
    pub async fn run(mut self) -> std::io::Result<End> {
        self.node.pump();
        loop {
            self.settle();
            if let Phase::Over(end) = self.phase {
                return self.finish(end).await;
            }
            let due = self
                .node
                .poll_timeout()
                .into_iter()
                .chain(self.phase.timeout())
                .chain(self.store.poll_timeout())
                .min();
            self.alarm.set(due)?;
            self.wait().await;
            // A flood of packets must not hold up what is due.
            if due.is_some_and(|at| at <= clock::mono()) {
                self.read_waiting().await;
                self.node.handle_timeout();
                self.phase = self.phase.at(clock::mono());
                self.store.keep(&self.node, clock::mono());
            }
        }
    }

    /// Takes the packets that wait in the sockets: on a machine that is busy with other things a
    /// peer must not be called dead whose heartbeat lies there.
    async fn read_waiting(&mut self) {
        // Back from here the reactor has asked the kernel which sockets have something.
        tokio::task::yield_now().await;
        let mut pauses = 0;
        for _ in 0..PACKETS_BEFORE_TIME_MAX {
            match self.node.media.receive().now_or_never() {
                Some(received) => self.node.handle_received(&received),
                // The first time it may only be the end of a turn.
                None if pauses == 0 => pauses = 1,
                None => return,
            }
        }
    }

    /// Waits for one thing and hands it on.
    async fn wait(&mut self) {
        tokio::select! {
            () = self.alarm.fired() => {}
            received = self.node.media.receive() => self.node.handle_received(&received),
            Some((id, result)) = self.results.recv() => self.node.handle_completed(id, result),
            signal = self.signals.next() => self.handle_signal(signal),
            Some(report) = self.reports.recv() => self.handle_child(report),
            work = crm_work(&mut self.node.crm) => self.node.handle_crm_work(work),
            asked = self.sockets.next() => self.sockets.serve(asked, &mut self.node, self.constant),
        }
    }

    /// Does what the machines wished for during the last input.
    fn settle(&mut self) {
        let events = std::mem::take(&mut self.node.events);
        self.sockets
            .handle_events(&events, &mut self.node, self.constant);
        self.look_at_crm();
        for wish in std::mem::take(&mut self.node.wishes) {
            match wish {
                Wish::Serve => self.serve(),
                Wish::Released => self.released(),
                // A guard goes only when all of its cluster say so.
                Wish::Deleted if self.node.guard.is_none() => self.stop(),
                Wish::Deleted => {}
                Wish::StoreNodes => self.store.changed(clock::mono()),
                Wish::Reboot(reason) => self.reboot(&reason),
                Wish::Release => self.release(),
            }
        }
    }

    /// The CRM may have come to its end.
    fn look_at_crm(&mut self) {
        let end = self.node.crm.as_ref().and_then(Crm::end);
        match (end, self.phase) {
            (Some(crm::End::Left), Phase::Running | Phase::Releasing) => self.released(),
            (Some(crm::End::Fenced), Phase::Running | Phase::Releasing) => self.fenced(),
            (Some(crm::End::Refused), Phase::Running | Phase::Releasing) => {
                self.phase = Phase::Over(End::Fenced);
            }
            _ => {}
        }
    }

    /// Another node counts this one as fenced: what runs here may run there, too.
    ///
    /// Source: heartbeat 3.0.6: with `crm on` a CRM that ends with a failure reboots the machine,
    /// with `respawn` one that says that it must not go on isn't started again.
    fn fenced(&mut self) {
        if self.node.config.crm == CrmMode::On {
            self.reboot("another node counts this one as fenced");
        }
        self.phase = Phase::Over(End::Fenced);
    }

    /// Communication is up: clients may come, children are started.
    fn serve(&mut self) {
        if self.node.guard.is_some() && !self.node.on_hold {
            return;
        }
        self.sockets.open_api(&self.node);
        let env = self.node.script_environment();
        let list = self
            .node
            .config
            .respawn
            .iter()
            .filter(|c| !self.is_built_in(c.name()));
        let list: Vec<_> = list.cloned().collect();
        self.children = Children::start(&list, &env, &self.report_here);
    }

    /// ipfail is part of the daemon where the haresources manager runs, ccm always.
    fn is_built_in(&self, name: &str) -> bool {
        match name {
            "ipfail" => self.node.manager.is_some(),
            CLIENT => self.node.membership.is_on(),
            _ => false,
        }
    }

    fn handle_signal(&mut self, signal: SignalRequest) {
        match signal {
            SignalRequest::Terminate => self.stop(),
            SignalRequest::Interrupt if self.in_terminal => self.stop(),
            SignalRequest::Interrupt => {}
            SignalRequest::Reload => self.reload(),
            SignalRequest::MoreDebug => self.change_debug(1),
            SignalRequest::LessDebug => self.change_debug(-1),
        }
    }

    fn stop(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        if self.node.on_hold || self.node.guard.is_some() {
            self.phase = Phase::Over(End::Leave);
            return;
        }
        self.phase = Phase::Releasing;
        if self.node.shut_down_crm() {
            return;
        }
        if self.node.manager.is_none() {
            self.node.wishes.push(Wish::Released);
        } else if let Err(why) = self.node.handle_command(Command::Shutdown) {
            self.node.log.log(Severity::Info, why);
            self.phase = Phase::Running;
        }
    }

    fn released(&mut self) {
        self.phase = self.phase.released(clock::mono());
        self.node.announce();
        self.node.leave_membership();
        // Beside the loop: whoever missed our last words must get them again meanwhile.
        let mut children = std::mem::take(&mut self.children);
        self.children_end = Some(tokio::spawn(async move { children.stop().await }));
    }

    fn reload(&mut self) {
        self.node.log.reopen();
        if self.node.guard.is_some() {
            return;
        }
        match reload::look(&mut self.files, &mut self.node) {
            reload::Change::None => {
                self.node
                    .log
                    .log(Severity::Info, "Configuration unchanged.");
            }
            reload::Change::Keys | reload::Change::Refused => {}
            reload::Change::Restart => self.phase = Phase::Over(End::Restart),
        }
    }

    /// Without an ha.cf the next daemon would leave the resources to nobody.
    fn release(&mut self) {
        match self.files.have_ha_cf() {
            true => self.phase = Phase::Over(End::Restart),
            false => self
                .node
                .log
                .log(Severity::Error, "There is no ha.cf: the hold stays."),
        }
    }

    fn change_debug(&mut self, by: i8) {
        let level = self.node.log.debug_level().saturating_add_signed(by);
        self.node.log.set_debug_level(level);
        let text = format!("debug now set to {level} [pid {}]", self.constant.pid);
        self.node.log.log(Severity::Info, text);
    }

    fn handle_child(&mut self, report: ChildReport) {
        match report {
            ChildReport::Log(severity, text) => self.node.log.log(severity, text),
            ChildReport::Failfast { command } => {
                let reason = format!("failfast client \"{command}\" died");
                self.node.wishes.push(Wish::Reboot(reason));
            }
        }
    }

    fn reboot(&mut self, reason: &str) {
        self.node.log.log(
            Severity::Critical,
            format!("Rebooting this machine: {reason}"),
        );
        let Err(why) = reboot_now();
        let text = format!("This machine can't be rebooted: {why}. Power it off by hand!");
        self.node.log.log(Severity::Critical, text);
    }

    /// The last steps: a status so that peers see the gap if they missed one, then silence.
    async fn finish(mut self, end: End) -> std::io::Result<End> {
        self.children.stop().await;
        if let Some(children) = self.children_end.take() {
            // It fails only if it panicked, and then there is nothing to wait for.
            let _ = children.await;
        }
        self.store.finish(&self.node);
        self.node.leave_membership();
        if end == End::Restart {
            reload::keep(&self.node)?;
        }
        let extra = match end {
            End::Restart | End::Leave => RESTART_EXTRA,
            End::Exit | End::Fenced => Duration::ZERO,
        };
        self.node.leave(extra);
        // What still runs on a node that counts as fenced has to end with its machine.
        if end != End::Fenced
            && let Some(watchdog) = self.node.watchdog.take()
            && let Err(why) = watchdog.disarm()
        {
            let text = format!("the watchdog device can't be closed: {why}");
            self.node.log.log(Severity::Error, text);
        }
        let local = &self.node.cluster.config().local;
        let left = match end {
            End::Exit => "",
            End::Leave => " Its resources stay.",
            End::Restart | End::Fenced => return Ok(end),
        };
        let text = format!("{local} Heartbeat shutdown complete.{left}");
        self.node.log.log(Severity::Info, text);
        Ok(end)
    }
}

/// Waits for work of the CRM that ended; for ever if there is none. Cancel-safe.
async fn crm_work(crm: &mut Option<Crm>) -> Work {
    match crm {
        Some(crm) => crm.work(true).await,
        None => std::future::pending().await,
    }
}
