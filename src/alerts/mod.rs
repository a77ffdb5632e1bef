//! Alerts: programs of the administrator that are told what happens in the cluster.
//!
//! ```text
//!  CIB --read--> [Alert]                 which program, for whom, of which events
//!  Event --Alert::wants, environment-->  the variables that the program gets
//! ```
//!
//! Pure: the daemon runs the programs. Source: spec cib.md section 13; Pacemaker 2.1.5, observed
//! in the lab (`tests/lab/alerts.rs`).

mod configuration;
mod event;
mod timestamp;

pub use configuration::{Alert, read};
pub use event::{Event, Moment, Selection};
pub use timestamp::{Piece, pieces};
