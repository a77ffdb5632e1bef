//! Fence devices as resources.

use super::{done, judge, not_installed, timeout};
use crate::executor::{Class, Exit, Operation, Outcome};
use crate::fencer;
use crate::runtime::process::Process;

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
