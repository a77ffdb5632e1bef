//! The log as the section `logging` wants it.
//!
//! Source: spec corosync-conf.md 3.5; corosync 3.1.7, exec/logsys.c, seen.

use anyhow::Context;

use super::Options;
use crate::config::corosync_conf::{CorosyncConf, Debug, Generation, LogRoute};
use crate::config::ha_cf::Facility;
use crate::runtime::log::corosync::{Config, Route, Style, Timestamp};
use crate::runtime::log::{Log, Subsystem};

/// Socket of syslog.
const SYSLOG: &str = "/dev/log";

/// Starts the log.
///
/// Errors: a log file can't be opened, no thread.
pub(super) fn start(conf: &CorosyncConf, options: &Options) -> anyhow::Result<Log> {
    let config = config(conf, options.foreground && options.log_to_stderr);
    check(&config)?;
    Log::start(config).context("can't start the log")
}

/// Errors: a log file can't be opened.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    for path in config.routes.iter().filter_map(|route| route.file.as_ref()) {
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        file.with_context(|| format!("can't open the log file {}", path.display()))?;
    }
    Ok(())
}

/// How lines look and where they go; nowhere on a terminal without `stderr`.
pub(super) fn config(conf: &CorosyncConf, stderr: bool) -> Config {
    let logging = &conf.logging;
    let host = nix::unistd::gethostname().unwrap_or_default();
    let style = Style {
        short: conf.told.generation == Generation::One,
        timestamp: match logging.timestamp.as_str() {
            "hires" => Timestamp::Milliseconds,
            "on" => Timestamp::Seconds,
            _ => Timestamp::Off,
        },
        fileline: logging.fileline,
        function_name: logging.function_name,
    };
    let of = |subsystem: Subsystem| {
        let mut named = logging.subsystems.iter().rev();
        let own = named.find(|(name, _)| name == subsystem.name());
        route(own.map_or(&logging.all, |(_, own)| own), stderr)
    };
    Config {
        host: host.to_string_lossy().into_owned(),
        syslog: SYSLOG.into(),
        style,
        routes: Subsystem::ALL.map(of),
    }
}

fn route(route: &LogRoute, stderr: bool) -> Route {
    let facility = Facility::parse(&route.syslog_facility).map_or(3, |f| f.code);
    Route {
        facility: route.to_syslog.then_some(facility),
        syslog_priority: priority(&route.syslog_priority),
        file: route.logfile.clone().filter(|_| route.to_logfile),
        file_priority: priority(&route.logfile_priority),
        stderr: stderr && route.to_stderr,
        debug: route.debug > Debug::Off,
    }
}

/// The number of a priority. Source: syslog(3)
fn priority(name: &str) -> u8 {
    match name {
        "emerg" => 0,
        "alert" => 1,
        "crit" => 2,
        "err" | "error" => 3,
        "warning" => 4,
        "notice" => 5,
        "debug" => 7,
        _ => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::corosync_conf;
    use crate::config::source::Source;

    fn read(logging: &str) -> Config {
        let text = format!(
            "totem {{\nversion: 2\ntransport: udpu\n}}\nnodelist {{\nnode {{\n\
             ring0_addr: 10.0.0.1\nnodeid: 1\n}}\n}}\nlogging {{\n{logging}\n}}\n"
        );
        let source = Source::new("corosync.conf", &text);
        config(&corosync_conf::read_all(&source).0, true)
    }

    #[test]
    fn subsystems_have_what_they_say_and_the_rest_of_all() {
        let config = read(
            "to_logfile: yes\nlogfile: /a\nsyslog_facility: local3\nlogfile_priority: err\n\
             to_stderr: no\nlogger_subsys {\nsubsys: QUORUM\nlogfile: /b\ndebug: on\n}\n\
             logger_subsys {\nsubsys: QUORUM\nto_syslog: no\n}",
        );
        let of = |subsystem: Subsystem| &config.routes[subsystem as usize];
        let main = Route {
            facility: Some(19),
            syslog_priority: 6,
            file: Some("/a".into()),
            file_priority: 3,
            stderr: false,
            debug: false,
        };
        assert_eq!(*of(Subsystem::Main), main);
        let quorum = Route {
            facility: None,
            file: Some("/b".into()),
            debug: true,
            ..main
        };
        assert_eq!(*of(Subsystem::Quorum), quorum);
        assert_eq!(config.style.timestamp, Timestamp::Milliseconds);
    }

    #[test]
    fn subsystems_stand_at_their_numbers() {
        for (at, subsystem) in Subsystem::ALL.into_iter().enumerate() {
            assert_eq!(subsystem as usize, at, "{}", subsystem.name());
        }
    }
}
