//! The loop: waits for packets, time, signals, scripts, clients, and ended work, and hands each
//! to the node.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::children::{Children, Report as ChildReport};
use super::node::{Node, Wish};
use super::phase::{End, Phase};
use crate::proto::heartbeat::Severity;
use crate::runtime::clock::{self, Alarm};
use crate::runtime::fifo::Fifo;
use crate::time::Instant;
use crate::v1::{Command, WorkId, WorkResult};

/// Signals the daemon listens to. Source: `spec/heartbeat-v1.md` section 4.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
    more_debug: Signal,
    less_debug: Signal,
}

/// What a signal asks for.
enum Asked {
    Stop,
    Reload,
    Debug(i8),
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
            more_debug: signal(SignalKind::user_defined1())?,
            less_debug: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.reload.recv() => Asked::Reload,
            _ = self.more_debug.recv() => Asked::Debug(1),
            _ = self.less_debug.recv() => Asked::Debug(-1),
        }
    }
}
