//! Drivers: sockets, processes, clocks, logs.
