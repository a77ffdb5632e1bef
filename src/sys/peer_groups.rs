//! The supplementary groups of whoever is at the other end of a local socket.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Most groups of a process. Source: Linux, `NGROUPS_MAX`.
const GROUPS_MAX: usize = 65_536;

/// The groups that the peer had when it connected, its primary one not among them unless it is
/// listed too.
///
/// Errors: those of getsockopt(2); ENOPROTOOPT on Linux before 4.13.
pub fn peer_groups(socket: impl AsFd) -> io::Result<Vec<u32>> {
    let mut groups: Vec<libc::gid_t> = vec![0; 32];
    loop {
        let room = groups.len() * size_of::<libc::gid_t>();
        let mut length = libc::socklen_t::try_from(room).map_err(io::Error::other)?;
        // SAFETY: the descriptor is open; the kernel writes at most `length` bytes to `groups`,
        // which has that room, and the length to `length`; both live.
        let result = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        if result == 0 {
            let bytes = usize::try_from(length).map_err(io::Error::other)?;
            groups.truncate(bytes / size_of::<libc::gid_t>());
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ERANGE) || groups.len() >= GROUPS_MAX {
            return Err(error);
        }
        groups.resize(groups.len() * 8, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_in_our_own_process_has_our_groups() {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut expected: Vec<u32> = nix::unistd::getgroups()
            .unwrap()
            .iter()
            .map(|g| g.as_raw())
            .collect();
        let mut groups = peer_groups(&ours).unwrap();
        expected.sort_unstable();
        groups.sort_unstable();
        assert_eq!(groups, expected);
    }
}
