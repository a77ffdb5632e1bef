//! Scores that may be the names of health colours.

pub use crate::score::{INFINITY, add, clamp, leading_integer, text};

/// The scores that the names of the health colours stand for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Colours {
    /// `red`.
    pub red: i32,
    /// `yellow`.
    pub yellow: i32,
    /// `green`.
    pub green: i32,
}

/// A score as it stands in a CIB; what is no number counts 0.
pub fn parse(text: Option<&str>, colours: Colours) -> i32 {
    let Some(text) = text else { return 0 };
    match text.to_ascii_lowercase().as_str() {
        "red" => colours.red,
        "yellow" => colours.yellow,
        "green" => colours.green,
        _ => crate::score::parse(text),
    }
}

/// A score where colours mean nothing.
pub fn plain(text: Option<&str>) -> i32 {
    parse(text, Colours::default())
}
