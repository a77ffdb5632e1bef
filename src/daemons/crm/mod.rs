//! The CRM's role: a controller above the ring, with agents, fencing, disk and tools.
//!
//! ```text
//!  Ring events --handle_event--> Crm { Controller } --outputs--> ring, agents, scheduler, disk
//!  tools --Clients--> Crm          answers, when they are done
//! ```

mod agents;
mod carrier;
mod clients;
mod fencing;
pub mod history;
mod inputs;
mod node;
pub mod protocol;
mod scheduling;
mod store;

pub use node::{Crm, End, Setting, Work};
