//! Meatware: a person resets the machine and says so.
//!
//! The pipe and its message are those of cluster-glue's plugin, so its `meatclient` and ours both
//! confirm.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::Mode;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::{Log, StonithError};
use crate::proto::heartbeat::Severity;

/// Length of the message. Source: cluster-glue 1.0.12, meatclient, seen with strace.
const MESSAGE_BYTES: usize = 256;

/// The pipe of a request; it goes with the request.
struct Pipe(PathBuf);

impl Pipe {
    fn new(folder: &Path, node: &str) -> io::Result<Self> {
        let path = path(folder, node)?;
        let _ = std::fs::remove_file(&path);
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        Ok(Self(path))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Source: cluster-glue 1.0.12, meatware.so: `/run/meatware.NODE`, the name in lower case.
fn path(folder: &Path, node: &str) -> io::Result<PathBuf> {
    if node.is_empty() || node.contains(['/', '\0']) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no node name"));
    }
    Ok(folder.join(format!("meatware.{}", node.to_lowercase())))
}

/// Asks a person and waits for the confirmation, however long that takes.
pub async fn reset(folder: &Path, node: &str, log: &Log) -> Result<(), StonithError> {
    let failed = |error: io::Error| StonithError::Failed {
        device: "meatware".into(),
        reason: format!("can't wait for a confirmation of {node}: {error}"),
    };
    let request = Pipe::new(folder, node).map_err(failed)?;
    // Open for writing too: else each writer that goes would be an end of file.
    let mut receiver = pipe::OpenOptions::new()
        .read_write(true)
        .open_receiver(&request.0)
        .map_err(failed)?;
    log(
        Severity::Critical,
        &format!("OPERATOR INTERVENTION REQUIRED to reset {node}."),
    );
    log(
        Severity::Critical,
        &format!("Run \"meatclient -c {node}\" AFTER power-cycling the machine."),
    );
    loop {
        let mut message = [0; MESSAGE_BYTES];
        receiver.read_exact(&mut message).await.map_err(failed)?;
        let text = String::from_utf8_lossy(&message);
        let text = text.split('\0').next().unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        if let ["meatware", "reply", name] = words[..]
            && name.eq_ignore_ascii_case(node)
        {
            log(Severity::Info, &format!("node Meatware-reset: {node}"));
            return Ok(());
        }
        log(
            Severity::Warning,
            &format!("meatware: {text:?} is no confirmation of {node}"),
        );
    }
}

/// What came of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// The one who waits has it.
    Given,
    /// Nobody waits for one of this node.
    NobodyWaits,
}

/// Confirms that `node` was reset.
pub fn confirm(folder: &Path, node: &str) -> io::Result<Confirmation> {
    let opened = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path(folder, node)?);
    let mut pipe = match opened {
        Ok(pipe) => pipe,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Confirmation::NobodyWaits);
        }
        // A pipe that nobody reads.
        Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
            return Ok(Confirmation::NobodyWaits);
        }
        Err(error) => return Err(error),
    };
    let mut message = format!("meatware reply {}", node.to_lowercase()).into_bytes();
    message.resize(MESSAGE_BYTES, 0);
    pipe.write_all(&message)?;
    Ok(Confirmation::Given)
}
