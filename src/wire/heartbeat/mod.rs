//! heartbeat's messages: fields, the text and the netstring form, authentication, compression.

pub mod message;

pub use message::{Field, Message, Value};
