//! Runs the agents of resources, each operation as a task.
//!
//! ```text
//!  start(Job) --class--> script: ocf, lsb, heartbeat, nagios   programs of our own group
//!                        unit:   systemd                       by its own tool
//!                        device: stonith                       as the fencer calls it
//!     done <--Ended { run, outcome }--
//! ```
//!
//! Source: spec crm-runtime.md section 11.

mod catalogue;
mod device;
mod leftover;
mod script;
mod secrets;
mod unit;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub(super) use catalogue::Catalogue;
pub(super) use leftover::Leftovers;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::cib::Document;
use crate::controller::metadata::{Metadata, Reload, is_needed};
use crate::executor::{Agent, Class, Exit, Operation, Outcome, RunId, Status, exit_reason};
use crate::fencer;
use crate::runtime::process::{Ending, Finished, Stream};

/// If an operation has no time-out. Source: spec cib.md section 9, `default-action-timeout`.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time between two looks at what is on its way. Source: Pacemaker 2.1.5, pacemaker-execd.
const LOOK: Duration = Duration::from_secs(2);

/// A run that ended.
#[derive(Debug)]
pub struct Ended {
    pub(super) run: RunId,
    pub(super) outcome: Outcome,
    /// What the agent says of itself, where the history has to know.
    pub(super) metadata: Option<Rc<Metadata>>,
}

/// An operation to run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) run: RunId,
    pub(super) agent: Agent,
    pub(super) operation: Operation,
    /// A fence device that was started here.
    pub(super) active: bool,
    /// What is known of agents.
    pub(super) catalogue: Catalogue,
    /// What a daemon before this one left running.
    pub(super) leftovers: Leftovers,
}

/// Ends a run early when it is dropped: its programs are killed.
#[derive(Debug)]
pub(super) struct Leash(
    #[expect(dead_code, reason = "what counts is its end")] oneshot::Sender<()>,
);

/// Starts an operation; its end comes through the channel, also if the leash is dropped.
pub(super) fn start(job: Job, cib: &Document, done: UnboundedSender<Ended>) -> Leash {
    let device = match job.agent.class {
        Class::Stonith => {
            let id = job.operation.key.resource.as_str();
            fencer::devices(cib)
                .into_iter()
                .find(|device| device.id == id)
        }
        _ => None,
    };
    let (leash, cut) = oneshot::channel::<()>();
    tokio::task::spawn_local(async move {
        let run = job.run;
        let (outcome, metadata) = tokio::select! {
            ended = carry_out(job, device) => ended,
            _ = cut => (failed(Status::Cancelled, "it was taken back".to_owned()), None),
        };
        let ended = Ended {
            run,
            outcome,
            metadata,
        };
        // Nobody listens any more when the daemon ends.
        let _ = done.send(ended);
    });
    Leash(leash)
}

async fn carry_out(
    mut job: Job,
    device: Option<fencer::Device>,
) -> (Outcome, Option<Rc<Metadata>>) {
    let leftovers = job.leftovers.clone();
    leftovers.wait(job.operation.key.resource.as_str()).await;
    let action = Arc::clone(&job.operation.key.action);
    if !is_needed(job.agent.class, &action) {
        return (operate(&job, device).await, None);
    }
    let catalogue = job.catalogue.clone();
    if matches!(&*action, "reload" | "reload-agent") {
        let metadata = catalogue.of(&job.agent).await;
        job.operation.key.action = match metadata.as_ref().map(|known| known.reload()) {
            Some(Reload::Legacy) => "reload".into(),
            _ => "reload-agent".into(),
        };
        return (operate(&job, device).await, metadata);
    }
    let agent = job.agent.clone();
    tokio::join!(operate(&job, device), catalogue.of(&agent))
}

async fn operate(job: &Job, device: Option<fencer::Device>) -> Outcome {
    let (agent, operation) = (&job.agent, &job.operation);
    match agent.class {
        Class::Stonith => device::run(device, job.active, operation).await,
        Class::Systemd => unit::run(agent, operation).await,
        Class::Service if !script::is_there(agent) => unit::run(agent, operation).await,
        Class::Ocf | Class::Lsb | Class::Service | Class::Heartbeat | Class::Nagios => {
            script::run(agent, operation).await
        }
        Class::Upstart => not_installed("upstart"),
    }
}

fn not_installed(what: &str) -> Outcome {
    Outcome {
        exit: Exit::NOT_INSTALLED,
        ..failed(Status::NotInstalled, format!("{what} is not installed"))
    }
}

fn failed(status: Status, reason: String) -> Outcome {
    Outcome {
        exit: Exit::ERROR,
        status,
        reason: Some(reason),
        output: String::new(),
    }
}

fn done(exit: Exit) -> Outcome {
    Outcome {
        exit,
        status: Status::Done,
        reason: None,
        output: String::new(),
    }
}

fn timeout(operation: &Operation) -> Duration {
    match operation.timeout.is_zero() {
        true => TIMEOUT,
        false => operation.timeout,
    }
}

fn judge(class: Class, operation: &Operation, finished: &Finished) -> Outcome {
    let errors = finished.text(Stream::Stderr);
    let reason = exit_reason(&errors).map(str::to_owned);
    let output = match errors.is_empty() {
        true => finished.text(Stream::Stdout),
        false => errors,
    };
    let exit = |code| match (class, &*operation.key.action) {
        (Class::Heartbeat, "monitor" | "status") => {
            Exit::of_status_words(code, &finished.text(Stream::Stdout))
        }
        // The check answers: what it looks at may run, but nothing was started here.
        (Class::Nagios, "monitor") if code == 0 && !operation.key.is_recurring() => {
            Exit::NOT_RUNNING
        }
        (class, action) => Exit::of_program(class, action, code),
    };
    match finished.ending {
        Ending::Exited(code) => Outcome {
            exit: exit(code),
            status: Status::Done,
            reason,
            output,
        },
        Ending::Signalled(signal) => Outcome {
            exit: Exit::ERROR,
            status: Status::Done,
            reason: reason.or_else(|| Some(format!("Process interrupted by signal {signal}"))),
            output,
        },
        Ending::TimedOut => Outcome {
            exit: Exit::ERROR,
            status: Status::Timeout,
            reason: Some(format!(
                "Resource agent did not complete within {}s",
                timeout(operation).as_secs()
            )),
            output,
        },
    }
}
