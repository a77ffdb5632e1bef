//! What the tools of Pacemaker have in common: how they read the command line, what they print
//! as text and as XML, and what they exit with.
//!
//! ```text
//!  command (clap data) --arguments::parse--> Line       wrong use: its words, exit code 64
//!  Line --Output::open--> Output                        --output-as, --output-to
//!  Output --text, element, fail--> --finish--> exit code
//! ```
//!
//! Source: Pacemaker 2.1.5, `lib/common/output*.c`, `cmdline.c`, and the installed tools.

pub mod arguments;
pub mod cib;
pub mod clock;
pub mod codes;
pub mod exit;
pub mod output;

pub use arguments::Line;
pub use exit::Exit;
pub use output::Output;

/// The version that the tools stand in for: scripts read the first line of `--version`.
pub const VERSION: &str = "2.1.5";
