//! Options of the cluster.

use crate::cib::boolean;
use crate::rules;
use crate::scheduler::model::Values;
use crate::scheduler::model::cluster::Cluster;
use crate::scheduler::score;
use crate::scheduler::unpack::sets::Reading;

/// What is done without quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum QuorumPolicy {
    Ignore,
    Freeze,
    Demote,
    Suicide,
    #[default]
    Stop,
}

/// How nodes are chosen by load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Placement {
    #[default]
    Default,
    Utilization,
    Minimal,
    Balanced,
}

/// Options of the cluster that the scheduler reads. Names are those of the options.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Options {
    pub all: Values,
    pub startup_probes: bool,
    pub have_watchdog: bool,
    pub stonith_enabled: bool,
    pub stonith_action: String,
    pub stonith_timeout: String,
    pub concurrent_fencing: bool,
    pub priority_fencing_delay: i64,
    pub stop_all: bool,
    pub symmetric: bool,
    pub quorum_policy: QuorumPolicy,
    pub stop_orphans: bool,
    pub stop_orphan_actions: bool,
    pub remove_after_stop: bool,
    pub maintenance: bool,
    pub start_failure_fatal: bool,
    pub startup_fencing: bool,
    pub placement: Placement,
    pub shutdown_lock: bool,
    pub shutdown_lock_limit: i64,
    pub cluster_delay: String,
    pub batch_limit: String,
    pub migration_limit: i64,
    pub unfencing: bool,
}

impl Options {
    fn flag(&self, name: &str, default: bool) -> bool {
        let value = self.all.get(name).and_then(|v| boolean::parse(v));
        value.unwrap_or(default)
    }

    fn time(&self, name: &str, default: &str) -> String {
        match self.all.get(name) {
            Some(value) if value_is_time(value) => value.to_string(),
            _ => default.to_owned(),
        }
    }

    /// A valid value of an option, or none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(|v| &**v)
    }
}

fn value_is_time(value: &str) -> bool {
    rules::milliseconds(value).unwrap_or(-1) >= 0 || value.starts_with('P')
}

impl Cluster<'_> {
    /// Reads the options.
    pub(in crate::scheduler) fn unpack_options(&mut self) {
        let mut options = Options::default();
        if let Some(config) = self.configuration("crm_config") {
            let context = self.context();
            let reading = Reading {
                first: Some("cib-bootstrap-options"),
                overwrite: false,
            };
            let mut all = Values::new();
            self.read_sets(config, "cluster_property_set", &context, reading, &mut all);
            options.all = all;
        }
        let o = &mut options;
        o.startup_probes = o.flag("enable-startup-probes", true);
        o.have_watchdog = o.flag("have-watchdog", false);
        o.stonith_enabled = o.flag("stonith-enabled", true);
        o.stonith_action = match o.text("stonith-action") {
            Some("poweroff" | "off") => "off".to_owned(),
            _ => "reboot".to_owned(),
        };
        o.stonith_timeout = o.time("stonith-timeout", "60s");
        o.concurrent_fencing = o.flag("concurrent-fencing", false);
        let delay = o.text("priority-fencing-delay").unwrap_or("0");
        o.priority_fencing_delay = i64::from(rules::interval_ms(delay).unwrap_or(0) / 1000);
        o.stop_all = o.flag("stop-all-resources", false);
        o.symmetric = o.flag("symmetric-cluster", true);
        o.stop_orphans = o.flag("stop-orphan-resources", true);
        o.stop_orphan_actions = o.flag("stop-orphan-actions", true);
        o.remove_after_stop = o.flag("remove-after-stop", false);
        o.maintenance = o.flag("maintenance-mode", false);
        o.start_failure_fatal = o.flag("start-failure-is-fatal", true);
        o.startup_fencing = o.stonith_enabled && o.flag("startup-fencing", true);
        o.placement = match o.text("placement-strategy") {
            Some("utilization") => Placement::Utilization,
            Some("minimal") => Placement::Minimal,
            Some("balanced") => Placement::Balanced,
            _ => Placement::Default,
        };
        o.shutdown_lock = o.flag("shutdown-lock", false);
        let limit = o.text("shutdown-lock-limit").unwrap_or("0");
        o.shutdown_lock_limit = i64::from(rules::interval_ms(limit).unwrap_or(0) / 1000);
        o.cluster_delay = o.time("cluster-delay", "60s");
        o.batch_limit = o.text("batch-limit").unwrap_or("0").to_owned();
        let limit = o.text("migration-limit").and_then(score::leading_integer);
        o.migration_limit = limit.unwrap_or(-1);
        o.quorum_policy = self.quorum_policy(o);
        o.unfencing = self.mentions_unfencing();
        self.colours(o);
        self.options = options;
    }

    fn quorum_policy(&self, options: &Options) -> QuorumPolicy {
        match options.text("no-quorum-policy") {
            Some("ignore") => QuorumPolicy::Ignore,
            Some("freeze") => QuorumPolicy::Freeze,
            Some("demote") => QuorumPolicy::Demote,
            Some("suicide") if options.stonith_enabled => {
                let panic = self.root().attr("no-quorum-panic");
                let panic = panic.and_then(score::leading_integer).unwrap_or(0) != 0;
                if panic || self.have_quorum {
                    QuorumPolicy::Suicide
                } else {
                    QuorumPolicy::Stop
                }
            }
            _ => QuorumPolicy::Stop,
        }
    }

    fn mentions_unfencing(&self) -> bool {
        ["resources", "rsc_defaults"].iter().any(|section| {
            let Some(section) = self.configuration(section) else {
                return false;
            };
            section.descendants().any(|e| {
                e.name() == "nvpair"
                    && matches!(e.attr("name"), Some("provides" | "requires"))
                    && e.attr("value") == Some("unfencing")
                    && e.parent().is_some_and(|p| p.name() == "meta_attributes")
            })
        })
    }

    fn colours(&mut self, options: &Options) {
        let score_of = |name: &str, default: i32| {
            options
                .text(name)
                .map_or(default, |v| score::plain(Some(v)))
        };
        let inf = score::INFINITY;
        let (red, yellow, green) = match options.text("node-health-strategy") {
            Some("migrate-on-red") => (-inf, 0, 0),
            Some("only-green") => (-inf, -inf, 0),
            Some("progressive" | "custom") => (
                score_of("node-health-red", -inf),
                score_of("node-health-yellow", 0),
                score_of("node-health-green", 0),
            ),
            _ => (0, 0, 0),
        };
        self.health.colours = score::Colours { red, yellow, green };
        self.health.base = match options.text("node-health-strategy") {
            Some("progressive") => score_of("node-health-base", 0),
            _ => 0,
        };
        self.health.active = matches!(
            options.text("node-health-strategy"),
            Some("migrate-on-red" | "only-green" | "progressive" | "custom")
        );
    }
}
