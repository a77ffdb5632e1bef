//! The executor: which operation of which resource runs when, and which results are told.
//!
//! A machine as those in `proto` (its contract stands there): it starts no process and knows no
//! agent. Called by the daemon, which hands [`Output::Run`] to `agents` and brings back what came
//! of it.
//!
//! ```text
//!  controller --execute(Operation)--> Executor --Run { run, agent, operation }--> agents
//!  controller <--Completed----------- Executor <--handle_finished(run, Outcome)-- agents
//! ```
//!
//! One operation of a resource runs at a time, the others wait in the order they came. A
//! recurring operation is done again its interval after it ended, and told only when its outcome
//! differs from what was told last.
//!
//! ```text
//!  execute ──start-delay──> waiting ──the resource is free──> running ──> told, gone
//!                              ^                                 │
//!                              └────────── interval ─────────────┘   recurring
//! ```
//!
//! Source: `spec/crm-runtime.md` section 11; Pacemaker 2.1.5, pacemaker-execd, as observed.

mod exit;
mod machine;
mod operation;
mod queue;
mod reason;
#[cfg(test)]
mod tests;

pub use exit::{Exit, Status};
pub use machine::{Cancel, Executor, NotRegistered, Output};
pub use operation::{Agent, CallId, Class, Completed, Key, Operation, Outcome, Parameters, RunId};
pub use reason::exit_reason;
