//! The tools, one file each; [`applets`] lists them.

pub mod applets;
mod links;

pub use applets::main;
