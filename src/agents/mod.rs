//! What resources are made of: scripts and built-in addresses.
//!
//! The resource manager decides what is started and stopped, in which order and how often it is
//! tried again; here one action of one resource is carried out and judged. Called by the daemon
//! and by the tools that scripts call.
//!
//! ```text
//!  "IPaddr2::10.0.0.5/24/eth0" --Resource::parse--> Resource
//!    | Executor::means        a script, or built in
//!    v Executor::run(resource, action, environment)
//!  Outcome { verdict, exit, lines, duration }
//! ```

pub mod address;
pub mod builtin;
mod executor;
pub mod placement;
mod resource;
mod script;
pub mod state;
mod stock;
pub mod stonith;

pub use executor::{Environment, Executor, Means, Outcome, Paths, Timeouts, Verdict};
pub use resource::Resource;
pub use script::is_program;
