//! Addresses of packet sockets.

use socket2::{SockAddr, SockAddrStorage};

/// Where a frame goes that a raw packet socket sends: out of this interface. The frame itself
/// says to whom.
pub fn interface_address(index: u32) -> SockAddr {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is a sockaddr of its family, plain integers for which zero is valid,
    // and not larger than sockaddr_storage.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = libc::AF_PACKET as libc::sa_family_t;
    address.sll_ifindex = index.cast_signed();
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the storage holds a sockaddr_ll of that length, filled in above.
    unsafe { SockAddr::new(storage, length) }
}
