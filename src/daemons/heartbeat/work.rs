//! Runs the work that the resource manager asks for, each piece in a task of its own.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::environment;
use crate::agents::stonith::Device;
use crate::agents::{Environment, Executor, Outcome, Resource};
use crate::proto::heartbeat::Severity;
use crate::runtime::log::Logger;
use crate::v1::{Action, Work, WorkId, WorkResult};

/// Work in progress.
#[derive(Debug)]
pub struct Workshop {
    executor: Arc<Executor>,
    stonith: Option<Arc<Device>>,
    log: Logger,
    ended: mpsc::UnboundedSender<(WorkId, WorkResult)>,
}

impl Workshop {
    /// A workshop; what ended comes out of the receiver.
    pub fn new(
        executor: Executor,
        stonith: Option<Device>,
        log: Logger,
    ) -> (Self, mpsc::UnboundedReceiver<(WorkId, WorkResult)>) {
        let (ended, results) = mpsc::unbounded_channel();
        let stonith = stonith.map(Arc::new);
        if let Some(device) = stonith.clone() {
            tokio::task::spawn_local(async move { device.watch().await });
        }
        (
            Self {
                executor: Arc::new(executor),
                stonith,
                log,
                ended,
            },
            results,
        )
    }

    /// Starts a piece of work with this environment for scripts.
    pub fn start(&self, id: WorkId, work: Work, env: Environment) {
        let (executor, stonith) = (Arc::clone(&self.executor), self.stonith.clone());
        let (log, ended) = (self.log.clone(), self.ended.clone());
        tokio::task::spawn_local(async move {
            let result = carry_out(&executor, stonith.as_deref(), &log, work, env).await;
            // The receiver is gone only when the daemon ends.
            let _ = ended.send((id, result));
        });
    }
}

async fn carry_out(
    executor: &Executor,
    stonith: Option<&Device>,
    log: &Logger,
    work: Work,
    mut env: Environment,
) -> WorkResult {
    match work {
        Work::Resource { resource, action } => {
            let resource = Resource::parse(&resource);
            if action != Action::Status {
                let command = executor.command_line(&resource, action);
                log.log(Severity::Info, format!("Running {command}"));
            }
            let outcome = executor.run(&resource, action, &env).await;
            log_words(log, &resource, action, &outcome);
            WorkResult::from(&outcome)
        }
        Work::RcScript { message } => {
            env.extend(environment::of_message(&message));
            let kind = message.kind().unwrap_or("").to_owned();
            let outcome = executor.run_rc(&kind, &env).await;
            for line in &outcome.lines {
                log.log(Severity::Debug, format!("{kind}: {line}"));
            }
            WorkResult::from(&outcome)
        }
        Work::Announce { resource } => {
            let outcome = executor.announce(&Resource::parse(&resource)).await;
            WorkResult::from(&outcome)
        }
        Work::Stonith { node } => match stonith {
            Some(device) => match device.reset(&node).await {
                Ok(()) => WorkResult::Done,
                Err(why) => WorkResult::Failed {
                    exit: None,
                    reason: why.to_string(),
                },
            },
            None => WorkResult::Failed {
                exit: None,
                reason: "no STONITH device".into(),
            },
        },
    }
}

/// Output of a script goes to the debug log; of one that failed, its last words to the log.
fn log_words(log: &Logger, resource: &Resource, action: Action, outcome: &Outcome) {
    let failed = !outcome.is_done() && action != Action::Status;
    for line in &outcome.lines {
        log.log(Severity::Debug, format!("{}: {line}", resource.script));
    }
    if failed && let Some(last) = outcome.lines.last() {
        log.log(
            Severity::Error,
            format!("{} {action}: {last}", resource.as_written()),
        );
    }
}
