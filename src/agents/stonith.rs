//! Resets other machines: plugins of cluster-glue, fence agents, or a person.
//!
//! Called by the daemon before it takes what a dead node may still hold. How often a failed reset
//! is tried again is the caller's to say; nothing here gives up or goes on by itself.

mod fence;
mod meatware;
mod plugin;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::config::ha_cf::HaCf;
use crate::ids::NodeName;
use crate::proto::heartbeat::Severity;
use crate::runtime::process::{Finished, Line};

pub use meatware::{Confirmation, confirm};

/// Where the pipes of meatware are. Source: cluster-glue 1.0.12, meatware.so.
pub const MEATWARE_DIR: &str = "/run";

/// How often the device's status is looked at. Source: spec/heartbeat-v1.md
/// section 3, `stonith_host`.
const STATUS_INTERVAL: Duration = Duration::from_secs(3600);

/// How long a device may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StonithTimeouts {
    /// For a reset; a person (meatware) has all the time there is.
    pub reset: Duration,
    /// For its status and its list of hosts.
    pub status: Duration,
}

impl Default for StonithTimeouts {
    /// Differs: heartbeat waits for ever for a device that hangs, and so never tries again.
    fn default() -> Self {
        Self {
            reset: Duration::from_secs(120),
            status: Duration::from_secs(60),
        }
    }
}

/// Why a device did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StonithError {
    /// This machine is none of those it can reset.
    #[error("Device {device} cannot reset host {node}.")]
    CannotReset {
        /// The device.
        device: String,
        /// The machine.
        node: String,
    },
    /// It failed; its last words.
    #[error("{device}: {reason}")]
    Failed {
        /// The device.
        device: String,
        /// What it said.
        reason: String,
    },
}

/// Where a device's parameters are.
#[derive(Clone, PartialEq, Eq)]
enum Parameters {
    /// In a file of the administrator's.
    File(PathBuf),
    /// In ha.cf.
    Words(String),
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Plugin,
    Fence,
    Meatware,
}

/// A configured device.
#[derive(Clone)]
pub struct Device {
    name: String,
    kind: Kind,
    parameters: Parameters,
    timeouts: StonithTimeouts,
    meatware_dir: PathBuf,
    log: Arc<Log>,
}

/// Shows no parameters: there are passwords among them.
impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("name", &self.name)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// Called with lines for the log while a device is at work.
pub type Log = dyn Fn(Severity, &str) + Send + Sync;

/// Whether ha.cf has a device for `node`.
pub fn is_configured(config: &HaCf, node: &NodeName) -> bool {
    config.stonith.is_some()
        || config
            .stonith_hosts
            .iter()
            .any(|line| line.applies_to(node))
}

impl Device {
    /// The device of `node`: the last `stonith_host` line that applies, else the `stonith` line.
    pub fn of(config: &HaCf, node: &NodeName) -> Option<Self> {
        let mut lines = config.stonith_hosts.iter().rev();
        if let Some(line) = lines.find(|line| line.applies_to(node)) {
            return Some(Self::with_parameters(&line.plugin, &line.parameters));
        }
        let line = config.stonith.as_ref()?;
        Some(Self::with_file(&line.plugin, &line.file))
    }

    /// A device as `stonith TYPE FILE` configures it.
    pub fn with_file(kind: &str, file: &Path) -> Self {
        Self::new(kind, Parameters::File(file.to_owned()))
    }

    /// A device as `stonith_host HOST TYPE PARAMETERS…` configures it.
    pub fn with_parameters(kind: &str, parameters: &str) -> Self {
        Self::new(kind, Parameters::Words(parameters.to_owned()))
    }

    fn new(name: &str, parameters: Parameters) -> Self {
        let kind = if name == "meatware" {
            Kind::Meatware
        } else if name.starts_with("fence_") {
            Kind::Fence
        } else {
            Kind::Plugin
        };
        Self {
            name: name.to_owned(),
            kind,
            parameters,
            timeouts: StonithTimeouts::default(),
            meatware_dir: MEATWARE_DIR.into(),
            log: Arc::new(|_, _| {}),
        }
    }

    /// The same device with other time-outs.
    pub fn timeouts(mut self, timeouts: StonithTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The same device; what it says while it works goes there.
    pub fn log(mut self, log: impl Fn(Severity, &str) + Send + Sync + 'static) -> Self {
        self.log = Arc::new(log);
        self
    }

    /// Its type, as the configuration names it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Resets a machine; done when it certainly runs nothing any more. Dropping the future gives
    /// up the attempt.
    pub async fn reset(&self, node: &NodeName) -> Result<(), StonithError> {
        let (limit, node) = (self.timeouts.reset, node.as_str());
        match self.kind {
            Kind::Plugin => self.call(limit)?.reset(node).await,
            Kind::Fence => self.agent(limit)?.reset(node).await,
            Kind::Meatware => meatware::reset(&self.meatware_dir, node, &*self.log).await,
        }
    }

    /// Asks the device whether it works.
    pub async fn status(&self) -> Result<(), StonithError> {
        let limit = self.timeouts.status;
        match self.kind {
            Kind::Plugin => self.call(limit)?.status().await,
            Kind::Fence => self.agent(limit)?.status().await,
            Kind::Meatware => Ok(()),
        }
    }

    /// The machines that it can reset, as far as it knows.
    pub async fn hosts(&self) -> Result<Vec<String>, StonithError> {
        let limit = self.timeouts.status;
        match self.kind {
            Kind::Plugin => self.call(limit)?.hosts().await,
            Kind::Fence => self.agent(limit)?.hosts().await,
            Kind::Meatware => {
                let words = self.parameters.read(&self.name)?;
                Ok(words.split_whitespace().map(str::to_lowercase).collect())
            }
        }
    }

    /// Asks for its status now and every hour, for ever, and logs when it does not work.
    ///
    /// Source: heartbeat 3.0.6, its log lines about the device's status.
    pub async fn watch(&self) {
        loop {
            let name = &self.name;
            let text = format!("Checking status of STONITH device [{name}]");
            (self.log)(Severity::Info, &text);
            if let Err(error) = self.status().await {
                let text = format!("STONITH device {name} not operational! {error}");
                (self.log)(Severity::Error, &text);
            }
            tokio::time::sleep(STATUS_INTERVAL).await;
        }
    }

    fn call(&self, limit: Duration) -> Result<plugin::Call<'_>, StonithError> {
        plugin::Call::new(self, limit)
    }

    fn agent(&self, limit: Duration) -> Result<fence::Agent<'_>, StonithError> {
        fence::Agent::new(self, limit)
    }

    /// Output of a program that works for the device.
    fn say(&self, line: &Line) {
        (self.log)(Severity::Info, &line.text);
    }

    fn failed(&self, reason: impl Into<String>) -> StonithError {
        StonithError::Failed {
            device: self.name.clone(),
            reason: reason.into(),
        }
    }

    fn cannot_reset(&self, node: &str) -> StonithError {
        StonithError::CannotReset {
            device: self.name.clone(),
            node: node.to_owned(),
        }
    }

    /// An error with the last words of a program that failed.
    fn check(&self, finished: &Finished) -> Result<(), StonithError> {
        if finished.ending.is_success() {
            return Ok(());
        }
        let mut lines = finished.lines.iter().rev().map(|line| line.text.trim());
        let words = lines.find(|words| !words.is_empty());
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        Err(self.failed(format!("{}{words}", finished.ending)))
    }
}

impl Parameters {
    /// The words, a file's without its comments.
    ///
    /// Source: cluster-glue 1.0.12, stonith(8): a line of a file that starts with `#` is a
    /// comment.
    fn read(&self, device: &str) -> Result<String, StonithError> {
        let path = match self {
            Self::Words(words) => return Ok(words.clone()),
            Self::File(path) => path,
        };
        let text = std::fs::read_to_string(path).map_err(|error| StonithError::Failed {
            device: device.to_owned(),
            reason: format!("can't read {}: {error}", path.display()),
        })?;
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        Ok(lines.collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests;
