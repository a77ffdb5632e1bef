//! `everbeatd`: the daemon in the foreground.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, Command, value_parser};

use super::applets::{self, Applet, Kind};
use super::migrate::guard;
use crate::config::corosync_conf;
use crate::config::source::Source;
use crate::daemons::corosync;
use crate::daemons::heartbeat::{self, Options};

/// The applet.
pub const APPLET: Applet = Applet {
    name: "everbeatd",
    summary: "the daemon, in the foreground",
    kind: Kind::Tool,
    man: "everbeatd(8)",
    command,
    run,
};

fn command() -> Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let file = |name: &'static str| {
        Arg::new(name)
            .long(name)
            .value_parser(value_parser!(PathBuf))
    };
    Command::new("everbeatd")
        .about("Take part in the cluster that the configuration describes, in the foreground")
        .arg(
            file("config-dir")
                .value_name("DIR")
                .default_value("/etc/ha.d")
                .help("folder of ha.cf, haresources and authkeys"),
        )
        .arg(
            file("corosync-conf")
                .value_name("FILE")
                .default_value(corosync::CONFIG)
                .conflicts_with("config-dir")
                .help("a corosync.conf: totem below, the CRM above"),
        )
        .arg(
            Arg::new("debug")
                .short('d')
                .long("debug")
                .action(ArgAction::Count)
                .help("one level of debug lines more; may be given several times"),
        )
        .arg(
            flag("no-resources")
                .short('M')
                .help("don't manage resources"),
        )
        .arg(
            flag("no-realtime")
                .short('l')
                .help("no real-time scheduling, no locked memory"),
        )
        .arg(flag("resume").help("take up the resources that a daemon before this one left"))
        .arg(
            file("state")
                .value_name("FILE")
                .requires("resume")
                .help("what that daemon left, if not at its usual place"),
        )
        .arg(
            flag("quiet")
                .short('q')
                .help("log only where ha.cf says, not to stderr"),
        )
        .after_help(
            "Which of the two is there says what the node is: ha.cf a node of heartbeat, with\n\
             haresources or `crm`; corosync.conf a node on a ring with the CRM. Where both are,\n\
             name one; the example of corosync's package, with all nodes at loopback, doesn't\n\
             count.\n\n\
             Examples:\n  everbeatd                        as the files of this machine say\n  \
             everbeatd --config-dir /srv/try  with other files\n  \
             everbeatd --corosync-conf /etc/corosync/corosync.conf",
        )
}

/// Whether this machine is a node on a ring, by the files that are there.
///
/// A node of heartbeat may have corosync's package installed, as much depends on it; the example
/// that comes with it counts for nothing.
///
/// Errors: it could be either.
fn choose(ha_cf: &Path, conf: &Path) -> anyhow::Result<bool> {
    match (ha_cf.exists(), conf.exists()) {
        (true, true) => {}
        (false, ring) => return Ok(ring),
        (true, false) => return Ok(false),
    }
    // What else is wrong with it doesn't matter yet.
    let source = Source::read(conf);
    if source.is_ok_and(|s| corosync_conf::read_all(&s).0.is_an_example()) {
        eprintln!(
            "everbeatd: {}: passed over for {}: all its nodes are at loopback addresses, as in \
             the example of corosync's package",
            conf.display(),
            ha_cf.display()
        );
        return Ok(false);
    }
    bail!(
        "{} and {} are both there: name the one that counts, with --config-dir {} or with \
         --corosync-conf {}, or move the other away",
        ha_cf.display(),
        conf.display(),
        ha_cf.parent().unwrap_or(ha_cf).display(),
        conf.display()
    )
}

fn run(args: applets::Args) -> anyhow::Result<ExitCode> {
    let matches = applets::parse(command(), args);
    let dir: &PathBuf = matches.get_one("config-dir").expect("it has a default");
    let conf: &PathBuf = matches.get_one("corosync-conf").expect("it has a default");
    let given = |name| matches.value_source(name) == Some(ValueSource::CommandLine);
    let ring = match (given("config-dir"), given("corosync-conf")) {
        (true, _) => false,
        (_, true) => true,
        _ => choose(&dir.join("ha.cf"), conf)?,
    };
    if ring {
        guard::before_ring()?;
        return corosync::run(&corosync::Options {
            config: conf.clone(),
            foreground: true,
            log_to_stderr: !matches.get_flag("quiet"),
            realtime: !matches.get_flag("no-realtime"),
            crm: !matches.get_flag("no-resources"),
            test: false,
        });
    }
    heartbeat::run(&Options {
        config_dir: dir.clone(),
        log_to_stderr: !matches.get_flag("quiet"),
        debug: matches.get_count("debug"),
        resources: !matches.get_flag("no-resources"),
        realtime: !matches.get_flag("no-realtime"),
        resume: matches.get_flag("resume"),
        state_file: matches.get_one("state").cloned(),
        guard: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf_of(address: &str) -> String {
        format!(
            "totem {{\n  version: 2\n  cluster_name: c\n}}\nquorum {{\n  provider: \
             corosync_votequorum\n}}\nnodelist {{\n  node {{\n    name: node1\n    nodeid: 1\n    \
             ring0_addr: {address}\n  }}\n}}\n"
        )
    }

    #[test]
    fn an_example_of_corosync_doesnt_hide_ha_cf_but_a_ring_has_to_be_named() {
        let dir = tempfile::tempdir().unwrap();
        let [ha_cf, conf] = ["ha.cf", "corosync.conf"].map(|name| dir.path().join(name));
        std::fs::write(&conf, conf_of("127.0.0.1")).unwrap();
        assert!(choose(&ha_cf, &conf).unwrap());
        std::fs::write(&ha_cf, "node a b\n").unwrap();
        assert!(!choose(&ha_cf, &conf).unwrap());
        std::fs::write(&conf, conf_of("10.0.0.1")).unwrap();
        let error = choose(&ha_cf, &conf).unwrap_err().to_string();
        assert!(error.contains("are both there"), "{error}");
        std::fs::remove_file(&conf).unwrap();
        assert!(!choose(&ha_cf, &conf).unwrap());
    }
}
