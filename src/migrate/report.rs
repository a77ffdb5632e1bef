//! A plan for people.

pub(super) mod html;
mod text;

pub use html::html;
pub use text::text;
