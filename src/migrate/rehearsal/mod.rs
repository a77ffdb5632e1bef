//! A rehearsal: the cluster on hosts of a lab, and what was seen there.
//!
//! ```text
//!  NodeFiles, Plan --stage--> Stage { files of the lab's hosts, resources }
//!  events --timeline--> Timeline { who held what when, gaps, two holders }
//!         --picture---> SVG   --page--> one HTML file
//! ```
//!
//! `everbeat migrate rehearse` makes the lab and collects the events.

pub mod page;
pub mod picture;
pub mod stage;
pub mod timeline;

pub use stage::{Agents, Stage, stage};
pub use timeline::{Event, Timeline, What};
