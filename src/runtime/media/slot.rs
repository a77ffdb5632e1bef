//! One configured medium: open or waiting, with its counters and its one line per change.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use super::counters::Counters;
use super::endpoint::{Endpoint, Incoming};
use super::plan::Plan;
use super::receive::Buffer;
use super::{Outgoing, Sent};
use crate::config::ha_cf::Medium;
use crate::ids::LinkName;
use crate::proto::heartbeat::Severity;
use crate::runtime::clock::{mono, place};
use crate::runtime::log::{Logger, RateLimit};
use crate::time::Instant;

/// After so many errors in a row on receiving a medium is opened anew.
const RECEIVE_ERRORS_MAX: u32 = 8;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) medium: Medium,
    pub(super) link: LinkName,
    pub(super) counters: Counters,
    state: State,
    log: Logger,
    /// Why sends fail just now, and how many did.
    failing: Option<(String, u64)>,
    send_lines: RateLimit,
    errors_in_row: u32,
    /// When nothing more was there to read: what comes later arrived later.
    drained: Instant,
}

#[derive(Debug)]
enum State {
    /// With what was logged about it.
    Closed(Option<String>),
    Open(Plan, Box<Endpoint>),
}

impl Slot {
    pub(super) fn new(medium: &Medium, log: Logger) -> Self {
        Self {
            link: medium.link(),
            medium: medium.clone(),
            counters: Counters::default(),
            state: State::Closed(None),
            log,
            failing: None,
            send_lines: RateLimit::new(4, Duration::from_secs(60)),
            errors_in_row: 0,
            drained: Instant(0),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(..))
    }

    /// Why it is closed, as logged.
    pub(super) fn trouble(&self) -> Option<&str> {
        match &self.state {
            State::Closed(why) => why.as_deref(),
            State::Open(..) => self.failing.as_ref().map(|(why, _)| why.as_str()),
        }
    }

    /// The plan by which it is open.
    pub(super) fn plan(&self) -> Option<&Plan> {
        match &self.state {
            State::Open(plan, _) => Some(plan),
            State::Closed(_) => None,
        }
    }

    /// Opens it by `wanted`, keeps it open, or closes it with the reason.
    pub(super) fn settle(&mut self, wanted: Result<Plan, String>, now: Instant) {
        match wanted {
            Ok(plan) if self.plan() == Some(&plan) => {}
            Ok(plan) => {
                // The old sockets go first: they may hold the port.
                let was = std::mem::replace(&mut self.state, State::Closed(None));
                match Endpoint::open(&plan) {
                    Ok(endpoint) => {
                        self.log.log(Severity::Info, endpoint.started());
                        self.drained = now;
                        self.errors_in_row = 0;
                        self.state = State::Open(plan, Box::new(endpoint));
                    }
                    Err(error) => {
                        if let State::Closed(why) = was {
                            self.state = State::Closed(why);
                        }
                        self.close(format!(
                            "cannot be opened (tried again each second): {error}"
                        ));
                    }
                }
            }
            Err(why) => self.close(why),
        }
    }

    /// Closes it; a reason is logged once.
    pub(super) fn close(&mut self, why: String) {
        if !matches!(&self.state, State::Closed(Some(old)) if *old == why) {
            self.log.log(Severity::Error, format!("{self}: {why}"));
        }
        self.failing = None;
        self.state = State::Closed(Some(why));
    }

    /// Puts a message on it; never waits.
    pub(super) fn send(&mut self, outgoing: &dyn Outgoing) {
        let State::Open(_, endpoint) = &mut self.state else {
            self.counters.send_dropped += 1;
            return;
        };
        match endpoint.send(outgoing) {
            Ok(Sent::Bytes(bytes)) => {
                self.counters.sent += 1;
                self.counters.sent_bytes += u64::try_from(bytes).unwrap_or(0);
                self.note_success();
            }
            Ok(Sent::Nothing) => {}
            Err(error) if is_busy(&error) => self.counters.send_dropped += 1,
            Err(error) => {
                self.counters.send_errors += 1;
                self.note_failure(&error);
            }
        }
    }

    fn note_failure(&mut self, error: &io::Error) {
        let why = error.to_string();
        let failed = match &mut self.failing {
            Some((old, failed)) if *old == why => {
                *failed += 1;
                return;
            }
            Some((_, failed)) => *failed + 1,
            None => 1,
        };
        if self.send_lines.allow(mono()).is_some() {
            self.log.log(
                Severity::Error,
                format!("{self}: Unable to send HBcomm packet {}: {why}", self.link),
            );
        }
        self.failing = Some((why, failed));
    }

    fn note_success(&mut self) {
        let Some((_, failed)) = self.failing.take() else {
            return;
        };
        if self.send_lines.allow(mono()).is_some() {
            let text = format!("{self}: sends again, after {failed} messages that failed");
            self.log.log(Severity::Info, text);
        }
    }

    /// The next message that came, with the time of its arrival.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Buffer,
    ) -> Poll<Option<(Incoming, Instant)>> {
        let State::Open(_, endpoint) = &mut self.state else {
            return Poll::Pending;
        };
        let came = endpoint.poll_receive(cx, buffer);
        let drained = std::mem::take(&mut buffer.drained);
        match came {
            Poll::Pending => {
                // The reactor may not know yet of what waits in the kernel: only the kernel's
                // own word counts.
                if drained {
                    self.drained = mono();
                }
                Poll::Pending
            }
            Poll::Ready(Ok(Some(incoming))) => {
                self.errors_in_row = 0;
                self.counters.received += 1;
                let bytes = incoming.bytes.len();
                self.counters.received_bytes += u64::try_from(bytes).unwrap_or(0);
                let at = match incoming.time {
                    Some(time) => place(time, self.drained),
                    None => mono(),
                };
                Poll::Ready(Some((incoming, at)))
            }
            Poll::Ready(Ok(None)) => {
                self.counters.receive_ignored += 1;
                Poll::Ready(None)
            }
            Poll::Ready(Err(error)) => {
                self.counters.receive_errors += 1;
                self.errors_in_row += 1;
                if self.errors_in_row >= RECEIVE_ERRORS_MAX {
                    self.close(format!("cannot receive, opened anew: {error}"));
                }
                Poll::Ready(None)
            }
        }
    }
}

fn is_busy(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
}

impl std::fmt::Display for Slot {
    /// `bcast eth0`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.medium.directive(), self.link)
    }
}
