//! `--wait`: until the cluster has nothing left to do.
//! Source: Pacemaker 2.1.5, `wait_till_stable` of `tools/crm_resource_runtime.c`; the installed
//! tool.

use std::time::{Duration, Instant};

use super::perform::{Done, Job};
use crate::cib::Document;
use crate::cli::crm::{Failure, clock, code, deep};
use crate::rules;
use crate::scheduler::unpack::expand::expand;

/// If `--timeout` isn't given.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// How long between two looks at the cluster.
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// The time that `--timeout` gives, if it is given.
pub(super) fn timeout(job: &Job<'_>) -> Result<Option<Duration>, Failure> {
    let Some(text) = job.line.value("timeout") else {
        return Ok(None);
    };
    match u64::try_from(rules::milliseconds(text).unwrap_or(-1)) {
        Ok(ms) => Ok(Some(Duration::from_millis(ms))),
        Err(_) => Err(Failure::Usage(format!(
            "--timeout has to be a time, for example 30s or 2min, not {text:?}"
        ))),
    }
}

/// Waits; what is left to do then is told if the time was too short.
pub(super) fn until_settled(job: &mut Job<'_>) -> Done {
    let end = Instant::now() + timeout(job)?.unwrap_or(TIMEOUT);
    let mut warned = false;
    loop {
        if !warned && is_of_another_version(job.session.doc()) {
            warned = true;
            job.info("warning: wait option may not work properly in mixed-version cluster");
        }
        let left = left_to_do(job.session.doc())?;
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= end {
            job.info("Pending actions:");
            for action in left {
                job.info(format_args!("\t{action}"));
            }
            return Err(Failure::Exit(code::TIMEOUT));
        }
        std::thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now())));
        job.session.refresh()?;
    }
}

/// Whether another version decides: its scheduler may have other things in mind than ours.
fn is_of_another_version(doc: &Document) -> bool {
    let options = doc.root_element().find(&["configuration", "crm_config"]);
    let mut options = options.into_iter().flat_map(|all| all.descendants());
    let version = options.find(|option| option.attr("name") == Some("dc-version"));
    let version = version.and_then(|option| option.attr("value"));
    version.is_none_or(|version| !version.contains(env!("CARGO_PKG_VERSION")))
}

/// What a cluster with this CIB would do, the last first.
fn left_to_do(doc: &Document) -> Result<Vec<String>, Failure> {
    let found = deep(|| {
        let input = expand(doc);
        let mut cluster = crate::scheduler::read(&input, clock::clock());
        crate::scheduler::schedule(&mut cluster);
        let actions = cluster.actions.ids().rev().map(|id| &cluster.actions[id]);
        let pending =
            actions.filter(|a| !a.optional && !a.pseudo && a.runnable && &*a.task != "notify");
        let told = pending.map(|action| {
            let node = action.node.map(|node| &*cluster.nodes[node].name);
            let node = node.unwrap_or("unknown node");
            format!("Action {}: {}\ton {node}", action.id, action.key)
        });
        told.collect::<Vec<_>>()
    });
    found.map_err(|error| Failure::Said(code::OSERR, error.to_string()))
}
