//! Names that are others since 3.0. Source: Pacemaker 2.1.5, `upgrade-2.10.xsl`.

/// What becomes of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has this name now.
    Renamed(&'static str),
    /// It has this name and this value now.
    Redefined(&'static str, &'static str),
    /// It is an option of this section now, with this name and perhaps this value.
    Moved(Section, &'static str, Option<&'static str>),
    /// It has this name now, and the value loses what it begins with.
    Shortened(&'static str, &'static str),
    /// It has no effect any more, and why.
    Dropped(&'static str),
}

/// Where options of the cluster moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// `rsc_defaults`
    Resources,
    /// `op_defaults`
    Operations,
}

impl Section {
    /// The name of the section.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Resources => "rsc_defaults",
            Self::Operations => "op_defaults",
        }
    }

    /// The id of a set that is made for it.
    pub(super) fn set_id(self) -> &'static str {
        match self {
            Self::Resources => "_2TO3_-rsc-defaults",
            Self::Operations => "_2TO3_-op-defaults",
        }
    }
}

const STACKS: [&str; 5] = [
    "heartbeat",
    "openais",
    "classic openais",
    "classic openais (with plugin)",
    "cman",
];

/// Options that only joined their words with `_`.
const UNDERSCORED: [(&str, &str); 12] = [
    ("cluster_recheck_interval", "cluster-recheck-interval"),
    ("dc_deadtime", "dc-deadtime"),
    ("election_timeout", "election-timeout"),
    ("no_quorum_policy", "no-quorum-policy"),
    ("remove_after_stop", "remove-after-stop"),
    ("shutdown_escalation", "shutdown-escalation"),
    ("startup_fencing", "startup-fencing"),
    ("stonith_action", "stonith-action"),
    ("stonith_enabled", "stonith-enabled"),
    ("stop_orphan_actions", "stop-orphan-actions"),
    ("stop_orphan_resources", "stop-orphan-resources"),
    ("symmetric_cluster", "symmetric-cluster"),
];

/// An option of the cluster.
pub(super) fn property(name: &str, value: &str) -> Option<Fate> {
    let dashed = name.replace('_', "-");
    Some(match (name, &*dashed) {
        ("cluster-infrastructure", _) if STACKS.contains(&value) => {
            Fate::Dropped("that stack is gone")
        }
        (_, "default-action-timeout") => Fate::Moved(Section::Operations, "timeout", None),
        (_, "default-migration-threshold") => {
            Fate::Dropped("use migration-threshold in rsc_defaults")
        }
        (_, "default-resource-stickiness") => {
            Fate::Moved(Section::Resources, "resource-stickiness", None)
        }
        (_, "default-resource-failure-stickiness") => match value {
            "-INFINITY" => Fate::Moved(Section::Resources, "migration-threshold", Some("1")),
            _ => Fate::Dropped("use migration-threshold in rsc_defaults"),
        },
        (_, "is-managed-default") => Fate::Moved(Section::Resources, "is-managed", None),
        ("expected-quorum-votes", _) => Fate::Dropped("corosync counts the votes"),
        ("notification-agent" | "notification-recipient", _) => Fate::Dropped("use alerts"),
        ("transition_idle_timeout", _) => Fate::Renamed("cluster-delay"),
        _ => {
            let known = UNDERSCORED.iter().find(|known| known.0 == name)?;
            Fate::Renamed(known.1)
        }
    })
}

/// A parameter of a resource.
pub(super) fn parameter(name: &str, value: &str) -> Option<Fate> {
    Some(match name {
        "pcmk_arg_map" => match value.starts_with("port:") && !value.contains(',') {
            true => Fate::Shortened("pcmk_host_argument", "port:"),
            false => Fate::Dropped("use pcmk_host_argument"),
        },
        "pcmk_list_cmd" => Fate::Renamed("pcmk_list_action"),
        "pcmk_monitor_cmd" => Fate::Renamed("pcmk_monitor_action"),
        "pcmk_off_cmd" => Fate::Renamed("pcmk_off_action"),
        "pcmk_on_cmd" => Fate::Renamed("pcmk_on_action"),
        "pcmk_reboot_cmd" => Fate::Renamed("pcmk_reboot_action"),
        "pcmk_status_cmd" => Fate::Renamed("pcmk_status_action"),
        _ => return None,
    })
}

/// A meta attribute of a resource.
pub(super) fn meta(name: &str, value: &str) -> Option<Fate> {
    Some(match name {
        "isolation" | "isolation-host" | "isolation-instance" | "isolation-wrapper" => {
            Fate::Redefined("target-role", "Stopped")
        }
        "resource-failure-stickiness" | "resource_failure_stickiness" => match value {
            "-INFINITY" => Fate::Redefined("migration-threshold", "1"),
            _ => Fate::Dropped("use migration-threshold"),
        },
        _ => return None,
    })
}

/// Whether a parameter of an operation is a meta attribute of it.
pub(super) fn is_operation_meta(name: &str) -> bool {
    [
        "interval-origin",
        "start-delay",
        "enabled",
        "on-fail",
        "record-pending",
        "role",
        "timeout",
    ]
    .contains(&name)
}

/// What an operation needs is told by its resource.
pub(super) const REQUIRES: &str = "requires";

/// Whether `requires` of such an operation had an effect.
pub(super) fn requires_counts(operation: &str) -> bool {
    ["start", "promote"].contains(&operation)
}
