//! The scheduler beside the loop: a thread computes, the answer comes through a channel.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::inputs::Inputs;
use crate::cib::Document;
use crate::scheduler;

/// Room for orderings that are followed one after the other.
const STACK_BYTES: usize = 512 << 20;

/// A graph that was computed.
#[derive(Debug)]
pub struct Scheduled {
    /// Of the question.
    pub(super) number: u64,
    /// The graph.
    pub(super) graph: Document,
    /// Where that is kept from which it was computed, and why it could not be.
    pub(super) input: (PathBuf, Option<String>),
}

/// Computes a transition beside the loop.
///
/// Errors: no thread can be started.
pub(super) fn compute(
    number: u64,
    cib: Document,
    unix_s: u64,
    inputs: Arc<Inputs>,
    done: UnboundedSender<Scheduled>,
) -> std::io::Result<()> {
    let worker = std::thread::Builder::new()
        .name("scheduler".into())
        .stack_size(STACK_BYTES);
    worker.spawn(move || {
        let expanded = scheduler::expand::expand(&cib);
        let now = i64::try_from(unix_s).unwrap_or(i64::MAX);
        let mut cluster = scheduler::read(&expanded, now);
        cluster.simulation = false;
        let graph = scheduler::schedule(&mut cluster);
        let input = inputs.keep(&cib, unix_s);
        // Nobody listens any more when the daemon ends.
        let _ = done.send(Scheduled {
            number,
            graph,
            input,
        });
    })?;
    Ok(())
}
