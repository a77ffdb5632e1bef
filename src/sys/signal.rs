//! Signal dispositions.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Sets the disposition of `which` to the default or to ignored.
///
/// Panics: if `handler` is a function, or the kernel knows no such signal.
pub fn set_handler(which: Signal, handler: SigHandler) {
    assert!(matches!(handler, SigHandler::SigDfl | SigHandler::SigIgn));
    // SAFETY: SIG_DFL and SIG_IGN install no code of ours.
    unsafe { signal(which, handler) }.expect("signal(2) takes each known signal");
}
