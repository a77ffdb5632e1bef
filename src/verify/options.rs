//! Options of the cluster.

use super::Remarks;
use crate::cib::options::SCHEDULER;
use crate::rules;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::unpack::options::QuorumPolicy;

pub(super) fn check(cluster: &Cluster<'_>, remarks: &mut Remarks) {
    let options = &cluster.options;
    let is_time = |value: &str| value.starts_with('P') || rules::milliseconds(value).is_ok();
    for option in SCHEDULER {
        let name = option.name;
        if let Some(value) = options.text(name)
            && !option.takes(value, is_time)
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
