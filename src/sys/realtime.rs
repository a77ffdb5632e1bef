//! Real-time scheduling and locked memory.

use std::io;

use nix::sys::mman::{MlockAllFlags, mlockall};

/// MCL_ONFAULT. Source: Linux, `asm-generic/mman.h`.
const MCL_ONFAULT: libc::c_int = 4;

/// The lowest and the highest priority of SCHED_RR. Source: Linux, `sched_get_priority_max`
pub const LOWEST: u8 = 1;
/// See [`LOWEST`].
pub const HIGHEST: u8 = 99;

/// Most that [`reserve_heap`] reserves.
///
/// Differs: heartbeat's default is 6500 KiB, in each of its processes; this one process uses
/// less than 1 MiB of heap, and a reserve that is never used is memory taken from others.
pub const RESERVE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Puts the calling thread into SCHED_RR; its children start as ordinary processes.
///
/// Without `priority` it is the lowest one, as heartbeat takes.
/// Errors: no right to, or a priority that the kernel doesn't have.
pub fn set_round_robin(priority: Option<u8>) -> io::Result<u8> {
    // SAFETY: asks for a number.
    let lowest = unsafe { libc::sched_get_priority_min(libc::SCHED_RR) };
    let priority = priority.map_or(lowest, i32::from);
    // SAFETY: an all-zero parameter block is valid; it is plain numbers.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: 0 is the calling thread; the parameters live until the call returns.
    let result = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    u8::try_from(priority).map_err(io::Error::other)
}

/// True if the calling thread is in SCHED_RR.
pub fn is_round_robin() -> bool {
    // SAFETY: 0 is the calling thread.
    let policy = unsafe { libc::sched_getscheduler(0) };
    policy & !libc::SCHED_RESET_ON_FORK == libc::SCHED_RR
}

/// Keeps every page in memory that is in use or ever will be; pages that nobody touches are not
/// brought in for it, which keeps the process small.
pub fn lock_memory() -> io::Result<()> {
    let on_fault = MlockAllFlags::from_bits_retain(MCL_ONFAULT);
    let all = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE;
    match mlockall(all | on_fault) {
        Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Has the heap keep `bytes` of free memory ready, locked if memory is: an allocation within
/// them needs no new page from a kernel short of memory.
///
/// Bounds: [`RESERVE_BYTES_MAX`], whatever is asked for.
pub fn reserve_heap(bytes: usize) {
    let bytes = bytes.min(RESERVE_BYTES_MAX);
    // SAFETY: only sets two parameters of malloc.
    unsafe {
        // What was freed stays ours, and large blocks come from the heap, not from mappings.
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 * 1024 * 1024);
    }
    let mut reserve = vec![0u8; bytes];
    for page in reserve.chunks_mut(4096) {
        // Written, so that the page is really there.
        page[0] = 1;
    }
    drop(std::hint::black_box(reserve));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_becomes_real_time_where_that_is_permitted() {
        std::thread::spawn(|| match set_round_robin(None) {
            Ok(priority) => {
                assert_eq!(priority, 1);
                assert!(is_round_robin());
                let child = std::thread::spawn(is_round_robin);
                assert!(!child.join().expect("a thread"), "reset on fork");
                assert!(set_round_robin(Some(200)).is_err());
            }
            Err(error) => println!("skipped: {error}"),
        })
        .join()
        .expect("a thread");
    }
}
