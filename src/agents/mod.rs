//! What resources are made of: scripts and built-in addresses.
