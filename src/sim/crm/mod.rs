//! A cluster of controllers in virtual time, with agents and fencing that are made up.
//!
//! ```text
//!  World { hosts, parts } --step--> the next message, run or timer; checks after each
//! ```
//!
//! Hosts of one part see one order of messages, as both messaging layers give it. A cut, a crash
//! or a return makes new parts; of what was under way then a part of it still comes, and what its
//! sender had not sent yet is sent in the new part.
//!
//! What is checked at every step: no primitive runs on two hosts, unless one of them was cut off
//! and will be fenced before the other starts it. What is checked when all is quiet: one DC in a
//! part, the same CIB on all its hosts, which says what really runs where, and nothing under way.

mod host;
mod truth;
mod world;

pub use host::{Behaviour, Host};
pub use world::{Setting, World};
