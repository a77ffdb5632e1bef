//! The tools as their users call them.

#[path = "cli/decode.rs"]
mod decode;
