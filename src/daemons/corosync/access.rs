//! Who of this machine's users may change things.

use crate::config::corosync_conf::Access;
use crate::runtime::unix_server::{Credentials, UnixServer};

/// True for root, and for whom corosync.conf's `uidgid` names.
pub(super) fn may(server: &UnixServer, (id, who): (u64, Credentials), access: &[Access]) -> bool {
    if who.uid == 0 {
        return true;
    }
    let groups = server.peer_groups(id);
    let user = nix::unistd::User::from_uid(who.uid.into()).ok().flatten();
    access.iter().any(|entry| match entry {
        Access::User(name) => {
            user.as_ref().is_some_and(|user| user.name == *name) || *name == who.uid.to_string()
        }
        Access::Group(name) => {
            let group = nix::unistd::Group::from_name(name).ok().flatten();
            let gid = group
                .map(|group| group.gid.as_raw())
                .or_else(|| name.parse().ok());
            gid.is_some_and(|gid| gid == who.gid || groups.contains(&gid))
        }
    })
}
