//! Runs fence agents and plugins for the fencer.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::agents::stonith;
use crate::executor::Status;
use crate::fencer::{Call, Ended, JobId, Way};
use crate::ids::NodeName;
use crate::runtime::log::Logger;
use crate::runtime::process::{self, Ending, Finished, Process, Stream};

/// A run that ended.
#[derive(Debug)]
pub struct Fenced {
    pub(super) job: JobId,
    pub(super) ended: Ended,
}

/// Runs an agent; what comes of it comes through the channel.
pub(super) fn start(
    job: JobId,
    call: Call,
    timeout: Duration,
    log: Logger,
    done: UnboundedSender<Fenced>,
) {
    tokio::task::spawn_local(async move {
        let ended = match call.way {
            Way::Plugin if is_meatware(&call) && call.port.is_some() => {
                by_person(&call, timeout, log).await
            }
            _ => run(&call, timeout).await,
        };
        // Nobody listens any more when the daemon ends.
        let _ = done.send(Fenced { job, ended });
    });
}

fn is_meatware(call: &Call) -> bool {
    call.program.as_os_str() == "meatware"
}

/// A person resets the node and says so; there is no agent.
async fn by_person(call: &Call, timeout: Duration, log: Logger) -> Ended {
    let port = call.port.clone().unwrap_or_default();
    let device = stonith::Device::with_parameters("meatware", &port)
        .log(move |severity, text| log.log(severity, text));
    let node = match NodeName::new(&port) {
        Ok(node) => node,
        Err(error) => return ended(Some(1), Status::Done, error.to_string()),
    };
    match tokio::time::timeout(timeout, device.reset(&node)).await {
        Ok(Ok(())) => ended(Some(0), Status::Done, String::new()),
        Ok(Err(error)) => ended(Some(1), Status::Done, error.to_string()),
        Err(_) => ended(None, Status::Timeout, "nobody confirmed it in time".into()),
    }
}

fn ended(exit: Option<i32>, status: Status, reason: String) -> Ended {
    Ended {
        exit,
        status,
        output: String::new(),
        reason,
    }
}

async fn run(call: &Call, timeout: Duration) -> Ended {
    let process = match process(call) {
        Ok(process) => process.timeout(timeout),
        Err(why) => return ended(None, Status::NotInstalled, why),
    };
    match process.run().await {
        Ok(finished) => judge(&finished, timeout),
        Err(error) => {
            let why = format!("can't run {}: {error}", call.program.display());
            ended(None, Status::NotInstalled, why)
        }
    }
}

/// The program that carries out a call.
///
/// Errors: it is not installed.
pub(super) fn process(call: &Call) -> Result<Process<'static>, String> {
    match call.way {
        Way::Agent if crate::agents::is_program(&call.program) => {
            Ok(Process::new(call.program.clone()).input(call.input.clone()))
        }
        Way::Agent => Err(format!("{} is not installed", call.program.display())),
        Way::Plugin => plugin(call),
    }
}

/// Source: cluster-glue 1.0.12, stonith(8): `-E` takes the parameters of the environment, which
/// other users don't see.
fn plugin(call: &Call) -> Result<Process<'static>, String> {
    let program = process::find("stonith").ok_or_else(|| {
        let plugin = call.program.display();
        format!("{plugin} is a plugin of cluster-glue, which is not installed")
    })?;
    let mut args: Vec<String> = vec!["-t".into(), call.program.display().to_string(), "-E".into()];
    let port = call.port.clone().unwrap_or_default();
    match &*call.action {
        "list" => args.push("-l".into()),
        "monitor" | "status" => args.push("-S".into()),
        "off" | "on" => args.extend(["-T".into(), call.action.clone(), port]),
        _ => args.extend(["-T".into(), "reset".into(), port]),
    }
    let parameters = call.input.lines().filter_map(|line| line.split_once('='));
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Process::new(program)
        .args(args)
        .envs(parameters.collect::<Vec<_>>()))
}

fn judge(finished: &Finished, timeout: Duration) -> Ended {
    let errors = finished.text(Stream::Stderr);
    let output = finished.text(Stream::Stdout);
    let last = |text: &str| {
        let mut lines = text.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).map(str::to_owned)
    };
    let words = last(&errors).or_else(|| last(&output));
    let (exit, status, reason) = match finished.ending {
        Ending::Exited(0) => (Some(0), Status::Done, String::new()),
        Ending::Exited(code) => {
            let words =
                words.unwrap_or_else(|| format!("the agent said nothing, exit code {code}"));
            (Some(code), Status::Done, words)
        }
        Ending::Signalled(signal) => {
            let reason = format!("Fence agent interrupted by signal {signal}");
            (None, Status::Error, reason)
        }
        // Source: spec crm-runtime.md section 11.
        Ending::TimedOut => {
            let reason = format!("Fence agent did not complete within {}s", timeout.as_secs());
            (None, Status::Timeout, reason)
        }
    };
    Ended {
        exit,
        status,
        output,
        reason,
    }
}
