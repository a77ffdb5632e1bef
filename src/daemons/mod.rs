//! One file per role: wires machines to drivers.
