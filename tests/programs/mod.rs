//! Programs that a test writes and then runs.
//!
//! A file can't be run while anyone has it open for writing ("Text file busy"), and a child that
//! another test's thread forks at that moment holds a copy of our open file until its own exec.
//! So it isn't this process that writes, but one of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a program, runnable by all.
pub fn write(path: &Path, text: impl AsRef<[u8]>) {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = shell.stdin.take().expect("its input");
    stdin.write_all(text.as_ref()).expect("written");
    drop(stdin);
    assert!(shell.wait().expect("its end").success(), "{path:?}");
}
