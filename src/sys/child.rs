//! What a child process does between fork and exec.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::unistd::setsid;

/// Kills the child when the process that starts it ends.
pub fn die_with_parent(command: &mut Command) -> &mut Command {
    // SAFETY: prctl(2) is a plain system call: it allocates nothing and takes no lock.
    unsafe { command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGKILL)?)) }
}

/// Lets the child have all signals; otherwise it would inherit what we block, and a daemon
/// that never sees SIGCHLD waits for its children for ever.
pub fn unblock_signals(command: &mut Command) -> &mut Command {
    let unblock = || {
        let none = SigSet::empty();
        Ok(pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&none), None)?)
    };
    // SAFETY: pthread_sigmask(3) is a plain system call: it allocates nothing, takes no lock.
    unsafe { command.pre_exec(unblock) }
}

/// Gives the child a session of its own, without a terminal.
pub fn new_session(command: &mut Command) -> &mut Command {
    // SAFETY: setsid(2) is a plain system call: it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            Ok(())
        })
    }
}

/// Moves the child into the namespaces `which` of the process that `pidfd` stands for.
pub fn enter(command: &mut Command, pidfd: OwnedFd, which: CloneFlags) -> &mut Command {
    // SAFETY: setns(2) is a plain system call: it allocates nothing and takes no lock; the
    // descriptor lives in the closure.
    unsafe { command.pre_exec(move || Ok(setns(pidfd.as_fd(), which)?)) }
}
