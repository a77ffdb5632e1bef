//! Runs the programs of alerts, as the cluster's user, beside everything else.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use crate::alerts::{self, Alert, Event, Moment, Piece};
use crate::cib::Document;
use crate::proto::heartbeat::Severity;
use crate::runtime::log::{Logger, cluster_user};
use crate::runtime::process::{Ending, Process};
use crate::sys::local_time::{offset_s, strftime};

/// Programs that run at once; others wait for them.
const RUNNING_MAX: usize = 16;

/// Alerts that wait or run; what happens beyond is not told.
const WAITING_MAX: usize = 1024;

/// The alerts that are configured.
#[derive(Debug)]
pub(super) struct Alerts {
    alerts: Vec<Alert>,
    /// Alerts that this node has sent.
    sequence: u64,
    turns: Arc<Semaphore>,
    room: Arc<Semaphore>,
    log: Logger,
}

impl Alerts {
    pub(super) fn new(log: Logger) -> Self {
        Self {
            alerts: Vec::new(),
            sequence: 0,
            turns: Arc::new(Semaphore::new(RUNNING_MAX)),
            room: Arc::new(Semaphore::new(WAITING_MAX)),
            log,
        }
    }

    /// Reads the configuration.
    pub(super) fn configure(&mut self, cib: &Document, unix_s: u64) {
        self.alerts = alerts::read(cib, unix_s, offset_s(unix_s));
    }

    /// Tells those who want to know; nothing here waits for them.
    pub(super) fn tell(&mut self, event: &Event) {
        let at = moment();
        for alert in self.alerts.iter().filter(|alert| alert.wants(event)) {
            self.sequence += 1;
            let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
                let text = format!("Alert {} isn't sent: {WAITING_MAX} wait already", alert.id);
                self.log.log(Severity::Warning, text);
                continue;
            };
            let stamp = stamp(&alert.format, at);
            let process = Process::new(&alert.path)
                .envs(alert.environment(event, (self.sequence, at, &stamp)))
                .user(user())
                .timeout(alert.timeout);
            let name = format!("Alert {} ({})", alert.id, event.kind());
            let (turns, log) = (Arc::clone(&self.turns), self.log.clone());
            tokio::task::spawn_local(async move {
                // The semaphore is never closed.
                let _turn = turns.acquire_owned().await;
                let failure = match process.run().await {
                    Ok(finished) if finished.ending.is_success() => None,
                    Ok(finished) if finished.ending == Ending::TimedOut => {
                        Some("did not end in its time".to_owned())
                    }
                    Ok(finished) => Some(format!("ended with {}", finished.ending)),
                    Err(error) => Some(format!("could not be run: {error}")),
                };
                if let Some(failure) = failure {
                    log.log(Severity::Warning, format!("{name} {failure}"));
                }
                drop(place);
            });
        }
    }
}

/// Who runs them; none where this program isn't root, or there is no such user.
fn user() -> Option<(u32, u32)> {
    cluster_user().filter(|_| nix::unistd::geteuid().is_root())
}

fn moment() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default();
    Moment {
        unix_s: since.as_secs(),
        micros: since.subsec_micros(),
    }
}

fn stamp(format: &str, at: Moment) -> String {
    let pieces = alerts::pieces(format).into_iter().map(|piece| match piece {
        Piece::Plain(text) => strftime(&text, at.unix_s),
        Piece::Fraction(digits) => {
            let micros = format!("{:06}", at.micros);
            micros.chars().take(digits).collect()
        }
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_has_the_digits_that_its_format_asks_for() {
        let at = Moment {
            unix_s: 1_795_650_658,
            micros: 1234,
        };
        assert_eq!(stamp("%s.%06N", at), "1795650658.001234");
        assert_eq!(stamp("%03N/%S", at), "001/58");
    }
}
