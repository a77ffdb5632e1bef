//! `everbeat ping`: probes every medium both ways and says what is the matter.
//!
//! Works beside a running daemon, ours or a real heartbeat, and without one: it watches the wire
//! and has sockets of its own to send by, so that it takes nothing from the daemon.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path as FilePath, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, Command, value_parser};

use super::applets::{self, Applet, Kind};
use super::client::{self, Session};
use super::control::Control;
use crate::config::diagnostic::Severity;
use crate::config::host::{Host, ThisHost};
use crate::config::{Configuration, Plain, load, render};
use crate::daemons::control::{Reply, Request, SOCKET};
use crate::ids::NodeName;
use crate::runtime::interfaces::Interfaces;
use crate::runtime::pidfile;

mod evidence;
mod path;
mod probes;
mod report;
mod verdict;

use evidence::Witness;
use path::Path;
use probes::Probes;
use report::{Finding, Report};
use verdict::{Circumstances, Verdict, judge};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "ping",
    summary: "probe every medium both ways: who is heard, who hears us, and why not",
    kind: Kind::Subcommand,
    man: "everbeat-ping(8)",
    command,
    run,
};

fn command() -> Command {
    Command::new("ping")
        .bin_name("everbeat ping")
        .about("Probe every medium of ha.cf both ways")
        .arg(
            Arg::new("config-dir")
                .long("config-dir")
                .value_name("DIR")
                .default_value("/etc/ha.d")
                .value_parser(value_parser!(PathBuf))
                .help("where ha.cf and authkeys are"),
        )
        .arg(
            Arg::new("wait")
                .long("wait")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64).range(1..=3600))
                .help("how long to wait for what doesn't come; by default 11 keepalives"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("the verdicts as one JSON object"),
        )
        .after_help(
            "Ends as soon as all is fine. Exit code 0: all is fine; 1: something isn't; \
             2: the configuration or the rights don't permit it.\n\n\
             Examples:\n  everbeat ping\n  everbeat ping --wait 30\n  \
             everbeat ping --json | jq -r '.paths[] | [.link, .peer, .verdict] | @tsv'",
        )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let dir: &PathBuf = matches
        .get_one("config-dir")
        .context("clap gives a default")?;
    let host = ThisHost::new(dir);
    let (config, findings) = load(dir, &host, Plain::Taken);
    let Some(config) = config else {
        for finding in findings.iter().filter(|f| f.severity == Severity::Error) {
            eprintln!("{}", render::text(finding, false));
        }
        return Ok(ExitCode::from(2));
    };
    let local = host
        .node_name()
        .context("this machine has no name that a node can have")?;
    let setting = Setting::of(&config, local, matches.get_one::<u64>("wait").copied())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let seen = runtime.block_on(watch(&setting, &config));
    let (witness, troubles) = match seen {
        Ok(seen) => seen,
        Err(error) => {
            eprintln!("ping: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let report = conclude(&setting, &witness, troubles);
    let mut out = std::io::stdout().lock();
    let written = match matches.get_flag("json") {
        true => writeln!(out, "{}", report.json()),
        false => report.draw(&mut out),
    };
    // A closed pipe is the reader's way to say that it is enough.
    let good = report.is_good() && written.is_ok();
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is asked.
#[derive(Debug)]
struct Setting {
    local: NodeName,
    peers: Vec<NodeName>,
    daemon: bool,
    wait: Duration,
}

impl Setting {
    fn of(config: &Configuration, local: NodeName, wait: Option<u64>) -> anyhow::Result<Self> {
        let state = pidfile::look(FilePath::new(pidfile::PATH))?;
        let daemon = matches!(state, pidfile::State::Running(_));
        // A node acknowledges every tenth message.
        let rounds = if daemon { 11 } else { 3 };
        let usual = config.ha_cf.keepalive * rounds + Duration::from_secs(1);
        let peers = config.ha_cf.nodes.iter().filter(|node| **node != local);
        let peers: Vec<_> = peers.cloned().collect();
        if peers.is_empty() && !config.ha_cf.has_ping_nodes() {
            bail!("ha.cf names no node but this one ({local})");
        }
        let wait = wait.map_or(usual, Duration::from_secs);
        Ok(Self {
            local,
            peers,
            daemon,
            wait,
        })
    }

    fn around(&self, witness: &Witness, path: &Path) -> Circumstances {
        let ways = witness.paths.iter().filter(|p| !p.is_ping()).count();
        Circumstances {
            daemon: self.daemon,
            only_path: ways == 1,
            probed: path.is_udp(),
        }
    }
}

/// Probes and watches until all is fine or the time is over.
async fn watch(
    setting: &Setting,
    config: &Configuration,
) -> anyhow::Result<(Witness, Vec<(usize, String)>)> {
    let interfaces = Interfaces::read().context("cannot list the interfaces")?;
    let all = interfaces.0.values();
    let own = all.flat_map(|i| {
        let v4 = i.ipv4.iter().map(|e| e.address.into());
        v4.chain(i.ipv6.iter().map(|&ip| ip.into()))
    });
    let who = (setting.local.clone(), setting.peers.clone());
    let paths = Path::all(&config.ha_cf.media);
    let nonce = getrandom::u64().map_err(std::io::Error::other)?;
    let mut witness = Witness::new(who, paths, own.collect(), nonce);
    if !setting.daemon {
        witness.watch_delivery();
    }
    let mut probes = Probes::open(config, (&setting.local, setting.daemon), &witness, nonce)?;
    let end = tokio::time::Instant::now() + setting.wait;
    while tokio::time::Instant::now() < end {
        probes.send(&witness);
        let pause = (tokio::time::Instant::now() + Duration::from_millis(500)).min(end);
        probes.listen(&mut witness, pause).await?;
        if setting.daemon {
            ask_daemon(&mut witness);
        }
        let all = findings(setting, &witness);
        if all.iter().all(|f| f.verdict == Verdict::Fine) {
            break;
        }
    }
    Ok((witness, probes.troubles().to_vec()))
}

/// Has the daemon tell what it hears on each link; one that doesn't answer tells nothing.
fn ask_daemon(witness: &mut Witness) {
    match Control::open(FilePath::new(SOCKET)) {
        Ok(Some(mut control)) => {
            let Ok(Reply::Report(report)) = control.ask(&Request::Report) else {
                return;
            };
            for node in &report.nodes {
                for link in &node.links {
                    witness.take_word(&node.name, &link.name, link.up);
                }
            }
        }
        // A real heartbeat, or ours that starts.
        _ => ask_heartbeat(witness),
    }
}

fn ask_heartbeat(witness: &mut Witness) {
    let limit = Duration::from_secs(1);
    let Ok(mut session) = Session::open(FilePath::new(client::SOCKET), limit) else {
        return;
    };
    for peer in witness.peers().to_vec() {
        // Each `ucast` line of an interface is listed; only the first of them comes up.
        let mut links: BTreeMap<String, bool> = BTreeMap::new();
        for link in session.links(peer.as_str()).unwrap_or_default() {
            *links.entry(link.name).or_default() |= link.status == "up";
        }
        for (link, up) in links {
            witness.take_word(peer.as_str(), &link, up);
        }
    }
}

fn findings(setting: &Setting, witness: &Witness) -> Vec<Finding> {
    let mut all = Vec::new();
    for (place, path) in witness.paths.iter().enumerate() {
        if path.is_ping() {
            let answers = witness.answers(place);
            let verdict = if answers {
                Verdict::Fine
            } else {
                Verdict::Nothing
            };
            all.push(Finding {
                path: place,
                peer: path.link.to_string(),
                verdict,
            });
            continue;
        }
        for peer in witness.peers() {
            let seen = witness.evidence(place, peer);
            let around = setting.around(witness, path);
            let verdict = judge(&seen, witness.traits(peer), around);
            all.push(Finding {
                path: place,
                peer: peer.to_string(),
                verdict,
            });
        }
    }
    all
}

fn conclude<'a>(
    setting: &Setting,
    witness: &'a Witness,
    troubles: Vec<(usize, String)>,
) -> Report<'a> {
    Report {
        findings: findings(setting, witness),
        witness,
        troubles,
    }
}
