//! Runs the agents of resources, each operation as a task.
//!
//! Source: spec crm-runtime.md section 11.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::cib::Document;
use crate::executor::{Agent, Class, Exit, Operation, Outcome, RunId, Status, exit_reason};
use crate::fencer;
use crate::runtime::process::{Ending, Finished, Process, Stream};

/// Where OCF agents are, by provider.
const OCF_ROOT: &str = "/usr/lib/ocf";

/// Where init scripts are.
const LSB_DIR: &str = "/etc/init.d";

/// Where scripts of haresources are.
const HEARTBEAT_DIR: &str = "/etc/ha.d/resource.d";

/// If an operation has no time-out. Source: spec cib.md section 9, `default-action-timeout`.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A run that ended.
#[derive(Debug)]
pub struct Ended {
    pub(super) run: RunId,
    pub(super) outcome: Outcome,
}

/// An operation to run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) run: RunId,
    pub(super) agent: Agent,
    pub(super) operation: Operation,
    /// A fence device that was started here.
    pub(super) active: bool,
}

/// Starts an operation; its end comes through the channel.
pub(super) fn start(job: Job, cib: &Document, done: UnboundedSender<Ended>) {
    let Job {
        run,
        agent,
        operation,
        active,
    } = job;
    let device = match agent.class {
        Class::Stonith => {
            let id = operation.key.resource.as_str();
            fencer::devices(cib)
                .into_iter()
                .find(|device| device.id == id)
        }
        _ => None,
    };
    tokio::task::spawn_local(async move {
        let outcome = match agent.class {
            Class::Stonith => of_device(device, active, &operation).await,
            Class::Systemd => of_unit(&agent, &operation).await,
            Class::Ocf | Class::Lsb | Class::Service | Class::Heartbeat => {
                of_program(&agent, &operation).await
            }
        };
        // Nobody listens any more when the daemon ends.
        let _ = done.send(Ended { run, outcome });
    });
}

fn not_installed(what: &str) -> Outcome {
    Outcome {
        exit: Exit::NOT_INSTALLED,
        status: Status::NotInstalled,
        reason: Some(format!("{what} is not installed")),
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

fn program(agent: &Agent) -> PathBuf {
    let name = &*agent.name;
    match agent.class {
        Class::Ocf => {
            let provider = agent.provider.as_deref().unwrap_or("heartbeat");
            Path::new(OCF_ROOT)
                .join("resource.d")
                .join(provider)
                .join(name)
        }
        Class::Heartbeat => Path::new(HEARTBEAT_DIR).join(name),
        _ => Path::new(LSB_DIR).join(name),
    }
}

fn timeout(operation: &Operation) -> Duration {
    match operation.timeout.is_zero() {
        true => TIMEOUT,
        false => operation.timeout,
    }
}

async fn of_program(agent: &Agent, operation: &Operation) -> Outcome {
    let path = program(agent);
    if !crate::agents::is_program(&path) {
        // An init script that isn't there may be a unit.
        return match agent.class {
            Class::Service => of_unit(agent, operation).await,
            _ => not_installed(&path.display().to_string()),
        };
    }
    let action = match (agent.class, &*operation.key.action) {
        (Class::Ocf, action) => action,
        (_, "monitor") => "status",
        (_, action) => action,
    };
    let mut process = Process::new(path)
        .args(arguments(agent.class, operation))
        .args([action])
        .timeout(timeout(operation));
    if agent.class == Class::Ocf {
        process = process.envs(environment(agent, operation));
    }
    match process.run().await {
        Ok(finished) => judge(agent.class, operation, &finished),
        Err(error) => Outcome {
            exit: Exit::ERROR,
            status: Status::Error,
            reason: Some(error.to_string()),
            output: String::new(),
        },
    }
}

/// What a script of haresources gets before the action: its parameters 1, 2 and so on.
/// Source: heartbeat 2.1.4, `lrm/lrmd` plug-in for the class heartbeat
fn arguments(class: Class, operation: &Operation) -> Vec<&str> {
    let value = |place: u32| {
        let mut all = operation.parameters.iter();
        let named = all.find(|(name, _)| name.as_str() == place.to_string())?;
        Some(named.1.as_str())
    };
    match class {
        Class::Heartbeat => (1..).map_while(value).collect(),
        _ => Vec::new(),
    }
}

/// What an OCF agent finds in its environment. Source: spec crm-runtime.md section 11.
fn environment(agent: &Agent, operation: &Operation) -> Vec<(String, String)> {
    let mut all = vec![
        ("OCF_RA_VERSION_MAJOR".to_owned(), "1".to_owned()),
        ("OCF_RA_VERSION_MINOR".to_owned(), "1".to_owned()),
        ("OCF_ROOT".to_owned(), OCF_ROOT.to_owned()),
        (
            "OCF_EXIT_REASON_PREFIX".to_owned(),
            "ocf-exit-reason:".to_owned(),
        ),
        (
            "OCF_RESOURCE_INSTANCE".to_owned(),
            operation.key.resource.to_string(),
        ),
        ("OCF_RESOURCE_TYPE".to_owned(), agent.name.to_string()),
        ("HA_LOGFACILITY".to_owned(), "daemon".to_owned()),
    ];
    if let Some(provider) = &agent.provider {
        all.push(("OCF_RESOURCE_PROVIDER".to_owned(), provider.to_string()));
    }
    for (name, value) in operation.parameters.iter() {
        if name == "OCF_CHECK_LEVEL" {
            all.push((name.clone(), value.clone()));
        }
        all.push((
            format!("OCF_RESKEY_{}", name.replace('-', "_")),
            value.clone(),
        ));
    }
    all
}

fn is_status(operation: &Operation) -> bool {
    matches!(&*operation.key.action, "monitor" | "status")
}

/// Scripts of haresources say in words whether they run. Source: heartbeat 3.0.6, ResourceManager
fn of_status_words(output: &str) -> Exit {
    let lower = output.to_ascii_lowercase();
    let stopped = lower.contains("stopped") || lower.contains("not running");
    match !stopped && (lower.contains("running") || output.contains("OK")) {
        true => Exit::OK,
        false => Exit::NOT_RUNNING,
    }
}

fn judge(class: Class, operation: &Operation, finished: &Finished) -> Outcome {
    let errors = finished.text(Stream::Stderr);
    let reason = exit_reason(&errors).map(str::to_owned);
    let output = match errors.is_empty() {
        true => finished.text(Stream::Stdout),
        false => errors,
    };
    match finished.ending {
        Ending::Exited(_) if class == Class::Heartbeat && is_status(operation) => {
            done(of_status_words(&finished.text(Stream::Stdout)))
        }
        Ending::Exited(code) => Outcome {
            exit: Exit::of_program(class, &operation.key.action, code),
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

/// Units of systemd, by its own tool.
async fn of_unit(agent: &Agent, operation: &Operation) -> Outcome {
    let action = match &*operation.key.action {
        "monitor" => "is-active",
        "start" => "start",
        "stop" => "stop",
        "reload" => "reload",
        other => {
            return Outcome {
                exit: Exit::UNIMPLEMENTED,
                status: Status::NotSupported,
                reason: Some(format!("a unit of systemd can't {other}")),
                output: String::new(),
            };
        }
    };
    let unit = match agent.name.contains('.') {
        true => agent.name.to_string(),
        false => format!("{}.service", agent.name),
    };
    let process = Process::new("systemctl")
        .args([action, &unit])
        .timeout(timeout(operation));
    match process.run().await {
        Ok(finished) if action == "is-active" => {
            let state = finished.text(Stream::Stdout);
            match &*state {
                "active" | "reloading" => done(Exit::OK),
                _ => Outcome {
                    reason: Some(state),
                    ..done(Exit::NOT_RUNNING)
                },
            }
        }
        Ok(finished) => judge(Class::Systemd, operation, &finished),
        Err(error) => not_installed(&format!("systemctl ({error})")),
    }
}

/// A fence device: starting it is a look at whether it answers.
async fn of_device(device: Option<fencer::Device>, active: bool, operation: &Operation) -> Outcome {
    let probe = operation.key.interval.is_zero();
    match &*operation.key.action {
        "stop" => return done(Exit::OK),
        "monitor" if probe && !active => return done(Exit::NOT_RUNNING),
        "start" | "monitor" => {}
        _ => return done(Exit::UNIMPLEMENTED),
    }
    let Some(device) = device else {
        return not_installed(&format!("the device {}", operation.key.resource));
    };
    let call = device.call("monitor", None);
    if !crate::agents::is_program(&call.program) {
        return not_installed(&call.program.display().to_string());
    }
    let span = call.timeout.unwrap_or_else(|| timeout(operation));
    match Process::new(call.program)
        .input(call.input)
        .timeout(span)
        .run()
        .await
    {
        Ok(finished) => judge(Class::Stonith, operation, &finished),
        Err(error) => not_installed(&error.to_string()),
    }
}
