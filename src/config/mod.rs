//! Loaders of configuration files, with positions.
