//! corosync.conf is read again by a thread: it looks up names, and a name server that doesn't
//! answer would hold the token.
//!
//! ```text
//!  ask --thread--> start::read, addresses --done--> Reread, for Daemon::take
//! ```

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use tokio::sync::oneshot;

use super::start::{self, Loaded};
use crate::config::diagnostic::Diagnostic;
use crate::ids::NodeId;

/// What became of it.
#[derive(Debug)]
pub(super) struct Reread {
    /// What was read; none if it can't be used, which `found` says then.
    pub(super) read: anyhow::Result<Option<Loaded>>,
    /// Addresses of its nodes, by ring.
    pub(super) addresses: Vec<BTreeMap<NodeId, IpAddr>>,
    pub(super) found: Vec<Diagnostic>,
}

/// Readings that are asked for: one runs at a time, and one more answers all who ask meanwhile.
#[derive(Debug, Default)]
pub(super) struct Rereading {
    running: Option<oneshot::Receiver<Reread>>,
    /// Tools that are told how it ends.
    tools: Vec<u64>,
    /// The file may have changed since it was opened: it is read once more, for these.
    again: Option<Vec<u64>>,
}

impl Rereading {
    /// Reads the file now, or once more when it is through; `tool` is told how that ends.
    pub(super) fn ask(&mut self, path: &Path, tool: Option<u64>) {
        if self.running.is_some() {
            self.again.get_or_insert_default().extend(tool);
        } else {
            self.tools.extend(tool);
            self.begin(path);
        }
    }

    fn begin(&mut self, path: &Path) {
        let (tell, told) = oneshot::channel();
        let path = path.to_owned();
        std::thread::spawn(move || {
            // Nobody waits any more when the daemon ended.
            let _ = tell.send(read(&path));
        });
        self.running = Some(told);
    }

    /// Waits for the end of the one that runs; for ever without one. Cancel-safe.
    pub(super) async fn done(&mut self) -> Reread {
        let Some(running) = &mut self.running else {
            return std::future::pending().await;
        };
        let read = running.await.unwrap_or_else(|_| Reread {
            read: Err(anyhow::anyhow!("reading it failed")),
            addresses: Vec::new(),
            found: Vec::new(),
        });
        self.running = None;
        read
    }

    /// Who is to be told of what [`Self::done`] gave; begins the next one.
    pub(super) fn next(&mut self, path: &Path) -> Vec<u64> {
        let tools = std::mem::take(&mut self.tools);
        if let Some(again) = self.again.take() {
            self.tools = again;
            self.begin(path);
        }
        tools
    }
}

fn read(path: &Path) -> Reread {
    let mut found = Vec::new();
    let read = start::read(path, |all| found = all.to_vec());
    let addresses = match &read {
        Ok(Some(loaded)) => start::addresses(&loaded.conf),
        _ => Vec::new(),
    };
    Reread {
        read,
        addresses,
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_while_one_runs_hears_of_the_next() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let path = Path::new("/nonexistent/corosync.conf");
            let mut rereading = Rereading::default();
            rereading.ask(path, Some(1));
            rereading.ask(path, Some(2));
            rereading.ask(path, None);
            rereading.ask(path, Some(3));
            let first = rereading.done().await;
            assert!(!matches!(first.read, Ok(Some(_))));
            assert_eq!(rereading.next(path), [1]);
            rereading.done().await;
            assert_eq!(rereading.next(path), [2, 3]);
            assert!(rereading.running.is_none());
        });
    }
}
