//! What the tools of the CRM have in common: how they read the command line, what they print as
//! text and as XML, what they exit with; where the CIB is, who asks, what XML is given.
//!
//! ```text
//!  command (clap data) --arguments::parse--> Line    wrong use: the words of GLib, exit code 64
//!  Line --Output::open--> Output                     --output-as, --output-to, --version
//!  Output --text, element, fail--> --finish--> exit code
//!
//!  environment --Session::open--> Session            CIB_file, CIB_shadow, else the cluster
//!  Session --query, update--> answers                checked against ACLs and schema
//!  Session --close--> the file, if anything changed
//! ```
//!
//! Source: Pacemaker 2.1.5, `lib/common/output*.c`, `cmdline.c`, and the installed tools.

pub mod arguments;
pub mod clock;
pub mod code;
pub mod codes;
mod deep;
pub mod fence_agents;
pub mod fence_history;
pub mod file;
pub mod html;
pub mod input;
pub mod judge;
pub mod live;
pub mod output;
pub mod session;
pub mod user;

pub use arguments::Line;
pub use deep::deep;
pub use output::{Failure, Output};
pub use session::{ConnectError, Session, UpdateError};

/// The version that the tools stand in for.
pub const VERSION: &str = "2.1.5";

/// Name and version as the tools print them for `--version`: scripts look for the first line.
pub const VERSION_TEXT: &str = "Pacemaker 2.1.5";

/// What is built in, by the original's names.
pub const FEATURES: &str = "agent-manpages cibsecrets corosync-ge-2 generated-manpages lha \
                            monotonic nagios ncurses remote systemd";

/// What the `--features` option says: name, version and what is built in.
pub fn features_text() -> String {
    format!(
        "{VERSION_TEXT} (Build: everbeat-{}): {FEATURES}",
        env!("CARGO_PKG_VERSION")
    )
}

/// An exit code of the tools.
pub fn exit(code: u8) -> std::process::ExitCode {
    std::process::ExitCode::from(code)
}
