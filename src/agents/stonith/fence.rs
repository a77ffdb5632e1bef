//! Fence agents: options on standard input, the answer is the exit code.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use super::{Device, StonithError};
use crate::runtime::process::{self, Finished, Process, Stream};

/// Options that are ours and not the agent's. Source: pacemaker 2.1.5, pacemaker-fenced(7); the
/// short names are ours.
const HOST_MAP: [&str; 2] = ["host_map", "pcmk_host_map"];
const HOST_LIST: [&str; 2] = ["host_list", "pcmk_host_list"];

/// An agent and its options.
pub struct Agent<'a> {
    device: &'a Device,
    program: PathBuf,
    options: Vec<(String, String)>,
    limit: Duration,
}

impl<'a> Agent<'a> {
    /// Takes `name=value` words.
    ///
    /// Errors: `Failed` when the agent is not installed, a word has no `=`, or the file can't be
    /// read.
    pub fn new(device: &'a Device, limit: Duration) -> Result<Self, StonithError> {
        let program = process::find(&device.name)
            .ok_or_else(|| device.failed("this fence agent is not installed"))?;
        let mut options = Vec::new();
        for word in device.parameters.read(&device.name)?.split_whitespace() {
            let (key, value) = word
                .split_once('=')
                .ok_or_else(|| device.failed("an option has no '=': write NAME=VALUE"))?;
            let value = value.trim_matches('"');
            options.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self {
            device,
            program,
            options,
            limit,
        })
    }

    /// Resets a machine; `action=off` among the options switches it off instead.
    pub async fn reset(&self, node: &str) -> Result<(), StonithError> {
        if !self.can_reset(node) {
            return Err(self.device.cannot_reset(node));
        }
        let action = self.option(&["action"]).unwrap_or("reboot");
        let finished = self.run(action, Some(node)).await?;
        self.device.check(&finished)
    }

    /// Asks the device whether it works.
    pub async fn status(&self) -> Result<(), StonithError> {
        let finished = self.run("monitor", None).await?;
        self.device.check(&finished)
    }

    /// The machines it knows: those of the options, else those that the device lists.
    pub async fn hosts(&self) -> Result<Vec<String>, StonithError> {
        let configured = self.configured_hosts();
        if !configured.is_empty() {
            return Ok(configured);
        }
        let finished = self.run("list", None).await?;
        self.device.check(&finished)?;
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

    async fn run(&self, action: &str, node: Option<&str>) -> Result<Finished, StonithError> {
        let process = Process::new(&self.program)
            .input(self.input(action, node))
            .timeout(self.limit)
            .watch(|line| self.device.say(line));
        let finished = process.run().await;
        finished.map_err(|e| {
            let program = self.program.display();
            self.device.failed(format!("can't run {program}: {e}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent<'a>(device: &'a Device, words: &str) -> Agent<'a> {
        let options = words.split_whitespace().map(|word| {
            let (name, value) = word.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        Agent {
            device,
            program: "/nonexistent".into(),
            options: options.collect(),
            limit: Duration::from_secs(1),
        }
    }

    #[test]
    fn options_become_lines() {
        let device = Device::with_parameters("fence_x", "");
        let agent = |words| agent(&device, words);
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
        let device = Device::with_parameters("fence_x", "");
        let agent = agent(&device, "pcmk_host_map=node1:3;node2:4 ip=x");
        let input = agent.input("reboot", Some("NODE2"));
        assert!(input.ends_with("nodename=NODE2\nplug=4\n"), "{input}");
        assert!(!input.contains("host_map"));
        assert_eq!(agent.configured_hosts(), ["node1", "node2"]);
        assert!(agent.can_reset("node1") && !agent.can_reset("node3"));
    }
}
