//! What comes from the group: printed, or counted and measured.

use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::Task;
use super::connection::{Connection, Heard, Mouth};
use super::flood::{Check, nanoseconds, number};
use crate::ids::NodeId;
use crate::wire::cluster::Reason;
use crate::wire::ipc::groups::Moved;

/// Exit code of messages that were not as they were sent.
const EXIT_FAULTY: u8 = 3;

/// Latencies that are kept; those beyond are not measured.
const LATENCIES_MAX: usize = 1 << 20;

/// Listens to a group.
#[derive(Debug)]
pub(super) struct Listener {
    task: Task,
    began: Instant,
    /// Sent to once there are members enough.
    start: Option<Sender<()>>,
    own: Option<(NodeId, u32)>,
    messages: u64,
    bytes: u64,
    first: Option<Instant>,
    check: Check,
    /// Of own messages, nanoseconds.
    latencies: Vec<u64>,
    is_leaving: bool,
}

impl Listener {
    pub(super) fn new(task: Task, began: Instant, start: Sender<()>) -> Self {
        Self {
            task,
            began,
            start: Some(start),
            own: None,
            messages: 0,
            bytes: 0,
            first: None,
            check: Check::default(),
            latencies: Vec::new(),
            is_leaving: false,
        }
    }

    /// Listens until the end.
    pub(super) fn listen(
        mut self,
        mut connection: Connection,
        mouth: &Mouth,
    ) -> anyhow::Result<ExitCode> {
        loop {
            match connection.next()? {
                Heard::Change {
                    members,
                    left,
                    joined,
                } => {
                    if self.changed(&members, &left, &joined)? {
                        return self.end();
                    }
                }
                Heard::Message { node, pid, data } => self.heard((node, pid), &data)?,
            }
            if !self.is_leaving && self.task.expect.is_some_and(|count| self.messages >= count) {
                if !mouth.is_finished() {
                    return self.end();
                }
                mouth.leave()?;
                self.is_leaving = true;
                self.summary()?;
            }
        }
    }

    /// True if it was the own leave.
    fn changed(
        &mut self,
        members: &[(NodeId, u32)],
        left: &[Moved],
        joined: &[Moved],
    ) -> anyhow::Result<bool> {
        let pid = std::process::id();
        if self.own.is_none() {
            let own = joined.iter().find(|(_, joined, _)| *joined == pid);
            self.own = own.map(|(node, pid, _)| (*node, *pid));
        }
        if !self.counts() || self.task.trace {
            let mut out = std::io::stdout().lock();
            let count = members.len();
            for (node, pid, reason) in left {
                let why = word(*reason);
                writeln!(
                    out,
                    "node {node} process {pid} left ({why}), members: {count}"
                )?;
            }
            for (node, pid, _) in joined {
                writeln!(out, "node {node} process {pid} joined, members: {count}")?;
            }
        }
        if u32::try_from(members.len()).is_ok_and(|count| count >= self.task.members)
            && let Some(start) = self.start.take()
        {
            let _ = start.send(());
        }
        Ok(left
            .iter()
            .any(|(node, pid, _)| self.own == Some((*node, *pid))))
    }

    /// True if messages are counted, not printed.
    fn counts(&self) -> bool {
        self.task.flood.is_some() || self.task.expect.is_some()
    }

    fn heard(&mut self, sender: (NodeId, u32), data: &[u8]) -> anyhow::Result<()> {
        if !self.counts() {
            let mut out = std::io::stdout().lock();
            let (node, pid) = sender;
            let text = data.escape_ascii();
            match std::str::from_utf8(data) {
                Ok(text) if !text.contains(char::is_control) => {
                    writeln!(out, "node {node} process {pid}: {text}")?;
                }
                _ => writeln!(out, "node {node} process {pid}: {text}")?,
            }
            return Ok(());
        }
        if self.is_leaving {
            return Ok(());
        }
        self.first.get_or_insert_with(Instant::now);
        self.messages += 1;
        self.bytes += data.len() as u64;
        let before = self.check.faults.damaged();
        let sent = self.check.look(sender, data);
        if self.task.trace {
            let sound = self.check.faults.damaged() == before;
            trace(sender, data, sound)?;
        }
        if self.own == Some(sender)
            && let Some(sent) = sent
            && self.latencies.len() < LATENCIES_MAX
        {
            let now = nanoseconds(self.began);
            self.latencies.push(now.saturating_sub(sent));
        }
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<ExitCode> {
        if self.counts() && !self.is_leaving {
            self.summary()?;
        }
        Ok(match self.check.faults.any() {
            true => ExitCode::from(EXIT_FAULTY),
            false => ExitCode::SUCCESS,
        })
    }

    /// What came, how fast.
    fn summary(&mut self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        let seconds = self
            .first
            .map_or(0.0, |first| first.elapsed().as_secs_f64());
        let a_second = |count: u64| count as f64 / seconds.max(1e-9);
        writeln!(
            out,
            "{} messages of {} senders, {} bytes in {seconds:.3} s: {:.0} messages/s, {:.1} MB/s",
            self.messages,
            self.check.senders(),
            self.bytes,
            a_second(self.messages),
            a_second(self.bytes) / 1e6,
        )?;
        self.latencies.sort_unstable();
        if let (Some(half), Some(most)) = (self.percentile(50), self.percentile(99)) {
            writeln!(out, "latency of own messages: p50 {half} us, p99 {most} us")?;
        }
        writeln!(out, "{}", self.check.faults)?;
        Ok(())
    }

    /// Of the sorted latencies, microseconds.
    fn percentile(&self, percent: usize) -> Option<u64> {
        let at = self.latencies.len().checked_sub(1)? * percent / 100;
        self.latencies.get(at).map(|ns| ns / 1000)
    }
}

/// A line for a message of a flood.
fn trace((node, pid): (NodeId, u32), data: &[u8], sound: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "node {node} process {pid}: ")?;
    match sound {
        true => writeln!(out, "message {}, {} bytes", number(data), data.len()),
        false => writeln!(out, "{} bytes, damaged", data.len()),
    }
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::LEAVE => "by itself",
        Reason::NODE_DOWN => "its node is gone",
        Reason::PROCESS_DOWN => "it ended",
        _ => "unknown reason",
    }
}
