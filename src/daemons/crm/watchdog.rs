//! The watchdog device of a node of the CRM: which one it is, and what the fencer wants with it.
//!
//! It is the one that sbd would feed, from sbd's own settings, for that is where administrators
//! have it: `SBD_WATCHDOG_DEV` and `SBD_WATCHDOG_TIMEOUT` of the environment, of
//! `/etc/sysconfig/sbd`, or of `/etc/default/sbd`. sbd itself must not run then.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::fencer::Feeding;
use crate::proto::heartbeat::Severity;
use crate::runtime::log::Logger;
use crate::runtime::watchdog::Watchdog;

/// Where sbd's settings are. Source: sbd 1.5.
const FILES: [&str; 2] = ["/etc/sysconfig/sbd", "/etc/default/sbd"];

/// Source: sbd 1.5, `SBD_WATCHDOG_TIMEOUT`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A device as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its path.
    pub path: PathBuf,
    /// After so long without food it resets the machine.
    pub timeout: Duration,
}

impl Settings {
    /// Those of this machine, if it has any.
    pub fn read() -> Option<Self> {
        let texts = FILES.map(|file| std::fs::read_to_string(file).unwrap_or_default());
        let variable = |name: &str| {
            let set = std::env::var(name).ok();
            set.or_else(|| texts.iter().find_map(|text| assignment(text, name)))
        };
        let path = variable("SBD_WATCHDOG_DEV").filter(|path| !path.is_empty())?;
        let timeout = variable("SBD_WATCHDOG_TIMEOUT");
        let timeout = timeout.and_then(|text| text.trim_end_matches('s').parse().ok());
        Some(Self {
            path: path.into(),
            timeout: timeout.map_or(TIMEOUT, Duration::from_secs),
        })
    }
}

/// What a line `NAME=VALUE` sets, as a shell reads it; the last one counts.
fn assignment(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().rev();
    let mut values = lines.filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    let value = values.next()?.trim();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
        _ => value.split([' ', '\t', '#']).next().unwrap_or_default(),
    };
    Some(value.to_owned())
}

/// The device.
#[derive(Debug)]
pub(super) struct Dog {
    settings: Option<Settings>,
    device: Option<Watchdog>,
    log: Logger,
}

impl Dog {
    pub(super) fn new(settings: Option<Settings>, log: Logger) -> Self {
        Self {
            settings,
            device: None,
            log,
        }
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        Some(self.settings.as_ref()?.timeout)
    }

    /// Does what the fencer wants; after an `Open`, whether the device is armed.
    pub(super) fn carry_out(&mut self, feeding: Feeding) -> Option<bool> {
        match feeding {
            Feeding::Open(timeout) => return Some(self.open(timeout)),
            Feeding::Close => self.close(),
            Feeding::Feed => {
                let fed = self.device.as_mut().map_or(Ok(()), Watchdog::tickle);
                if let Err(why) = fed {
                    let text = format!("the watchdog can't be fed: {why}");
                    self.log.log(Severity::Critical, text);
                }
            }
        }
        None
    }

    fn open(&mut self, timeout: Duration) -> bool {
        let path = self.settings.as_ref().map(|s| s.path.clone());
        let path = path.unwrap_or_default();
        match armed(&path, timeout) {
            Ok(device) => {
                let text = format!(
                    "Watchdog {} is armed, time-out {} s",
                    path.display(),
                    timeout.as_secs()
                );
                self.log.log(Severity::Notice, text);
                self.device = Some(device);
            }
            Err(why) => {
                let text = format!(
                    "Watchdog {} can't be used: {why}. Nobody counts on this node's watchdog",
                    path.display()
                );
                self.log.log(Severity::Critical, text);
            }
        }
        self.device.is_some()
    }

    /// Nothing runs here any more, or nobody counts on it.
    pub(super) fn close(&mut self) {
        let Some(device) = self.device.take() else {
            return;
        };
        let (severity, text) = match device.disarm() {
            Ok(()) => (Severity::Notice, "The watchdog is disarmed".to_owned()),
            Err(why) => (
                Severity::Error,
                format!("the watchdog can't be disarmed, and may reset this node: {why}"),
            ),
        };
        self.log.log(severity, text);
    }
}

/// Errors: it can't be opened, or doesn't take its time-out, so that nobody could count on it.
fn armed(path: &Path, timeout: Duration) -> std::io::Result<Watchdog> {
    let device = Watchdog::open_for(path, timeout)?;
    match device.granted() {
        Some(granted) if granted <= timeout => Ok(device),
        // What a program of the administrator's watches has the time-out that was configured.
        None if !device.is_driver() => Ok(device),
        granted => {
            let granted = granted.map_or("one of its own".to_owned(), |g| format!("{g:?}"));
            let why = format!("it has another time-out than {timeout:?}: {granted}");
            device.disarm()?;
            Err(std::io::Error::other(why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_a_shell_reads_them() {
        let text = "# SBD_WATCHDOG_DEV=/dev/none\nSBD_WATCHDOG_DEV=/dev/watchdog # first\n\
                    SBD_WATCHDOG_DEV=\"/dev/watchdog1\"\nSBD_WATCHDOG_TIMEOUT=7\nX='a b'";
        let of = |name| assignment(text, name);
        assert_eq!(of("SBD_WATCHDOG_DEV").as_deref(), Some("/dev/watchdog1"));
        assert_eq!(of("SBD_WATCHDOG_TIMEOUT").as_deref(), Some("7"));
        assert_eq!(of("X").as_deref(), Some("a b"));
        assert_eq!(of("SBD_DEVICE"), None);
    }
}
