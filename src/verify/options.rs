//! Options of the cluster.

use super::Remarks;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::score;
use crate::scheduler::unpack::options::QuorumPolicy;

/// What an option may be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Boolean,
    Number,
    Time,
    OneOf(&'static [&'static str]),
}

/// The scheduler's options. Source: Pacemaker 2.1.5, `pcmk__options` of `lib/pengine/common.c`.
const OPTIONS: &[(&str, Kind)] = &[
    (
        "no-quorum-policy",
        Kind::OneOf(&["stop", "freeze", "ignore", "demote", "suicide"]),
    ),
    ("symmetric-cluster", Kind::Boolean),
    ("maintenance-mode", Kind::Boolean),
    ("start-failure-is-fatal", Kind::Boolean),
    ("enable-startup-probes", Kind::Boolean),
    ("shutdown-lock", Kind::Boolean),
    ("shutdown-lock-limit", Kind::Time),
    ("stonith-enabled", Kind::Boolean),
    (
        "stonith-action",
        Kind::OneOf(&["reboot", "off", "poweroff"]),
    ),
    ("stonith-timeout", Kind::Time),
    ("have-watchdog", Kind::Boolean),
    ("concurrent-fencing", Kind::Boolean),
    ("startup-fencing", Kind::Boolean),
    ("priority-fencing-delay", Kind::Time),
    ("cluster-delay", Kind::Time),
    ("batch-limit", Kind::Number),
    ("migration-limit", Kind::Number),
    ("stop-all-resources", Kind::Boolean),
    ("stop-orphan-resources", Kind::Boolean),
    ("stop-orphan-actions", Kind::Boolean),
    ("remove-after-stop", Kind::Boolean),
    ("pe-error-series-max", Kind::Number),
    ("pe-warn-series-max", Kind::Number),
    ("pe-input-series-max", Kind::Number),
    (
        "node-health-strategy",
        Kind::OneOf(&[
            "none",
            "migrate-on-red",
            "only-green",
            "progressive",
            "custom",
        ]),
    ),
    ("node-health-base", Kind::Number),
    ("node-health-green", Kind::Number),
    ("node-health-yellow", Kind::Number),
    ("node-health-red", Kind::Number),
    (
        "placement-strategy",
        Kind::OneOf(&["default", "utilization", "minimal", "balanced"]),
    ),
];

fn is_valid(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Boolean => score::boolean(value).is_some(),
        Kind::Number => {
            let digits = value.trim_start().trim_start_matches(['-', '+']);
            digits.starts_with("INFINITY") || digits.starts_with(|c: char| c.is_ascii_digit())
        }
        Kind::Time => value.starts_with('P') || score::milliseconds(value) >= 0,
        Kind::OneOf(values) => values.contains(&value),
    }
}

pub(super) fn check(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    let options = &cluster.options;
    for (name, kind) in OPTIONS {
        if let Some(value) = options.text(name)
            && !is_valid(*kind, value)
        {
            remarks.error(
                "cluster_option_value",
                format!(
                    "Using default value for cluster option '{name}' because '{value}' is invalid"
                ),
            );
        }
    }
    if options.text("stonith-action") == Some("poweroff") {
        let text = "Support for stonith-action of 'poweroff' is deprecated and will be removed in \
                    a future release (use 'off' instead)";
        remarks.warn("unpack_config", text);
    }
    if options.text("no-quorum-policy") == Some("suicide") && !options.stonith_enabled {
        let text = "Resetting no-quorum-policy to 'stop' because fencing is disabled";
        remarks.error("unpack_config", text);
    }
    if options.remove_after_stop {
        let text = "Support for the remove-after-stop cluster property is deprecated and will be \
                    removed in a future release";
        remarks.warn("unpack_config", text);
    }
    if !options.startup_fencing {
        remarks.aside("unpack_config", "Blind faith: not fencing unseen nodes");
    }
    if !cluster.have_quorum && options.quorum_policy != QuorumPolicy::Ignore {
        let text = "Fencing and resource management disabled due to lack of quorum";
        remarks.aside("cluster_status", text);
    }
}

/// Without a fence device nothing starts.
pub(super) fn check_fencing(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    if cluster.options.stonith_enabled && !cluster.has_fence_device {
        for text in [
            "Resource start-up disabled since no STONITH resources have been defined",
            "Either configure some or disable STONITH with the stonith-enabled option",
            "NOTE: Clusters with shared data need STONITH to ensure data integrity",
        ] {
            remarks.error("unpack_resources", text);
        }
    }
}
