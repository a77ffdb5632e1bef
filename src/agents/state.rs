//! State files of the address resources, in resource-agents' folder and form.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::runtime::addresses::Address;

/// Programs that may be found under the number of a pid file.
const ANNOUNCERS: [&str; 4] = ["everbeat", "send_arp", "send_ua", "arping"];

/// The files of one address.
///
/// Source: resource-agents 4.12, `HA_RSCTMP`: IPaddr2 (`$ip`, `send_arp-$ip`), SendArp
/// (`SendArp_SendArp_$ip`).
pub struct State {
    folder: PathBuf,
    ip: IpAddr,
}

impl State {
    /// The state of `ip` in `folder`, which is made when something is written.
    pub fn new(folder: &Path, ip: IpAddr) -> Self {
        Self {
            folder: folder.to_owned(),
            ip,
        }
    }

    /// SendArp was started.
    pub fn mark_announced(&self) -> io::Result<()> {
        self.write(&self.announced(), "")
    }

    /// SendArp was stopped.
    pub fn unmark_announced(&self) -> io::Result<()> {
        ignore_missing(std::fs::remove_file(self.announced()))
    }

    /// Whether SendArp was started and not stopped.
    pub fn is_announced(&self) -> bool {
        self.announced().exists()
    }

    /// The process `pid` repeats the announcements.
    pub fn set_announcer(&self, pid: u32) -> io::Result<()> {
        self.write(&self.announcer(), &format!("{pid}\n"))
    }

    /// The process `pid` is done with it.
    pub fn clear_announcer(&self, pid: u32) {
        if self.announcer_pid() == i32::try_from(pid).ok() {
            let _ = std::fs::remove_file(self.announcer());
        }
    }

    /// Ends the process that repeats the announcements, true if there was one. Its number may
    /// have gone to another program meanwhile, which stays.
    pub fn end_announcer(&self) -> bool {
        let Some(pid) = self.announcer_pid() else {
            return false;
        };
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let ended = ANNOUNCERS.contains(&name.trim_end())
            && kill(Pid::from_raw(pid), Signal::SIGTERM).is_ok();
        let _ = std::fs::remove_file(self.announcer());
        ended
    }

    fn announcer_pid(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.announcer()).ok()?;
        text.trim().parse().ok().filter(|pid| *pid > 1)
    }

    /// The address was taken off the loopback.
    pub fn save_loopback(&self) -> io::Result<()> {
        let line = format!("{} 32 255.255.255.255 lo\n", self.ip);
        self.write(&self.loopback(), &line)
    }

    /// What was taken off the loopback; its interface is for the caller to fill in.
    pub fn saved_loopback(&self) -> Option<Address> {
        let text = std::fs::read_to_string(self.loopback()).ok()?;
        let mut words = text.split_whitespace();
        let ip: IpAddr = words.next()?.parse().ok()?;
        let prefix = words.next()?.parse().ok()?;
        let broadcast = words.next().and_then(|word| word.parse().ok());
        (ip == self.ip).then_some(Address {
            index: 0,
            ip,
            prefix,
            broadcast,
            label: None,
            secondary: false,
            scope: 0,
        })
    }

    /// It is back there.
    pub fn forget_loopback(&self) {
        let _ = std::fs::remove_file(self.loopback());
    }

    fn announced(&self) -> PathBuf {
        self.folder.join(format!("SendArp_SendArp_{}", self.ip))
    }

    fn announcer(&self) -> PathBuf {
        self.folder.join(format!("send_arp-{}", self.ip))
    }

    fn loopback(&self) -> PathBuf {
        self.folder.join(self.ip.to_string())
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true).mode(0o755).create(&self.folder)?;
        std::fs::write(path, text)
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let state = State::new(&folder, "10.0.0.5".parse().unwrap());
        assert!(!state.is_announced());
        state.unmark_announced().unwrap();
        state.mark_announced().unwrap();
        assert!(folder.join("SendArp_SendArp_10.0.0.5").exists());
        assert!(state.is_announced());
        state.unmark_announced().unwrap();
        assert!(!state.is_announced());
    }

    #[test]
    fn the_loopback_line_is_resource_agents_own() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path(), "10.0.0.5".parse().unwrap());
        assert_eq!(state.saved_loopback(), None);
        state.save_loopback().unwrap();
        let text = std::fs::read_to_string(folder.path().join("10.0.0.5")).unwrap();
        assert_eq!(text, "10.0.0.5 32 255.255.255.255 lo\n");
        let saved = state.saved_loopback().unwrap();
        assert_eq!((saved.prefix, saved.index), (32, 0));
        state.forget_loopback();
        assert_eq!(state.saved_loopback(), None);
    }

    #[test]
    fn only_an_announcer_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path(), "10.0.0.5".parse().unwrap());
        let mut other = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        state.set_announcer(other.id()).unwrap();
        assert!(!state.end_announcer());
        assert!(other.try_wait().unwrap().is_none(), "it was no announcer");
        other.kill().unwrap();
        other.wait().unwrap();
        state.set_announcer(1).unwrap();
        assert!(!state.end_announcer());
        state.set_announcer(4711).unwrap();
        state.clear_announcer(4712);
        assert_eq!(state.announcer_pid(), Some(4711));
        state.clear_announcer(4711);
        assert_eq!(state.announcer_pid(), None);
    }
}
