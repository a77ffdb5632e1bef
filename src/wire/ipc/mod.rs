//! Frames of local sockets.
