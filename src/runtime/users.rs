//! Users and their groups, for access control.

use std::ffi::CString;

use crate::cib::acl::User;

/// A user of the system with the names of the groups that list the user as a member; one that
/// is unknown has none. The user's own group counts only if it lists the user too.
/// Source: Pacemaker 2.1.5, `pcmk__is_user_in_group`.
pub fn named(name: &str) -> User {
    User {
        name: name.to_owned(),
        groups: groups(name).unwrap_or_default(),
    }
}

fn groups(name: &str) -> Option<Vec<String>> {
    let user = nix::unistd::User::from_name(name).ok()??;
    let ids = nix::unistd::getgrouplist(&CString::new(name).ok()?, user.gid).ok()?;
    let group_name = |id| {
        let group = nix::unistd::Group::from_gid(id).ok()??;
        group
            .mem
            .iter()
            .any(|member| member == name)
            .then_some(group.name)
    };
    Some(ids.into_iter().filter_map(group_name).collect())
}
