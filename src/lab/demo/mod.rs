//! `everbeat demo`: a take-over before your eyes, on two hosts of a lab.
//!
//! Two hosts run the sample configuration of conf/, a third one asks for the page at the
//! floating address. What is told has been seen by that third one.

pub mod page;
mod view;
pub mod watch;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use self::view::{Host, View};
use self::watch::{Sample, Watch};
use super::root::LAB_FOLDER;
use super::{Lab, Place, Spec};

/// The sample configuration: file, text, mode.
const CONFIGURATION: [(&str, &str, u32); 3] = [
    ("ha.cf", include_str!("../../../conf/ha.cf"), 0o644),
    (
        "haresources",
        include_str!("../../../conf/haresources"),
        0o644,
    ),
    ("authkeys", include_str!("../../../conf/authkeys"), 0o600),
];
const FIRST: Host = Host {
    name: "alpha",
    address: "10.77.1.1",
    on: false,
};
const SECOND: Host = Host {
    name: "beta",
    address: "10.77.1.2",
    on: false,
};
const CLIENT: &str = "client";
const CLIENT_ADDRESS: &str = "10.77.1.10";
const FLOATING: &str = "10.77.1.100";
const FLOATING_RESOURCE: &str = "10.77.1.100/24/eth0";
const PAGE: &str = "http://10.77.1.100/";

/// A step that takes longer has failed.
const STEP_TIME: Duration = Duration::from_secs(45);
/// For five seconds after their start nodes have others wait two seconds more.
///
/// Source: heartbeat 3.0.6, observed.
const SETTLED: Duration = Duration::from_secs(6);
/// Time to look at each step.
const LOOK: Duration = Duration::from_secs(4);
/// Time between two looks whether the daemons still run.
const LOOK_AFTER_DAEMONS: Duration = Duration::from_secs(1);
/// Lines of a host's log that are shown after a failure.
const LOG_LINES: usize = 25;

/// How the demo is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Leave time to look between the steps.
    pub wait: bool,
    /// Leave the lab as it is at the end.
    pub keep: bool,
    /// The daemon and its arguments, in place of our own.
    pub daemon: Option<Vec<String>>,
    /// Where the lab is made.
    pub place: Place,
}

/// Tells the story; success only if each step really happened.
pub fn run(options: &Options) -> Result<ExitCode> {
    let mut view = View::new([FIRST, SECOND], PAGE);
    view.begin("make two hosts and a client");
    let began = Instant::now();
    let lab = match make_lab(options) {
        Ok(lab) => lab,
        Err(error) => {
            view.failed(&format!("{error:#}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    view.power(FIRST.name, true);
    view.power(SECOND.name, true);
    let mut story = Story { options, lab, view };
    story
        .view
        .done(&format!("ready after {}", seconds(began.elapsed())));
    let told = story.tell();
    if let Err(error) = &told {
        story.view.failed(&format!("{error:#}"));
        story.show_logs();
    }
    story.close(told.is_ok())
}

struct Story<'a> {
    options: &'a Options,
    lab: Lab,
    view: View,
}

impl Story<'_> {
    fn tell(&mut self) -> Result<()> {
        let address = SocketAddr::from((FLOATING.parse::<std::net::Ipv4Addr>()?, page::PORT));
        let watch = Watch::start(&self.lab.host(CLIENT), address)?;
        self.first_start(&watch)?;
        self.take_over(&watch)?;
        self.fail_back(&watch)
    }

    fn first_start(&mut self, watch: &Watch) -> Result<()> {
        self.view.begin("start everbeat on both");
        let began = Instant::now();
        self.start_daemon(FIRST.name)?;
        self.start_daemon(SECOND.name)?;
        let first = self.served_by(watch, FIRST.name)?;
        self.only_holder(FIRST.name)?;
        let time = seconds(first.at - began);
        self.view.done(&format!(
            "alpha has the address and serves the page after {time}"
        ));
        self.look(watch)?;
        let settled = began + SETTLED;
        while let Some(sample) = watch.next(settled)? {
            self.view.sample(&sample);
        }
        Ok(())
    }

    fn take_over(&mut self, watch: &Watch) -> Result<()> {
        self.view.begin("pull alpha's plug");
        let pulled = Instant::now();
        self.lab.host(FIRST.name).kill()?;
        self.view.power(FIRST.name, false);
        let taken = self.served_by(watch, SECOND.name)?;
        self.only_holder(SECOND.name)?;
        let time = seconds(taken.at - pulled);
        let deadtime = deadtime().context("conf/ha.cf has no deadtime")?;
        self.view.done(&format!(
            "beta serves the page, {time} later (deadtime, from alpha's last word: {deadtime})"
        ));
        self.look(watch)
    }

    fn fail_back(&mut self, watch: &Watch) -> Result<()> {
        self.view.begin("bring alpha back");
        self.lab.host(FIRST.name).boot()?;
        self.view.power(FIRST.name, true);
        self.start_daemon(FIRST.name)?;
        let mut last_before = Instant::now();
        let back = self.watch_until(watch, |sample| match sample.owner.as_deref() {
            Some(owner) if owner == FIRST.name => true,
            Some(_) => {
                last_before = sample.at;
                false
            }
            None => false,
        })?;
        self.only_holder(FIRST.name)?;
        let time = seconds(back.at - last_before);
        self.view.done(&format!(
            "beta has handed the group back; the page was away for {time} at most"
        ));
        self.look(watch)
    }

    fn start_daemon(&self, host: &str) -> Result<()> {
        let own = ["everbeat".to_owned(), "everbeatd".to_owned()];
        let words = self.options.daemon.as_deref().unwrap_or(&own);
        let (program, arguments) = words.split_first().context("no daemon named")?;
        let mut command = self.lab.host(host).background(program);
        let output = command.args(arguments).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("the daemon did not start on {host}: {said}")
    }

    fn served_by(&mut self, watch: &Watch, host: &str) -> Result<Sample> {
        self.watch_until(watch, |sample| sample.owner.as_deref() == Some(host))
            .with_context(|| format!("{host} does not serve the page"))
    }

    fn watch_until(
        &mut self,
        watch: &Watch,
        mut enough: impl FnMut(&Sample) -> bool,
    ) -> Result<Sample> {
        let end = Instant::now() + STEP_TIME;
        let mut looked = Instant::now();
        while let Some(sample) = watch.next(end)? {
            self.view.sample(&sample);
            if enough(&sample) {
                return Ok(sample);
            }
            if looked.elapsed() > LOOK_AFTER_DAEMONS {
                self.daemons_run()?;
                looked = Instant::now();
            }
        }
        Err(anyhow!("not within {} s", STEP_TIME.as_secs()))
    }

    /// A host that is on and runs nothing has lost its daemon: no use to wait for it.
    fn daemons_run(&self) -> Result<()> {
        let runs = |name: &str| self.view.hosts.iter().any(|h| h.on && h.name == name);
        let hosts = self.lab.state()?;
        match hosts
            .iter()
            .find(|h| runs(&h.name) && h.processes.is_empty())
        {
            Some(host) => bail!("the daemon has ended on {}", host.name),
            None => Ok(()),
        }
    }

    /// Asks each host that is on whether it has the address.
    fn only_holder(&self, wanted: &str) -> Result<()> {
        for host in self.view.hosts.iter().filter(|host| host.on) {
            let mut status = self.lab.host(host.name).command("everbeat");
            let status = status
                .args(["IPaddr2", FLOATING_RESOURCE, "status"])
                .output()?;
            let holds = status.status.success();
            if holds != (host.name == wanted) {
                let has = if holds { "has" } else { "does not have" };
                bail!("{} {has} the address {FLOATING}", host.name);
            }
        }
        Ok(())
    }

    fn look(&mut self, watch: &Watch) -> Result<()> {
        if !self.options.wait {
            return Ok(());
        }
        let end = Instant::now() + LOOK;
        while let Some(sample) = watch.next(end)? {
            self.view.sample(&sample);
        }
        Ok(())
    }

    fn show_logs(&self) {
        for host in [FIRST.name, SECOND.name] {
            for file in ["/var/log/lab-bg.log", "/var/log/ha-log"] {
                let text = self.lab.host(host).read(file).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let from = lines.len().saturating_sub(LOG_LINES);
                if !lines.is_empty() {
                    eprintln!("--- {host}: {file}\n{}", lines[from..].join("\n"));
                }
            }
        }
    }

    fn close(self, success: bool) -> Result<ExitCode> {
        if self.options.keep {
            let name = self.lab.name();
            println!("The lab stays: everbeat lab sh {name} alpha; everbeat lab down {name}");
        } else {
            self.lab.down()?;
        }
        Ok(if success {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn make_lab(options: &Options) -> Result<Lab> {
    let mut spec = Spec::new(&format!("demo-{}", std::process::id()));
    for (name, address) in [
        (FIRST.name, FIRST.address),
        (SECOND.name, SECOND.address),
        (CLIENT, CLIENT_ADDRESS),
    ] {
        spec = spec.host(&format!("{name}={address}/24"))?;
    }
    let lab = match options.keep {
        true => Lab::up_detached(&spec, &options.place)?,
        false => Lab::up(&spec, &options.place)?,
    };
    let script = format!("#!/bin/sh\nexec {LAB_FOLDER}/bin/everbeat demo page \"$@\"\n");
    for host in [FIRST.name, SECOND.name].map(|name| lab.host(name)) {
        for (file, text, mode) in CONFIGURATION {
            host.write(format!("/etc/ha.d/{file}"), text.as_bytes(), mode)?;
        }
        host.write("/etc/ha.d/resource.d/demo-page", script.as_bytes(), 0o755)?;
    }
    Ok(lab)
}

/// The sample's deadtime, as it is written there.
fn deadtime() -> Option<String> {
    let (_, text, _) = CONFIGURATION[0];
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("deadtime "))?;
    Some(format!("{} s", value.trim()))
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_are_about_the_hosts_of_the_demo() {
        let [(_, ha_cf, _), (_, haresources, _), _] = CONFIGURATION;
        for host in [FIRST.name, SECOND.name] {
            assert!(ha_cf.contains(&format!("node {host}\n")), "{host}");
        }
        assert!(haresources.contains(&format!("alpha IPaddr2::{FLOATING_RESOURCE} demo-page")));
        assert_eq!(deadtime().as_deref(), Some("3 s"));
        assert!(PAGE.contains(FLOATING) && FLOATING_RESOURCE.starts_with(FLOATING));
    }
}
