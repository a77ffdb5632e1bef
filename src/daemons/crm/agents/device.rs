//! Fence devices as resources.

use super::super::fencing;
use super::{done, judge, not_installed, timeout};
use crate::executor::{Class, Exit, Operation, Outcome};
use crate::fencer;

/// A fence device: starting it is a look at whether it answers.
pub(super) async fn run(
    device: Option<fencer::Device>,
    active: bool,
    operation: &Operation,
) -> Outcome {
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
    let call = device.call("monitor", None, fencer::Support::default());
    let process = match fencing::process(&call) {
        Ok(process) => process,
        Err(why) => return not_installed(&why),
    };
    let span = call.timeout.unwrap_or_else(|| timeout(operation));
    match process.timeout(span).run().await {
        Ok(finished) => judge(Class::Stonith, operation, &finished),
        Err(error) => not_installed(&error.to_string()),
    }
}
