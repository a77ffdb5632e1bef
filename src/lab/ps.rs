//! Processes of a host, as /proc of the lab's keeper shows them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::request::Process;

/// All processes in the PID namespace of `init`, but for `init`; by number on the host.
pub fn processes(init: u32) -> Vec<Process> {
    let Some(host) = namespace_of(init) else {
        return Vec::new();
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let found: Vec<Status> = pids
        .filter(|&pid| namespace_of(pid).as_ref() == Some(&host))
        .filter_map(|pid| Status::read(Path::new("/proc"), pid))
        .collect();
    let inside: BTreeMap<u32, u32> = found.iter().map(|s| (s.pid, s.inner_pid)).collect();
    let mut list: Vec<Process> = found
        .into_iter()
        .filter(|s| s.pid != init)
        .map(|s| Process {
            pid: s.inner_pid,
            parent: inside.get(&s.parent).copied().unwrap_or(0),
            resident_kib: s.resident_kib,
            command: s.command,
        })
        .collect();
    list.sort_by_key(|p| p.pid);
    list
}

/// What tells a PID namespace from all others, while a process of it is there.
pub fn namespace_of(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

/// Whether a process other than `init` still runs in a PID namespace. Dead ones that their
/// parents have not gathered yet don't count.
pub fn any_alive(namespace: &Path, init: u32) -> bool {
    let alive = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = entries.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.any(|pid| pid != init && namespace_of(pid).is_some_and(|of| of == namespace) && alive(pid))
}

#[derive(Debug, PartialEq)]
struct Status {
    pid: u32,
    inner_pid: u32,
    parent: u32,
    resident_kib: u64,
    command: String,
}

impl Status {
    /// None if the process has ended meanwhile.
    fn read(proc: &Path, pid: u32) -> Option<Self> {
        let folder = proc.join(pid.to_string());
        let text = fs::read_to_string(folder.join("status")).ok()?;
        let line = fs::read(folder.join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line);
        let words: Vec<&str> = line.split('\0').filter(|w| !w.is_empty()).collect();
        Self::parse(pid, &text, &words.join(" "))
    }

    fn parse(pid: u32, status: &str, command: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut lines = status.lines().filter_map(|l| l.split_once(':'));
            lines.find(|(key, _)| *key == name).map(|(_, v)| v.trim())
        };
        let command = match command {
            "" => format!("[{}]", field("Name")?),
            words => words.to_owned(),
        };
        let resident = field("VmRSS").and_then(|v| v.split(' ').next());
        Some(Self {
            pid,
            inner_pid: field("NSpid")?.split_whitespace().last()?.parse().ok()?,
            parent: field("PPid")?.parse().ok()?,
            resident_kib: resident.and_then(|v| v.parse().ok()).unwrap_or(0),
            command,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_file_is_read() {
        let text = "Name:\tsleep\nPPid:\t7\nNSpid:\t31\t5\nVmRSS:\t    1760 kB\n";
        let status = Status::parse(31, text, "").unwrap();
        assert_eq!((status.inner_pid, status.parent), (5, 7));
        assert_eq!(
            (status.resident_kib, status.command.as_str()),
            (1760, "[sleep]")
        );
        assert_eq!(Status::parse(31, "Name:\tx\n", "x"), None);
    }
}
