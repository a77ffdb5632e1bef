//! Messages into packets and back: packing, fragmenting, assembling.
//!
//! ```text
//!  message --Packer::push--> full packets --poll_packet--> Srp::send
//!                            the rest     --flush--------> when the token comes
//!  Delivery --Assembler::receive--> whole messages, in the order of the ring
//! ```
//!
//! Source: spec totem-wire.md E; corosync 3.1.7, exec/totempg.c

mod assemble;
mod pack;

pub use assemble::Assembler;
pub use pack::{Packer, TooLong};
