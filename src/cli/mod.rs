//! The tools, one file each; [`applets`] lists them.

mod address;
pub mod applets;
mod decode;
mod lab;
mod links;

pub use applets::main;
