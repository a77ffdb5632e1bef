//! What stays on a host's disk: its own /etc and /var, filled when the lab is made.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::spec::{HostSpec, Spec};

/// Folders and files of /etc that each host has for itself, as copies of the machine's.
pub const OWN_ETC: &[&str] = &["ha.d", "corosync", "init.d", "default"];
/// Files of /etc that are written for each host.
pub const WRITTEN_ETC: &[&str] = &["hosts", "hostname"];
/// Folders of /var/lib that each host has for itself: the machine's folders, without files.
pub const OWN_VAR_LIB: &[&str] = &["heartbeat", "pacemaker", "corosync"];

/// Makes the disk of `host` in `disk`, a new folder. Gives the files that could not be read.
pub fn make(disk: &Path, host: &HostSpec, spec: &Spec) -> Result<Vec<PathBuf>> {
    let mut unread = Vec::new();
    for folder in ["etc", "var/log", "var/tmp", "var/lib"] {
        fs::create_dir_all(disk.join(folder))?;
    }
    set_mode(&disk.join("var/tmp"), 0o1777)?;
    for name in OWN_ETC {
        let to = disk.join("etc").join(name);
        fs::create_dir_all(&to)?;
        copy_tree(&Path::new("/etc").join(name), &to, true, &mut unread)?;
    }
    for name in OWN_VAR_LIB {
        let to = disk.join("var/lib").join(name);
        fs::create_dir_all(&to)?;
        copy_tree(&Path::new("/var/lib").join(name), &to, false, &mut unread)?;
    }
    if let Some(config) = &spec.config {
        let to = disk.join("etc/ha.d");
        copy_tree(config, &to, true, &mut unread)
            .with_context(|| format!("can't copy {}", config.display()))?;
        secure_keys(&to)?;
    }
    fs::write(disk.join("etc/hostname"), format!("{}\n", host.name))?;
    fs::write(disk.join("etc/hosts"), hosts_file(&spec.hosts))?;
    Ok(unread)
}

/// Names for every address: the host's own for eth0's, HOST-eth1 for the next interface's.
fn hosts_file(hosts: &[HostSpec]) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost\n");
    for host in hosts {
        for (n, port) in host.ports.iter().enumerate() {
            for cidr in port {
                let address = cidr.address;
                let name = &host.name;
                match n {
                    0 => text.push_str(&format!("{address} {name}\n")),
                    _ => text.push_str(&format!("{address} {name}-eth{n}\n")),
                }
            }
        }
    }
    text
}

/// A checkout can't carry the mode that heartbeat asks of authkeys.
fn secure_keys(folder: &Path) -> Result<()> {
    let keys = folder.join("authkeys");
    if keys.is_file() {
        set_mode(&keys, 0o600)?;
    }
    Ok(())
}

/// Sets permission bits.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Copies what is below `from` to the folder `to`: with modes, with owners as far as they
/// can be given, files only if `files`. What can't be read goes to `unread`; a `from` that
/// isn't there copies nothing.
fn copy_tree(from: &Path, to: &Path, files: bool, unread: &mut Vec<PathBuf>) -> io::Result<()> {
    let Ok(meta) = fs::metadata(from) else {
        return Ok(());
    };
    give_owner_and_mode(&meta, to)?;
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(_) => {
            if files {
                unread.push(from.to_owned());
            }
            return Ok(());
        }
    };
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy_tree(&entry.path(), &target, files, unread)?;
        } else if kind.is_symlink() && files {
            let _ = fs::remove_file(&target);
            symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_file() && files {
            match fs::read(entry.path()) {
                Ok(bytes) => {
                    let _ = fs::remove_file(&target);
                    fs::write(&target, bytes)?;
                    give_owner_and_mode(&entry.metadata()?, &target)?;
                }
                Err(_) => unread.push(entry.path()),
            }
        }
    }
    Ok(())
}

/// Owners that have no number in the lab's user namespace become root.
fn give_owner_and_mode(meta: &fs::Metadata, to: &Path) -> io::Result<()> {
    let _ = chown(to, Some(meta.uid()), Some(meta.gid()));
    set_mode(to, meta.mode() & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_a_name() {
        let hosts = ["a=10.0.0.1/24,10.1.0.1/24", "b=10.0.0.2/24"].map(|h| h.parse().unwrap());
        let text = hosts_file(&hosts);
        let wanted = "10.0.0.1 a\n10.1.0.1 a-eth1\n10.0.0.2 b\n";
        assert!(text.ends_with(wanted), "{text}");
    }

    #[test]
    fn configuration_goes_over_what_is_there_and_keys_are_closed() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("conf");
        fs::create_dir_all(config.join("resource.d")).unwrap();
        fs::write(config.join("authkeys"), "auth 1\n1 crc\n").unwrap();
        fs::write(config.join("resource.d/x"), "#!/bin/sh\n").unwrap();
        set_mode(&config.join("resource.d/x"), 0o755).unwrap();
        set_mode(&config.join("authkeys"), 0o644).unwrap();
        let spec = Spec::new("l")
            .host("a=10.0.0.1/24")
            .unwrap()
            .config(&config);
        let disk = folder.path().join("disk");
        make(&disk, &spec.hosts[0], &spec).unwrap();
        let mode = |name: &str| fs::metadata(disk.join(name)).unwrap().mode() & 0o7777;
        assert_eq!(mode("etc/ha.d/authkeys"), 0o600);
        assert_eq!(mode("etc/ha.d/resource.d/x"), 0o755);
        assert_eq!(mode("var/tmp"), 0o1777);
        assert_eq!(
            fs::read_to_string(disk.join("etc/hostname")).unwrap(),
            "a\n"
        );
    }
}
