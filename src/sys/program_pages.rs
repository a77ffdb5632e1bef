//! What of the program's own files is in memory.
//!
//! Where a process touches a page of a file, the kernel gives it the fifteen around it too. Of a
//! large program of which a daemon runs little, most of what it has in memory is such neighbours,
//! and a daemon that locks its memory keeps them there for good.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Has the kernel give single pages of files as long as it lives.
#[derive(Debug)]
pub struct SinglePages(#[allow(dead_code)] OwnedFd);

/// Source: Linux, `include/uapi/linux/userfaultfd.h`.
const UFFD_API: u64 = 0xAA;
const UFFD_USER_MODE_ONLY: libc::c_int = 1;
/// Since Linux 6.7.
const UFFD_FEATURE_WP_ASYNC: u64 = 1 << 15;
const UFFDIO_REGISTER_MODE_WP: u64 = 1 << 1;

#[repr(C)]
struct Api {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
struct Register {
    start: u64,
    len: u64,
    mode: u64,
    ioctls: u64,
}

const UFFDIO_API: libc::Ioctl = libc::_IOWR::<Api>(0xAA, 0x3F);
const UFFDIO_REGISTER: libc::Ioctl = libc::_IOWR::<Register>(0xAA, 0x00);

/// Pages of the program and its libraries.
struct Span {
    start: usize,
    bytes: usize,
}

/// Gives back what starting took of the program, and from here on brings in only pages that are
/// touched, not their neighbours. Nothing is lost: a page comes back when it is touched.
///
/// The kernel leaves neighbours alone where writes are watched, so this watches writes where
/// nobody ever writes.
///
/// Errors: Linux is older than 6.7, or may not be asked; then only what starting took is gone.
pub fn only_touched() -> io::Result<SinglePages> {
    let spans = unwritten();
    let watched = watch(&spans);
    for span in &spans {
        // SAFETY: no page of these was ever written, so each is still as it is in its file.
        let dropped = unsafe {
            libc::madvise(
                span.start as *mut libc::c_void,
                span.bytes,
                libc::MADV_DONTNEED,
            )
        };
        // Locked already: it stays as it is.
        let _ = dropped;
    }
    watched
}

fn watch(spans: &[Span]) -> io::Result<SinglePages> {
    let flags = libc::O_CLOEXEC | UFFD_USER_MODE_ONLY;
    // SAFETY: takes no pointers.
    let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, flags) };
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made it, and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut api = Api {
        api: UFFD_API,
        features: UFFD_FEATURE_WP_ASYNC,
        ioctls: 0,
    };
    // SAFETY: `api` is what this request reads and writes.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), UFFDIO_API, &raw mut api) })?;
    for span in spans {
        let mut register = Register {
            start: span.start as u64,
            len: span.bytes as u64,
            mode: UFFDIO_REGISTER_MODE_WP,
            ioctls: 0,
        };
        // SAFETY: `register` is what this request reads and writes; faults need nobody's answer.
        check(unsafe { libc::ioctl(fd.as_raw_fd(), UFFDIO_REGISTER, &raw mut register) })?;
    }
    Ok(SinglePages(fd))
}

fn check(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Segments that can't be written and never could: code and constants, without those into which
/// the linker wrote addresses.
fn unwritten() -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    // SAFETY: `collect` gets this list and nothing else, and the call ends before it does.
    unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut spans).cast()) };
    spans
}

/// SAFETY: `list` is a `Vec<Span>`; `info` is the linker's.
unsafe extern "C" fn collect(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    list: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: as this function's own.
    let (info, spans) = unsafe { (&*info, &mut *list.cast::<Vec<Span>>()) };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: so many headers are there, says the linker.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let is_text_relocated = headers.iter().any(|header| {
        let writes_code = libc::PF_W | libc::PF_X;
        header.p_type == libc::PT_LOAD && header.p_flags & writes_code == writes_code
    });
    if is_text_relocated || !is_of_a_file(info) {
        return 0;
    }
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = info.dlpi_addr as usize + header.p_vaddr as usize;
        let end = start + header.p_memsz as usize;
        let page = 4096.max(page_bytes());
        let (start, end) = (start / page * page, end.next_multiple_of(page));
        if start < end {
            let bytes = end - start;
            spans.push(Span { start, bytes });
        }
    }
    0
}

/// False of what the kernel itself put into the process.
fn is_of_a_file(info: &libc::dl_phdr_info) -> bool {
    if info.dlpi_name.is_null() {
        return true;
    }
    // SAFETY: a string of the linker's.
    let name = unsafe { std::ffi::CStr::from_ptr(info.dlpi_name) };
    // The program itself has none.
    name.is_empty() || name.to_bytes().starts_with(b"/")
}

fn page_bytes() -> usize {
    // SAFETY: takes no pointers.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of mappings of this program's code, KiB.
    fn code_kib() -> usize {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("proc");
        let program = std::env::current_exe().expect("a program");
        let program = program.to_string_lossy().into_owned();
        let (mut inside, mut sum) = (false, 0);
        for line in maps.lines() {
            if line.contains(&program) || line.split(' ').nth(1).is_some_and(|w| w.len() == 4) {
                inside = line.contains(&program) && line.contains("r-xp");
            } else if let Some(kib) = line.strip_prefix("Rss:").filter(|_| inside) {
                let number = kib.trim().trim_end_matches(" kB");
                sum += number.parse::<usize>().expect("a number");
            }
        }
        sum
    }

    #[test]
    fn what_was_only_near_is_given_back_and_the_program_runs_on() {
        let before = code_kib();
        let _single = only_touched();
        let after = code_kib();
        assert!(after < before, "{before} KiB, then {after} KiB");
        assert_eq!("still".repeat(2), "stillstill");
    }
}
