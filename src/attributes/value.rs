//! Values that count, and names of fail counts.

use crate::score;

/// A value as it is stored: `value++` counts one up from what is there, `value+=N` by N.
///
/// Source: Pacemaker 2.1.5, `attrd_expand_value`; sums stop at INFINITY.
pub(super) fn expanded(new: &str, old: Option<&str>) -> String {
    let by = match new.strip_prefix("value") {
        Some("++") => Some(1),
        Some(rest) => rest.strip_prefix("+=").map(score::parse),
        None => None,
    };
    match by {
        Some(by) => score::text(score::add(old.map_or(0, score::parse), by)),
        None => new.to_owned(),
    }
}

/// Whether an attribute is a fail count or the time of a failure of a resource.
///
/// An empty name stands for all resources, no operation for all operations.
pub(super) fn is_failure_of(
    attribute: &str,
    resource: &str,
    operation: Option<&str>,
    interval_ms: u64,
) -> bool {
    let rest = attribute.strip_prefix("fail-count-");
    let Some(rest) = rest.or_else(|| attribute.strip_prefix("last-failure-")) else {
        return false;
    };
    let (of, what) = rest.rsplit_once('#').unwrap_or((rest, ""));
    let instance_of = |of: &str| {
        of.rsplit_once(':')
            .is_some_and(|(base, n)| base == resource && n.parse::<u32>().is_ok())
    };
    if !resource.is_empty() && of != resource && !instance_of(of) {
        return false;
    }
    // Counts of old versions have no operation and stand for all.
    operation
        .is_none_or(|operation| what.is_empty() || what == format!("{operation}_{interval_ms}"))
}
