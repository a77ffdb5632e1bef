//! The environment of resource and rc.d scripts.
//!
//! Source: heartbeat 3.0.6, `spec/heartbeat-v1.md` section 1.1, seen.

use crate::config::ha_cf::{AutoFailback, HaCf};
use crate::ids::NodeName;
use crate::proto::heartbeat::NodeStatus;
use crate::wire::heartbeat::{Message, Value};

/// What of the daemon's state a script sees.
#[derive(Debug, Clone)]
pub struct State<'a> {
    /// Own name.
    pub local: &'a NodeName,
    /// Own status.
    pub status: NodeStatus,
    /// True when no other node is active: a script need not ask anyone.
    pub alone: bool,
    /// Debug level.
    pub debug: u8,
}

const FIXED: &[(&str, &str)] = &[
    ("HA_DIR", "/etc/ha.d"),
    ("HA_RCDIR", "/etc/ha.d/rc.d"),
    ("HA_RESOURCEDIR", "/etc/ha.d/resource.d"),
    ("HA_FIFO", "/var/lib/heartbeat/fifo"),
    ("HA_BIN", "/usr/libexec/heartbeat"),
    ("HA_FUNCS", "/etc/ha.d/shellfuncs"),
    ("HA_DOCDIR", "/usr/share/doc/heartbeat"),
    ("HA_DATEFMT", "%Y/%m/%d_%T\t"),
    ("OCF_ROOT", "/usr/lib/ocf"),
    (
        "PATH",
        "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin",
    ),
];

/// Environment of every script: fixed names, ha.cf's directives, `env` lines, own state.
pub fn of_scripts(config: &HaCf, state: &State<'_>) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = FIXED.iter().map(|&(k, v)| (k.into(), v.into())).collect();
    let mut add = |name: &str, value: &str| env.push((name.into(), value.into()));
    for (directive, value) in &config.parameters {
        add(&format!("HA_{directive}"), value);
    }
    for (name, value) in &config.env {
        add(&format!("HA_{name}"), value);
    }
    add("HA_CURHOST", state.local.as_str());
    add("HA_OSTATUS", state.status.as_str());
    let path = |p: &Option<std::path::PathBuf>| {
        p.as_ref()
            .map_or("/dev/null".to_owned(), |p| p.display().to_string())
    };
    add("HA_LOGFILE", &path(&config.logfile));
    add("HA_DEBUGLOG", &path(&config.debugfile));
    if let Some(facility) = config.logfacility {
        add("HA_LOGFACILITY", facility.name);
    }
    add(
        "HA_LOGD",
        if config.use_logd == Some(true) {
            "yes"
        } else {
            "no"
        },
    );
    if config.auto_failback != AutoFailback::Legacy {
        add("HA_NICEFAILBACK", "yes");
    }
    if state.alone {
        add("HA_DONTASK", "yes");
    }
    if state.debug > 0 {
        add("HA_debug", &state.debug.to_string());
    }
    env
}

/// What a script that runs because of a message gets besides: each text field as `HA_<field>`.
///
/// A field whose name isn't a word of letters, digits and `_` is left out: it comes from the
/// network and would be no use in a shell.
pub fn of_message(message: &Message) -> Vec<(String, String)> {
    let is_word = |name: &[u8]| name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    message
        .fields()
        .iter()
        .filter(|field| is_word(&field.name))
        .filter_map(|field| match &field.value {
            Value::Text(text) => Some((&field.name, text)),
            _ => None,
        })
        .map(|(name, text)| {
            let name = String::from_utf8_lossy(name);
            (
                format!("HA_{name}"),
                String::from_utf8_lossy(text).into_owned(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_message_become_variables() {
        let mut message = Message::of_type("status").with("st", "dead");
        message.push("srcuuid", Value::Binary(vec![1; 16]));
        message.push_text("x;reboot", "y");
        let env = of_message(&message);
        assert_eq!(
            env,
            [
                ("HA_t".into(), "status".into()),
                ("HA_st".to_owned(), "dead".to_owned())
            ]
        );
    }
}
