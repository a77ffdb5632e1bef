//! Users of a lab that is made without root: its maker is root there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User};

/// Gives the user namespace of process `pid` its users: our own as root and, where newuidmap
/// and /etc/subuid allow it, a range of others.
pub fn write(pid: u32) -> Result<()> {
    if Ranges::of_this_user().is_some_and(|ranges| ranges.apply(pid)) {
        return Ok(());
    }
    let proc = Path::new("/proc").join(pid.to_string());
    let put = |name: &str, text: String| {
        let file = proc.join(name);
        fs::write(&file, text).with_context(|| format!("can't write {}", file.display()))
    };
    // newgidmap may have done its part before newuidmap refused.
    if fs::read_to_string(proc.join("gid_map"))?.is_empty() {
        // Without a right to more groups, the kernel wants setgroups(2) given up.
        put("setgroups", "deny".to_owned())?;
        put("gid_map", format!("0 {} 1", Gid::effective()))?;
    }
    put("uid_map", format!("0 {} 1", Uid::effective()))
}

/// Subordinate numbers of the user.
#[derive(Debug, PartialEq)]
struct Ranges {
    users: (u64, u64),
    groups: (u64, u64),
}

impl Ranges {
    fn of_this_user() -> Option<Self> {
        let uid = Uid::effective();
        let user = User::from_uid(uid).ok().flatten()?;
        let read = |file: &str| {
            let text = fs::read_to_string(file).ok()?;
            first_range(&text, &user.name, uid.as_raw())
        };
        Some(Self {
            users: read("/etc/subuid")?,
            groups: read("/etc/subgid")?,
        })
    }

    /// `false` if the programs are not there or refuse.
    fn apply(&self, pid: u32) -> bool {
        let run = |program: &str, own: u32, (start, count): (u64, u64)| {
            let numbers = [0, u64::from(own), 1, 1, start, count];
            Command::new(program)
                .arg(pid.to_string())
                .args(numbers.map(|n| n.to_string()))
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        run("newgidmap", Gid::effective().as_raw(), self.groups)
            && run("newuidmap", Uid::effective().as_raw(), self.users)
    }
}

/// Finds `NAME:START:COUNT` or `UID:START:COUNT`. Source: subuid(5).
fn first_range(text: &str, name: &str, uid: u32) -> Option<(u64, u64)> {
    text.lines().find_map(|line| {
        let mut parts = line.split(':');
        let owner = parts.next()?;
        let (start, count) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        (owner == name || owner == uid.to_string()).then_some((start, count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subordinate_ranges_are_found_by_name_or_number() {
        let text = "eve:100000:65536\n1001:200000:65536\nbad\n";
        assert_eq!(first_range(text, "eve", 1000), Some((100_000, 65536)));
        assert_eq!(first_range(text, "mal", 1001), Some((200_000, 65536)));
        assert_eq!(first_range(text, "bob", 1002), None);
    }
}
