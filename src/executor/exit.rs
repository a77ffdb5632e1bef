//! How an operation ended: what the agent said, and whether it was carried out at all.

use std::fmt;

use super::Class;

/// What an agent says of its resource, in the codes of OCF.
///
/// Source: `spec/crm-runtime.md` section 11; OCF resource agent API 1.1 with Pacemaker's own
/// 190 to 193.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exit(pub i32);

impl Exit {
    /// Done; of a monitor: it runs.
    pub const OK: Self = Self(0);
    /// Failed, and nothing more is known.
    pub const ERROR: Self = Self(1);
    /// A parameter makes no sense on this node.
    pub const INVALID_PARAMETER: Self = Self(2);
    /// The agent doesn't know the action.
    pub const UNIMPLEMENTED: Self = Self(3);
    /// The agent may not do it.
    pub const INSUFFICIENT_PRIVILEGES: Self = Self(4);
    /// What the resource is made of isn't on this node.
    pub const NOT_INSTALLED: Self = Self(5);
    /// A parameter makes no sense anywhere.
    pub const NOT_CONFIGURED: Self = Self(6);
    /// The resource is stopped, and cleanly so.
    pub const NOT_RUNNING: Self = Self(7);
    /// It runs as the promoted one.
    pub const PROMOTED: Self = Self(8);
    /// It was promoted and has failed.
    pub const PROMOTED_FAILED: Self = Self(9);
    /// It runs, but is likely to fail soon.
    pub const DEGRADED: Self = Self(190);
    /// It is promoted, but is likely to fail soon.
    pub const PROMOTED_DEGRADED: Self = Self(191);
    /// Not known yet: it was begun.
    pub const PENDING: Self = Self(193);

    /// Translates what a program of this class returned.
    ///
    /// `monitor` stands for `status` too; `lsb` scripts have codes of their own for it, scripts of
    /// haresources say it in words ([`Self::of_status_words`]).
    pub fn of_program(class: Class, action: &str, code: i32) -> Self {
        let is_status = matches!(action, "monitor" | "status");
        match class {
            Class::Nagios => match code {
                0 => Self::OK,
                1 => Self::DEGRADED,
                100 => Self::INSUFFICIENT_PRIVILEGES,
                _ => Self::ERROR,
            },
            Class::Lsb | Class::Service if is_status => match code {
                0 => Self::OK,
                1..=3 => Self::NOT_RUNNING,
                150 => Self::NOT_INSTALLED,
                151 => Self::INSUFFICIENT_PRIVILEGES,
                _ => Self::ERROR,
            },
            Class::Lsb | Class::Service | Class::Heartbeat => match code {
                0..=7 => Self(code),
                _ => Self::ERROR,
            },
            Class::Ocf | Class::Systemd | Class::Upstart => match code {
                0..=9 | 190 | 191 => Self(code),
                _ => Self::ERROR,
            },
            Class::Stonith if code == 0 => Self::OK,
            Class::Stonith => Self::ERROR,
        }
    }

    /// Whether a script of haresources runs, by what its `status` prints: its exit code says
    /// nothing, but for one that isn't there.
    ///
    /// Source: cluster-glue 1.0.12, the executor's plugin for this class: in small letters
    /// `*stopped*` and `*not*running*` (no), `*running*` (yes), as it stands `*OK*` (yes).
    pub fn of_status_words(code: i32, output: &str) -> Self {
        let lower = output.to_ascii_lowercase();
        let not = lower.find("not").and_then(|at| lower.get(at + 3..));
        let is_not = not.is_some_and(|rest| rest.contains("running"));
        if code == Self::NOT_INSTALLED.0 {
            Self::NOT_INSTALLED
        } else if lower.contains("stopped") || is_not {
            Self::NOT_RUNNING
        } else if lower.contains("running") || output.contains("OK") {
            Self::OK
        } else {
            Self::NOT_RUNNING
        }
    }
}

impl fmt::Display for Exit {
    /// The words of logs and of crm_mon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match *self {
            Self::OK => "ok",
            Self::ERROR => "error",
            Self::INVALID_PARAMETER => "invalid parameter",
            Self::UNIMPLEMENTED => "unimplemented feature",
            Self::INSUFFICIENT_PRIVILEGES => "insufficient privileges",
            Self::NOT_INSTALLED => "not installed",
            Self::NOT_CONFIGURED => "not configured",
            Self::NOT_RUNNING => "not running",
            Self::PROMOTED => "promoted",
            Self::PROMOTED_FAILED => "promoted (failed)",
            Self(189) => "OCF_CONNECTION_DIED",
            Self::DEGRADED => "degraded",
            Self::PROMOTED_DEGRADED => "promoted (degraded)",
            Self::PENDING => "pending",
            _ => "error",
        })
    }
}

/// Whether an operation was carried out: `op-status` of the history.
///
/// Source: `spec/cib.md` section 8; Pacemaker 2.1.5, `enum pcmk_exec_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Begun, not ended.
    Pending = -1,
    /// The agent ended by itself.
    Done = 0,
    /// It was taken back before it ended.
    Cancelled = 1,
    /// Its time was over.
    Timeout = 2,
    /// The agent doesn't know the action.
    NotSupported = 3,
    /// It could not be done.
    Error = 4,
    /// It can't be done on this node.
    ErrorHard = 5,
    /// It can't be done anywhere.
    ErrorFatal = 6,
    /// There is no such agent here.
    NotInstalled = 7,
    /// The executor isn't there.
    NotConnected = 8,
    /// It can't be done at this time.
    Invalid = 9,
    /// No device can fence that node.
    NoFenceDevice = 10,
    /// A secret parameter can't be had.
    NoSecrets = 11,
}

impl Status {
    /// The one with that number.
    pub fn from_number(number: i64) -> Option<Self> {
        const ALL: [Status; 13] = [
            Status::Pending,
            Status::Done,
            Status::Cancelled,
            Status::Timeout,
            Status::NotSupported,
            Status::Error,
            Status::ErrorHard,
            Status::ErrorFatal,
            Status::NotInstalled,
            Status::NotConnected,
            Status::Invalid,
            Status::NoFenceDevice,
            Status::NoSecrets,
        ];
        let mut all = ALL.into_iter();
        all.find(|status| i64::from(*status as i8) == number)
    }
}

impl fmt::Display for Status {
    /// The words of logs and of crm_mon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Done => "complete",
            Self::Cancelled => "Cancelled",
            Self::Timeout => "Timed Out",
            Self::NotSupported => "NOT SUPPORTED",
            Self::Error => "Error",
            Self::ErrorHard => "Hard error",
            Self::ErrorFatal => "Fatal error",
            Self::NotInstalled => "Not installed",
            Self::NotConnected => "Internal communication failure",
            Self::Invalid => "Cannot execute now",
            Self::NoFenceDevice => "No fence device",
            Self::NoSecrets => "CIB secrets unavailable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_scripts_have_codes_of_their_own() {
        let status = |code| Exit::of_program(Class::Lsb, "monitor", code);
        assert_eq!(status(0), Exit::OK);
        for stopped in 1..=3 {
            assert_eq!(status(stopped), Exit::NOT_RUNNING);
        }
        assert_eq!(status(4), Exit::ERROR);
        assert_eq!(status(150), Exit::NOT_INSTALLED);
        assert_eq!(status(151), Exit::INSUFFICIENT_PRIVILEGES);
        let start = |code| Exit::of_program(Class::Lsb, "start", code);
        assert_eq!(start(3), Exit::UNIMPLEMENTED);
        assert_eq!(start(8), Exit::ERROR, "promoted means nothing there");
    }

    #[test]
    fn scripts_of_haresources_say_in_words_whether_they_run() {
        for running in ["web is running", "INFO: Running", "OK", "notrunnin, OK"] {
            assert_eq!(Exit::of_status_words(1, running), Exit::OK, "{running}");
        }
        for stopped in [
            "",
            "stopped, was OK",
            "is NOT yet Running",
            "ok",
            "notrunning",
        ] {
            let exit = Exit::of_status_words(0, stopped);
            assert_eq!(exit, Exit::NOT_RUNNING, "{stopped}");
        }
        assert_eq!(Exit::of_status_words(5, "running"), Exit::NOT_INSTALLED);
        let start = |code| Exit::of_program(Class::Heartbeat, "start", code);
        assert_eq!(start(5), Exit::NOT_INSTALLED);
        assert_eq!(start(20), Exit::ERROR);
    }

    #[test]
    fn what_an_agent_may_not_say_is_an_error() {
        let ocf = |code| Exit::of_program(Class::Ocf, "monitor", code);
        assert_eq!(ocf(9), Exit::PROMOTED_FAILED);
        assert_eq!(ocf(191), Exit::PROMOTED_DEGRADED);
        for odd in [-1, 10, 126, 127, 189, 192, 193, 255] {
            assert_eq!(ocf(odd), Exit::ERROR, "{odd}");
        }
        assert_eq!(Exit::of_program(Class::Stonith, "monitor", 2), Exit::ERROR);
    }
}
