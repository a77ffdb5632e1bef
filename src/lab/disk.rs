//! What stays on a host's disk: its own /etc and /var, filled when the lab is made.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::spec::{HostSpec, Spec};

/// Folders of configuration that are there on each host, on the machine or not.
const CONFIGURATION: [&str; 2] = ["ha.d", "corosync"];
/// Larger files of /etc are no configuration, but databases of hardware and the like.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// An owner without a number in this user namespace is shown as this one.
///
/// Source: Linux, default of /proc/sys/fs/overflowuid.
const OVERFLOW_ID: u32 = 65534;
/// Folders of /var/lib that each host has for itself: the machine's folders, without files.
pub const OWN_VAR_LIB: &[&str] = &["heartbeat", "pacemaker", "corosync"];

/// Makes the disk of `host` in `disk`, a new folder.
///
/// Gives the files of cluster configuration that could not be read; what else of /etc is closed
/// to us, the hosts do without.
pub fn make(disk: &Path, host: &HostSpec, spec: &Spec) -> Result<Vec<PathBuf>> {
    for folder in ["etc", "var/log", "var/tmp", "var/lib"] {
        fs::create_dir_all(disk.join(folder))?;
    }
    set_mode(&disk.join("var/tmp"), 0o1777)?;
    let mut copy = Copy::new(true);
    copy.tree(Path::new("/etc"), &disk.join("etc"))?;
    for name in CONFIGURATION {
        fs::create_dir_all(disk.join("etc").join(name))?;
    }
    let configuration = CONFIGURATION.map(|name| Path::new("/etc").join(name));
    let wanted = |path: &PathBuf| configuration.iter().any(|folder| path.starts_with(folder));
    copy.unread.retain(wanted);
    let mut folders = Copy::new(false);
    for name in OWN_VAR_LIB {
        let to = disk.join("var/lib").join(name);
        fs::create_dir_all(&to)?;
        folders.tree(&Path::new("/var/lib").join(name), &to)?;
    }
    if let Some(config) = &spec.config {
        let to = disk.join("etc/ha.d");
        copy.tree(config, &to)
            .with_context(|| format!("can't copy {}", config.display()))?;
        secure_keys(&to)?;
    }
    write_new(
        &disk.join("etc/hostname"),
        format!("{}\n", host.name).as_bytes(),
    )?;
    write_new(&disk.join("etc/hosts"), hosts_file(&spec.hosts).as_bytes())?;
    Ok(copy.unread)
}

/// Writes a file in place of what is there: a link would lead out of the disk.
fn write_new(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let _ = fs::remove_file(file);
    fs::write(file, bytes)
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

/// Copies trees: with modes, and with owners as far as they can be given.
struct Copy {
    /// Files too, not only folders.
    files: bool,
    /// Whether owners have the numbers that they have on the machine.
    same_ids: bool,
    /// What could not be read.
    unread: Vec<PathBuf>,
}

impl Copy {
    fn new(files: bool) -> Self {
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let mut words = map.split_whitespace().map(|word| word.parse() == Ok(0u32));
        Self {
            files,
            same_ids: words.next() == Some(true) && words.next() == Some(true),
            unread: Vec::new(),
        }
    }

    /// Copies what is below `from` to the folder `to`; a `from` that isn't there copies nothing.
    fn tree(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let Ok(meta) = fs::metadata(from) else {
            return Ok(());
        };
        self.give_owner_and_mode(&meta, to)?;
        let Ok(entries) = fs::read_dir(from) else {
            if self.files {
                self.unread.push(from.to_owned());
            }
            return Ok(());
        };
        for entry in entries {
            self.entry(&entry?, to)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry, to: &Path) -> io::Result<()> {
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if target.is_symlink() {
                fs::remove_file(&target)?;
            }
            fs::create_dir_all(&target)?;
            return self.tree(&entry.path(), &target);
        }
        if kind.is_symlink() && self.files {
            let _ = fs::remove_file(&target);
            return symlink(fs::read_link(entry.path())?, &target);
        }
        if kind.is_file() && self.files {
            return self.file(entry, &target);
        }
        Ok(())
    }

    fn file(&mut self, entry: &fs::DirEntry, target: &Path) -> io::Result<()> {
        let meta = entry.metadata()?;
        if meta.len() > FILE_BYTES_MAX {
            return Ok(());
        }
        let Ok(bytes) = fs::read(entry.path()) else {
            self.unread.push(entry.path());
            return Ok(());
        };
        write_new(target, &bytes)?;
        self.give_owner_and_mode(&meta, target)
    }

    /// Owners that have no number in the lab's user namespace become root.
    fn give_owner_and_mode(&self, meta: &fs::Metadata, to: &Path) -> io::Result<()> {
        let known = |id: u32| (self.same_ids || id != OVERFLOW_ID).then_some(id);
        let _ = chown(to, known(meta.uid()), known(meta.gid()));
        set_mode(to, meta.mode() & 0o7777)
    }
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
