//! Exit codes that the tools use; [`codes::EXIT`] has all with their names and texts.
//!
//! Source: Pacemaker 2.1.5 `include/crm/common/results.h`, `crm_exit_t`.

use super::codes;

/// All went well.
pub const OK: u8 = 0;
/// It did not.
pub const ERROR: u8 = 1;
/// A value makes no sense.
pub const INVALID_PARAM: u8 = 2;
/// It can't do that.
pub const UNIMPLEMENTED: u8 = 3;
/// The user may not do this.
pub const INSUFFICIENT_PRIV: u8 = 4;
/// An agent is not there.
pub const NOT_INSTALLED: u8 = 5;
/// The command line is wrong.
pub const USAGE: u8 = 64;
/// What was given can't be read.
pub const DATAERR: u8 = 65;
/// A file that is needed is not there.
pub const NOINPUT: u8 = 66;
/// The node is unknown.
pub const NOHOST: u8 = 68;
/// A fault of the program.
pub const SOFTWARE: u8 = 70;
/// The system refused something.
pub const OSERR: u8 = 71;
/// A file could not be made.
pub const CANTCREAT: u8 = 73;
/// A file could not be written or read.
pub const IOERR: u8 = 74;
/// What is there is of newer software.
pub const PROTOCOL: u8 = 76;
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
/// More than one thing is meant.
pub const MULTIPLE: u8 = 109;
/// What was asked for is over.
pub const EXPIRED: u8 = 110;
/// What was asked for is still to come.
pub const NOT_YET_IN_EFFECT: u8 = 111;
/// It can't be said.
pub const INDETERMINATE: u8 = 112;
/// It did not come in time.
pub const TIMEOUT: u8 = 124;

/// The text of an exit code.
/// Source: Pacemaker 2.1.5, `crm_exit_str`.
pub fn text(code: i32) -> &'static str {
    match codes::EXIT.iter().find(|row| row.0 == code) {
        Some(row) => row.2,
        None if (129..255).contains(&code) => "Interrupted by signal",
        None if code == 255 => "Error occurred",
        None => "Unknown exit status",
    }
}

/// The name of an exit code.
pub fn name(code: i32) -> &'static str {
    let row = codes::EXIT.iter().find(|row| row.0 == code);
    row.map_or("CRM_EX_UNKNOWN", |row| row.1)
}
