//! The resource manager among its like and beside a model of the real daemon.

mod cases;
mod cluster;
mod random;
mod real;
