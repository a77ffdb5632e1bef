//! Exit codes of the tools.

use std::process::ExitCode;

use super::codes;

/// An exit code; [`codes::EXIT`] has all with their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exit(pub u8);

impl Exit {
    /// All went well.
    pub const OK: Self = Self(0);
    /// It did not.
    pub const ERROR: Self = Self(1);
    /// A value makes no sense.
    pub const INVALID_PARAM: Self = Self(2);
    /// It can't do that.
    pub const UNIMPLEMENTED: Self = Self(3);
    /// The user may not do this.
    pub const INSUFFICIENT_PRIV: Self = Self(4);
    /// The command line is wrong.
    pub const USAGE: Self = Self(64);
    /// What was given can't be read.
    pub const DATAERR: Self = Self(65);
    /// A file that is needed is not there.
    pub const NOINPUT: Self = Self(66);
    /// A fault of the program.
    pub const SOFTWARE: Self = Self(70);
    /// What is there is of newer software.
    pub const PROTOCOL: Self = Self(76);
    /// There is no cluster.
    pub const DISCONNECT: Self = Self(102);
    /// What was asked for is not there.
    pub const NOSUCH: Self = Self(105);
    /// More than one thing is meant.
    pub const MULTIPLE: Self = Self(109);
    /// What was asked for is over.
    pub const EXPIRED: Self = Self(110);
    /// What was asked for is still to come.
    pub const NOT_YET_IN_EFFECT: Self = Self(111);
    /// It can't be said.
    pub const INDETERMINATE: Self = Self(112);

    /// Its text.
    pub fn text(self) -> &'static str {
        text(self.0.into())
    }
}

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

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}
