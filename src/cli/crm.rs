//! What the tools of the CRM have in common: where the CIB is, who asks, what XML is given.
//!
//! ```text
//!  environment --Session::open--> Session            CIB_file, CIB_shadow, else the cluster
//!  Session --query, update--> answers                checked against ACLs and schema
//!  Session --close--> the file, if anything changed
//! ```

pub mod input;
pub mod live;
pub mod session;
pub mod user;

pub use session::{ConnectError, Session, UpdateError};

/// Name and version as the tools print them for `--version`: scripts look for the first line.
pub const VERSION_TEXT: &str = "Pacemaker 2.1.5";

/// What the `--features` option says: name, version and what is built in.
pub fn features_text() -> String {
    format!(
        "{VERSION_TEXT} (Build: everbeat-{}): agent-manpages cibsecrets corosync-ge-2 \
         generated-manpages lha monotonic nagios ncurses remote systemd",
        env!("CARGO_PKG_VERSION")
    )
}

/// An exit code of the tools.
pub fn exit(code: u8) -> std::process::ExitCode {
    std::process::ExitCode::from(code)
}

/// Exit codes that more than one tool uses.
/// Source: Pacemaker 2.1.5 `include/crm/common/results.h`, `crm_exit_t`.
pub mod code {
    /// All went well.
    pub const OK: u8 = 0;
    /// It did not.
    pub const ERROR: u8 = 1;
    /// The user may not do this.
    pub const INSUFFICIENT_PRIV: u8 = 4;
    /// The command line is wrong.
    pub const USAGE: u8 = 64;
    /// What was given can't be read.
    pub const DATAERR: u8 = 65;
    /// A file that is needed is not there.
    pub const NOINPUT: u8 = 66;
    /// A file could not be made.
    pub const CANTCREAT: u8 = 73;
    /// A file could not be written or read.
    pub const IOERR: u8 = 74;
    /// A document is not valid.
    pub const CONFIG: u8 = 78;
    /// There is no cluster.
    pub const DISCONNECT: u8 = 102;
    /// What was asked for is not there.
    pub const NOSUCH: u8 = 105;
    /// It needs `--force`.
    pub const UNSAFE: u8 = 107;
    /// It is there already.
    pub const EXISTS: u8 = 108;
}
