//! The status again and again: on the screen, in a file, or one text after the other; and a
//! program that is told what happens.
//!
//! ```text
//!  connect --> show --> wait: a change | a key | a signal | the interval --> show ...
//!     ^                                                 the cluster is gone --+
//!     +-----------------------------------------------------------------------+
//! ```

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::events::{self, Runs};
use super::keys::{self, Pressed};
use super::request::{Form, Request};
use super::screen::Screen;
use super::status;
use crate::cib::Document;
use crate::cli::crm::live::Live;
use crate::cli::crm::{Session, code, session::ConnectError};
use crate::runtime::pidfile::PidFile;
use crate::scheduler::report::FenceEvent;

/// Changes may come in great numbers: no more often than this is anything shown.
const SHOWN_EVERY: Duration = Duration::from_millis(500);

const WAITING: &str = "Waiting until cluster is available on this node ...";

/// Why the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// It is time to look again.
    Look,
    /// The daemon has something to say.
    Told,
    /// The screen has to be drawn again.
    Draw,
    /// The keys are to be shown until the next one.
    Help,
    /// The end.
    Quit,
}

/// What is kept from one look to the next.
struct Follower<'a> {
    request: &'a mut Request,
    called: &'a str,
    screen: Option<Screen>,
    signals: SignalFd,
    runs: Option<Runs>,
    /// The state that was looked at last.
    last: Option<Document>,
    /// What had been fenced then, if the program is told of it.
    fenced: Option<Vec<FenceEvent>>,
    /// Whether it was said that there is no cluster.
    told: bool,
    /// What was said beside the status.
    noted: Vec<String>,
}

/// Follows the cluster until it is ended; the exit code.
pub(super) fn follow(request: &mut Request, called: &str) -> u8 {
    let pid_file = match &request.daemon {
        Some(daemon) => match detach(daemon.pid_file.as_deref()) {
            Ok(pid_file) => pid_file,
            Err(text) => {
                eprintln!("crm_mon: {text}");
                return code::ERROR;
            }
        },
        None => None,
    };
    let done = Follower::new(request, called).and_then(|mut follower| follower.run());
    // A number that nobody has any more does no harm.
    let _ = pid_file.map(PidFile::remove);
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("crm_mon: {error}");
            code::OSERR
        }
    }
}

/// Goes into the background.
fn detach(pid_file: Option<&str>) -> Result<Option<PidFile>, String> {
    // The folder stays: the names of files may be relative.
    nix::unistd::daemon(true, false).map_err(|error| error.to_string())?;
    let Some(path) = pid_file else {
        return Ok(None);
    };
    let mut claimed = PidFile::claim(path.as_ref()).map_err(|error| error.to_string())?;
    claimed
        .publish()
        .map_err(|error| format!("{path}: {error}"))?;
    Ok(Some(claimed))
}

impl<'a> Follower<'a> {
    fn new(request: &'a mut Request, called: &'a str) -> io::Result<Self> {
        let mut signals = SigSet::empty();
        for signal in [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGWINCH,
            Signal::SIGCHLD,
        ] {
            signals.add(signal);
        }
        signals.thread_block()?;
        let on_screen = request.form == Form::Text
            && request.to.is_none()
            && request.console
            && request.daemon.is_none()
            && io::stdout().is_terminal()
            && io::stdin().is_terminal();
        Ok(Self {
            screen: on_screen.then(Screen::open).transpose()?,
            signals: SignalFd::with_flags(
                &signals,
                SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC,
            )?,
            runs: request.agent.clone().map(Runs::of),
            last: None,
            fenced: None,
            told: false,
            noted: Vec::new(),
            request,
            called,
        })
    }

    fn run(&mut self) -> io::Result<u8> {
        loop {
            match Session::open() {
                Ok(session) => {
                    if let Some(code) = self.connected(session)? {
                        return Ok(code);
                    }
                }
                Err(ConnectError::NotConnected) => {
                    self.say(WAITING)?;
                    if self.pause(self.request.every(), None)? == Woken::Quit {
                        return Ok(code::OK);
                    }
                }
                Err(error) => {
                    self.screen = None;
                    return Ok(status::unconnected(self.request, self.called, &error));
                }
            }
        }
    }

    /// Shows what a cluster has until it is gone; an exit code if that is the end.
    fn connected(&mut self, mut session: Session) -> io::Result<Option<u8>> {
        self.told = false;
        if session.live().is_none_or(|live| live.subscribe().is_err()) {
            return Ok(None);
        }
        let mut shown = Instant::now();
        let mut news = false;
        self.look(&mut session)?;
        loop {
            let every = if news {
                SHOWN_EVERY
            } else {
                self.request.every()
            };
            let due = every.saturating_sub(shown.elapsed());
            // What changed is told once until the CIB is asked for.
            let live = session.live().filter(|_| !news);
            match self.pause(due, live.map(|live| &*live))? {
                Woken::Quit => return Ok(Some(code::OK)),
                Woken::Draw => self.show(&mut session)?,
                Woken::Help => {
                    let help = keys::help(&self.request.show);
                    self.draw(&help)?;
                    match self.pause(Duration::MAX, None)? {
                        Woken::Quit => return Ok(Some(code::OK)),
                        _ => self.show(&mut session)?,
                    }
                }
                Woken::Told => match session.live().map(|live| live.wait_changed(Duration::ZERO)) {
                    Some(Ok(changed)) => news |= changed,
                    _ => return Ok(None),
                },
                Woken::Look => {
                    if session.refresh().is_err() {
                        return Ok(None);
                    }
                    (shown, news) = (Instant::now(), false);
                    self.look(&mut session)?;
                }
            }
        }
    }

    /// Tells the program what happened since the last time, and shows the status.
    fn look(&mut self, session: &mut Session) -> io::Result<()> {
        if let (Some(runs), Some(last)) = (&mut self.runs, &self.last) {
            runs.tell(&events::between(last, session.doc()));
        }
        if let Some(runs) = &mut self.runs
            && self.request.watches_fencing
            && let Ok(fenced) = status::fencing(session)
        {
            if let Some(last) = &self.fenced {
                runs.tell(&events::fencings(last, &fenced));
            }
            self.fenced = Some(fenced);
        }
        self.last = Some(session.doc().clone());
        self.show(session)
    }

    fn show(&mut self, session: &mut Session) -> io::Result<()> {
        if self.request.is_silent() {
            return Ok(());
        }
        match status::moment(self.request, self.called, session) {
            Ok(moment) if self.screen.is_some() => {
                let notes = moment.notes.iter().map(|note| format!("\n{note}\n"));
                self.draw(&(moment.text + &notes.collect::<String>()))
            }
            Ok(moment) => {
                self.note(moment.notes);
                match status::write(self.request, &moment.text) {
                    code::OK => Ok(()),
                    _ => Err(io::Error::other("the status can't be written any more")),
                }
            }
            Err(error) => self.say(&error.to_string()),
        }
    }

    /// Says what is to be said beside the status, when it is another than the last time.
    fn note(&mut self, notes: Vec<String>) {
        if notes != self.noted {
            notes.iter().for_each(|note| eprintln!("{note}"));
            self.noted = notes;
        }
    }

    /// A line in place of the status; once only where nothing replaces it.
    fn say(&mut self, text: &str) -> io::Result<()> {
        if self.screen.is_some() {
            return self.draw(text);
        }
        if !std::mem::replace(&mut self.told, true) && self.request.daemon.is_none() {
            eprintln!("crm_mon: {text}");
        }
        Ok(())
    }

    fn draw(&mut self, text: &str) -> io::Result<()> {
        self.screen
            .as_mut()
            .map_or(Ok(()), |screen| screen.draw(text))
    }

    /// Waits for a key, a signal, the daemon or the time.
    fn pause(&mut self, at_most: Duration, live: Option<&Live>) -> io::Result<Woken> {
        if live.is_some_and(Live::has_changed) {
            return Ok(Woken::Told);
        }
        let end = Instant::now().checked_add(at_most);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let timeout = left.map_or(PollTimeout::NONE, |left| {
                // Rounded up, or the last part of a millisecond would be waited for in a circle.
                let ms = u16::try_from(left.as_millis() + 1).unwrap_or(u16::MAX);
                PollTimeout::from(ms)
            });
            let stdin = io::stdin();
            let signals = self.signals.as_fd();
            let keys = self.screen.as_ref().map(|_| stdin.as_fd());
            let daemon = live.map(Live::as_fd);
            // Who isn't there is never ready: a descriptor that is asked for nothing.
            let watch = |fd: Option<BorrowedFd<'_>>| match fd {
                Some(_) => PollFlags::POLLIN,
                None => PollFlags::empty(),
            };
            let mut fds = [
                PollFd::new(signals, PollFlags::POLLIN),
                PollFd::new(keys.unwrap_or(signals), watch(keys)),
                PollFd::new(daemon.unwrap_or(signals), watch(daemon)),
            ];
            match poll(&mut fds, timeout) {
                Err(nix::errno::Errno::EINTR) => continue,
                other => other?,
            };
            let woken = match fds.map(|fd| fd.any().unwrap_or(false)) {
                [true, _, _] => self.take_signal()?,
                [_, true, _] => self.take_key()?,
                [_, _, true] => Some(Woken::Told),
                _ if left.is_some_and(|left| left.is_zero()) => Some(Woken::Look),
                _ => None,
            };
            if let Some(woken) = woken {
                return Ok(woken);
            }
        }
    }

    fn take_signal(&mut self) -> io::Result<Option<Woken>> {
        let mut woken = None;
        while let Some(signal) = self.signals.read_signal()? {
            match i32::try_from(signal.ssi_signo)
                .ok()
                .and_then(|s| Signal::try_from(s).ok())
            {
                Some(Signal::SIGCHLD) => self.runs.iter_mut().for_each(Runs::reap),
                Some(Signal::SIGWINCH) => woken = Some(Woken::Draw),
                _ => return Ok(Some(Woken::Quit)),
            }
        }
        Ok(woken)
    }

    fn take_key(&mut self) -> io::Result<Option<Woken>> {
        let Some(screen) = &mut self.screen else {
            return Ok(None);
        };
        let typed = screen.read()?;
        if typed.is_empty() {
            return Ok(Some(Woken::Quit));
        }
        let mut woken = Woken::Draw;
        for key in typed.chars() {
            woken = match keys::press(&mut self.request.show, key) {
                Pressed::Quit => return Ok(Some(Woken::Quit)),
                Pressed::Help => Woken::Help,
                Pressed::Further => {
                    screen.further();
                    Woken::Draw
                }
                Pressed::Switched | Pressed::Nothing => Woken::Draw,
            };
        }
        Ok(Some(woken))
    }
}
