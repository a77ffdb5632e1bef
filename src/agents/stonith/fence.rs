//! Fence agents: options on standard input, the answer is the exit code.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::{Log, Parameters, StonithError};
use crate::runtime::process::{self, Finished, Process, Stream};

/// Options that are ours and not the agent's. Source: pacemaker 2.1.5, pacemaker-fenced(7); the
/// short names are ours.
const HOST_MAP: [&str; 2] = ["host_map", "pcmk_host_map"];
const HOST_LIST: [&str; 2] = ["host_list", "pcmk_host_list"];

/// An agent and its options.
pub struct Agent {
    name: String,
    program: PathBuf,
    options: Vec<(String, String)>,
    limit: Duration,
}

impl Agent {
    /// Takes `name=value` words.
    ///
    /// Errors: `Failed` when the agent is not installed, a word has no `=`, or the file can't be
    /// read.
    pub fn new(name: &str, parameters: &Parameters, limit: Duration) -> Result<Self, StonithError> {
        let failed = |reason: String| StonithError::Failed {
            device: name.to_owned(),
            reason,
        };
        let program = process::find(name)
            .ok_or_else(|| failed("this fence agent is not installed".into()))?;
        let mut options = Vec::new();
        for word in parameters.read(name)?.split_whitespace() {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| failed("an option has no '=': write NAME=VALUE".into()))?;
            let value = value.trim_matches('"');
            options.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            program,
            options,
            limit,
        })
    }

    /// Resets a machine; `action=off` among the options switches it off instead.
    pub async fn reset(&self, node: &str, log: Log<'_>) -> Result<(), StonithError> {
        if !self.can_reset(node) {
            return Err(StonithError::CannotReset {
                device: self.name.clone(),
                node: node.to_owned(),
            });
        }
        let action = self.option(&["action"]).unwrap_or("reboot");
        let finished = self.run(action, Some(node), log).await?;
        self.check(&finished)
    }

    /// Asks the device whether it works.
    pub async fn status(&self, log: Log<'_>) -> Result<(), StonithError> {
        let finished = self.run("monitor", None, log).await?;
        self.check(&finished)
    }

    /// The machines it knows: those of the options, else those that the device lists.
    pub async fn hosts(&self, log: Log<'_>) -> Result<Vec<String>, StonithError> {
        let configured = self.configured_hosts();
        if !configured.is_empty() {
            return Ok(configured);
        }
        let finished = self.run("list", None, log).await?;
        self.check(&finished)?;
        // A line for each plug: `PLUG,NAME`.
        let text = finished.text(Stream::Stdout);
        let plugs = text
            .lines()
            .map(|line| line.split(',').next().unwrap_or(line));
        Ok(plugs.map(|plug| plug.trim().to_owned()).collect())
    }

    fn option(&self, names: &[&str]) -> Option<&str> {
        let mut options = self.options.iter();
        let found = options.find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.as_str())
    }

    /// `NODE:PLUG` pairs, parted by `;`, `,` or blanks.
    fn map(&self) -> impl Iterator<Item = (&str, &str)> {
        let text = self.option(&HOST_MAP).unwrap_or_default();
        text.split([';', ','])
            .filter_map(|pair| pair.split_once(':'))
    }

    fn configured_hosts(&self) -> Vec<String> {
        let list = self.option(&HOST_LIST).unwrap_or_default();
        let list = list.split([';', ',']).filter(|host| !host.is_empty());
        let mapped = self.map().map(|(node, _)| node);
        mapped.chain(list).map(str::to_owned).collect()
    }

    /// True without a list: then only the agent knows.
    fn can_reset(&self, node: &str) -> bool {
        let hosts = self.configured_hosts();
        hosts.is_empty() || hosts.iter().any(|host| host.eq_ignore_ascii_case(node))
    }

    /// The options as the agent reads them.
    ///
    /// Source: fence-agents 4.12, fencing.py: `name=value` lines; `nodename` and `plug` as
    /// pacemaker gives them.
    fn input(&self, action: &str, node: Option<&str>) -> String {
        let mut input = format!("action={action}\n");
        let ours = ["action"].iter().chain(&HOST_MAP).chain(&HOST_LIST);
        let ours: Vec<&str> = ours.copied().collect();
        for (name, value) in &self.options {
            if !ours.contains(&name.as_str()) {
                let _ = writeln!(input, "{name}={value}");
            }
        }
        let Some(node) = node else { return input };
        let _ = writeln!(input, "nodename={node}");
        if self.option(&["plug", "port"]).is_none() {
            let mut map = self.map();
            let plug = map.find(|(name, _)| name.eq_ignore_ascii_case(node));
            let _ = writeln!(input, "plug={}", plug.map_or(node, |(_, plug)| plug));
        }
        input
    }

    async fn run(
        &self,
        action: &str,
        node: Option<&str>,
        log: Log<'_>,
    ) -> Result<Finished, StonithError> {
        Process::new(&self.program)
            .input(self.input(action, node))
            .timeout(self.limit)
            .watch(|line| log(&line.text))
            .run()
            .await
            .map_err(|e| self.failed(format!("can't run {}: {e}", self.program.display())))
    }

    fn check(&self, finished: &Finished) -> Result<(), StonithError> {
        if finished.ending.is_success() {
            return Ok(());
        }
        let mut lines = finished.lines.iter().rev().map(|line| line.text.trim());
        let words = lines.find(|words| !words.is_empty());
        let words = words.map(|words| format!(": {words}")).unwrap_or_default();
        Err(self.failed(format!("{}{words}", finished.ending)))
    }

    fn failed(&self, reason: String) -> StonithError {
        StonithError::Failed {
            device: self.name.clone(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(words: &str) -> Agent {
        let options = words.split_whitespace().map(|word| {
            let (name, value) = word.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        Agent {
            name: "fence_x".into(),
            program: "/nonexistent".into(),
            options: options.collect(),
            limit: Duration::from_secs(1),
        }
    }

    #[test]
    fn options_become_lines() {
        let input = agent("ip=10.0.0.9 password=a=b").input("reboot", Some("node2"));
        assert_eq!(
            input,
            "action=reboot\nip=10.0.0.9\npassword=a=b\nnodename=node2\nplug=node2\n"
        );
        let input = agent("port=7 action=off").input("off", Some("node2"));
        assert_eq!(input, "action=off\nport=7\nnodename=node2\n");
        assert_eq!(
            agent("ip=x").input("monitor", None),
            "action=monitor\nip=x\n"
        );
    }

    #[test]
    fn nodes_map_to_plugs() {
        let agent = agent("pcmk_host_map=node1:3;node2:4 ip=x");
        let input = agent.input("reboot", Some("NODE2"));
        assert!(input.ends_with("nodename=NODE2\nplug=4\n"), "{input}");
        assert!(!input.contains("host_map"));
        assert_eq!(agent.configured_hosts(), ["node1", "node2"]);
        assert!(agent.can_reset("node1") && !agent.can_reset("node3"));
    }
}
