//! Nodes are fenced by hand, or confirmed to be down.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use super::run::{Done, Failed, Fencer, Job};
use crate::daemons::crm::protocol::fencing::Ask;

/// The tool with its tag or the number of its process: logs and the history name it so.
fn client(job: &Job<'_>) -> String {
    let process = std::process::id();
    match job.line.value("tag") {
        Some(tag) => format!("stonith_admin.{tag}.{process}"),
        None => format!("stonith_admin.{process}"),
    }
}

pub(super) fn fence(job: &Job<'_>, fencer: &mut Fencer) -> Done {
    let target = job.line.value(job.command).unwrap_or_default().to_owned();
    let (action, what) = match job.command {
        "confirm" => return confirm(job, fencer, target),
        "unfence" => ("on", "unfence"),
        "reboot" => ("reboot", "fence"),
        _ => ("off", "fence"),
    };
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let ask = Ask::Fence {
        target: target.clone(),
        action: action.to_owned(),
        timeout_ms: ms(job.timeout),
        tolerance_ms: ms(job.tolerance),
        delay_s: job.delay_s,
        client: client(job),
    };
    let mut progress = Progress::new(format!("{action} of {target}"));
    let done = fencer.ask(ask, || progress.tick());
    progress.end();
    match done {
        Ok(_) => Ok(()),
        Err(refusal) => {
            let text = format!(
                "stonith_admin: Couldn't {what} {target}: {}",
                refusal.said()
            );
            Err(Failed(refusal.exit, Some(text)))
        }
    }
}

fn confirm(job: &Job<'_>, fencer: &mut Fencer, target: String) -> Done {
    let client = client(job);
    let done = fencer.ask(Ask::Confirm { target, client }, || ());
    // Only the exit code tells: so does the original.
    done.map(|_| ())
        .map_err(|refusal| Failed(refusal.exit, None))
}

/// A line on a terminal that says what is waited for, and since when.
struct Progress {
    what: String,
    since: Instant,
    is_seen: bool,
    is_shown: bool,
}

impl Progress {
    fn new(what: String) -> Self {
        Self {
            what,
            since: Instant::now(),
            is_seen: std::io::stderr().is_terminal(),
            is_shown: false,
        }
    }

    fn tick(&mut self) {
        if self.is_seen {
            let seconds = self.since.elapsed().as_secs();
            eprint!("\r{}: {seconds}s", self.what);
            let _ = std::io::stderr().flush();
            self.is_shown = true;
        }
    }

    /// The line goes.
    fn end(self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
    }
}
