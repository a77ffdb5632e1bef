//! The tools, one file each; [`applets`] lists them.

mod address;
pub mod applets;
mod decode;
mod demo;
mod lab;
mod links;

pub use applets::main;
