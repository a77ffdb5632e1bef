//! `ResourceManager`: the groups of haresources, for scripts that call it.
//!
//! Source: heartbeat 3.0.6, /usr/share/heartbeat/ResourceManager; `spec/heartbeat-v1.md` section
//! 1.2.
//! Differs: a key is compared with the resources of a line, not searched as a regular expression;
//! `statgroup` prints its word where the caller sees it; a stop that fails is an exit code, not
//! a reboot: that is the daemon's to decide.

mod group;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Arg, Command};

use super::applets::{self, Applet, Kind};
use super::getopt;
use crate::agents::{Executor, Paths, Timeouts};
use crate::config::ha_cf::Facility;
use crate::config::haresources::{self, Haresources};
use crate::config::source::Source;
use crate::ids::NodeName;
use crate::runtime::log::{Log, LogConfig};
use group::Manager;

/// The applet.
pub const APPLET: Applet = Applet {
    name: "ResourceManager",
    summary: "list, take, give, ask for resource groups of haresources",
    kind: Kind::Tool,
    man: "ResourceManager(8)",
    command,
    run,
};

/// Exit code of `status` when the resource does not run here. Source: LSB, status action.
const NOT_RUNNING: u8 = 3;

fn command() -> Command {
    Command::new("ResourceManager")
        .about("Resource groups of haresources: list them, take them, give them up")
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .required(true)
                .help(
                    "listkeys NODE, allkeys, ourkeys, otherkeys, status RESOURCE, takegroup KEY, \
                     givegroup KEY, statgroup KEY, verifyallidle",
                ),
        )
        .arg(Arg::new("operand").value_name("NODE|RESOURCE|KEY"))
        .after_help(
            "The key of a group is its first resource as written. While the daemon runs it \
             decides who has which group: what is taken or given here, it does not know.\n\n\
             Examples:\n  ResourceManager listkeys node1\n  ResourceManager statgroup 10.0.0.5\n  \
             ResourceManager status IPaddr2::10.0.0.5/24",
        )
}

const USAGE: &str = "usage: ResourceManager listkeys NODE | allkeys | ourkeys | otherkeys | \
                     status RESOURCE | takegroup KEY | givegroup KEY | statgroup KEY | \
                     verifyallidle";

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let words = getopt::text(&args);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if matches!(words[..], ["--help" | "-h", ..]) {
        command().print_help()?;
        return Ok(ExitCode::SUCCESS);
    }
    let groups = read()?;
    let us = own_name();
    match words[..] {
        ["listkeys", node] => print(keys(&groups, |name| node_matches(node, name))),
        ["allkeys"] => print(keys(&groups, |_| true)),
        ["ourkeys"] => print(lines(&groups, |name| *name == *us)),
        ["otherkeys"] => print(lines(&groups, |name| *name != *us)),
        ["status" | "takegroup" | "givegroup" | "statgroup", _] | ["verifyallidle"] => {
            return act(&words, &groups, us);
        }
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn act(words: &[&str], groups: &Haresources, us: String) -> anyhow::Result<ExitCode> {
    let log = Log::start(log_config()).context("can't start the log")?;
    let paths = Paths {
        resource_dir: from_environment("HA_RESOURCEDIR", "/etc/ha.d/resource.d"),
        state_dir: from_environment("HA_RSCTMP", "/run/resource-agents"),
        ..Paths::default()
    };
    let manager = Manager {
        executor: Executor::new(paths, Timeouts::default()),
        environment: environment(&us),
        log: log.logger(),
        us,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start")?;
    runtime.block_on(async {
        let key = words.get(1).copied().unwrap_or_default();
        let group = group::find(groups, key);
        let code = match (words[0], group) {
            ("status", _) if manager.runs(key).await => ExitCode::SUCCESS,
            ("status", _) => ExitCode::from(NOT_RUNNING),
            ("verifyallidle", _) => manager.verify_all_idle(groups).await,
            ("statgroup", group) => {
                println!("{}", manager.share(group).await);
                ExitCode::SUCCESS
            }
            // As the original: of a group that is not there nothing is to be done.
            (_, None) => ExitCode::SUCCESS,
            ("takegroup", Some(group)) => manager.take(group).await,
            (_, Some(group)) => manager.give(group).await,
        };
        Ok(code)
    })
}

/// The groups, so far as the file is understood; what is wrong in it `everbeat check` tells.
fn read() -> anyhow::Result<Haresources> {
    let path = from_environment("HA_DIR", "/etc/ha.d").join("haresources");
    match Source::read(&path) {
        Ok(source) => Ok(haresources::read_all(&source).0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Haresources::default()),
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

/// A node's name, in any case; `.*` is all.
fn node_matches(pattern: &str, name: &NodeName) -> bool {
    pattern == ".*" || pattern.eq_ignore_ascii_case(name.as_str())
}

fn keys(groups: &Haresources, of: impl Fn(&NodeName) -> bool) -> Vec<String> {
    let groups = groups.groups.iter().filter(|group| of(&group.node));
    groups.map(|group| group.key().to_owned()).collect()
}

fn lines(groups: &Haresources, of: impl Fn(&NodeName) -> bool) -> Vec<String> {
    let groups = groups.groups.iter().filter(|group| of(&group.node));
    groups.map(group::words).collect()
}

fn print(lines: Vec<String>) {
    for line in lines {
        println!("{line}");
    }
}

fn own_name() -> String {
    let name = std::env::var("HA_CURHOST").ok().filter(|n| !n.is_empty());
    let name = name.unwrap_or_else(|| {
        let host = nix::unistd::gethostname().unwrap_or_default();
        host.to_string_lossy().into_owned()
    });
    name.to_ascii_lowercase()
}

fn from_environment(name: &str, default: &str) -> PathBuf {
    match std::env::var_os(name) {
        Some(value) if !value.is_empty() => value.into(),
        _ => default.into(),
    }
}

/// What scripts expect, where the caller does not give it.
fn environment(us: &str) -> Vec<(String, String)> {
    [
        ("HA_DIR", "/etc/ha.d"),
        ("HA_RCDIR", "/etc/ha.d/rc.d"),
        ("HA_RESOURCEDIR", "/etc/ha.d/resource.d"),
        ("HA_FUNCS", "/etc/ha.d/shellfuncs"),
        ("HA_FIFO", "/var/lib/heartbeat/fifo"),
        ("HA_BIN", "/usr/libexec/heartbeat"),
        ("OCF_ROOT", "/usr/lib/ocf"),
        ("HA_CURHOST", us),
    ]
    .into_iter()
    .filter(|(name, _)| std::env::var_os(name).is_none())
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// The log of scripts: where the daemon's environment says, else stderr.
fn log_config() -> LogConfig {
    let file = |name| {
        let path = from_environment(name, "/dev/null");
        (path != Path::new("/dev/null")).then_some(path)
    };
    let host = nix::unistd::gethostname().unwrap_or_default();
    let facility = std::env::var("HA_LOGFACILITY").unwrap_or_default();
    let mut config = LogConfig {
        logfile: file("HA_LOGFILE"),
        debugfile: file("HA_DEBUGLOG"),
        facility: Facility::parse(&facility).map(|facility| facility.code),
        ..LogConfig::quiet("ResourceManager", &host.to_string_lossy())
    };
    config.stderr = config.logfile.is_none() && config.facility.is_none();
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(text: &str) -> Haresources {
        haresources::read_all(&Source::new("haresources", text)).0
    }

    #[test]
    fn keys_and_lines_of_nodes() {
        let groups = groups("Node1 10.0.0.5 httpd::a::b\nnode2 \\\nIPaddr2::10.0.0.6 db # x\n");
        let of = |pattern| keys(&groups, |name| node_matches(pattern, name));
        assert_eq!(of("NODE1"), ["10.0.0.5"]);
        assert_eq!(of(".*"), ["10.0.0.5", "IPaddr2::10.0.0.6"]);
        assert_eq!(of("node"), [""; 0]);
        let others = lines(&groups, |name| *name != *"node1");
        assert_eq!(others, ["IPaddr2::10.0.0.6 db"]);
    }
}
