//! The scheduler beside the loop: a thread computes, the answer comes through a channel.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::inputs::Inputs;
use crate::cib::Document;
use crate::proto::heartbeat::Severity;
use crate::rules::iso8601::Clock;
use crate::runtime::log::Logger;
use crate::scheduler;
use crate::sys::local_time::offset_s;

/// Room for orderings that are followed one after the other.
const STACK_BYTES: usize = 512 << 20;

/// A graph that was computed.
#[derive(Debug)]
pub struct Scheduled {
    /// Of the question.
    pub(super) number: u64,
    /// The graph.
    pub(super) graph: Document,
    /// Where that is kept from which it was computed.
    pub(super) input: PathBuf,
}

/// Computes a transition beside the loop. Its input is written after the answer: a take-over
/// doesn't wait for that.
///
/// Errors: no thread can be started.
pub(super) fn compute(
    number: u64,
    cib: Document,
    unix_s: u64,
    inputs: Arc<Inputs>,
    log: Logger,
    done: UnboundedSender<Scheduled>,
) -> std::io::Result<()> {
    let worker = std::thread::Builder::new()
        .name("scheduler".into())
        .stack_size(STACK_BYTES);
    worker.spawn(move || {
        let expanded = scheduler::unpack::expand::expand(&cib);
        let clock = Clock {
            unix_s: i64::try_from(unix_s).unwrap_or(i64::MAX),
            offset_s: offset_s(unix_s),
        };
        let mut cluster = scheduler::read(&expanded, clock);
        cluster.simulation = false;
        let graph = scheduler::schedule(&mut cluster);
        let placed = inputs.place(&cib);
        // Nobody listens any more when the daemon ends.
        let _ = done.send(Scheduled {
            number,
            graph,
            input: placed.path.clone(),
        });
        if let Err(why) = inputs.write(&placed, &cib, unix_s) {
            log.log(Severity::Error, why);
        }
    })?;
    Ok(())
}
