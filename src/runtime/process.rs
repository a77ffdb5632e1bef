//! Runs a program: bounded time, bounded output, its whole process group or nothing.
//!
//! Called by everything that starts a child to its end: resource scripts, OCF agents, fence
//! agents. A child becomes the leader of its own process group; when its time is over the group
//! gets SIGTERM, after the grace SIGKILL. Output is read while the program runs and stops with
//! it: a daemon that a script leaves behind keeps the pipe open, so end of file is never awaited.

mod capture;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

use capture::{Capture, Pipe};

/// Time between SIGTERM and SIGKILL unless [`Process::grace`] says otherwise.
pub const GRACE: Duration = Duration::from_secs(5);

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of output, without its line end; what is no UTF-8 is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it came from.
    pub stream: Stream,
    /// The text.
    pub text: String,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit code.
    Exited(i32),
    /// By this signal, that we did not send.
    Signalled(i32),
    /// Its time was over and its group was ended by us.
    TimedOut,
}

impl Ending {
    /// True for exit code 0.
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }

    /// The code a shell would give: 128 + signal, 124 for a time-out as timeout(1) has it.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Signalled(signal) => 128 + signal,
            Self::TimedOut => 124,
        }
    }
}

impl From<ExitStatus> for Ending {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, signal) => Self::Signalled(signal.unwrap_or(0)),
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(signal) => write!(f, "signal {signal}"),
            Self::TimedOut => f.write_str("time-out"),
        }
    }
}

/// What came of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub ending: Ending,
    /// Its output in the order it arrived, the first 64 KiB of it.
    pub lines: Vec<Line>,
    /// Bytes of output that were read and not kept.
    pub dropped_bytes: u64,
    /// From start to end.
    pub duration: Duration,
}

impl Finished {
    /// The lines of one stream, joined by newlines.
    pub fn text(&self, stream: Stream) -> String {
        let lines = self.lines.iter().filter(|line| line.stream == stream);
        lines
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Called with each line as it arrives, also with those that are not kept.
pub type Watch<'a> = Box<dyn FnMut(&Line) + Send + 'a>;

/// Called once with the number of the process, as soon as it is there.
pub type Started<'a> = Box<dyn FnOnce(u32) + Send + 'a>;

/// A program about to run.
pub struct Process<'a> {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    env_clear: bool,
    input: Option<Vec<u8>>,
    timeout: Option<Duration>,
    grace: Duration,
    watch: Option<Watch<'a>>,
    started: Option<Started<'a>>,
    user: Option<(u32, u32)>,
}

impl<'a> Process<'a> {
    /// A program with no argument, our environment, nothing to read and all the time it wants.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            env_clear: false,
            input: None,
            timeout: None,
            grace: GRACE,
            watch: None,
            started: None,
            user: None,
        }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Starts from an empty environment instead of ours.
    pub fn env_clear(mut self) -> Self {
        self.env_clear = true;
        self
    }

    /// Sets variables.
    pub fn envs<K, V>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let vars = vars.into_iter();
        self.env
            .extend(vars.map(|(k, v)| (k.as_ref().to_owned(), Some(v.as_ref().to_owned()))));
        self
    }

    /// Takes a variable of ours away.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// Gives the program this on standard input; without it, it reads /dev/null.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Ends the group after this time.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Time between SIGTERM and SIGKILL.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Runs it as this user and group, without other groups.
    pub fn user(mut self, user: impl Into<Option<(u32, u32)>>) -> Self {
        self.user = user.into();
        self
    }

    /// Shows each line as it arrives.
    pub fn watch(mut self, watch: impl FnMut(&Line) + Send + 'a) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Tells the number of the process, which is that of its group, too.
    pub fn started(mut self, started: impl FnOnce(u32) + Send + 'a) -> Self {
        self.started = Some(Box::new(started));
        self
    }

    /// Runs it to its end. Dropping the future kills the group.
    ///
    /// Errors: the program can't be started (not there, not executable, no process left).
    pub async fn run(mut self) -> io::Result<Finished> {
        let started = Instant::now();
        let mut child = self.spawn().await?;
        let mut group = Group::of(&child);
        if let (Some(started), Some(pid)) = (self.started.take(), child.id()) {
            started(pid);
        }
        let mut capture = Capture::new(self.watch.take());
        let mut stdout = child.stdout.take().map(Pipe::new);
        let mut stderr = child.stderr.take().map(Pipe::new);
        let feed = feed(child.stdin.take(), self.input.take());
        tokio::pin!(feed);
        let mut fed = false;
        let mut stage = Stage::Running;
        let mut wake = self.timeout.map(|timeout| started + timeout);
        let ending = loop {
            tokio::select! {
                // Output can't starve the time-out, and lines keep the order of the streams.
                biased;
                () = sleep_until(wake), if wake.is_some() => {
                    stage = group.press(stage);
                    wake = (stage != Stage::Lost).then(|| Instant::now() + self.grace);
                    if stage == Stage::Lost {
                        break Ending::TimedOut;
                    }
                }
                status = child.wait() => break Ending::from(status?),
                count = capture::read(&mut stdout) => {
                    capture::received(&mut stdout, count, &mut capture, Stream::Stdout);
                }
                count = capture::read(&mut stderr) => {
                    capture::received(&mut stderr, count, &mut capture, Stream::Stderr);
                }
                () = &mut feed, if !fed => fed = true,
            }
        };
        capture::drain(stdout, &mut capture, Stream::Stdout);
        capture::drain(stderr, &mut capture, Stream::Stderr);
        let ending = group.leave(stage, ending);
        let (lines, dropped_bytes) = capture.finish();
        Ok(Finished {
            ending,
            lines,
            dropped_bytes,
            duration: started.elapsed(),
        })
    }

    /// Starts the child. A script without `#!` is given to /bin/sh, as a shell would; a file that
    /// is still being written by a child of another fork is tried again.
    async fn spawn(&self) -> io::Result<Child> {
        let mut tries = 0;
        let mut interpreted = false;
        loop {
            let failure = match self.command(interpreted).spawn() {
                Ok(child) => return Ok(child),
                Err(failure) => failure,
            };
            match failure.raw_os_error().map(Errno::from_raw) {
                Some(Errno::ENOEXEC) if !interpreted => interpreted = true,
                Some(Errno::ETXTBSY) if tries < 10 => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                _ => return Err(failure),
            }
        }
    }

    fn command(&self, interpreted: bool) -> Command {
        let mut command = if interpreted {
            let mut shell = Command::new("/bin/sh");
            shell.arg(&self.program);
            shell
        } else {
            Command::new(&self.program)
        };
        command
            .args(&self.args)
            .process_group(0)
            .stdin(
                self.input
                    .as_ref()
                    .map_or_else(Stdio::null, |_| Stdio::piped()),
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        if self.env_clear {
            command.env_clear();
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

/// Looks a program up in the folders of `PATH`; a name with a slash is taken as it is.
pub fn find(name: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        use std::os::unix::fs::PermissionsExt;
        path.metadata()
            .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| is_program(path));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Writes the input; a program that does not read it is its own affair.
async fn feed(stdin: Option<ChildStdin>, input: Option<Vec<u8>>) {
    if let (Some(mut stdin), Some(input)) = (stdin, input) {
        let _ = stdin.write_all(&input).await;
    }
}

/// How far the end by force has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    /// SIGTERM sent.
    Asked,
    /// SIGKILL sent.
    Killed,
    /// Still there after SIGKILL: in an uninterruptible system call. It stays to the kernel.
    Lost,
}

/// A child's process group; it is killed when the caller loses interest.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.map(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // ESRCH: all gone already.
            let _ = killpg(group, signal);
        }
    }

    /// The next step of the end by force.
    fn press(&self, stage: Stage) -> Stage {
        match stage {
            Stage::Running => {
                self.signal(Signal::SIGTERM);
                Stage::Asked
            }
            Stage::Asked => {
                self.signal(Signal::SIGKILL);
                Stage::Killed
            }
            Stage::Killed | Stage::Lost => Stage::Lost,
        }
    }

    /// The child has ended: what is left of a group that was timed out ends with it, what a
    /// program left behind on purpose stays.
    fn leave(&mut self, stage: Stage, ending: Ending) -> Ending {
        if stage != Stage::Running {
            self.signal(Signal::SIGKILL);
        }
        self.0 = None;
        if stage == Stage::Running {
            ending
        } else {
            Ending::TimedOut
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests;
