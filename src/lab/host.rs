//! A host as its keeper sees it: boots it, kills it, plugs its cables.

use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};

use super::init::Boot;
use super::network::{self, Cable};
use super::ps;
use super::request::{PortState, Process};
use super::spec::HostSpec;
use crate::sys;

/// A host takes some 50 ms to boot; a machine under heavy load gets this long.
const BOOT_TIME: Duration = Duration::from_secs(20);

/// Killed processes end at once, but for one that waits for a disk.
const DEATH_TIME: Duration = Duration::from_secs(10);

/// One host of a lab.
#[derive(Debug)]
pub struct Host {
    /// What it was described as.
    pub spec: HostSpec,
    number: usize,
    boot: Boot,
    plugged: Vec<bool>,
    loss: u8,
    init: Option<Child>,
    /// Inits that were killed, and not gathered yet.
    dying: Vec<Child>,
}

impl Host {
    /// A host without power.
    pub fn new(number: usize, spec: HostSpec, boot: Boot) -> Self {
        Self {
            number,
            boot,
            plugged: vec![true; spec.ports.len()],
            loss: 0,
            init: None,
            dying: Vec::new(),
            spec,
        }
    }

    /// Number of its init in the keeper's PID namespace, while the power is on.
    pub fn init_pid(&self) -> Option<u32> {
        self.init.as_ref().map(Child::id)
    }

    /// A descriptor of its init.
    pub fn pidfd(&self) -> Result<OwnedFd> {
        let name = &self.spec.name;
        let Some(pid) = self.init_pid() else {
            bail!("{name} is powered off; `everbeat lab boot` powers it on");
        };
        sys::pidfd::open(pid).with_context(|| format!("can't get hold of {name}"))
    }

    /// Power on; one that is on already stays as it is.
    pub fn boot(&mut self, program: &Path) -> Result<()> {
        if self.init.is_some() {
            return Ok(());
        }
        let mut init = spawn_first_process(program)?;
        let booted = self.talk_through_boot(&mut init);
        self.init = Some(init);
        let name = self.spec.name.clone();
        booted
            .and_then(|()| self.apply_loss())
            .inspect_err(|_| drop(self.kill()))
            .with_context(|| format!("host {name} did not boot"))
    }

    fn talk_through_boot(&self, init: &mut Child) -> Result<()> {
        let mut to = init.stdin.take().context("init has no input")?;
        let mut from = Lines::new(init.stdout.take().context("init has no output")?.into());
        let order = serde_json::to_string(&self.boot)?;
        to.write_all(order.as_bytes())?;
        to.write_all(b"\n")?;
        from.expect("names")?;
        for port in 0..self.spec.ports.len() {
            network::connect(self.cable(port), init.id(), self.plugged[port])?;
        }
        to.write_all(b"go\n")?;
        from.expect("ready")
    }

    /// Power off: the kernel kills every process on the host with its init; when this returns
    /// they are dead, and what the host had on the network is gone.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut init) = self.init.take() else {
            return Ok(());
        };
        let namespace = ps::namespace_of(init.id());
        init.kill()?;
        // Without this the kernel would answer pings until the namespace is torn down.
        for port in 0..self.spec.ports.len() {
            network::disconnect(self.cable(port))?;
        }
        let end = Instant::now() + DEATH_TIME;
        while init.try_wait()?.is_none() {
            // An init is kept until each dead process has been gathered by its parent, which
            // may be a process outside of the lab.
            let alive = namespace
                .as_ref()
                .is_some_and(|n| ps::any_alive(n, init.id()));
            if !alive {
                self.dying.push(init);
                return Ok(());
            }
            if Instant::now() > end {
                bail!("processes of {} can't be killed", self.spec.name);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Sees whether the host went off by itself; `true` if it asked to be started again, as
    /// reboot(2) does.
    pub fn notice_end(&mut self) -> Result<bool> {
        use std::os::unix::process::ExitStatusExt;
        self.dying
            .retain_mut(|init| matches!(init.try_wait(), Ok(None)));
        let Some(init) = &mut self.init else {
            return Ok(false);
        };
        let Some(status) = init.try_wait()? else {
            return Ok(false);
        };
        self.init = None;
        for port in 0..self.spec.ports.len() {
            network::disconnect(self.cable(port))?;
        }
        // Source: Linux kernel/pid_namespace.c, reboot_pid_ns.
        Ok(status.signal() == Some(nix::libc::SIGHUP))
    }

    /// Plugs or unplugs the cable of an interface; it stays so over a boot.
    pub fn set_plugged(&mut self, port: usize, plugged: bool) -> Result<()> {
        let Some(state) = self.plugged.get_mut(port) else {
            bail!("{} has no eth{port}", self.spec.name);
        };
        *state = plugged;
        match self.init {
            Some(_) => network::plug(self.cable(port), plugged),
            None => Ok(()),
        }
    }

    /// Drops a share of incoming packets; it stays so over a boot.
    pub fn set_loss(&mut self, percent: u8) -> Result<()> {
        if percent > 100 {
            bail!("a loss of {percent} %: write 0 to 100");
        }
        let before = std::mem::replace(&mut self.loss, percent);
        let clear = before != 0 && self.init.is_some();
        if clear {
            self.nft("delete table inet lab")?;
        }
        self.apply_loss()
    }

    fn apply_loss(&self) -> Result<()> {
        match (self.loss, &self.init) {
            (0, _) | (_, None) => Ok(()),
            (percent, _) => self.nft(&format!(
                "add table inet lab; \
                 add chain inet lab in {{ type filter hook input priority 0; }}; \
                 add rule inet lab in iifname != lo numgen random mod 100 < {percent} drop"
            )),
        }
    }

    /// Runs nft in the host's network namespace, with the machine's files.
    fn nft(&self, rules: &str) -> Result<()> {
        let mut nft = Command::new("nft");
        nft.arg(rules)
            .stdin(Stdio::null())
            .env("PATH", super::path_variable(None));
        sys::child::enter(&mut nft, self.pidfd()?, CloneFlags::CLONE_NEWNET);
        let output = nft
            .output()
            .context("can't run nft: install the package nftables")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            bail!("nft refuses the rule that drops packets: {}", text.trim());
        }
        Ok(())
    }

    fn cable(&self, port: usize) -> Cable {
        Cable {
            host: self.number,
            port,
        }
    }

    /// Its interfaces.
    pub fn ports(&self) -> Vec<PortState> {
        let ports = self.spec.ports.iter().zip(&self.plugged).enumerate();
        ports
            .map(|(n, (addresses, &plugged))| PortState {
                name: format!("eth{n}"),
                addresses: addresses.iter().map(ToString::to_string).collect(),
                plugged,
            })
            .collect()
    }

    /// Share of incoming packets that is dropped, percent.
    pub fn loss(&self) -> u8 {
        self.loss
    }

    /// Its processes but for init, oldest first.
    pub fn processes(&self) -> Vec<Process> {
        match self.init_pid() {
            Some(init) => ps::processes(init),
            None => Vec::new(),
        }
    }
}

/// Starts `program` as the first process of a new PID namespace.
fn spawn_first_process(program: &Path) -> Result<Child> {
    let own = fs::File::open("/proc/self/ns/pid").context("can't open our own PID namespace")?;
    unshare(CloneFlags::CLONE_NEWPID).context("can't make a PID namespace")?;
    let child = Command::new(program)
        .args(["lab", "init"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("can't start init");
    // What we start later belongs to us again, not to the host.
    setns(own.as_fd(), CloneFlags::CLONE_NEWPID).context("can't come back to our names")?;
    child
}

/// Lines of a pipe, each within [`BOOT_TIME`].
struct Lines {
    from: fs::File,
    pending: VecDeque<u8>,
}

impl Lines {
    fn new(fd: OwnedFd) -> Self {
        Self {
            from: fd.into(),
            pending: VecDeque::new(),
        }
    }

    /// Reads a line, which has to be `wanted`.
    fn expect(&mut self, wanted: &str) -> Result<()> {
        let line = self.next()?;
        match line.strip_prefix("error: ") {
            Some(error) => bail!("{error}"),
            None if line == wanted => Ok(()),
            None => bail!("init said {line:?} where {wanted:?} was due"),
        }
    }

    fn next(&mut self) -> Result<String> {
        let end = Instant::now() + BOOT_TIME;
        loop {
            if let Some(at) = self.pending.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=at).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            let left = end.saturating_duration_since(Instant::now()).as_millis();
            let mut fds = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            if poll(&mut fds, timeout)? == 0 {
                bail!("it was silent for {} s", BOOT_TIME.as_secs());
            }
            let mut buffer = [0; 4096];
            match self.from.read(&mut buffer)? {
                0 => bail!("its init ended"),
                n => self.pending.extend(&buffer[..n]),
            }
        }
    }
}

/// Paths of a host's files in the lab's file system.
pub fn paths(files: &Path, name: &str) -> (PathBuf, PathBuf) {
    let folder = files.join("hosts").join(name);
    (folder.join("root"), folder.join("disk"))
}
