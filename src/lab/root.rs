//! A host's view of the files: the machine's programs, its own configuration and state.
//!
//! A new root is put together from bind mounts of what the machine has, so that folders of our
//! own can stand in places where the machine has none, and nothing of the machine is written.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{Group, User, chdir, pivot_root};

use super::disk::{OWN_VAR_LIB, set_mode};

const NONE: Option<&str> = None;

/// Where a host finds the lab: the power switch and this program.
pub const LAB_FOLDER: &str = "/run/lab";

/// What a host's root is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// An empty folder; the root is mounted there.
    pub root: &'a Path,
    /// The host's disk, made by [`super::disk::make`].
    pub disk: &'a Path,
    /// What becomes [`LAB_FOLDER`].
    pub lab: &'a Path,
    /// Mount point of the lab's files, taken out of the host's sight.
    pub hidden: &'a Path,
    /// Devices that become /dev/lab-ttyS0 and so on.
    pub serial: &'a [PathBuf],
}

/// Takes the calling process, which has a mount namespace of its own, into a new root.
///
/// Errors: each mount that the kernel refuses, named.
pub fn enter(parts: &Parts<'_>) -> Result<()> {
    let root = parts.root;
    tmpfs(root, "mode=0755")?;
    let own = [
        "etc",
        "var",
        "run",
        "tmp",
        "dev",
        "proc",
        "sys",
        "lost+found",
    ];
    merge(Path::new("/"), root, &own)?;
    for folder in ["run", "tmp", "dev", "proc", "sys", "etc", "var"] {
        fs::create_dir_all(root.join(folder))?;
    }
    set_mode(&root.join("tmp"), 0o1777)?;
    etc_and_var(root, parts.disk)?;
    devices(&root.join("dev"), parts.serial)?;
    run_folder(&root.join("run"), parts.lab)?;
    kernel_files(root)?;
    chdir(root)?;
    pivot_root(".", ".").context("can't change the root")?;
    umount2(".", MntFlags::MNT_DETACH).context("can't leave the old root")?;
    chdir("/")?;
    // Only there if the lab's files are below a folder that was bound as it is.
    let _ = umount2(parts.hidden, MntFlags::MNT_DETACH);
    Ok(())
}

/// Makes all mounts of this namespace private to it.
pub fn make_private() -> Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(NONE, "/", NONE, flags, NONE).context("can't make the mounts private")
}

/// Mounts an empty file system in memory.
pub fn tmpfs(at: &Path, options: &str) -> Result<()> {
    let flags = MsFlags::MS_NOSUID;
    mount(Some("lab"), at, Some("tmpfs"), flags, Some(options))
        .with_context(|| format!("can't mount a tmpfs on {}", at.display()))
}

/// Mounts the process files of this PID namespace.
pub fn proc(at: &Path) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), at, Some("proc"), flags, NONE).context(
        "can't mount /proc (in a container, parts of /proc are hidden and the kernel refuses \
         a whole one: give the container an unmasked /proc)",
    )
}

/// Shows `what` at `at` too, with everything that is mounted below it.
pub fn bind(what: &Path, at: &Path) -> Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(what), at, NONE, flags, NONE)
        .with_context(|| format!("can't bind {} to {}", what.display(), at.display()))
}

/// Shows each entry of `from` in the folder `to`, except `own`; links are copied.
fn merge(from: &Path, to: &Path, own: &[&str]) -> Result<()> {
    let own: Vec<OsString> = own.iter().map(OsString::from).collect();
    for entry in fs::read_dir(from).with_context(|| format!("can't list {}", from.display()))? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if own.contains(&name) {
            continue;
        }
        let target = to.join(&name);
        if kind.is_symlink() {
            if target.symlink_metadata().is_err() {
                symlink(fs::read_link(entry.path())?, &target)?;
            }
            continue;
        }
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
        } else {
            touch(&target)?;
        }
        bind(&entry.path(), &target)?;
    }
    Ok(())
}

fn touch(file: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true).open(file).map(drop)
}

fn etc_and_var(root: &Path, disk: &Path) -> Result<()> {
    let (etc, var) = (root.join("etc"), root.join("var"));
    bind(&disk.join("etc"), &etc)?;
    bind(&disk.join("var"), &var)?;
    merge(
        Path::new("/var"),
        &var,
        &["run", "lock", "tmp", "log", "lib"],
    )?;
    merge(Path::new("/var/lib"), &var.join("lib"), OWN_VAR_LIB)?;
    for (link, to) in [("run", "/run"), ("lock", "/run/lock")] {
        let link = var.join(link);
        if link.symlink_metadata().is_err() {
            symlink(to, link)?;
        }
    }
    Ok(())
}

/// The devices that programs expect, and none that reaches the machine's hardware: no
/// watchdog, no disks, no kernel log.
fn devices(dev: &Path, serial: &[PathBuf]) -> Result<()> {
    tmpfs(dev, "mode=0755")?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        device(&Path::new("/dev").join(name), &dev.join(name))?;
    }
    let tun = Path::new("/dev/net/tun");
    if tun.exists() {
        fs::create_dir(dev.join("net"))?;
        device(tun, &dev.join("net/tun"))?;
    }
    for folder in ["shm", "pts"] {
        fs::create_dir(dev.join(folder))?;
    }
    set_mode(&dev.join("shm"), 0o1777)?;
    let pts = dev.join("pts");
    let options = Some("newinstance,ptmxmode=0666,mode=0620");
    mount(
        Some("devpts"),
        &pts,
        Some("devpts"),
        MsFlags::empty(),
        options,
    )
    .context("can't mount /dev/pts")?;
    for (link, to) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(to, dev.join(link))?;
    }
    for (n, device_file) in serial.iter().enumerate() {
        device(device_file, &dev.join(format!("lab-ttyS{n}")))?;
    }
    Ok(())
}

fn device(what: &Path, at: &Path) -> Result<()> {
    touch(at)?;
    bind(what, at)
}

fn run_folder(run: &Path, lab: &Path) -> Result<()> {
    fs::create_dir(run.join("lock"))?;
    set_mode(&run.join("lock"), 0o1777)?;
    let ours = run.join("lab");
    fs::create_dir(&ours)?;
    bind(lab, &ours)?;
    // What the packages of the cluster programs ask to be made at boot.
    for package in ["heartbeat", "resource-agents", "pacemaker", "corosync"] {
        let file = format!("/usr/lib/tmpfiles.d/{package}.conf");
        let text = fs::read_to_string(file).unwrap_or_default();
        for folder in text.lines().filter_map(BootFolder::parse) {
            folder.make(run)?;
        }
    }
    Ok(())
}

/// A `d` line of a tmpfiles.d file for a folder below /run.
///
/// Source: tmpfiles.d(5): type, path, mode, user, group.
#[derive(Debug, PartialEq)]
struct BootFolder<'a> {
    below_run: &'a str,
    mode: u32,
    user: &'a str,
    group: &'a str,
}

impl<'a> BootFolder<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_whitespace();
        if !matches!(words.next()?, "d" | "D") {
            return None;
        }
        let path = words.next()?;
        let below_run = path
            .strip_prefix("/run/")
            .or_else(|| path.strip_prefix("/var/run/"))?;
        if below_run.split('/').any(|part| part == "..") {
            return None;
        }
        let mode = words.next().unwrap_or("-");
        Some(Self {
            below_run,
            mode: u32::from_str_radix(mode, 8).unwrap_or(0o755),
            user: words.next().unwrap_or("-"),
            group: words.next().unwrap_or("-"),
        })
    }

    /// An owner that can't be given (no such user, or none in this namespace) stays root.
    fn make(&self, run: &Path) -> io::Result<()> {
        let path = run.join(self.below_run);
        fs::create_dir_all(&path)?;
        let user = User::from_name(self.user).ok().flatten();
        let group = Group::from_name(self.group).ok().flatten();
        let _ = chown(
            &path,
            user.map(|u| u.uid.as_raw()),
            group.map(|g| g.gid.as_raw()),
        );
        set_mode(&path, self.mode)
    }
}

/// /proc and /sys of the host's own namespaces.
fn kernel_files(root: &Path) -> Result<()> {
    proc(&root.join("proc"))?;
    // A host must not reset the machine.
    let _ = bind(Path::new("/dev/null"), &root.join("proc/sysrq-trigger"));
    let sys = root.join("sys");
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let own = mount(Some("sysfs"), &sys, Some("sysfs"), flags, NONE);
    own.map_err(anyhow::Error::from)
        .or_else(|_| bind(Path::new("/sys"), &sys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_folders_are_read() {
        let line = "d      /run/heartbeat/ccm     0750  hacluster  haclient  -";
        let folder = BootFolder::parse(line).unwrap();
        assert_eq!(folder.below_run, "heartbeat/ccm");
        assert_eq!(
            (folder.mode, folder.user, folder.group),
            (0o750, "hacluster", "haclient")
        );
        assert_eq!(BootFolder::parse("# d /run/x 0755 root root"), None);
        assert_eq!(BootFolder::parse("d /etc/x 0755 root root"), None);
        assert_eq!(BootFolder::parse("d /run/../etc/x 0755 root root"), None);
        assert_eq!(BootFolder::parse("d /run/x").map(|f| f.mode), Some(0o755));
    }

    #[test]
    fn merging_keeps_links_and_leaves_out_what_is_own() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("own")).unwrap();
        fs::create_dir_all(&to).unwrap();
        symlink("usr/bin", from.join("bin")).unwrap();
        merge(&from, &to, &["own"]).unwrap();
        assert_eq!(fs::read_link(to.join("bin")).unwrap(), Path::new("usr/bin"));
        assert!(!to.join("own").exists());
    }
}
