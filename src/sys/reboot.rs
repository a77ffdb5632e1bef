//! The last resort.

use nix::sys::reboot::{RebootMode, reboot};

/// Reboots the machine at once, without asking anybody or syncing disks: what keeps a resource
/// that can't be stopped from having two owners. Inside a PID namespace it ends the namespace.
///
/// Errors: the kernel refuses (no CAP_SYS_BOOT).
pub fn reboot_now() -> std::io::Result<std::convert::Infallible> {
    reboot(RebootMode::RB_AUTOBOOT).map_err(Into::into)
}
