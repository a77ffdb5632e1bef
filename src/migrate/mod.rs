//! From a heartbeat cluster to the CRM on a ring: what to write, and what becomes of each line.
//!
//! ```text
//!  NodeFiles of each node --plan::plan--> Plan { corosync.conf, CIB, crm shell text, lines }
//!    ring        ha.cf media and timing -> corosync.conf
//!    agents      SCRIPT::ARGUMENT::…    -> class, provider, type and parameters
//!    fencing     stonith_host lines     -> fence devices with their hosts
//!    directives  the rest of ha.cf      -> a line of the report each
//!    wanted      the model in between   -> CIB XML; shell -> crm shell text
//!  way         the steps that carry a plan out on a running cluster, and those back
//!  report::text, report::html           the plan for people
//! ```
//!
//! Nothing here opens a file; `everbeat migrate` does.

mod agents;
mod directives;
mod fencing;
pub mod inputs;
mod names;
pub mod plan;
pub mod report;
mod resources;
mod ring;
mod shell;
mod wanted;
pub mod way;

pub use inputs::NodeFiles;
pub use plan::{Line, Plan, plan};
