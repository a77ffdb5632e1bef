//! Age of entries of a history: which of two is newer, and where a resource last started and
//! stopped.

use crate::cib::Element;
use crate::scheduler::score;

/// Number that a transition has in the key of an operation; none if there is no key.
struct TransitionKey<'a> {
    number: i64,
    uuid: &'a str,
}

/// `ACTION:TRANSITION:TARGETRC:UUID`, in a magic after `STATUS:RC;`.
fn transition_key(magic: &str) -> Option<TransitionKey<'_>> {
    let key = magic.split_once(';').map_or(magic, |(_, key)| key);
    let mut parts = key.splitn(4, ':');
    let (_, number, _) = (parts.next()?, parts.next()?, parts.next()?);
    Some(TransitionKey {
        number: number.parse().ok()?,
        uuid: parts.next()?,
    })
}

/// Whether a happened after b, as far as one can tell: which of two entries is newer.
pub fn compare_age(a: Element<'_>, b: Element<'_>, same_node: bool) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Equal, Greater, Less};
    if same_node && a.id() == b.id() {
        return Equal;
    }
    let call = |e: Element<'_>| {
        e.attr("call-id")
            .and_then(score::leading_integer)
            .unwrap_or(-1)
    };
    let (call_a, call_b) = (call(a), call(b));
    if call_a == -1 && call_b == -1 {
        return Equal;
    }
    if same_node && call_a >= 0 && call_b >= 0 && call_a != call_b {
        return call_a.cmp(&call_b);
    }
    if call_a >= 0 && call_b >= 0 {
        let time = |e: Element<'_>| e.attr("last-rc-change").and_then(score::leading_integer);
        return match (time(a), time(b)) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => Equal,
        };
    }
    let key = |e: Element<'_>| -> Option<(i64, String)> {
        let magic = e
            .attr("transition-magic")
            .or_else(|| e.attr("transition-key"))?;
        transition_key(magic).map(|k| (k.number, k.uuid.to_owned()))
    };
    match (key(a), key(b)) {
        (Some((x, uuid_x)), Some((y, uuid_y))) if uuid_x == uuid_y && x != y => {
            if x == -1 {
                Greater
            } else if y == -1 {
                Less
            } else {
                x.cmp(&y)
            }
        }
        (Some(_), Some(_)) => {
            if call_b == -1 {
                Less
            } else {
                Greater
            }
        }
        _ => Equal,
    }
}

/// Where in a sorted history a resource last started and stopped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extent {
    /// Number of the start, counted from 1; 0 if none.
    pub start: usize,
    /// Number of the stop.
    pub stop: usize,
}

impl Extent {
    /// Of a sorted history.
    pub fn of(ops: &[Element<'_>]) -> Self {
        let (mut start, mut stop, mut implied_monitor, mut implied_role) = (0, 0, 0, 0);
        for (i, op) in ops.iter().enumerate() {
            let at = i + 1;
            let rc = op.attr("rc-code");
            match op.attr("operation").unwrap_or("") {
                "stop" if op.attr("op-status") == Some("0") => stop = at,
                "start" | "migrate_from" => start = at,
                "monitor" if implied_monitor <= stop && matches!(rc, Some("0" | "8")) => {
                    implied_monitor = at;
                }
                "promote" | "demote" => implied_role = at,
                _ => {}
            }
        }
        if start == 0 {
            start = if implied_role > 0 {
                implied_role
            } else {
                implied_monitor
            };
        }
        Self { start, stop }
    }
}
