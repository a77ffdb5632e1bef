//! What a machine lacks, when it lets no lab be made.

use std::fs;

use anyhow::{Error, anyhow};
use nix::errno::Errno;
use nix::unistd::Uid;

/// Capability numbers. Source: Linux include/uapi/linux/capability.h.
const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;

/// Whether this process may make namespaces without a user namespace of its own.
pub fn has_privilege() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
    effective
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .is_some_and(|set| {
            [CAP_NET_ADMIN, CAP_SYS_ADMIN]
                .iter()
                .all(|c| set >> c & 1 == 1)
        })
}

/// Explains why there is no user namespace.
pub fn user_namespace(errno: Errno) -> Error {
    let setting = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/")));
        text.unwrap_or_default().trim().to_owned()
    };
    let why = if errno == Errno::EINVAL {
        "the kernel has no user namespaces (CONFIG_USER_NS)".to_owned()
    } else if setting("user.max_user_namespaces") == "0" {
        "user namespaces are switched off: sysctl user.max_user_namespaces is 0".to_owned()
    } else if setting("kernel.unprivileged_userns_clone") == "0" {
        "user namespaces are for root only: sysctl kernel.unprivileged_userns_clone is 0".to_owned()
    } else {
        format!("user namespaces are refused here: {errno} (a container's seccomp filter?)")
    };
    anyhow!(
        "a lab needs root, or a user namespace. {why}. {}",
        way_out()
    )
}

/// Explains why there are no PID, mount, network, UTS and IPC namespaces.
pub fn namespaces(errno: Errno, in_user_namespace: bool) -> Error {
    let restricted = fs::read_to_string("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
        .is_ok_and(|text| text.trim() == "1");
    let why = if in_user_namespace && restricted {
        "AppArmor takes the rights from user namespaces: sysctl \
         kernel.apparmor_restrict_unprivileged_userns is 1"
            .to_owned()
    } else if errno == Errno::ENOSPC {
        "no more namespaces are allowed: see sysctl user.max_net_namespaces and its like".to_owned()
    } else {
        format!("PID, mount, network, UTS and IPC namespaces are refused: {errno}")
    };
    anyhow!("{why}. {}", way_out())
}

/// Adds the way out to an error that looks like a lack of rights.
pub fn mounts(error: Error) -> Error {
    let denied = error.chain().any(|cause| {
        let errno = cause.downcast_ref::<Errno>();
        errno.is_some_and(|e| matches!(e, Errno::EPERM | Errno::EACCES))
    });
    if denied {
        anyhow!("{error:#}. {}", way_out())
    } else {
        error
    }
}

fn way_out() -> &'static str {
    if Uid::effective().is_root() {
        "In a container, start it with --privileged, or with the capabilities SYS_ADMIN and \
         NET_ADMIN and no seccomp or AppArmor profile"
    } else {
        "Run it as root, or have the administrator allow user namespaces"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let text = user_namespace(Errno::EPERM).to_string();
        assert!(text.contains("user namespace"), "{text}");
        let error = Error::from(Errno::EPERM).context("can't mount /proc");
        assert!(mounts(error).to_string().starts_with("can't mount /proc"));
        let other = mounts(Error::from(Errno::ENOSPC)).to_string();
        assert!(!other.contains("root"), "{other}");
    }
}
