//! A plan for people.

mod html;
mod text;

pub use html::html;
pub use text::text;
