//! The keeper of a lab: first process of the lab's own PID namespace, and its switches.
//!
//! With it the kernel ends everything the lab has: hosts are PID namespaces below its own,
//! their disks a file system in memory that only it and they have mounted, their cables lead
//! to bridges of its network namespace. It answers [`Request`]s on a local socket, and presses
//! of the power switch on another one that hosts see.

use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::birth::Birth;
use super::host::Host;
use super::request::{HostState, Reply, Request, read_line};
use super::serial::Cables;
use super::{disk, host, init, network, power, root};
use crate::sys;

/// A client that is slower than this is left alone.
const CLIENT_TIME: Duration = Duration::from_secs(2);

/// A lab, from the inside.
pub struct Keeper {
    folder: PathBuf,
    program: PathBuf,
    user_namespace: bool,
    hosts: Vec<Host>,
    serial: Cables,
}

impl Keeper {
    /// Makes the lab that `birth` describes, all hosts booted.
    ///
    /// Errors: the first thing that can't be made; the caller ends the process then, and the
    /// kernel all that had been made.
    pub fn make(folder: &Path, birth: &Birth) -> Result<(Self, Vec<PathBuf>)> {
        root::make_private()?;
        let files = folder.join(FILES);
        root::tmpfs(&files, "mode=0755")?;
        root::proc(Path::new("/proc"))?;
        let program = lay_out_lab_folder(&files)?;
        let spec = &birth.spec;
        let switches = spec.hosts.iter().map(|h| h.ports.len()).max();
        network::make_switches(switches.unwrap_or(0))?;
        let serial = Cables::make(&spec.serial)?;
        let mut keeper = Self {
            folder: folder.to_owned(),
            program,
            user_namespace: birth.user_namespace,
            hosts: Vec::new(),
            serial,
        };
        let mut unread = Vec::new();
        for (number, host) in spec.hosts.iter().enumerate() {
            let (root, disk) = host::paths(&files, &host.name);
            fs::create_dir_all(&root)?;
            fs::create_dir_all(&disk)?;
            unread.extend(disk::make(&disk, host, spec)?);
            let boot = init::Boot {
                name: host.name.clone(),
                ports: host.ports.clone(),
                root,
                disk,
                lab: files.join("lab"),
                hidden: files.clone(),
                serial: keeper.serial.devices_of(&host.name),
            };
            keeper.hosts.push(Host::new(number, host.clone(), boot));
        }
        for host in &mut keeper.hosts {
            host.boot(&keeper.program)?;
        }
        unread.sort();
        unread.dedup();
        Ok((keeper, unread))
    }

    /// Serves until the lab is to end: asked to, by SIGTERM, or because `owner` is closed at
    /// its other end.
    pub fn serve(
        &mut self,
        control: &UnixListener,
        power: &UnixListener,
        owner: Option<&fs::File>,
    ) -> Result<()> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGCHLD);
        signals.add(Signal::SIGTERM);
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), None)?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK)?;
        loop {
            let mut fds = vec![
                PollFd::new(control.as_fd(), PollFlags::POLLIN),
                PollFd::new(power.as_fd(), PollFlags::POLLIN),
                PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            ];
            fds.extend(owner.map(|o| PollFd::new(o.as_fd(), PollFlags::POLLIN)));
            let cables = fds.len();
            fds.extend(self.serial.poll_fds());
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                result => result.context("poll")?,
            };
            let ready: Vec<bool> = fds.iter().map(|f| f.any() == Some(true)).collect();
            drop(fds);
            self.serial.relay(&ready[cables..]);
            if ready[2] && self.take_signals(&signals)? {
                return Ok(());
            }
            if ready[1] {
                self.answer_press(power);
            }
            if ready[0] && self.answer(control) {
                return Ok(());
            }
            if owner.is_some() && ready[3] {
                return Ok(());
            }
        }
    }

    /// `true` on SIGTERM.
    fn take_signals(&mut self, signals: &SignalFd) -> Result<bool> {
        while let Some(signal) = signals.read_signal()? {
            if signal.ssi_signo == Signal::SIGTERM as u32 {
                return Ok(true);
            }
        }
        for host in &mut self.hosts {
            if host.notice_end()? {
                host.boot(&self.program)?;
            }
        }
        Ok(false)
    }

    /// Answers one request; `true` if it was to end the lab.
    fn answer(&mut self, control: &UnixListener) -> bool {
        let Ok(mut client) = accept(control) else {
            return false;
        };
        let Ok(line) = read_line(&mut client, Vec::new()) else {
            return false;
        };
        let request: Request = match serde_json::from_slice(&line) {
            Ok(request) => request,
            Err(error) => {
                let reply = Reply {
                    error: Some(format!("no such request: {error}")),
                    ..Reply::default()
                };
                send(&client, &reply, None);
                return false;
            }
        };
        let down = request == Request::Down;
        if down {
            self.end();
        }
        match self.carry_out(request) {
            Ok((reply, fd)) => send(&client, &reply, fd),
            Err(error) => {
                let reply = Reply {
                    error: Some(format!("{error:#}")),
                    ..Reply::default()
                };
                send(&client, &reply, None);
            }
        }
        down
    }

    fn carry_out(&mut self, request: Request) -> Result<(Reply, Option<std::os::fd::OwnedFd>)> {
        let mut reply = Reply {
            user_namespace: self.user_namespace,
            ..Reply::default()
        };
        let mut fd = None;
        match request {
            Request::Enter { host } => fd = Some(self.host(&host)?.pidfd()?),
            Request::Kill { host } => self.power_off(&host)?,
            Request::Boot { host } => self.power_on(&host)?,
            Request::Cable {
                host,
                port,
                plugged,
            } => self.host(&host)?.set_plugged(port, plugged)?,
            Request::Loss { host, percent } => self.host(&host)?.set_loss(percent)?,
            Request::Ps => reply.hosts = self.hosts.iter().map(state).collect(),
            Request::Down => {}
        }
        Ok((reply, fd))
    }

    fn answer_press(&mut self, power: &UnixListener) {
        let Ok(mut client) = accept(power) else {
            return;
        };
        let Ok(line) = read_line(&mut client, Vec::new()) else {
            return;
        };
        let answer = match power::Press::parse(&String::from_utf8_lossy(&line)) {
            Ok(press) => self.press(&press),
            Err(error) => Err(error),
        };
        let text = match answer {
            Ok(text) => text.to_owned(),
            Err(error) => format!("error: {error:#}"),
        };
        // Whoever pressed may have been on the host that is off now.
        let _ = client.write_all(format!("{text}\n").as_bytes());
    }

    fn press(&mut self, press: &power::Press) -> Result<&'static str> {
        let name = press.host.as_str();
        match press.button {
            power::Button::Status => {}
            power::Button::Off => self.power_off(name)?,
            power::Button::On => self.power_on(name)?,
            power::Button::Reboot => {
                self.power_off(name)?;
                self.power_on(name)?;
            }
        }
        let on = self.host(name)?.init_pid().is_some();
        Ok(if on { "on" } else { "off" })
    }

    fn power_off(&mut self, name: &str) -> Result<()> {
        self.serial.forget_unread(name);
        self.host(name)?.kill()
    }

    fn power_on(&mut self, name: &str) -> Result<()> {
        let program = self.program.clone();
        self.host(name)?.boot(&program)
    }

    fn host(&mut self, name: &str) -> Result<&mut Host> {
        if let Some(n) = self.hosts.iter().position(|h| h.spec.name == name) {
            return Ok(&mut self.hosts[n]);
        }
        let names: Vec<&str> = self.hosts.iter().map(|h| h.spec.name.as_str()).collect();
        bail!("there is no host {name:?}; there are {}", names.join(", "))
    }

    /// Kills all hosts and takes the lab's files away.
    pub fn end(&mut self) {
        for host in &mut self.hosts {
            // What stays is ended by the kernel together with this process.
            let _ = host.kill();
        }
        let _ = umount2(&self.folder.join(FILES), MntFlags::MNT_DETACH);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Folder of the lab's file system, below the lab's folder.
pub const FILES: &str = "files";

/// Makes the folder that hosts see as [`root::LAB_FOLDER`]; gives the path of this program.
fn lay_out_lab_folder(files: &Path) -> Result<PathBuf> {
    let bin = files.join("lab/bin");
    fs::create_dir_all(&bin)?;
    let program = bin.join("everbeat");
    fs::File::create(&program)?;
    let this = fs::read_link("/proc/self/exe").context("can't find this program's own file")?;
    root::bind(&this, &program)?;
    Ok(program)
}

fn state(host: &Host) -> HostState {
    HostState {
        name: host.spec.name.clone(),
        on: host.init_pid().is_some(),
        ports: host.ports(),
        loss: host.loss(),
        processes: host.processes(),
    }
}

fn accept(listener: &UnixListener) -> std::io::Result<UnixStream> {
    let (client, _) = listener.accept()?;
    client.set_read_timeout(Some(CLIENT_TIME))?;
    client.set_write_timeout(Some(CLIENT_TIME))?;
    Ok(client)
}

/// A client that has gone meanwhile misses its answer; that's all.
fn send(client: &UnixStream, reply: &Reply, fd: Option<std::os::fd::OwnedFd>) {
    let Ok(mut line) = serde_json::to_vec(reply) else {
        return;
    };
    line.push(b'\n');
    let mut stream = client;
    let _ = match fd {
        Some(fd) => sys::scm::send_with_fd(client, &line, fd.as_fd()).map(drop),
        None => stream.write_all(&line),
    };
}
