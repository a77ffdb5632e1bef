//! Carries out fencing on this node: level by level, device by device.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::cib::Document;
use crate::controller::Fence;
use crate::executor::Status;
use crate::fencer::{self, Covers, Device};
use crate::runtime::process::{Process, Stream};

/// A part of the time must be left for another try. Source: spec crm-runtime.md section 9.
const LEFT_PERCENT: u32 = 30;

/// How fencing ended.
#[derive(Debug)]
pub struct Fenced {
    /// What was asked for.
    pub(super) fence: Fence,
    /// The device that did it.
    pub(super) device: String,
    /// 0 if it was done.
    pub(super) exit: i32,
    /// Status of execution.
    pub(super) status: Status,
    /// Why not.
    pub(super) reason: String,
}

/// Fences a node; the end comes through the channel.
pub(super) fn start(fence: Fence, cib: &Document, done: UnboundedSender<Fenced>) {
    let devices = fencer::devices(cib);
    let levels = fencer::levels(cib, &fence.target);
    tokio::task::spawn_local(async move {
        tokio::time::sleep(fence.delay).await;
        let fenced = perform(fence, &devices, levels).await;
        // Nobody listens any more when the daemon ends.
        let _ = done.send(fenced);
    });
}

async fn perform(fence: Fence, devices: &[Device], levels: Vec<fencer::Level>) -> Fenced {
    let levels = match levels.is_empty() {
        true => able(&fence, devices).await,
        false => levels,
    };
    let mut fenced = Fenced {
        device: String::new(),
        exit: 1,
        status: Status::NoFenceDevice,
        reason: format!("no device can fence {}", fence.target),
        fence,
    };
    for level in levels {
        match of_level(&fenced.fence, devices, &level).await {
            Ok(()) => {
                fenced.device = level.join(",");
                fenced.exit = 0;
                fenced.status = Status::Done;
                fenced.reason = String::new();
                return fenced;
            }
            Err(reason) => {
                fenced.status = Status::Error;
                fenced.reason = reason;
            }
        }
    }
    fenced
}

/// Without a topology each device that can is a level of its own.
async fn able(fence: &Fence, devices: &[Device]) -> Vec<fencer::Level> {
    let mut levels = Vec::new();
    for device in devices {
        let can = match device.covers(&fence.target) {
            Covers::Yes => true,
            Covers::No => false,
            Covers::Ask => lists(device, &fence.target).await,
        };
        if can {
            levels.push(vec![device.id.clone()]);
        }
    }
    levels
}

async fn lists(device: &Device, target: &str) -> bool {
    let call = device.call("list", None);
    let span = call.timeout.unwrap_or(Duration::from_secs(20));
    match Process::new(call.program)
        .input(call.input)
        .timeout(span)
        .run()
        .await
    {
        Ok(finished) if finished.ending.is_success() => {
            device.is_in_list(target, &finished.text(Stream::Stdout))
        }
        _ => false,
    }
}

async fn of_level(fence: &Fence, devices: &[Device], level: &[String]) -> Result<(), String> {
    for step in fencer::steps(level, &fence.action) {
        let device = devices.iter().find(|device| device.id == step.device);
        let outcome = match device {
            Some(device) => of_device(fence, device, &step.action).await,
            None => Err(format!("there is no device {}", step.device)),
        };
        if let Err(reason) = outcome
            && !step.may_fail
        {
            return Err(reason);
        }
    }
    Ok(())
}

async fn of_device(fence: &Fence, device: &Device, action: &str) -> Result<(), String> {
    let call = device.call(action, Some(&fence.target));
    tokio::time::sleep(call.delay).await;
    let span = call.timeout.unwrap_or(fence.timeout);
    let begin = Instant::now();
    let mut reason = String::new();
    for _ in 0..call.tries {
        let left = span.saturating_sub(begin.elapsed());
        if left < span * LEFT_PERCENT / 100 {
            break;
        }
        let process = Process::new(call.program.clone()).input(call.input.clone());
        match process.timeout(left).run().await {
            Ok(finished) if finished.ending.is_success() => return Ok(()),
            Ok(finished) => {
                let said = finished.text(Stream::Stderr);
                reason = format!("{}: {}, {said}", device.id, finished.ending);
            }
            Err(error) => reason = format!("{}: {}: {error}", device.id, call.program.display()),
        }
    }
    Err(reason)
}
