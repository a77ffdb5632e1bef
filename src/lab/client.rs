//! A lab as its users see it: tests, the demo, the command line.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Pid;

use super::birth::{self, Birth, CONTROL};
use super::request::{HostState, Reply, Request, read_line};
use super::spec::check_lab_name;
use super::{Place, Spec, host, keeper, missing};
use crate::sys;

/// A keeper that is silent for so long is taken for hung: a boot has 20 s.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long a keeper has for its end, before it is killed.
const END_TIME: Duration = Duration::from_secs(10);

/// A lab.
///
/// One made by [`Lab::up`] ends with this value, or with the process if that is killed.
#[derive(Debug)]
pub struct Lab {
    place: Place,
    name: String,
    unread: Vec<PathBuf>,
    lifeline: Option<ChildStdin>,
}

impl Lab {
    /// Makes a lab; all its hosts are on when this returns. Dropped, it is taken down.
    ///
    /// Errors: what the machine lacks or refuses; nothing is left then.
    pub fn up(spec: &Spec, place: &Place) -> Result<Self> {
        Self::make(spec, place, true)
    }

    /// Makes a lab that stays until [`Lab::down`].
    ///
    /// Errors: as [`Lab::up`].
    pub fn up_detached(spec: &Spec, place: &Place) -> Result<Self> {
        Self::make(spec, place, false)
    }

    fn make(spec: &Spec, place: &Place, owned: bool) -> Result<Self> {
        spec.check()?;
        let mut spec = spec.clone();
        if let Some(config) = &mut spec.config {
            let folder = fs::canonicalize(&*config).ok().filter(|f| f.is_dir());
            *config = folder.with_context(|| format!("{} is no folder", config.display()))?;
        }
        place.make()?;
        let mut lab = Self {
            place: place.clone(),
            name: spec.name.clone(),
            unread: Vec::new(),
            lifeline: None,
        };
        let folder = lab.folder();
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        if made.as_ref().err().map(|e| e.kind()) == Some(ErrorKind::AlreadyExists) {
            bail!(
                "there is a lab named {0}: `everbeat lab down {0}` ends it",
                spec.name
            );
        }
        made.with_context(|| format!("can't make {}", folder.display()))?;
        let birth = Birth {
            spec,
            owned,
            user_namespace: !missing::has_privilege(),
        };
        match birth::start(&place.program, &folder, &birth) {
            Ok(born) => {
                lab.unread = born.unread;
                lab.lifeline = born.lifeline;
                Ok(lab)
            }
            Err(error) => {
                lab.remove_folder();
                Err(error)
            }
        }
    }

    /// A lab that is up already.
    ///
    /// Errors: there is none of that name.
    pub fn open(name: &str, place: &Place) -> Result<Self> {
        check_lab_name(name)?;
        let lab = Self {
            place: place.clone(),
            name: name.to_owned(),
            unread: Vec::new(),
            lifeline: None,
        };
        if lab.folder().is_dir() {
            return Ok(lab);
        }
        let root = place.root.display();
        match place.labs() {
            labs if labs.is_empty() => bail!("there is no lab {name:?}, nor any other in {root}"),
            labs => bail!(
                "there is no lab {name:?} in {root}; there are {}",
                labs.join(", ")
            ),
        }
    }

    /// A host, which is known to the lab or fails when it is used.
    pub fn host(&self, name: &str) -> HostRef<'_> {
        HostRef {
            lab: self,
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Files of the machine that could not be read, and so were not copied to the hosts.
    pub fn unread(&self) -> &[PathBuf] {
        &self.unread
    }

    /// All hosts with their processes.
    pub fn state(&self) -> Result<Vec<HostState>> {
        Ok(self.ask(&Request::Ps)?.0.hosts)
    }

    /// Takes the lab down; one whose keeper has died or hangs too.
    pub fn down(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        self.lifeline = None;
        let ended = match UnixStream::connect(self.folder().join(CONTROL)) {
            Ok(stream) => self.end_keeper(stream),
            // Nobody listens: the kernel has ended the rest together with the keeper.
            Err(_) => Ok(()),
        };
        self.remove_folder();
        ended
    }

    fn end_keeper(&self, mut stream: UnixStream) -> Result<()> {
        let keeper = keeper_pid(&stream)?;
        let Ok(pidfd) = sys::pidfd::open(keeper.as_raw().unsigned_abs()) else {
            return Ok(());
        };
        stream.set_read_timeout(Some(END_TIME))?;
        let mut line = serde_json::to_vec(&Request::Down)?;
        line.push(b'\n');
        let answered = stream
            .write_all(&line)
            .and_then(|()| read_line(&mut stream, Vec::new()));
        if answered.is_ok() {
            // All its hosts are dead. It is kept as long as a dead process of theirs is.
            ends_within(&pidfd, END_TIME)?;
            return Ok(());
        }
        // The descriptor is open, so that the number is still this keeper's.
        kill(keeper, Signal::SIGKILL).context("can't end the lab's keeper")?;
        if !ends_within(&pidfd, END_TIME)? {
            bail!("the lab's keeper (process {keeper}) can't be killed");
        }
        Ok(())
    }

    fn remove_folder(&self) {
        let _ = fs::remove_dir_all(self.folder());
        // The last lab takes the folder of all with it.
        let _ = fs::remove_dir(&self.place.root);
    }

    fn folder(&self) -> PathBuf {
        self.place.root.join(&self.name)
    }

    fn connect(&self) -> Result<UnixStream> {
        let path = self.folder().join(CONTROL);
        let stream = UnixStream::connect(&path).map_err(|_| {
            let name = &self.name;
            anyhow!("the keeper of lab {name} has died: `everbeat lab down {name}` clears the rest")
        })?;
        stream.set_read_timeout(Some(ANSWER_TIME))?;
        Ok(stream)
    }

    pub(super) fn ask(&self, request: &Request) -> Result<(Reply, Option<OwnedFd>)> {
        let mut stream = self.connect()?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let silent = || format!("the keeper of lab {} does not answer", self.name);
        let mut buffer = [0; 4096];
        let (count, fd) = sys::scm::receive_with_fd(&stream, &mut buffer).with_context(silent)?;
        let line = read_line(&mut stream, buffer[..count].to_vec()).with_context(silent)?;
        let reply: Reply = serde_json::from_slice(&line)?;
        match reply.error {
            Some(error) => Err(anyhow!("{error}")),
            None => Ok((reply, fd)),
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.lifeline.is_some() {
            let _ = self.end();
        }
    }
}

/// The keeper's number in our PID namespace, whatever it is in its own.
fn keeper_pid(stream: &UnixStream) -> Result<Pid> {
    let credentials = getsockopt(stream, PeerCredentials).context("can't see the keeper")?;
    Ok(Pid::from_raw(credentials.pid()))
}

fn ends_within(pidfd: &OwnedFd, time: Duration) -> Result<bool> {
    let mut fds = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    Ok(poll(&mut fds, timeout)? > 0)
}

/// A host of a lab.
#[derive(Debug)]
pub struct HostRef<'a> {
    lab: &'a Lab,
    name: String,
}

impl HostRef<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command on the host, as root there; it ends with the process that runs it.
    ///
    /// Its exit status is the program's, 128 and the signal's number, 127 for a program that
    /// isn't there, 125 for a host that is off. The working folder is /.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.run("sh", program.as_ref())
    }

    /// A command that stays when this process ends: a daemon. The command comes back as soon
    /// as it is started, with 0; output goes to /var/log/lab-bg.log on the host.
    pub fn background(&self, program: impl AsRef<OsStr>) -> Command {
        self.run("bg", program.as_ref())
    }

    fn run(&self, verb: &str, program: &OsStr) -> Command {
        let mut command = Command::new(&self.lab.place.program);
        command.arg("lab").arg("--root").arg(&self.lab.place.root);
        command
            .args([verb, &self.lab.name, &self.name, "--"])
            .arg(program);
        command
    }

    /// Power off, at once.
    pub fn kill(&self) -> Result<()> {
        let host = self.name.clone();
        self.lab.ask(&Request::Kill { host }).map(drop)
    }

    /// Power on, with the disks as they were.
    pub fn boot(&self) -> Result<()> {
        let host = self.name.clone();
        self.lab.ask(&Request::Boot { host }).map(drop)
    }

    /// Unplugs the cable of eth`port`.
    pub fn cut(&self, port: usize) -> Result<()> {
        self.cable(port, false)
    }

    /// Plugs the cable of eth`port` in again.
    pub fn join(&self, port: usize) -> Result<()> {
        self.cable(port, true)
    }

    fn cable(&self, port: usize, plugged: bool) -> Result<()> {
        let host = self.name.clone();
        let request = Request::Cable {
            host,
            port,
            plugged,
        };
        self.lab.ask(&request).map(drop)
    }

    /// Drops `percent` of what comes in, on all interfaces; 0 drops nothing.
    pub fn loss(&self, percent: u8) -> Result<()> {
        let host = self.name.clone();
        self.lab.ask(&Request::Loss { host, percent }).map(drop)
    }

    /// A descriptor of the host's init, and whether the lab has a user namespace.
    pub(super) fn init(&self) -> Result<(OwnedFd, bool)> {
        let host = self.name.clone();
        let (reply, fd) = self.lab.ask(&Request::Enter { host })?;
        let fd = fd.context("the keeper sent no descriptor")?;
        Ok((fd, reply.user_namespace))
    }

    /// Where a file of the host is seen from outside: any file while the host is on; what is
    /// on its disk (/var/log, /etc/ha.d and so on) while it is off.
    pub fn path(&self, inside: impl AsRef<Path>) -> Result<PathBuf> {
        let inside = inside.as_ref();
        let inside = inside.strip_prefix("/").unwrap_or(inside);
        if let Ok((pidfd, _)) = self.init() {
            let pid = pid_of(&pidfd)?;
            return Ok(PathBuf::from(format!("/proc/{pid}/root")).join(inside));
        }
        let keeper = keeper_pid(&self.lab.connect()?)?;
        let files = self.lab.folder().join(keeper::FILES);
        let (_, disk) = host::paths(&files, &self.name);
        let disk = disk.strip_prefix("/")?;
        Ok(PathBuf::from(format!("/proc/{keeper}/root"))
            .join(disk)
            .join(inside))
    }

    /// Reads a file of the host, see [`HostRef::path`].
    pub fn read(&self, inside: impl AsRef<Path>) -> Result<String> {
        let bytes = fs::read(self.path(inside.as_ref())?)
            .with_context(|| format!("{}: {}", self.name, inside.as_ref().display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes a file of the host, folders on the way included.
    pub fn write(&self, inside: impl AsRef<Path>, bytes: &[u8], mode: u32) -> Result<()> {
        let path = self.path(inside.as_ref())?;
        let put = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, bytes)?;
            super::disk::set_mode(&path, mode)
        };
        put().with_context(|| format!("{}: {}", self.name, inside.as_ref().display()))
    }
}

/// The number, in our PID namespace, of the process that a descriptor stands for.
fn pid_of(pidfd: &OwnedFd) -> Result<u32> {
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    let pid = about.lines().find_map(|line| line.strip_prefix("Pid:"));
    let pid = pid.and_then(|text| text.trim().parse().ok());
    pid.context("the host has just gone off")
}
