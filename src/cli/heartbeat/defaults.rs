//! `heartbeat -D`: directives that hold where ha.cf is silent; `-v`: those that hold.

use crate::config::ha_cf::{self, HaCf};
use crate::config::host::DistantHost;
use crate::config::source::Source;

/// Prints the table.
pub fn print(wiki: bool) {
    print!("{}", table(&defaults(), wiki));
}

/// Directives with their values where nothing is written, in heartbeat's order.
fn defaults() -> Vec<(String, String)> {
    let silence = Source::new("ha.cf", "");
    let (config, _) = ha_cf::read_all(&silence, &DistantHost::default());
    config.parameters
}

fn table(defaults: &[(String, String)], wiki: bool) -> String {
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::len).max().unwrap_or(0);
    let names = widest(&mut defaults.iter().map(|d| d.0.as_str()).chain(["Directive"]));
    let values = widest(&mut defaults.iter().map(|d| d.1.as_str()).chain(["Default"]));
    let row = |name: &str, value: &str, text: &str| match wiki {
        true => format!("||{name}||{value}||{text}||\n"),
        false => format!("{name:names$}  {value:values$}  {text}\n"),
    };
    let mut out = row("Directive", "Default", "Description");
    if !wiki {
        out += &format!("{}\n", "-".repeat(80));
    }
    for (name, value) in defaults {
        out += &row(name, value, description(name));
    }
    out
}

/// Prints what holds, ha.cf and defaults, in the form of ha.cf.
pub fn print_configuration(config: &HaCf) {
    println!("# what holds on this node, defaults included");
    for (name, value) in &config.parameters {
        println!("{name}\t{value}\t# {}", description(name));
    }
    for node in &config.nodes {
        println!("node\t{node}");
    }
    for medium in &config.media {
        println!("# medium {} on link {}", medium.directive(), medium.link());
    }
}

fn description(directive: &str) -> &'static str {
    match directive {
        "cluster" => "name of the cluster, for people",
        "hopfudge" => "hops a message may take beyond the number of nodes",
        "keepalive" => "time between two heartbeats",
        "deadtime" => "silence after which a node is dead",
        "deadping" => "silence after which a ping node is dead",
        "initdead" => "dead time while starting",
        "warntime" => "silence after which a node is late",
        "baud" => "speed of serial media",
        "udpport" => "port of the media that follow",
        "logfile" => "log without debug lines",
        "debugfile" => "log with debug lines",
        "logfacility" => "facility of syslog",
        "auto_failback" => "does a group go back to its preferred node?",
        "hbgenmethod" => "where the generation comes from",
        "realtime" => "real-time scheduling and locked memory",
        "debug" => "debug level",
        "msgfmt" => "form of messages on the wire",
        "conn_logd_time" => "time between attempts to reach the logging daemon",
        "log_badpack" => "log packets that are no messages",
        "syslogmsgfmt" => "log files in syslog's form",
        "coredumps" => "are core files wanted?",
        "pacemaker" | "crm" => "does a CRM have the resources?",
        "autojoin" => "may nodes join that ha.cf doesn't name?",
        "uuidfrom" => "where a node's uuid comes from",
        "compression" => "how long messages are compressed",
        "compression_threshold" => "KiB from which on they are",
        "traditional_compression" => "compress whole messages, not fields",
        "max_rexmit_delay" => "longest delay of a retransmission, ms",
        "memreserve" => "memory to reserve, KiB",
        "record_config_changes" | "record_pengine_inputs" | "enable_config_writes" => {
            "only with a CRM"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_heartbeats() {
        let text = table(&defaults(), false);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|l| l.split_whitespace().take(2).collect())
            .collect();
        for expected in [
            ["keepalive", "1000ms"],
            ["deadtime", "30000ms"],
            ["auto_failback", "legacy"],
            ["memreserve", "6500"],
        ] {
            assert!(
                lines.iter().any(|l| l == &expected),
                "{expected:?} in {text}"
            );
        }
    }

    #[test]
    fn every_directive_with_a_default_is_described() {
        for (name, _) in defaults() {
            assert!(!description(&name).is_empty(), "{name}");
        }
    }
}
