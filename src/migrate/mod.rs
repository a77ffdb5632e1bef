//! From a heartbeat cluster to the CRM on a ring: what to write, and what becomes of each line.
//!
//! ```text
//!  NodeFiles of each node --plan::plan--> Plan { corosync.conf, CIB, crm shell text, lines }
//!    ring        ha.cf media and timing -> corosync.conf
//!    older_ring  corosync.conf of 1.x, 2.x, or with knet -> one for everbeat's ring
//!    kept_cib    a CIB that is there -> one of today, for that ring
//!    crm_shell   a configuration for the crm shell -> CIB
//!    agents      SCRIPT::ARGUMENT::…    -> class, provider, type and parameters
//!    fencing     stonith_host lines     -> fence devices with their hosts
//!    directives  the rest of ha.cf      -> a line of the report each
//!    wanted      the model in between   -> CIB XML; shell -> crm shell text
//!  way         the steps that carry a plan out on a running cluster, and those back
//!  rehearsal   the cluster on hosts of a lab, and who held what there when
//!  report::text, report::html           the plan for people
//! ```
//!
//! Nothing here opens a file; `everbeat migrate` does.

mod agents;
mod crm_shell;
mod directives;
mod fencing;
pub mod inputs;
mod kept_cib;
mod names;
mod older_ring;
pub mod plan;
pub mod rehearsal;
pub mod report;
mod resources;
mod ring;
mod shell;
mod wanted;
pub mod way;

pub use inputs::NodeFiles;
pub use plan::{Line, Plan, plan};
